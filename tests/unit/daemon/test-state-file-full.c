/* SPDX-License-Identifier: MIT */
/* A state file that has no room, cannot be cut, or does not get to the disk. */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/state/state-file.h"
#include "proto/util.h"
#include "tests/support/unit-fault.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

static size_t line_length(int64_t id) {
        SegmentRecord segment = unit_record(id, 1);
        static RecordLine line;

        return unit_record_write(&segment, &line) ? 0 : line.n_text;
}

/*
 * Writes until there is no room: what is refused has no effect. Without assertions of the suite,
 * which write to a file, too.
 */
static int fill(StateFile *state_file, int64_t *ret_n) {
        int64_t id = 1, last = 0, longest = 1, attachment;
        off_t size;

        for (; fault_put(state_file, id, 1) == 0; ++id) {
                FAULT_EXPECT(id < 4000);
                if (line_length(id) > line_length(longest))
                        longest = id;
        }
        FAULT_EXPECT(line_length(longest) >= line_length(id));
        size = fault_file_size();
        FAULT_EXPECT(size > 0 && (uint64_t) size == state_file->n_bytes);
        for (int i = 0; i < 3; ++i) {
                FAULT_EXPECT(fault_put(state_file, id, 2) == STATE_FILE_E_NOT_WRITTEN);
                FAULT_EXPECT(fault_put(state_file, longest, 2) == STATE_FILE_E_NOT_WRITTEN);
                FAULT_EXPECT(fault_file_size() == size);
        }
        /* Ids that are reserved are given away, and then there are none. */
        for (int i = 0; i < 4096; ++i) {
                FAULT_EXPECT(state_file_segment_id(state_file, &last) == 0);
                FAULT_EXPECT(last == i + 1);
        }
        /* A line of that kind is shorter, and there may be room for one or two. */
        for (int i = 0; state_file_write_gone(state_file, id - 1) == 0; ++i, --id)
                FAULT_EXPECT(i < 50);
        FAULT_EXPECT(state_file_segment_id(state_file, &last) == STATE_FILE_E_NO_IDS);
        FAULT_EXPECT(last == 4096);
        state_file->next_attachment_id = state_file->numbers.end_attachment_id;
        FAULT_EXPECT(state_file_attachment_id(state_file, &attachment) == STATE_FILE_E_NO_IDS);
        *ret_n = id - 1;
        return 0;
}

/* When there is room again, everything goes on. */
static int go_on(StateFile *state_file, int64_t n) {
        int64_t id, attachment;

        FAULT_EXPECT(state_file_segment_id(state_file, &id) == 0 && id == 4097);
        FAULT_EXPECT(state_file_attachment_id(state_file, &attachment) == 0);
        FAULT_EXPECT(attachment == (1 << 20) + 1);
        FAULT_EXPECT(state_file->numbers.generation == 1);
        FAULT_EXPECT(fault_put(state_file, n + 1, 3) == 0);
        FAULT_EXPECT(fault_put(state_file, 1, 3) == 0);
        unit_state_file_abandon(state_file);
        *state_file = FAULT_EMPTY;
        FAULT_EXPECT(state_file_open(state_file, fault_directory) == 0);
        FAULT_EXPECT(unit_state_file_list(state_file, fault_held, ARRAY_SIZE(fault_held)) ==
                     (size_t) n + 1);
        for (int64_t i = 0; i <= n; ++i) {
                FAULT_EXPECT(fault_held[i].id == i + 1);
                FAULT_EXPECT(fault_held[i].change_usec == (i == 0 || i == n ? 3 : 1));
        }
        state_file_close(state_file);
        FAULT_EXPECT(!fault_is_there(fault_damaged_file));
        return 0;
}

SUITE("state-file-full", .in_memory = true);
CASE("state-file-full", .setup = fault_setup, .teardown = fault_teardown, .timeout = 300);

/* What is too long breaks off in the middle of a line. */
TEST(file_size_limit, .end = 10) {
        struct rlimit before, limit;
        StateFile state_file;
        int64_t n = 0;
        int r;

        unit_state_file_open(&state_file, fault_directory);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = 70001 + 100 * (rlim_t) _i;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        r = fill(&state_file, &n);
        (void) setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(r, 0);
        ck_assert_int_gt(n, 50);
        ck_assert_int_eq(go_on(&state_file, n), 0);
}

#define NO_MOUNT 77

static int fill_file_system(void *userdata) {
        char *ballast = unit_path(fault_directory, "ballast"), *data = calloc(1, 65536);
        StateFile state_file = FAULT_EMPTY;
        int64_t n = 0;
        int r;

        (void) userdata;
        unit_assert_silently();
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", fault_directory, "tmpfs", 0, "size=256k,mode=0700") < 0)
                return NO_MOUNT;
        FAULT_EXPECT(state_file_open(&state_file, fault_directory) == 0);
        unit_write_file(ballast, data, 65536);
        r = fill(&state_file, &n);
        if (r)
                return r;
        FAULT_EXPECT(n > 50);
        /* A crash now loses nothing, but the next start needs room. */
        unit_state_file_abandon(&state_file);
        state_file = FAULT_EMPTY;
        r = state_file_open(&state_file, fault_directory);
        FAULT_EXPECT(r == -ENOSPC || r == 0);
        if (r == 0)
                FAULT_EXPECT(unit_state_file_list(&state_file, fault_held,
                                                  ARRAY_SIZE(fault_held)) == (size_t) n);
        state_file_close(&state_file);
        state_file = FAULT_EMPTY;
        FAULT_EXPECT(unlink(ballast) == 0);
        FAULT_EXPECT(state_file_open(&state_file, fault_directory) == 0);
        FAULT_EXPECT(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)) ==
                     (size_t) n);
        FAULT_EXPECT(fault_put(&state_file, n + 1, 3) == 0);
        state_file_close(&state_file);
        FAULT_EXPECT(!fault_is_there(fault_damaged_file));
        free(ballast);
        free(data);
        return 0;
}

TEST(full_file_system) {
        int r = unit_fork(fill_file_system, NULL);

        if (r == NO_MOUNT) {
                printf("skip: no file system of its own without the privilege to mount one\n");
                return;
        }
        ck_assert_int_eq(r, 0);
}

/* When numbers run out and cannot be written down, there are none; later there are again. */
TEST(cannot_rewrite) {
        char *obstacle = unit_path(fault_directory, "state.new");
        StateFile state_file;

        unit_state_file_open(&state_file, fault_directory);
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        /* It grows instead, and is not tried at each write. */
        for (uint64_t i = 0; i < 2000; ++i)
                ck_assert_int_eq(fault_put(&state_file, 1, i), 0);
        ck_assert_int_gt(fault_file_size(), 500000);
        ck_assert_int_eq(rmdir(obstacle), 0);
        for (uint64_t i = 0; i < 4000; ++i)
                ck_assert_int_eq(fault_put(&state_file, 1, i), 0);
        ck_assert_int_lt(fault_file_size(), 100000);
        unit_state_file_abandon(&state_file);
        /* What is left of a rewriting that broke off does not matter. */
        unit_write_file(obstacle, "shmb", 4);
        unit_state_file_open(&state_file, fault_directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)), 1);
        ck_assert_uint_eq(fault_held[0].change_usec, 3999);
        state_file_close(&state_file);
        ck_assert(!fault_is_there(obstacle));
        free(obstacle);
}

/* Half a line is there and cannot be taken away. */
static void break_state_file(StateFile *state_file) {
        char *obstacle = unit_path(fault_directory, "state.new");
        struct rlimit before, limit;
        int r;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = state_file->n_bytes + 50;
        fault_truncate = true;
        /* No assertion meanwhile: they write to a file, too. */
        (void) setrlimit(RLIMIT_FSIZE, &limit);
        r = fault_put(state_file, 3, 1);
        (void) setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(r, STATE_FILE_E_NOT_WRITTEN);
        ck_assert(state_file->broken);
        ck_assert_int_eq(fault_file_size(), (off_t) state_file->n_bytes + 50);
        /* There can be no new file either. */
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        ck_assert_int_eq(fault_put(state_file, 3, 1), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(state_file_write_gone(state_file, 1), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(rmdir(obstacle), 0);
        free(obstacle);
}

TEST(broken) {
        StateFile state_file;

        unit_state_file_open(&state_file, fault_directory);
        ck_assert_int_eq(fault_put(&state_file, 1, 1), 0);
        ck_assert_int_eq(fault_put(&state_file, 2, 1), 0);
        break_state_file(&state_file);
        /* As soon as it can, a new one is written, although the old one cannot be cut yet. */
        ck_assert_int_eq(fault_put(&state_file, 4, 1), 0);
        ck_assert(!state_file.broken);
        ck_assert_int_eq(fault_put(&state_file, 5, 1), 0);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, fault_directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)), 4);
        ck_assert_int_eq(fault_held[2].id, 4);
        ck_assert(!fault_is_there(fault_damaged_file));
        /* Or nothing more is written. */
        break_state_file(&state_file);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, fault_directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)), 4);
        ck_assert(fault_is_there(fault_damaged_file));
        state_file_close(&state_file);
}

/* Somebody else takes the last byte: there is room ahead, also for the next start. */
static int fill_beside(void *userdata) {
        char *ballast = unit_path(fault_directory, "ballast"), *data = calloc(1, 65536);
        StateFile state_file = FAULT_EMPTY;
        FILE *file;

        (void) userdata;
        unit_assert_silently();
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", fault_directory, "tmpfs", 0, "size=4m,mode=0700") < 0)
                return NO_MOUNT;
        FAULT_EXPECT(state_file_open(&state_file, fault_directory) == 0);
        file = fopen(ballast, "w");
        FAULT_EXPECT(file);
        while (fwrite(data, 65536, 1, file) == 1)
                ;
        (void) fclose(file);
        for (int64_t id = 1; id <= 1000; ++id)
                FAULT_EXPECT(fault_put(&state_file, id, 1) == 0);
        unit_state_file_abandon(&state_file);
        state_file = FAULT_EMPTY;
        FAULT_EXPECT(state_file_open(&state_file, fault_directory) == 0);
        FAULT_EXPECT(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)) == 1000);
        state_file_close(&state_file);
        free(ballast);
        free(data);
        return 0;
}

TEST(room_ahead) {
        int r = unit_fork(fill_beside, NULL);

        if (r == NO_MOUNT)
                unit_skip("no file system can be mounted here");
        else
                ck_assert_int_eq(r, 0);
}

/* Only numbers that are given away wait for the disk: what is written of segments is synced by who
 * writes it (sync.c). */
TEST(sync) {
        StateFile state_file;
        int64_t id;

        unit_state_file_open(&state_file, fault_directory);
        ck_assert_ptr_nonnull(unit_record(7, 1).file_name);
        fault_n_syncs = 0;
        ck_assert_int_eq(fault_put(&state_file, 1, 1), 0);
        ck_assert_int_eq(fault_put(&state_file, 7, 1), 0);
        ck_assert_int_eq(state_file_write_gone(&state_file, 7), 0);
        ck_assert_uint_eq(fault_n_syncs, 0);
        state_file.next_segment_id = state_file.numbers.end_segment_id;
        fault_sync = true;
        ck_assert_int_eq(state_file_segment_id(&state_file, &id), STATE_FILE_E_NO_IDS);
        fault_sync = false;
        ck_assert_int_eq(state_file_segment_id(&state_file, &id), 0);
        ck_assert_uint_gt(fault_n_syncs, 1);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, fault_directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, fault_held, ARRAY_SIZE(fault_held)), 1);
        state_file_close(&state_file);
        ck_assert(!fault_is_there(fault_damaged_file));
}
