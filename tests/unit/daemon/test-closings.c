/* SPDX-License-Identifier: MIT */
/* When to ask: what the kernel tells of ends, and of what it does not. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/kernel/closings.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit.h"

typedef struct Heard Heard;

struct Heard {
        unsigned int n[2];
        unsigned int n_overflows;
        unsigned int n_others;
};

static Closings closings;
static int master_fds[2], wds[2];

static void setup(void) {
        unit_fds_begin();
        closings_init(&closings);
        ck_assert_int_ge(closings.fd, 0);
        for (int i = 0; i < 2; ++i) {
                master_fds[i] = unit_memfd(8192);
                ck_assert_int_eq(closings_subscribe(&closings, master_fds[i], false, &wds[i]), 0);
        }
}

static void teardown(void) {
        for (int i = 0; i < 2; ++i)
                fd_close(master_fds[i]);
        closings_deinit(&closings);
        closings_deinit(&closings);
        unit_fds_end();
}

static void hear(void *userdata, int wd, Closing closing) {
        Heard *heard = userdata;

        /* What was taken away on purpose. */
        if (closing == CLOSING_UNSUBSCRIBED)
                return;
        ck_assert_int_eq(closing, CLOSING_END);
        if (wd < 0)
                ++heard->n_overflows;
        else if (wd == wds[0] || wd == wds[1])
                ++heard->n[wd == wds[1]];
        else
                ++heard->n_others;
}

static Heard drain(void) {
        Heard heard = {};

        closings_drain(&closings, hear, &heard);
        return heard;
}

static void expect(bool first, bool second) {
        Heard heard = drain();

        ck_assert_int_eq(heard.n[0] > 0, first);
        ck_assert_int_eq(heard.n[1] > 0, second);
        ck_assert_uint_eq(heard.n_overflows, 0);
        ck_assert_uint_eq(heard.n_others, 0);
}

SUITE("closings", .skip = !unit_has_inotify());
CASE("closings", .setup = setup, .teardown = teardown, .timeout = 30);

TEST(close) {
        static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

        expect(false, false);
        for (size_t i = 0; i < ARRAY_SIZE(modes); ++i) {
                int fd = unit_reopen(master_fds[1], modes[i]), copy = dup(fd);

                expect(false, false);
                fd_close(fd);
                /* Only the last copy ends the description. */
                expect(false, false);
                fd_close(copy);
                expect(false, true);
        }
}

TEST(mapping) {
        int fd = unit_reopen(master_fds[0], O_RDWR);
        void *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        fd_close(fd);
        memset(memory, 1, 8192);
        expect(false, false);
        munmap(memory, 8192);
        expect(true, false);
}

/* Equal events are merged while nobody looks: a hint, not a number. */
TEST(merged) {
        Heard heard;

        for (int i = 0; i < 100; ++i)
                fd_close(unit_reopen(master_fds[0], O_RDONLY));
        heard = drain();
        ck_assert_uint_ge(heard.n[0], 1);
        ck_assert_uint_lt(heard.n[0], 100);
}

static int close_all(void *userdata) {
        (void) userdata;
        return 0;
}

static int hold_until_killed(int ready_fd) {
        if (write(ready_fd, "x", 1) == 1)
                pause();
        return 1;
}

/* Told when the processes are gone, whether they ended by themselves or not. */
TEST(processes) {
        int fd = unit_reopen(master_fds[0], O_RDWR), fds[2];
        pid_t pid;
        char c;

        /* A child that ends with its copy ends nothing. */
        ck_assert_int_eq(unit_fork(close_all, NULL), 0);
        expect(false, false);
        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0)
                _exit(hold_until_killed(fds[1]));
        fd_close(fd);
        ck_assert_int_eq(read(fds[0], &c, 1), 1);
        expect(false, false);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        expect(true, false);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

#define THREADS 8
#define ROUNDS 200

static void *open_and_close(void *userdata) {
        for (int i = 0; i < ROUNDS; ++i)
                fd_close(unit_reopen(*(int *) userdata, O_RDWR));
        return NULL;
}

/* The event is there when close(2) has returned, in whatever thread. */
TEST(threads) {
        pthread_t threads[THREADS];

        for (int round = 0; round < 5; ++round) {
                for (int i = 0; i < THREADS; ++i)
                        ck_assert_int_eq(
                                pthread_create(&threads[i], NULL, open_and_close, &master_fds[1]),
                                0);
                for (int i = 0; i < THREADS; ++i)
                        pthread_join(threads[i], NULL);
                expect(false, true);
        }
}

TEST(every_close) {
        for (int i = 0; i < 10000; ++i) {
                fd_close(unit_reopen(master_fds[i % 2], O_RDWR));
                expect(i % 2 == 0, i % 2 == 1);
        }
}

/* More than fs.inotify.max_queued_events: that something was lost is told, once everything is read.
 */
TEST(overflow) {
        Heard heard;

        for (int i = 0; i < 40000; ++i)
                fd_close(unit_reopen(master_fds[i % 2], O_RDONLY));
        heard = drain();
        if (heard.n[0] + heard.n[1] == 40000)
                return;
        ck_assert_uint_ge(heard.n_overflows, 1);
        expect(false, false);
        fd_close(unit_reopen(master_fds[0], O_RDONLY));
        expect(true, false);
}

/* Far more than one read takes. */
TEST(long_queue) {
        Heard heard;

        for (int i = 0; i < 5000; ++i)
                fd_close(unit_reopen(master_fds[i % 2], O_RDONLY));
        heard = drain();
        ck_assert_uint_eq(heard.n[0], 2500);
        ck_assert_uint_eq(heard.n[1], 2500);
        expect(false, false);
}

TEST(unwatch) {
        closings_unsubscribe(&closings, wds[0]);
        fd_close(unit_reopen(master_fds[0], O_RDONLY));
        expect(false, false);
        closings_unsubscribe(&closings, -1);
        fd_close(unit_reopen(master_fds[1], O_RDONLY));
        expect(false, true);
}

TEST(not_there) {
        Closings none = CLOSINGS_NULL;
        int wd = 4711;

        ck_assert_int_eq(closings_subscribe(&none, master_fds[0], false, &wd),
                         CLOSINGS_E_UNWATCHED);
        ck_assert_int_eq(closings_subscribe(&closings, -EBADF, false, &wd), CLOSINGS_E_UNWATCHED);
        ck_assert_int_eq(wd, 4711);
        closings_drain(&none, hear, NULL);
        closings_deinit(&none);
}
