/* SPDX-License-Identifier: MIT */
/* A state file that was cut, damaged, or has no room; and a process that is killed while it writes.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/util.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

#define EMPTY_JOURNAL ((StateFile) STATE_FILE_NULL)
#define HEADER_LENGTH (sizeof("shmbroker journal 1\n") - 1)

/* Segments of the file that is damaged. */
#define SEGMENTS 10

static char *directory, *file, *damaged_file;
static Held held[4096];

/* Calls that fail, as long as these say so, and how often the disk was waited for. */
static bool truncate_fails, sync_fails;
static size_t n_syncs;

int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate(int fd, off_t size);

int __wrap_ftruncate(int fd, off_t size) {
        if (!truncate_fails)
                return __real_ftruncate(fd, size);
        errno = EIO;
        return -1;
}

int __wrap_ftruncate64(int fd, off_t size) {
        return __wrap_ftruncate(fd, size);
}

/* No power is cut here: to wait for the disk some ten thousand times would show nothing. */
int __wrap_fdatasync(int fd) {
        (void) fd;
        ++n_syncs;
        errno = EIO;
        return sync_fails ? -1 : 0;
}

int __wrap_fsync(int fd) {
        return __wrap_fdatasync(fd);
}

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGXFSZ, SIG_IGN);
        /* Some of these damage a file a thousand times. */
        log_set_level(LOG_ERR);
        directory = unit_directory();
        file = unit_path(directory, "journal");
        damaged_file = unit_path(directory, "journal.damaged");
        truncate_fails = sync_fails = false;
}

static void teardown(void) {
        log_set_level(LOG_INFO);
        free(directory);
        free(file);
        free(damaged_file);
        unit_fds_end();
}

static bool is_there(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

static void remove_damaged(void) {
        for (int i = 0; i < 12; ++i) {
                char path[4200];

                (void) snprintf(path, sizeof(path), i ? "%s.%d" : "%s", damaged_file, i);
                (void) unlink(path);
        }
}

static int put(StateFile *state_file, int64_t id, uint64_t change_usec) {
        SegmentRecord segment = unit_record(id, change_usec);

        return state_file_write_segment(state_file, &segment);
}

/* Each segment once, and the ids that were given away and generations; as a crash leaves it. */
static char *make_file(size_t *ret_n, int64_t *ret_last_id, int64_t *ret_generation) {
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        for (int64_t id = 1; id <= SEGMENTS; ++id)
                ck_assert_int_eq(put(&state_file, id, 1), 0);
        *ret_last_id = 0;
        while (*ret_last_id < 4097)
                ck_assert_int_eq(state_file_segment_id(&state_file, ret_last_id), 0);
        *ret_generation = state_file.generation;
        unit_state_file_abandon(&state_file);
        return unit_read_file(file, ret_n);
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

        unit_write_file(file, text, n_text);
        unit_state_file_open(&state_file, directory);
        n = unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
        ck_assert_int_eq(state_file_segment_id(&state_file, &id), 0);
        ck_assert_int_gt(id, last_id);
        ck_assert_int_gt(state_file.generation, generation);
        state_file_close(&state_file);
        return n;
}

/* Is segment @id among the first @n that are held? */
static bool is_held(size_t n, int64_t id) {
        for (size_t i = 0; i < n; ++i)
                if (held[i].id == id)
                        return true;
        return false;
}

/* --- damage */

/* Wherever the end is missing: all lines that are whole are there. */
START_TEST(test_cut) {
        int64_t last_id, generation;
        size_t n, n_held, n_lines;
        char *text = make_file(&n, &last_id, &generation), *kept;
        StateFile state_file;

        for (size_t cut = HEADER_LENGTH; cut <= n; ++cut) {
                bool between = text[cut - 1] == '\n';

                n_lines = line_of(text, cut) - 1;
                unit_write_file(file, text, cut);
                unit_state_file_open(&state_file, directory);
                n_held = unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
                /* The first line is a generation, as is the last. */
                ck_assert_uint_eq(n_held, MIN(MAX(n_lines, 1) - 1, SEGMENTS));
                for (size_t i = 0; i < n_held; ++i)
                        ck_assert_int_eq(held[i].id, (int64_t) i + 1);
                if (!between)
                        ck_assert_int_ge(state_file.next_segment_id, last_id);
                unit_state_file_abandon(&state_file);
                ck_assert(is_there(damaged_file) == !between);
                if (!between) {
                        size_t n_kept;

                        kept = unit_read_file(damaged_file, &n_kept);
                        ck_assert_uint_eq(n_kept, cut);
                        ck_assert_mem_eq(kept, text, cut);
                        free(kept);
                        remove_damaged();
                }
                /* And it is whole again. */
                unit_state_file_open(&state_file, directory);
                ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)),
                                  n_held);
                unit_state_file_abandon(&state_file);
                ck_assert(!is_there(damaged_file));
        }
        free(text);
}
END_TEST

/* One byte that is another: all segments are there but that of its line, or of the line it ends. */
START_TEST(test_flip) {
        static const unsigned char flips[] = { 0x01, 0x20, 0x80, 0xff };
        int64_t last_id, generation;
        size_t n, n_held, line;
        char *text = make_file(&n, &last_id, &generation);

        for (size_t i = HEADER_LENGTH; i < n; ++i) {
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
                ck_assert(is_there(damaged_file));
                remove_damaged();
        }
        free(text);
}
END_TEST

/* In the first line it is an error, and the file stays as it is. */
START_TEST(test_flip_header) {
        int64_t last_id, generation;
        size_t n, n_after;
        char *text = make_file(&n, &last_id, &generation), *after;
        StateFile state_file = EMPTY_JOURNAL;
        int r;

        for (size_t i = 0; i < HEADER_LENGTH; ++i)
                for (int bit = 0; bit < 8; ++bit) {
                        text[i] = (char) (text[i] ^ 1 << bit);
                        unit_write_file(file, text, n);
                        r = state_file_open(&state_file, directory);
                        state_file_close(&state_file);
                        ck_assert(r == STATE_FILE_E_DAMAGED || r == STATE_FILE_E_NEWER);
                        after = unit_read_file(file, &n_after);
                        ck_assert_uint_eq(n_after, n);
                        ck_assert_mem_eq(after, text, n);
                        free(after);
                        text[i] = (char) (text[i] ^ 1 << bit);
                }
        ck_assert(!is_there(damaged_file));
        free(text);
}
END_TEST

/* Something else in the place of some of it, at random: NULs, noise, or nothing. */
START_TEST(test_garbage) {
        uint64_t seed = (uint64_t) _i;
        int64_t last_id, generation;
        size_t n, n_held;
        char *text = make_file(&n, &last_id, &generation), *copy;

        for (int round = 0; round < 100; ++round) {
                size_t from = HEADER_LENGTH + unit_below(&seed, n - HEADER_LENGTH),
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
                remove_damaged();
        }
        free(text);
}
END_TEST

/* Nothing but garbage behind a first line that is right, and much of it. */
START_TEST(test_all_garbage) {
        const size_t n = 1 << 20;
        char *text = malloc(n);
        uint64_t seed = 1;

        ck_assert_ptr_nonnull(text);
        for (size_t i = 0; i < n; ++i)
                text[i] = (char) unit_random(&seed);
        memcpy(text, "shmbroker journal 1\n", HEADER_LENGTH);
        ck_assert_uint_eq(open_damaged(text, n, 4096, 1), 0);
        remove_damaged();
        memset(text + HEADER_LENGTH, 0, n - HEADER_LENGTH);
        ck_assert_uint_eq(open_damaged(text, n, 4096, 1), 0);
        free(text);
}
END_TEST

/* Each damaged file is kept, up to a number of them, and none replaces another. */
START_TEST(test_kept) {
        char path[4200], text[64];
        StateFile state_file;
        char *kept;

        for (int i = 0; i < 12; ++i) {
                (void) snprintf(text, sizeof(text), "shmbroker journal 1\ndamaged %d\n", i);
                unit_write_file(file, text, strlen(text));
                unit_state_file_open(&state_file, directory);
                unit_state_file_abandon(&state_file);
                /* A clean one has nothing to keep. */
                unit_state_file_open(&state_file, directory);
                state_file_close(&state_file);
        }
        for (int i = 0; i < 12; ++i) {
                (void) snprintf(path, sizeof(path), i ? "%s.%d" : "%s", damaged_file, i);
                ck_assert(is_there(path) == (i < 10));
                if (i >= 10)
                        continue;
                (void) snprintf(text, sizeof(text), "shmbroker journal 1\ndamaged %d\n", i);
                kept = unit_read_file(path, NULL);
                ck_assert_str_eq(kept, text);
                free(kept);
        }
}
END_TEST

/* A start that fails again and again keeps the file once. */
START_TEST(test_kept_once) {
        static const char text[] = "shmbroker journal 1\ndamaged\n";
        char *obstacle = unit_path(directory, "journal.new"),
             *second = unit_path(directory, "journal.damaged.1"), *after;
        StateFile state_file = EMPTY_JOURNAL;

        unit_write_file(file, text, sizeof(text) - 1);
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        for (int i = 0; i < 3; ++i) {
                ck_assert_int_lt(state_file_open(&state_file, directory), 0);
                state_file_close(&state_file);
                after = unit_read_file(file, NULL);
                ck_assert_str_eq(after, text);
                free(after);
        }
        ck_assert_int_eq(rmdir(obstacle), 0);
        unit_state_file_open(&state_file, directory);
        state_file_close(&state_file);
        ck_assert(is_there(damaged_file));
        ck_assert(!is_there(second));
        free(obstacle);
        free(second);
}
END_TEST

/* --- no room */

/* Of a process of its own, where assertions of the suite are of no use. */
#define EXPECT(condition)                                                                          \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
                        return 1;                                                                  \
                }                                                                                  \
        } while (false)

static size_t line_length(int64_t id) {
        SegmentRecord segment = unit_record(id, 1);
        static RecordLine line;

        return record_write(RECORD_SEGMENT, &segment, &line) ? 0 : line.n_text;
}

static off_t file_size(void) {
        struct stat st;

        return stat(file, &st) == 0 ? st.st_size : -1;
}

/*
 * Writes until there is no room: what is refused has no effect. Without assertions of the suite,
 * which write to a file, too.
 */
static int fill(StateFile *state_file, int64_t *ret_n) {
        int64_t id = 1, last = 0, longest = 1, attachment;
        off_t size;

        for (; put(state_file, id, 1) == 0; ++id) {
                EXPECT(id < 4000);
                if (line_length(id) > line_length(longest))
                        longest = id;
        }
        EXPECT(line_length(longest) >= line_length(id));
        size = file_size();
        EXPECT(size > 0 && (uint64_t) size == state_file->n_bytes);
        for (int i = 0; i < 3; ++i) {
                EXPECT(put(state_file, id, 2) == STATE_FILE_E_NOT_WRITTEN);
                EXPECT(put(state_file, longest, 2) == STATE_FILE_E_NOT_WRITTEN);
                EXPECT(file_size() == size);
        }
        /* Ids that are reserved are given away, and then there are none. */
        for (int i = 0; i < 4096; ++i) {
                EXPECT(state_file_segment_id(state_file, &last) == 0);
                EXPECT(last == i + 1);
        }
        /* A line of that kind is shorter, and there may be room for one or two. */
        for (int i = 0; state_file_write_gone(state_file, id - 1) == 0; ++i, --id)
                EXPECT(i < 50);
        EXPECT(state_file_segment_id(state_file, &last) == STATE_FILE_E_NO_IDS);
        EXPECT(last == 4096);
        state_file->next_attachment = INT64_C(1) << 32;
        EXPECT(state_file_attachment_id(state_file, &attachment) == STATE_FILE_E_NO_IDS);
        *ret_n = id - 1;
        return 0;
}

/* When there is room again, everything goes on. */
static int go_on(StateFile *state_file, int64_t n) {
        int64_t id, attachment;

        EXPECT(state_file_segment_id(state_file, &id) == 0 && id == 4097);
        EXPECT(state_file_attachment_id(state_file, &attachment) == 0);
        EXPECT(attachment == state_file->generation * (INT64_C(1) << 32) + 1);
        EXPECT(state_file->generation == 2);
        EXPECT(put(state_file, n + 1, 3) == 0);
        EXPECT(put(state_file, 1, 3) == 0);
        unit_state_file_abandon(state_file);
        *state_file = EMPTY_JOURNAL;
        EXPECT(state_file_open(state_file, directory) == 0);
        EXPECT(unit_state_file_list(state_file, held, ARRAY_SIZE(held)) == (size_t) n + 1);
        for (int64_t i = 0; i <= n; ++i) {
                EXPECT(held[i].id == i + 1);
                EXPECT(held[i].change_usec == (i == 0 || i == n ? 3 : 1));
        }
        state_file_close(state_file);
        EXPECT(!is_there(damaged_file));
        return 0;
}

/* What is too long breaks off in the middle of a line. */
START_TEST(test_file_size_limit) {
        struct rlimit before, limit;
        StateFile state_file;
        int64_t n = 0;
        int r;

        unit_state_file_open(&state_file, directory);
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
END_TEST

#define NO_MOUNT 77

static int fill_file_system(void *userdata) {
        char *ballast = unit_path(directory, "ballast"), *data = calloc(1, 65536);
        StateFile state_file = EMPTY_JOURNAL;
        int64_t n = 0;
        int r;

        (void) userdata;
        unit_assert_silently();
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", directory, "tmpfs", 0, "size=256k,mode=0700") < 0)
                return NO_MOUNT;
        EXPECT(state_file_open(&state_file, directory) == 0);
        unit_write_file(ballast, data, 65536);
        r = fill(&state_file, &n);
        if (r)
                return r;
        EXPECT(n > 50);
        /* A crash now loses nothing, but the next start needs room. */
        unit_state_file_abandon(&state_file);
        state_file = EMPTY_JOURNAL;
        r = state_file_open(&state_file, directory);
        EXPECT(r == -ENOSPC || r == 0);
        if (r == 0)
                EXPECT(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)) == (size_t) n);
        state_file_close(&state_file);
        state_file = EMPTY_JOURNAL;
        EXPECT(unlink(ballast) == 0);
        EXPECT(state_file_open(&state_file, directory) == 0);
        EXPECT(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)) == (size_t) n);
        EXPECT(put(&state_file, n + 1, 3) == 0);
        state_file_close(&state_file);
        EXPECT(!is_there(damaged_file));
        free(ballast);
        free(data);
        return 0;
}

START_TEST(test_full_file_system) {
        int r = unit_fork(fill_file_system, NULL);

        if (r == NO_MOUNT) {
                printf("skip: no file system of its own without the privilege to mount one\n");
                return;
        }
        ck_assert_int_eq(r, 0);
}
END_TEST

/* When numbers run out and cannot be written down, there are none; later there are again. */
START_TEST(test_cannot_rewrite) {
        char *obstacle = unit_path(directory, "journal.new");
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        /* It grows instead, and is not tried at each write. */
        for (uint64_t i = 0; i < 2000; ++i)
                ck_assert_int_eq(put(&state_file, 1, i), 0);
        ck_assert_int_gt(file_size(), 500000);
        ck_assert_int_eq(rmdir(obstacle), 0);
        for (uint64_t i = 0; i < 4000; ++i)
                ck_assert_int_eq(put(&state_file, 1, i), 0);
        ck_assert_int_lt(file_size(), 100000);
        unit_state_file_abandon(&state_file);
        /* What is left of a rewriting that broke off does not matter. */
        unit_write_file(obstacle, "shmb", 4);
        unit_state_file_open(&state_file, directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 1);
        ck_assert_uint_eq(held[0].change_usec, 3999);
        state_file_close(&state_file);
        ck_assert(!is_there(obstacle));
        free(obstacle);
}
END_TEST

/* Half a line is there and cannot be taken away. */
static void break_journal(StateFile *state_file) {
        char *obstacle = unit_path(directory, "journal.new");
        struct rlimit before, limit;
        int r;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = state_file->n_bytes + 50;
        truncate_fails = true;
        /* No assertion meanwhile: they write to a file, too. */
        (void) setrlimit(RLIMIT_FSIZE, &limit);
        r = put(state_file, 3, 1);
        (void) setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(r, STATE_FILE_E_NOT_WRITTEN);
        ck_assert(state_file->broken);
        ck_assert_int_eq(file_size(), (off_t) state_file->n_bytes + 50);
        /* There can be no new file either. */
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        ck_assert_int_eq(put(state_file, 3, 1), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(state_file_write_gone(state_file, 1), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(rmdir(obstacle), 0);
        free(obstacle);
}

START_TEST(test_broken) {
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        ck_assert_int_eq(put(&state_file, 1, 1), 0);
        ck_assert_int_eq(put(&state_file, 2, 1), 0);
        break_journal(&state_file);
        /* As soon as it can, a new one is written, although the old one cannot be cut yet. */
        ck_assert_int_eq(put(&state_file, 4, 1), 0);
        ck_assert(!state_file.broken);
        ck_assert_int_eq(put(&state_file, 5, 1), 0);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 4);
        ck_assert_int_eq(held[2].id, 4);
        ck_assert(!is_there(damaged_file));
        /* Or nothing more is written. */
        break_journal(&state_file);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 4);
        ck_assert(is_there(damaged_file));
        state_file_close(&state_file);
}
END_TEST

/* What outlives the host is refused if it does not get to the disk; all else does not wait. */
START_TEST(test_sync) {
        static const int64_t files[] = { 5, 7, 11, 15 };
        SegmentRecord removed = unit_record(1, 1);
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        /* A file is what outlives the host; a removed one has no name any more. */
        ck_assert_ptr_null(removed.file_name);
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i)
                ck_assert_ptr_nonnull(unit_record(files[i], 1).file_name);
        ck_assert_int_eq(put(&state_file, 7, 1), 0);
        n_syncs = 0;
        ck_assert_int_eq(put(&state_file, 1, 1), 0);
        ck_assert_int_eq(put(&state_file, 1, 2), 0);
        ck_assert_int_eq(state_file_write_gone(&state_file, 1), 0);
        ck_assert_uint_eq(n_syncs, 0);
        ck_assert_int_eq(put(&state_file, 15, 1), 0);
        ck_assert_uint_eq(n_syncs, 1);
        removed.id = 15;
        ck_assert_int_eq(state_file_write_segment(&state_file, &removed), 0);
        ck_assert_uint_eq(n_syncs, 2);
        ck_assert_int_eq(state_file_write_gone(&state_file, 15), 0);
        ck_assert_uint_eq(n_syncs, 3);
        sync_fails = true;
        ck_assert_int_eq(put(&state_file, 5, 1), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(put(&state_file, 7, 2), STATE_FILE_E_NOT_WRITTEN);
        ck_assert_int_eq(state_file_write_gone(&state_file, 7), STATE_FILE_E_NOT_WRITTEN);
        sync_fails = false;
        ck_assert_int_eq(put(&state_file, 11, 1), 0);
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, directory);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 2);
        ck_assert_int_eq(held[0].id, 7);
        ck_assert_uint_eq(held[0].change_usec, 1);
        ck_assert_int_eq(held[1].id, 11);
        state_file_close(&state_file);
        ck_assert(!is_there(damaged_file));
}
END_TEST

/* --- processes that are killed */

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
        StateFile state_file = EMPTY_JOURNAL;

        if (state_file_open(&state_file, directory))
                _exit(1);
        for (uint64_t i = first;; ++i) {
                Step step = step_of(i);

                if (step.gone ? state_file_write_gone(&state_file, step.id)
                              : put(&state_file, step.id, i))
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
                if (n == n_held || held[n].id != id || held[n].change_usec != states[id])
                        return false;
                ++n;
        }
        return n == n_held;
}

static void do_step(uint64_t *states, uint64_t number) {
        Step step = step_of(number);

        states[step.id] = step.gone ? 0 : number;
}

/* Everything that it said it had done is there, and at most one step more. */
START_TEST(test_killed) {
        uint64_t states[IDS_KILLED + 1] = {}, seed = 4711, first = 1, done;
        size_t n_held;
        StateFile state_file;

        for (int round = 0; round < 200; ++round) {
                done = kill_after(first, unit_below(&seed, round % 4 ? 700 : 10));
                for (; first <= done; ++first)
                        do_step(states, first);
                unit_state_file_open(&state_file, directory);
                n_held = unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
                unit_state_file_abandon(&state_file);
                if (!is_state(states, n_held)) {
                        do_step(states, first++);
                        ck_assert_msg(is_state(states, n_held), "not what it was at %llu",
                                      (unsigned long long) done);
                }
        }
        /* Each round writes some 100 KB, of which 7 KB hold. */
        ck_assert_int_lt(file_size(), 200000);
        ck_assert_uint_gt(first, 10000);
}
END_TEST

/* The highest segment and attachment of a round. */
typedef struct Given Given;

struct Given {
        int64_t first_segment;
        int64_t segment;
        int64_t first_attachment;
        int64_t attachment;
};

static int give(void *userdata) {
        StateFile state_file = EMPTY_JOURNAL;
        Given *given = userdata;

        EXPECT(state_file_open(&state_file, directory) == 0);
        EXPECT(state_file_segment_id(&state_file, &given->first_segment) == 0);
        EXPECT(state_file_attachment_id(&state_file, &given->first_attachment) == 0);
        for (int64_t i = given->segment; i >= 0; --i) {
                EXPECT(state_file_segment_id(&state_file, &given->segment) == 0);
                EXPECT(state_file_attachment_id(&state_file, &given->attachment) == 0);
                if (i % 500 == 0)
                        EXPECT(put(&state_file, given->segment, 1) == 0);
        }
        if (given->segment % 3 == 0)
                state_file_close(&state_file);
        return 0;
}

static int give_to_pipe(void *userdata) {
        const int *pipe_fds = userdata;
        Given given;

        EXPECT(read(pipe_fds[0], &given, sizeof(given)) == sizeof(given));
        EXPECT(give(&given) == 0);
        EXPECT(write(pipe_fds[1], &given, sizeof(given)) == sizeof(given));
        return 0;
}

/* Somewhere behind the first line a byte is another, or the end of the last line is missing. */
static void damage(uint64_t *seed) {
        size_t n, at;
        char *text = unit_read_file(file, &n);

        at = HEADER_LENGTH + unit_below(seed, n - HEADER_LENGTH);
        if (unit_below(seed, 2))
                text[at] = (char) (text[at] ^ (char) (unit_below(seed, 255) + 1));
        else
                n -= unit_below(seed, 10) + 1;
        unit_write_file(file, text, n);
        free(text);
}

/* 100 starts, of which some end in order, some do not, and some leave a damaged file. */
START_TEST(test_never_twice) {
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
                remove_damaged();
        }
        close(fds[0]);
        close(fds[1]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("state-file-faults");
        TCase *tc = tcase_create("state-file-faults");

        /* Some ten thousand files are written, one after another. */
        if (access("/dev/shm", W_OK) == 0)
                (void) setenv("TMPDIR", "/dev/shm", false);
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 300);
        tcase_add_test(tc, test_cut);
        tcase_add_test(tc, test_flip);
        tcase_add_test(tc, test_flip_header);
        tcase_add_loop_test(tc, test_garbage, 0, 4);
        tcase_add_test(tc, test_all_garbage);
        tcase_add_test(tc, test_kept);
        tcase_add_test(tc, test_kept_once);
        tcase_add_loop_test(tc, test_file_size_limit, 0, 10);
        tcase_add_test(tc, test_full_file_system);
        tcase_add_test(tc, test_cannot_rewrite);
        tcase_add_test(tc, test_broken);
        tcase_add_test(tc, test_sync);
        tcase_add_test(tc, test_killed);
        tcase_add_test(tc, test_never_twice);
        suite_add_tcase(suite, tc);
        return unit_main(suite);
}
