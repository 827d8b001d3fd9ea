/* SPDX-License-Identifier: MIT */
/* Which process, and is it still that one? */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/process.h"
#include "proto/util.h"
#include "tests/support/unit.h"

/* A child that stays until it is killed, under a name that tries to mislead. */
static pid_t start(const char *name) {
        int fds[2];
        pid_t pid;
        char c;

        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_NAME, name);
                if (write(fds[1], "x", 1) == 1)
                        pause();
                _exit(1);
        }
        ck_assert_int_eq(read(fds[0], &c, 1), 1);
        (void) close(fds[0]);
        (void) close(fds[1]);
        return pid;
}

SUITE("process");
CASE("process", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(self) {
        Process process, again;

        process_identify(&process, getpid(), -EBADF);
        ck_assert_int_eq(process.pid, getpid());
        ck_assert_uint_gt(process.start, 0);
        ck_assert(process_alive(&process));
        process_identify(&again, getpid(), -EBADF);
        ck_assert_uint_eq(again.start, process.start);
}

TEST(unknown) {
        static const pid_t pids[] = { 0, -1 };
        Process process;

        for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                process_identify(&process, pids[i], -EBADF);
                ck_assert_uint_eq(process.start, 0);
                ck_assert(!process_alive(&process));
        }
        /* No number is as large. */
        process_identify(&process, (1 << 22) + 1, -EBADF);
        ck_assert(!process_alive(&process));
}

static const char *const names[] = { "name", "a b", ") R 1 1 1", "(((", "))) Z 0", "\n", "" };

TEST(ends, .end = ARRAY_SIZE(names)) {
        pid_t pid = start(names[_i]);
        Process process;

        process_identify(&process, pid, -EBADF);
        ck_assert_uint_gt(process.start, 0);
        ck_assert(process_alive(&process));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        /* Dead, and not yet waited for: it holds nothing. */
        ck_assert_int_eq(waitid(P_PID, (id_t) pid, &(siginfo_t){}, WEXITED | WNOWAIT), 0);
        ck_assert(!process_alive(&process));
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(!process_alive(&process));
}

/* The peer of a socket is known, whoever has its number. */
TEST(peer) {
        Process process, again;
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        process_identify(&process, getpid(), -EBADF);
        process_identify(&again, getpid(), fds[0]);
        ck_assert_uint_eq(again.inode, process.inode);
        /* Its number is init's by now, so to say. */
        process_identify(&again, 1, fds[0]);
        ck_assert_uint_eq(again.inode, process.inode);
        (void) close(fds[0]);
        process_identify(&again, getpid(), fds[0]);
        ck_assert_uint_eq(again.inode, 0);
        (void) close(fds[1]);
        if (process.inode == 0)
                unit_skip("this kernel does not number processes by their pidfds");
}

/* Another process with the number is another process. */
TEST(number_again) {
        Process process;

        process_identify(&process, getpid(), -EBADF);
        ++process.start;
        ck_assert(!process_alive(&process));
}

/* Where /proc does not say when it started, the number has to do. */
TEST(hidden) {
        Process process = { .pid = getpid() }, init = { .pid = 1 };

        ck_assert(process_alive(&process));
        ck_assert(process_alive(&init));
}

/* Sees nothing of processes of others in /proc; 0 if it knows this one all the same, 1 if it is
 * told by its number alone, as kernels before 6.9 have it. */
static int look_without_proc(void *userdata) {
        const pid_t *pid = userdata;
        Process process;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("proc", "/proc", "proc", 0, "hidepid=invisible") < 0)
                return 2;
        if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
                return 3;
        process_identify(&process, *pid, -EBADF);
        if (process.start != 0 || !process_alive(&process))
                return 4;
        if (process.inode == 0)
                return 1;
        ++process.inode;
        return process_alive(&process) ? 5 : 0;
}

TEST(without_proc, .skip = geteuid() != 0, .reason = "only root can mount another /proc") {
        pid_t pid = start("hidden");
        int r = unit_fork(look_without_proc, &pid);

        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        if (r == 1)
                puts("this kernel does not number processes by their pidfds");
        ck_assert_int_le(r, 1);
}
