/* SPDX-License-Identifier: MIT */
/* Is anyone attached? What the kernel counts as a holder, and what it does not. */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/kernel/lease.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "tests/support/unit.h"

static int master_fd;

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGIO, SIG_IGN);
        master_fd = unit_memfd(8192);
}

static void teardown(void) {
        master_fd = fd_close(master_fd);
        unit_fds_end();
}

static bool alone(void) {
        Lease lease = lease_take(master_fd);

        ck_assert_int_ne(lease, LEASE_UNKNOWN);
        lease_drop(master_fd);
        return lease == LEASE_TAKEN;
}

SUITE("lease");
CASE("lease", .setup = setup, .teardown = teardown);

TEST(nobody) {
        ck_assert(alone());
        ck_assert(alone());
        /* Taken twice is taken. */
        ck_assert_int_eq(lease_take(master_fd), LEASE_TAKEN);
        ck_assert_int_eq(lease_take(master_fd), LEASE_TAKEN);
        lease_drop(master_fd);
        lease_drop(master_fd);
}

TEST(descriptors) {
        static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

        for (size_t i = 0; i < 3; ++i) {
                int fd = unit_reopen(master_fd, modes[i]);

                ck_assert_int_ge(fd, 0);
                ck_assert(!alone());
                fd_close(fd);
                ck_assert(alone());
        }
}

/* A copy of the descriptor is the same description. */
TEST(copy) {
        int fd = fcntl(master_fd, F_DUPFD_CLOEXEC, 0);

        ck_assert(alone());
        fd_close(fd);
}

TEST(mapping_alone) {
        static const int flags[] = { MAP_SHARED, MAP_PRIVATE };

        for (size_t i = 0; i < 2; ++i) {
                int fd = unit_reopen(master_fd, O_RDONLY);
                void *memory = mmap(NULL, 8192, PROT_READ, flags[i], fd, 0);

                ck_assert_ptr_ne(memory, MAP_FAILED);
                fd_close(fd);
                ck_assert(!alone());
                munmap(memory, 4096);
                ck_assert(!alone());
                munmap((char *) memory + 4096, 4096);
                ck_assert(alone());
        }
}

TEST(in_flight) {
        int pair[2], fd = unit_reopen(master_fd, O_RDWR);
        size_t n;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(socket_send(pair[0], "x", 1, fd, &n), 0);
        fd_close(fd);
        ck_assert(!alone());
        fd_close(pair[0]);
        ck_assert(!alone());
        fd_close(pair[1]);
        ck_assert(alone());
}

static int wait_for_end(void *userdata) {
        char c;

        return read(*(int *) userdata, &c, 1) != 1;
}

/* A child that inherits a copy holds it, also when its parent has let go. */
TEST(fork) {
        int fd = unit_reopen(master_fd, O_RDWR), fds[2];
        pid_t pid;

        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0)
                _exit(wait_for_end(&fds[0]));
        fd_close(fd);
        ck_assert(!alone());
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(alone());
        fd_close(fds[0]);
        fd_close(fds[1]);
}

/* A killed process lets go like any other. */
TEST(kill) {
        int fds[2];
        char c;
        pid_t pid;

        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0) {
                int fd = unit_reopen(master_fd, O_RDWR);

                if (write(fds[1], "x", 1) == 1 && fd >= 0)
                        pause();
                _exit(1);
        }
        ck_assert_int_eq(read(fds[0], &c, 1), 1);
        ck_assert(!alone());
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(alone());
        fd_close(fds[0]);
        fd_close(fds[1]);
}

/* While it is held nobody gets in unnoticed: without waiting, not at all. */
TEST(keeps_out) {
        ck_assert_int_eq(lease_take(master_fd), LEASE_TAKEN);
        ck_assert_int_eq(unit_reopen(master_fd, O_RDONLY | O_NONBLOCK), -1);
        ck_assert_int_eq(errno, EWOULDBLOCK);
        lease_drop(master_fd);
        ck_assert(alone());
}

/* What is no answer is never "nobody". */
TEST(unknown) {
        int fds[2];

        ck_assert_int_eq(lease_take(-EBADF), LEASE_UNKNOWN);
        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_ne(lease_take(fds[0]), LEASE_TAKEN);
        fd_close(fds[0]);
        fd_close(fds[1]);
        lease_drop(-EBADF);
}
