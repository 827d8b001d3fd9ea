/* Which process, and is it still that one? */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process.h"
#include "proto/util.h"
#include "tests/unit.h"

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

START_TEST(test_self) {
        Process process, again;

        process_identify(&process, getpid());
        ck_assert_int_eq(process.pid, getpid());
        ck_assert_uint_gt(process.start, 0);
        ck_assert(process_alive(&process));
        process_identify(&again, getpid());
        ck_assert_uint_eq(again.start, process.start);
}
END_TEST

START_TEST(test_unknown) {
        static const pid_t pids[] = { 0, -1 };
        Process process;

        for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                process_identify(&process, pids[i]);
                ck_assert_uint_eq(process.start, 0);
                ck_assert(!process_alive(&process));
        }
        /* No number is as large. */
        process_identify(&process, (1 << 22) + 1);
        ck_assert(!process_alive(&process));
}
END_TEST

static const char *const names[] = { "name", "a b", ") R 1 1 1", "(((", "))) Z 0", "\n", "" };

START_TEST(test_ends) {
        pid_t pid = start(names[_i]);
        Process process;

        process_identify(&process, pid);
        ck_assert_uint_gt(process.start, 0);
        ck_assert(process_alive(&process));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        /* Dead, and not yet waited for: it holds nothing. */
        ck_assert_int_eq(waitid(P_PID, (id_t) pid, &(siginfo_t){}, WEXITED | WNOWAIT), 0);
        ck_assert(!process_alive(&process));
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(!process_alive(&process));
}
END_TEST

/* Another process with the number is another process. */
START_TEST(test_number_again) {
        Process process;

        process_identify(&process, getpid());
        ++process.start;
        ck_assert(!process_alive(&process));
}
END_TEST

/* Where /proc does not say when it started, the number has to do. */
START_TEST(test_hidden) {
        Process process = { .pid = getpid() }, init = { .pid = 1 };

        ck_assert(process_alive(&process));
        ck_assert(process_alive(&init));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("process");
        TCase *tc = tcase_create("process");

        tcase_add_checked_fixture(tc, unit_fds_begin, unit_fds_end);
        tcase_add_test(tc, test_self);
        tcase_add_test(tc, test_unknown);
        tcase_add_loop_test(tc, test_ends, 0, ARRAY_SIZE(names));
        tcase_add_test(tc, test_number_again);
        tcase_add_test(tc, test_hidden);
        suite_add_tcase(suite, tc);
        return unit_main(suite);
}
