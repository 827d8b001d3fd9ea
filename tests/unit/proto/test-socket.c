/* SPDX-License-Identifier: MIT */
/* Bytes and descriptors through sockets, and what the kernel does with them. */

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static int pair[2];
static FdQueue queue;

static void setup(void) {
        unit_fds_begin();
        queue = (FdQueue) FD_QUEUE_NULL;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                         0);
}

static void teardown(void) {
        fd_queue_deinit(&queue);
        pair[0] = fd_close(pair[0]);
        pair[1] = fd_close(pair[1]);
        unit_fds_end();
}

static void send_text(const char *text, int fd) {
        size_t n_sent = 0;

        ck_assert_int_eq(socket_send(pair[0], text, strlen(text), fd, &n_sent), 0);
        ck_assert_uint_eq(n_sent, strlen(text));
}

/* Sends @n_fds copies of @fd in one message, which socket_send() never does. */
static void send_many(int fd, size_t n_fds) {
        union {
                char bytes[CMSG_SPACE(sizeof(int) * FD_QUEUE_MAX)];
                struct cmsghdr align;
        } control = {};
        struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
        struct msghdr message = {
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds),
        };
        struct cmsghdr *header = &control.align;
        int fds[FD_QUEUE_MAX];

        for (size_t i = 0; i < n_fds; ++i)
                fds[i] = fd;
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(control.bytes + CMSG_LEN(0), fds, sizeof(int) * n_fds);
        ck_assert_int_eq(sendmsg(pair[0], &message, MSG_NOSIGNAL), 1);
}

/* Receives into a large buffer. */
static int receive(FdQueue *fds, const char *expected) {
        char space[4096];
        size_t n = 0;
        int r = socket_receive(pair[1], space, sizeof(space), fds, &n);

        ck_assert_uint_eq(n, strlen(expected));
        ck_assert_mem_eq(space, expected, n);
        return r;
}

static ino_t inode(int fd) {
        struct stat st;

        ck_assert_int_eq(fstat(fd, &st), 0);
        return st.st_ino;
}

/* A pipe tells whether a copy of its other end is still somewhere: end of file says no. */
static bool held(int read_fd) {
        char c;

        return read(read_fd, &c, 1) != 0;
}

static int open_pipe(int *ret_read_fd) {
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        *ret_read_fd = fds[0];
        return fds[1];
}

SUITE("socket");
CASE("socket", .setup = setup, .teardown = teardown);

TEST(bytes) {
        char space[4];
        size_t n = 0;

        ck_assert_int_eq(receive(NULL, ""), SOCKET_E_AGAIN);
        ck_assert_int_eq(receive(&queue, ""), SOCKET_E_AGAIN);
        send_text("abc", -EBADF);
        send_text("def", -EBADF);
        ck_assert_int_eq(socket_receive(pair[1], space, 2, NULL, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_mem_eq(space, "ab", 2);
        ck_assert_int_eq(receive(&queue, "cdef"), 0);
        ck_assert_uint_eq(queue.n_fds, 0);
        ck_assert_int_eq(receive(&queue, ""), SOCKET_E_AGAIN);
}

TEST(descriptor) {
        int memfd = unit_memfd(10), fd;
        ino_t sent = inode(memfd);

        send_text("abc", memfd);
        fd_close(memfd);
        ck_assert_int_eq(receive(&queue, "abc"), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
        fd = fd_queue_pop(&queue);
        ck_assert_uint_eq(inode(fd), sent);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        fd_close(fd);
}

/* It comes with the first byte, however few are read. */
TEST(descriptor_first_byte) {
        int read_fd, write_fd = open_pipe(&read_fd);
        char space[1];
        size_t n;

        send_text("abc", write_fd);
        fd_close(write_fd);
        ck_assert_int_eq(socket_receive(pair[1], space, 1, &queue, &n), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
        ck_assert_int_eq(receive(&queue, "bc"), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
        ck_assert(held(read_fd));
        fd_queue_deinit(&queue);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
}

/*
 * A fact about the kernel, and why descriptors are queued: plain bytes sent earlier are handed out
 * together with the first bytes of a message that carries a descriptor. What is sent behind it is
 * not.
 */
TEST(gluing) {
        int memfd = unit_memfd(10);

        send_text("plain", -EBADF);
        send_text("with", memfd);
        send_text("behind", -EBADF);
        ck_assert_int_eq(receive(&queue, "plainwith"), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
        ck_assert_int_eq(receive(&queue, "behind"), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
        /* Two messages that carry one are never handed out together. */
        send_text("one", memfd);
        send_text("two", memfd);
        ck_assert_int_eq(receive(&queue, "one"), 0);
        ck_assert_uint_eq(queue.n_fds, 2);
        ck_assert_int_eq(receive(&queue, "two"), 0);
        ck_assert_uint_eq(queue.n_fds, 3);
        fd_close(memfd);
}

/* Who receives by plain recv(2) never has the descriptor, and the kernel lets go of it. */
TEST(plain_receive) {
        int read_fd, write_fd = open_pipe(&read_fd);
        size_t n_before = unit_count_fds();

        send_text("plain", -EBADF);
        send_text("with", write_fd);
        fd_close(write_fd);
        ck_assert(held(read_fd));
        ck_assert_int_eq(receive(NULL, "plainwith"), 0);
        ck_assert_uint_eq(unit_count_fds(), n_before - 1);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
}

TEST(many) {
        int read_fd, write_fd = open_pipe(&read_fd);

        send_many(write_fd, 3);
        fd_close(write_fd);
        ck_assert_int_eq(receive(&queue, "x"), 0);
        ck_assert_uint_eq(queue.n_fds, 3);
        fd_queue_deinit(&queue);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
}

/* More than anybody who keeps the rules has under way: nothing is kept. */
TEST(too_many) {
        int read_fd, write_fd = open_pipe(&read_fd);

        send_many(write_fd, FD_QUEUE_MAX);
        ck_assert_int_eq(receive(&queue, "x"), 0);
        ck_assert_uint_eq(queue.n_fds, FD_QUEUE_MAX);
        send_many(write_fd, 1);
        fd_close(write_fd);
        ck_assert_int_eq(receive(&queue, "x"), SOCKET_E_TRUNCATED);
        fd_queue_deinit(&queue);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
}

/* The bytes come without an error while descriptors cannot be taken: room for _i of three. */
TEST(truncated, .end = 3) {
        int read_fd, write_fd = open_pipe(&read_fd);
        uint64_t before;
        int r, next;

        /* One that waits from before goes too: nobody can tell what belongs to what. */
        send_text("a", write_fd);
        ck_assert_int_eq(receive(&queue, "a"), 0);
        send_many(write_fd, 3);
        fd_close(write_fd);
        next = dup(read_fd);
        ck_assert_int_ge(next, 0);
        fd_close(next);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) next + (uint64_t) _i);
        r = receive(&queue, "x");
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_int_eq(r, SOCKET_E_TRUNCATED);
        fd_queue_deinit(&queue);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
        /* It has passed. */
        send_text("b", pair[0]);
        ck_assert_int_eq(receive(&queue, "b"), 0);
        ck_assert_uint_eq(queue.n_fds, 1);
}

/* A pair that keeps messages apart. */
static void make_packets(int *packets) {
        ck_assert_int_eq(
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, packets), 0);
}

/* Whoever looks gets the same as whoever looked before, in any order, and nothing is gone. */
TEST(peek) {
        int memfd = unit_memfd(10), packets[2], fds[] = { memfd, memfd, memfd };
        char space[8];
        size_t n = 0;

        make_packets(packets);
        ck_assert_int_eq(socket_peek_message(packets[1], 0, space, 8, &queue, &n), SOCKET_E_AGAIN);
        ck_assert_int_eq(socket_send_message(packets[0], "one", 3, fds, 1), 0);
        ck_assert_int_eq(socket_send_message(packets[0], "two", 3, NULL, 0), 0);
        ck_assert_int_eq(socket_send_message(packets[0], "more than that", 14, fds, 3), 0);
        for (int i = 0; i < 3; ++i) {
                ck_assert_int_eq(socket_peek_message(packets[1], 6, space, 8, &queue, &n), 0);
                ck_assert_uint_eq(n, 14);
                ck_assert_mem_eq(space, "more tha", 8);
                ck_assert_uint_eq(queue.n_fds, 3);
                fd_queue_deinit(&queue);
                ck_assert_int_eq(socket_peek_message(packets[1], 0, space, 8, &queue, &n), 0);
                ck_assert_uint_eq(n, 3);
                ck_assert_mem_eq(space, "one", 3);
                ck_assert_uint_eq(queue.n_fds, 1);
                ck_assert_uint_eq(inode(queue.fds[queue.begin]), inode(memfd));
                ck_assert_int_eq(fcntl(queue.fds[queue.begin], F_GETFD), FD_CLOEXEC);
                fd_queue_deinit(&queue);
                ck_assert_int_eq(socket_peek_message(packets[1], 3, space, 8, &queue, &n), 0);
                ck_assert_mem_eq(space, "two", 3);
                ck_assert_uint_eq(queue.n_fds, 0);
                ck_assert_int_eq(socket_peek_message(packets[1], 20, space, 8, &queue, &n),
                                 SOCKET_E_AGAIN);
        }
        packets[0] = fd_close(packets[0]);
        ck_assert_int_eq(socket_peek_message(packets[1], 3, space, 8, &queue, &n), 0);
        ck_assert_int_eq(socket_peek_message(packets[1], 20, space, 8, &queue, &n), SOCKET_E_GONE);
        fd_close(packets[1]);
        fd_close(memfd);
}

/* As many as there can be in a message; without room for them they are in there still. */
TEST(peek_truncated) {
        int packets[2], fds[FD_QUEUE_MAX], read_fd, write_fd = open_pipe(&read_fd);
        uint64_t before;
        char space[8];
        size_t n;
        int r;

        make_packets(packets);
        for (size_t i = 0; i < FD_QUEUE_MAX; ++i)
                fds[i] = write_fd;
        ck_assert_int_eq(socket_send_message(packets[0], "x", 1, fds, FD_QUEUE_MAX), 0);
        fd_close(write_fd);
        before = unit_limit_lower(RLIMIT_NOFILE, 100);
        r = socket_peek_message(packets[1], 0, space, sizeof(space), &queue, &n);
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_int_eq(r, SOCKET_E_TRUNCATED);
        fd_queue_deinit(&queue);
        ck_assert_int_eq(socket_peek_message(packets[1], 0, space, sizeof(space), &queue, &n), 0);
        ck_assert_uint_eq(queue.n_fds, FD_QUEUE_MAX);
        fd_queue_deinit(&queue);
        ck_assert(held(read_fd));
        /* Received without asking for them, they go. */
        ck_assert_int_eq(socket_receive(packets[1], space, sizeof(space), NULL, &n), 0);
        ck_assert(!held(read_fd));
        fd_close(read_fd);
        fd_close(packets[0]);
        fd_close(packets[1]);
}

/* By a path and by an abstract name; who does not read makes nobody wait. */
TEST(datagram, .end = 2) {
        _cleanup_(freep) char *directory = unit_directory(), *path = unit_path(directory, "socket");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char name[64], space[8];
        socklen_t n_address;
        int receiver, sender, r;

        (void) snprintf(name, sizeof(name), "@shmbroker-test-%d", getpid());
        ck_assert_int_eq(socket_open_datagram(path), -ENOENT);
        ck_assert_int_eq(socket_open_datagram(name), -ECONNREFUSED);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", _i ? name : path);
        n_address = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path));
        if (_i)
                address.sun_path[0] = '\0';
        receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(receiver, (struct sockaddr *) &address, n_address), 0);
        sender = socket_open_datagram(_i ? name : path);
        ck_assert_int_ge(sender, 0);
        ck_assert_int_eq(fcntl(sender, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(socket_send_message(sender, "abc", 3, NULL, 0), 0);
        ck_assert_int_eq(recv(receiver, space, sizeof(space), 0), 3);
        do
                r = socket_send_message(sender, "abc", 3, &sender, 1);
        while (r == 0);
        ck_assert_int_eq(r, SOCKET_E_AGAIN);
        fd_close(receiver);
        ck_assert_int_eq(socket_send_message(sender, "abc", 3, NULL, 0), SOCKET_E_GONE);
        fd_close(sender);
}

TEST(gone) {
        size_t n;

        send_text("abc", -EBADF);
        pair[0] = fd_close(pair[0]);
        ck_assert_int_eq(receive(&queue, "abc"), 0);
        ck_assert_int_eq(receive(&queue, ""), SOCKET_E_GONE);
        ck_assert_int_eq(receive(NULL, ""), SOCKET_E_GONE);
        /* No SIGPIPE, whatever the program does about it. */
        ck_assert_int_eq(socket_send(pair[1], "x", 1, -EBADF, &n), SOCKET_E_GONE);
        ck_assert_int_eq(socket_send(pair[1], "x", 1, pair[1], &n), SOCKET_E_GONE);
}

/* A peer that closes with something unread resets the connection. */
TEST(reset) {
        size_t n;

        send_text("abc", -EBADF);
        pair[1] = fd_close(pair[1]);
        ck_assert_int_eq(socket_receive(pair[0], (char[1]){}, 1, NULL, &n), SOCKET_E_GONE);
}

TEST(full) {
        static char data[65536];
        size_t n, n_sent = 0, n_received = 0;
        int r;

        while ((r = socket_send(pair[0], data, sizeof(data), -EBADF, &n)) == 0)
                n_sent += n;
        ck_assert_int_eq(r, SOCKET_E_AGAIN);
        ck_assert_int_eq(socket_send(pair[0], data, 1, pair[0], &n), SOCKET_E_AGAIN);
        while ((r = socket_receive(pair[1], data, sizeof(data), &queue, &n)) == 0)
                n_received += n;
        ck_assert_int_eq(r, SOCKET_E_AGAIN);
        ck_assert_uint_eq(n_received, n_sent);
        ck_assert_uint_eq(queue.n_fds, 0);
}

/* 0 says that everything was read, and only then may a descriptor follow plain bytes. */
TEST(unread) {
        char space[2];
        size_t n = 4711, n_received;

        ck_assert_int_eq(socket_unread(pair[0], &n), 0);
        ck_assert_uint_eq(n, 0);
        send_text("abc", -EBADF);
        ck_assert_int_eq(socket_unread(pair[0], &n), 0);
        ck_assert_uint_gt(n, 0);
        ck_assert_int_eq(socket_receive(pair[1], space, 2, NULL, &n_received), 0);
        ck_assert_int_eq(socket_unread(pair[0], &n), 0);
        ck_assert_uint_gt(n, 0);
        ck_assert_int_eq(receive(&queue, "c"), 0);
        ck_assert_int_eq(socket_unread(pair[0], &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_lt(socket_unread(-EBADF, &n), 0);
}

TEST(own_mistakes) {
        size_t n;

        ck_assert_int_eq(socket_send(-EBADF, "x", 1, -EBADF, &n), -EBADF);
        ck_assert_int_eq(socket_send(pair[0], "x", 1, 1 << 20, &n), -EBADF);
        ck_assert_int_eq(socket_receive(-EBADF, (char[1]){}, 1, &queue, &n), -EBADF);
}

/* Descriptors in flight are limited for each user who is not root; that passes. */
static int too_many_in_flight(void *userdata) {
        int fd = open("/dev/null", O_RDONLY), r = 0;
        size_t n;

        (void) userdata;
        if (setresgid(65533, 65533, 65533) < 0 || setresuid(65533, 65533, 65533) < 0)
                return 2;
        unit_limit_lower(RLIMIT_NOFILE, 32);
        for (int i = 0; i < 100 && r == 0; ++i)
                r = socket_send(pair[0], "x", 1, fd, &n);
        return r == SOCKET_E_LIMIT ? 0 : 1;
}

TEST(limit_in_flight) {
        if (geteuid() != 0)
                return;
        ck_assert_int_eq(unit_fork(too_many_in_flight, NULL), 0);
}

TEST(connect) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char *directory = unit_directory(), *path = unit_path(directory, "socket"), too_long[200];
        int listener, fd;

        ck_assert_int_eq(socket_connect(path), -ENOENT);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(listener, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(socket_connect(path), -ECONNREFUSED);
        ck_assert_int_eq(listen(listener, 1), 0);
        fd = socket_connect(path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        fd_close(fd);
        fd_close(listener);
        memset(too_long, 'x', sizeof(too_long) - 1);
        too_long[0] = '/';
        too_long[sizeof(too_long) - 1] = '\0';
        ck_assert_int_eq(socket_connect(too_long), -ENAMETOOLONG);
        free(path);
        free(directory);
}
