/* SPDX-License-Identifier: MIT */
/* A state file that was cut or damaged. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/state/state-file.h"
#include "proto/util.h"
#include "tests/support/unit-fault.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

/* Segments of the file that is damaged. */
#define SEGMENTS 10

/* An attachment of the second block, whose record is the last one of that file. */
#define LAST_ATTACHMENT ((1 << 20) + 1)

/* Each segment once, and the ids that were given away and generations; as a crash leaves it. */
static char *make_file(size_t *ret_n, int64_t *ret_last_id, int64_t *ret_generation) {
        StateFile state_file;
        int64_t attachment;

        unit_state_file_open(&state_file, fault_directory);
        for (int64_t id = 1; id <= SEGMENTS; ++id)
                ck_assert_int_eq(fault_put(&state_file, id, 1), 0);
        *ret_last_id = 0;
        while (*ret_last_id < 4097)
                ck_assert_int_eq(state_file_segment_id(&state_file, ret_last_id), 0);
        state_file.next_attachment_id = LAST_ATTACHMENT;
        ck_assert_int_eq(state_file_attachment_id(&state_file, &attachment), 0);
        ck_assert_int_eq(attachment, LAST_ATTACHMENT);
        *ret_generation = state_file.numbers.generation;
        unit_state_file_abandon(&state_file);
        return unit_read_file(fault_file, ret_n);
}

static size_t line_of(const char *text, size_t offset) {
        size_t line = 0;

        for (size_t i = 0; i < offset; ++i)
                line += text[i] == '\n';
        return line;
}

/* Opens a file that is damaged: what is left of it, and numbers that were not given away. */
static size_t open_damaged(const char *text, size_t n_text, int64_t last_id, int64_t generation) {
        StateFile state_file;
        int64_t id;
        size_t n;

        unit_write_file(fault_file, text, n_text);
        unit_state_file_open(&state_file, fault_directory);
        n = unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held));
        ck_assert_int_eq(state_file_segment_id(&state_file, &id), 0);
        ck_assert_int_gt(id, last_id);
        ck_assert_int_eq(state_file_attachment_id(&state_file, &id), 0);
        ck_assert_int_gt(id, LAST_ATTACHMENT);
        ck_assert_int_gt(state_file.numbers.generation, generation);
        state_file_close(&state_file);
        return n;
}

/* Is segment @id among the first @n that are held? */
static bool is_held(size_t n, int64_t id) {
        for (size_t i = 0; i < n; ++i)
                if (fault_held[i].id == id)
                        return true;
        return false;
}

SUITE("state-file-damage", .in_memory = true);
CASE("state-file-damage", .setup = fault_setup, .teardown = fault_teardown, .timeout = 300);

/* Wherever the end is missing: all lines that are whole are there. */
TEST(cut) {
        int64_t last_id, generation;
        size_t n, n_held, n_lines;
        char *text = make_file(&n, &last_id, &generation), *kept;
        StateFile state_file;

        for (size_t cut = FAULT_HEADER_LENGTH; cut <= n; ++cut) {
                bool between = text[cut - 1] == '\n';

                n_lines = line_of(text, cut) - 1;
                unit_write_file(fault_file, text, cut);
                unit_state_file_open(&state_file, fault_directory);
                n_held = unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held));
                /* The first line is a generation, as is the last. */
                ck_assert_uint_eq(n_held, MIN(MAX(n_lines, 1) - 1, SEGMENTS));
                for (size_t i = 0; i < n_held; ++i)
                        ck_assert_int_eq(fault_held[i].id, (int64_t) i + 1);
                if (!between)
                        ck_assert_int_ge(state_file.next_segment_id, last_id);
                unit_state_file_abandon(&state_file);
                ck_assert(fault_is_there(fault_damaged_file) == !between);
                if (!between) {
                        size_t n_kept;

                        kept = unit_read_file(fault_damaged_file, &n_kept);
                        ck_assert_uint_eq(n_kept, cut);
                        ck_assert_mem_eq(kept, text, cut);
                        free(kept);
                        fault_remove_damaged();
                }
                /* And it is whole again. */
                unit_state_file_open(&state_file, fault_directory);
                ck_assert_uint_eq(
                        unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)),
                        n_held);
                unit_state_file_abandon(&state_file);
                ck_assert(!fault_is_there(fault_damaged_file));
        }
        free(text);
}

/* One byte that is another: all segments are there but that of its line, or of the line it ends. */
TEST(flip) {
        static const unsigned char flips[] = { 0x01, 0x20, 0x80, 0xff };
        int64_t last_id, generation;
        size_t n, n_held, line;
        char *text = make_file(&n, &last_id, &generation);

        for (size_t i = FAULT_HEADER_LENGTH; i < n; ++i) {
                char before = text[i];

                line = line_of(text, i);
                text[i] = (char) (text[i] ^ flips[i % ARRAY_SIZE(flips)]);
                n_held = open_damaged(text, n, last_id, generation);
                text[i] = before;
                for (int64_t id = 1; id <= SEGMENTS; ++id) {
                        bool damaged =
                                (size_t) id + 1 == line || (before == '\n' && (size_t) id == line);

                        ck_assert_msg(is_held(n_held, id) == !damaged, "byte %zu, segment %lld", i,
                                      (long long) id);
                }
                ck_assert(fault_is_there(fault_damaged_file));
                fault_remove_damaged();
        }
        free(text);
}

/* In the first line it is an error, and the file stays as it is. */
TEST(flip_header) {
        int64_t last_id, generation;
        size_t n, n_after;
        char *text = make_file(&n, &last_id, &generation), *after;
        StateFile state_file = FAULT_EMPTY;
        int r;

        for (size_t i = 0; i < FAULT_HEADER_LENGTH; ++i)
                for (int bit = 0; bit < 8; ++bit) {
                        text[i] = (char) (text[i] ^ 1 << bit);
                        unit_write_file(fault_file, text, n);
                        r = state_file_open(&state_file, fault_directory);
                        state_file_close(&state_file);
                        ck_assert(r == STATE_FILE_E_DAMAGED || r == STATE_FILE_E_NEWER);
                        after = unit_read_file(fault_file, &n_after);
                        ck_assert_uint_eq(n_after, n);
                        ck_assert_mem_eq(after, text, n);
                        free(after);
                        text[i] = (char) (text[i] ^ 1 << bit);
                }
        ck_assert(!fault_is_there(fault_damaged_file));
        free(text);
}

/* Something else in the place of some of it, at random: NULs, noise, or nothing. */
TEST(garbage, .end = 4) {
        uint64_t seed = (uint64_t) _i;
        int64_t last_id, generation;
        size_t n, n_held;
        char *text = make_file(&n, &last_id, &generation), *copy;

        for (int round = 0; round < 100; ++round) {
                size_t from = FAULT_HEADER_LENGTH + unit_below(&seed, n - FAULT_HEADER_LENGTH),
                       n_bytes = unit_below(&seed, 600) + 1;

                n_bytes = MIN(n_bytes, n - from);
                copy = unit_copy(text, n);
                for (size_t i = 0; i < n_bytes; ++i)
                        copy[from + i] = (char) (_i % 2 ? 0 : unit_random(&seed));
                n_held = open_damaged(copy, n, last_id, generation);
                for (int64_t id = 1; id <= SEGMENTS; ++id) {
                        size_t line = (size_t) id + 1;

                        if (line < line_of(text, from) || line > line_of(text, from + n_bytes))
                                ck_assert(is_held(n_held, id));
                }
                free(copy);
                fault_remove_damaged();
        }
        free(text);
}

/* Nothing but garbage behind a first line that is right, and much of it. */
TEST(all_garbage) {
        const size_t n = 1 << 20;
        char *text = malloc(n);
        uint64_t seed = 1;

        ck_assert_ptr_nonnull(text);
        for (size_t i = 0; i < n; ++i)
                text[i] = (char) unit_random(&seed);
        memcpy(text, "shmbroker state 1\n", FAULT_HEADER_LENGTH);
        ck_assert_uint_eq(open_damaged(text, n, 4096, 1), 0);
        fault_remove_damaged();
        memset(text + FAULT_HEADER_LENGTH, 0, n - FAULT_HEADER_LENGTH);
        ck_assert_uint_eq(open_damaged(text, n, 4096, 1), 0);
        free(text);
}

/* Each damaged file is kept, up to a number of them, and none replaces another. */
TEST(kept) {
        char path[4200], text[64];
        StateFile state_file;
        char *kept;

        for (int i = 0; i < 12; ++i) {
                (void) snprintf(text, sizeof(text), "shmbroker state 1\ndamaged %d\n", i);
                unit_write_file(fault_file, text, strlen(text));
                unit_state_file_open(&state_file, fault_directory);
                unit_state_file_abandon(&state_file);
                /* A clean one has nothing to keep. */
                unit_state_file_open(&state_file, fault_directory);
                state_file_close(&state_file);
        }
        for (int i = 0; i < 12; ++i) {
                (void) snprintf(path, sizeof(path), i ? "%s.%d" : "%s", fault_damaged_file, i);
                ck_assert(fault_is_there(path) == (i < 10));
                if (i >= 10)
                        continue;
                (void) snprintf(text, sizeof(text), "shmbroker state 1\ndamaged %d\n", i);
                kept = unit_read_file(path, NULL);
                ck_assert_str_eq(kept, text);
                free(kept);
        }
}

/* A start that fails again and again keeps the file once. */
TEST(kept_once) {
        static const char text[] = "shmbroker state 1\ndamaged\n";
        char *obstacle = unit_path(fault_directory, "state.new"),
             *second = unit_path(fault_directory, "state.damaged.1"), *after;
        StateFile state_file = FAULT_EMPTY;

        unit_write_file(fault_file, text, sizeof(text) - 1);
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        for (int i = 0; i < 3; ++i) {
                ck_assert_int_lt(state_file_open(&state_file, fault_directory), 0);
                state_file_close(&state_file);
                after = unit_read_file(fault_file, NULL);
                ck_assert_str_eq(after, text);
                free(after);
        }
        ck_assert_int_eq(rmdir(obstacle), 0);
        unit_state_file_open(&state_file, fault_directory);
        state_file_close(&state_file);
        ck_assert(fault_is_there(fault_damaged_file));
        ck_assert(!fault_is_there(second));
        free(obstacle);
        free(second);
}
