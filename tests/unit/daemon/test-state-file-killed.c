/* SPDX-License-Identifier: MIT */
/* A state file whose process is killed while it writes, and starts again. */

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/state/state-file.h"
#include "proto/util.h"
#include "tests/support/unit-fault.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

#define IDS_KILLED 20

typedef struct Step Step;

/* What a process does, one after another: each number says what. */
struct Step {
        int64_t id;
        bool gone;
};

static Step step_of(uint64_t number) {
        uint64_t seed = number;

        return (Step){ .id = (int64_t) unit_below(&seed, IDS_KILLED) + 1,
                       .gone = unit_below(&seed, 5) == 0 };
}

/* Does steps from @first on, and says of each that it is done, until it is killed. */
static void write_on(uint64_t first, int fd) {
        StateFile state_file = FAULT_EMPTY;

        if (state_file_open(&state_file, fault_directory))
                _exit(1);
        for (uint64_t i = first;; ++i) {
                Step step = step_of(i);

                if (step.gone ? state_file_write_gone(&state_file, step.id)
                              : fault_put(&state_file, step.id, i))
                        _exit(2);
                if (write(fd, &i, sizeof(i)) != sizeof(i))
                        _exit(3);
        }
}

/* Kills it when it has said that @n_steps are done. Returns the last one that was. */
static uint64_t kill_after(uint64_t first, uint64_t n_steps) {
        uint64_t done = first - 1, number;
        int fds[2], status;
        pid_t pid;

        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void) close(fds[0]);
                write_on(first, fds[1]);
        }
        (void) close(fds[1]);
        while (n_steps-- > 0 && read(fds[0], &number, sizeof(number)) == sizeof(number))
                done = number;
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status), "it ended with %d", status);
        /* It may have been faster. */
        while (read(fds[0], &number, sizeof(number)) == sizeof(number))
                done = number;
        (void) close(fds[0]);
        return done;
}

/* Is the state file as it was after so many steps? */
static bool is_state(const uint64_t *states, size_t n_held) {
        size_t n = 0;

        for (int64_t id = 1; id <= IDS_KILLED; ++id) {
                if (states[id] == 0)
                        continue;
                if (n == n_held || fault_held[n].id != id ||
                    fault_held[n].change_usec != states[id])
                        return false;
                ++n;
        }
        return n == n_held;
}

static void do_step(uint64_t *states, uint64_t number) {
        Step step = step_of(number);

        states[step.id] = step.gone ? 0 : number;
}

SUITE("state-file-killed", .in_memory = true);
CASE("state-file-killed", .setup = fault_setup, .teardown = fault_teardown, .timeout = 300);

/* Everything that it said it had done is there, and at most one step more. */
TEST(killed) {
        uint64_t states[IDS_KILLED + 1] = {}, seed = 4711, first = 1, done;
        size_t n_held;
        StateFile state_file;

        for (int round = 0; round < 200; ++round) {
                done = kill_after(first, unit_below(&seed, round % 4 ? 700 : 10));
                for (; first <= done; ++first)
                        do_step(states, first);
                unit_state_file_open(&state_file, fault_directory);
                n_held = unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held));
                unit_state_file_abandon(&state_file);
                if (!is_state(states, n_held)) {
                        do_step(states, first++);
                        ck_assert_msg(is_state(states, n_held), "not what it was at %llu",
                                      (unsigned long long) done);
                }
        }
        /* Each round writes some 100 KB, of which 7 KB hold. */
        ck_assert_int_lt(fault_file_size(), 200000);
        ck_assert_uint_gt(first, 10000);
}

/* The highest segment and attachment of a round. */
typedef struct Given Given;

struct Given {
        int64_t first_segment;
        int64_t segment;
        int64_t first_attachment;
        int64_t attachment;
};

static int give(void *userdata) {
        /* Of a process that may end without closing it: nothing is lost then, as with a kill. */
        static StateFile state_file = FAULT_EMPTY;
        Given *given = userdata;

        FAULT_EXPECT(state_file_open(&state_file, fault_directory) == 0);
        FAULT_EXPECT(state_file_segment_id(&state_file, &given->first_segment) == 0);
        FAULT_EXPECT(state_file_attachment_id(&state_file, &given->first_attachment) == 0);
        for (int64_t i = given->segment; i >= 0; --i) {
                FAULT_EXPECT(state_file_segment_id(&state_file, &given->segment) == 0);
                FAULT_EXPECT(state_file_attachment_id(&state_file, &given->attachment) == 0);
                if (i % 500 == 0)
                        FAULT_EXPECT(fault_put(&state_file, given->segment, 1) == 0);
        }
        if (given->segment % 3 == 0)
                state_file_close(&state_file);
        return 0;
}

static int give_to_pipe(void *userdata) {
        const int *pipe_fds = userdata;
        Given given;

        FAULT_EXPECT(read(pipe_fds[0], &given, sizeof(given)) == sizeof(given));
        FAULT_EXPECT(give(&given) == 0);
        FAULT_EXPECT(write(pipe_fds[1], &given, sizeof(given)) == sizeof(given));
        return 0;
}

/* Somewhere behind the first line a byte is another, or the end of the last line is missing. */
static void damage(uint64_t *seed) {
        size_t n, at;
        char *text = unit_read_file(fault_file, &n);

        at = FAULT_HEADER_LENGTH + unit_below(seed, n - FAULT_HEADER_LENGTH);
        if (unit_below(seed, 2))
                text[at] = (char) (text[at] ^ (char) (unit_below(seed, 255) + 1));
        else
                n -= unit_below(seed, 10) + 1;
        unit_write_file(fault_file, text, n);
        free(text);
}

/* 100 starts, of which some end in order, some do not, and some leave a damaged file. */
TEST(never_twice) {
        int64_t last_segment = 0, last_attachment = 0;
        uint64_t seed = 7;
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        for (int i = 0; i < 100; ++i) {
                Given given = { .segment = (int64_t) unit_below(&seed, 6000) };

                ck_assert_int_eq(write(fds[1], &given, sizeof(given)), sizeof(given));
                ck_assert_int_eq(unit_fork(give_to_pipe, fds), 0);
                ck_assert_int_eq(read(fds[0], &given, sizeof(given)), sizeof(given));
                ck_assert_int_gt(given.first_segment, last_segment);
                ck_assert_int_gt(given.first_attachment, last_attachment);
                last_segment = given.segment;
                last_attachment = given.attachment;
                if (i % 3 == 0)
                        damage(&seed);
                fault_remove_damaged();
        }
        close(fds[0]);
        close(fds[1]);
}
