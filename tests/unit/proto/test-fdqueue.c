/* SPDX-License-Identifier: MIT */
/* Descriptors that wait for their messages. */

#include <fcntl.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/fdqueue.h"
#include "tests/support/unit.h"

static int new_fd(void) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}

SUITE("fdqueue");
CASE("fdqueue", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(order) {
        FdQueue queue = FD_QUEUE_NULL;
        int fds[3];

        ck_assert_int_eq(fd_queue_pop(&queue), -EBADF);
        for (int i = 0; i < 3; ++i) {
                fds[i] = new_fd();
                ck_assert_int_eq(fd_queue_push(&queue, fds[i]), 0);
        }
        for (int i = 0; i < 3; ++i) {
                ck_assert_int_eq(fd_queue_pop(&queue), fds[i]);
                fd_close(fds[i]);
        }
        ck_assert_int_eq(fd_queue_pop(&queue), -EBADF);
        fd_queue_deinit(&queue);
        fd_queue_deinit(&queue);
}

/* Far more than it holds at a time, so that its ends go round. */
TEST(round) {
        FdQueue queue = FD_QUEUE_NULL;
        int next_in = 1000, next_out = 1000;
        uint64_t seed = 1;

        /* Numbers only: nothing is closed while the queue is never full and ends empty. */
        for (unsigned int i = 0; i < 100000; ++i)
                if (unit_below(&seed, 2) && queue.n_fds < FD_QUEUE_MAX)
                        ck_assert_int_eq(fd_queue_push(&queue, next_in++), 0);
                else if (next_out < next_in)
                        ck_assert_int_eq(fd_queue_pop(&queue), next_out++);
                else
                        ck_assert_int_eq(fd_queue_pop(&queue), -EBADF);
        ck_assert_uint_eq(queue.n_fds, (size_t) (next_in - next_out));
        while (next_out < next_in)
                ck_assert_int_eq(fd_queue_pop(&queue), next_out++);
        ck_assert_uint_eq(queue.n_fds, 0);
}

/* What finds no room is closed, and what is left at the end is. */
TEST(full) {
        FdQueue queue = FD_QUEUE_NULL;
        int fd, first = new_fd();

        ck_assert_int_eq(fd_queue_push(&queue, first), 0);
        for (int i = 1; i < FD_QUEUE_MAX; ++i)
                ck_assert_int_eq(fd_queue_push(&queue, new_fd()), 0);
        fd = new_fd();
        ck_assert_int_eq(fd_queue_push(&queue, fd), FD_QUEUE_E_FULL);
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
        ck_assert_int_eq(fd_queue_pop(&queue), first);
        fd_close(first);
        ck_assert_int_eq(fd_queue_push(&queue, new_fd()), 0);
        fd_queue_deinit(&queue);
        ck_assert_uint_eq(queue.n_fds, 0);
}

/* The helpers that descriptors are owned by. */
TEST(close) {
        int fd = new_fd(), stolen;

        errno = 42;
        ck_assert_int_eq(fd_close(-EBADF), -EBADF);
        ck_assert_int_eq(fd_close(-1), -EBADF);
        stolen = steal_fd(&fd);
        ck_assert_int_eq(fd, -EBADF);
        ck_assert_int_eq(fd_close(stolen), -EBADF);
        ck_assert_int_eq(errno, 42);
        ck_assert_int_eq(fcntl(stolen, F_GETFD), -1);
        {
                _cleanup_fd_ int local = new_fd();

                stolen = local;
        }
        ck_assert_int_eq(fcntl(stolen, F_GETFD), -1);
}
