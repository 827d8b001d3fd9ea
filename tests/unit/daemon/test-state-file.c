/* SPDX-License-Identifier: MIT */
/* Numbers that are never given away twice, and segments that are found again. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/state/checksum.h"
#include "proto/util.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

#define EMPTY_STATE_FILE ((StateFile) STATE_FILE_NULL)
#define HEADER "shmbroker state 1\n"

#define GENERATION(number, end, end_attachment)                                                    \
        "{\"generation\":{\"number\":" number ",\"endSegmentId\":" end                             \
        ",\"endAttachmentId\":" end_attachment "}}"
#define SEGMENT(id, kind) "{\"segment\":{\"id\":" id ",\"kind\":\"" kind "\"}}"
#define GONE(id) "{\"gone\":{\"id\":" id "}}"

static char *directory, *file, *damaged_file;
static Held held[10001];

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGXFSZ, SIG_IGN);
        directory = unit_directory();
        file = unit_path(directory, "state");
        damaged_file = unit_path(directory, "state.damaged");
}

static void teardown(void) {
        free(directory);
        free(file);
        free(damaged_file);
        unit_fds_end();
}

static int64_t take_segment(StateFile *state_file) {
        int64_t id = -1;

        ck_assert_int_eq(state_file_segment_id(state_file, &id), 0);
        return id;
}

static int64_t take_attachment(StateFile *state_file) {
        int64_t id = -1;

        ck_assert_int_eq(state_file_attachment_id(state_file, &id), 0);
        ck_assert_int_gt(id, 0);
        ck_assert_int_lt(id, RECORD_ID_MAX);
        return id;
}

static void write_segment(StateFile *state_file, int64_t id, uint64_t change_usec) {
        SegmentRecord segment = unit_record(id, change_usec);

        ck_assert_int_eq(state_file_write_segment(state_file, &segment), 0);
}

static off_t file_size(void) {
        struct stat st;

        ck_assert_int_eq(stat(file, &st), 0);
        return st.st_size;
}

static bool is_there(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

/* A file of records, without their checksums, with or without the first line. */
static void write_records(const char *const *records, size_t n_records) {
        FILE *stream = fopen(file, "we");

        ck_assert_ptr_nonnull(stream);
        fputs(HEADER, stream);
        for (size_t i = 0; i < n_records; ++i)
                fprintf(stream, "%08x %s\n", checksum(records[i], strlen(records[i])), records[i]);
        ck_assert_int_eq(fclose(stream), 0);
}

SUITE("state-file");
CASE("state-file", .setup = setup, .teardown = teardown, .timeout = 120);

/* --- numbers */

TEST(first) {
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        ck_assert_int_eq(take_segment(&state_file), 1);
        ck_assert_int_eq(take_segment(&state_file), 2);
        ck_assert_int_eq(take_attachment(&state_file), 1);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 0);
        state_file_close(&state_file);
        state_file_close(&state_file);
        ck_assert_int_eq(state_file.lock_fd, -EBADF);
}

/* An orderly end loses no ids. */
TEST(reopen) {
        int64_t last_segment = 0, last_attachment = 0;

        for (int i = 0; i < 20; ++i) {
                StateFile state_file;

                unit_state_file_open(&state_file, directory);
                ck_assert_int_eq(state_file.numbers.generation, i + 1);
                for (int j = 0; j < i * 40; ++j) {
                        int64_t id = take_segment(&state_file),
                                attachment = take_attachment(&state_file);

                        ck_assert_int_eq(id, last_segment + 1);
                        ck_assert_int_eq(attachment, last_attachment + 1);
                        last_segment = id;
                        last_attachment = attachment;
                }
                state_file_close(&state_file);
        }
}

static int crash(void *userdata) {
        StateFile state_file = EMPTY_STATE_FILE;
        int64_t ids[2] = {};
        int *pipe_fds = userdata;

        if (state_file_open(&state_file, directory))
                return 1;
        for (int i = 0; i < 5000; ++i)
                if (state_file_segment_id(&state_file, &ids[0]) ||
                    state_file_attachment_id(&state_file, &ids[1]))
                        return 2;
        return write(pipe_fds[1], ids, sizeof(ids)) != sizeof(ids);
}

/* A crash loses some, and repeats none. */
TEST(crash) {
        int64_t last_segment = 0, last_attachment = 0;
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        for (int i = 0; i < 10; ++i) {
                StateFile state_file;
                int64_t ids[2];

                ck_assert_int_eq(unit_fork(crash, fds), 0);
                ck_assert_int_eq(read(fds[0], ids, sizeof(ids)), sizeof(ids));
                ck_assert_int_ge(ids[0], last_segment + 5000);
                ck_assert_int_gt(ids[1], last_attachment);
                unit_state_file_open(&state_file, directory);
                last_segment = take_segment(&state_file);
                last_attachment = take_attachment(&state_file);
                ck_assert_int_gt(last_segment, ids[0]);
                ck_assert_int_gt(last_attachment, ids[1]);
                if (i % 2)
                        state_file_close(&state_file);
                else
                        unit_state_file_abandon(&state_file);
        }
        close(fds[0]);
        close(fds[1]);
        ck_assert(!is_there(damaged_file));
}

/* Ids that any record has are used, whatever the generations say. */
TEST(highest) {
        static const char *const records[] = {
                GENERATION("7", "100", "1"), SEGMENT("5000", "memfd"), GONE("5000"),
                GENERATION("3", "9", "1"),   SEGMENT("200", "file"),
        };
        static const char *const more[] = { GONE("77") };
        StateFile state_file;

        write_records(records, ARRAY_SIZE(records));
        unit_state_file_open(&state_file, directory);
        ck_assert_int_eq(state_file.numbers.generation, 8);
        ck_assert_int_eq(take_segment(&state_file), 5001);
        ck_assert(!is_there(damaged_file));
        state_file_close(&state_file);
        write_records(more, ARRAY_SIZE(more));
        unit_state_file_open(&state_file, directory);
        ck_assert_int_eq(state_file.numbers.generation, 1);
        ck_assert_int_eq(take_segment(&state_file), 78);
        state_file_close(&state_file);
}

/* Numbers that are used up are no reason to begin again. */
TEST(used_up) {
        static const char *const records[][1] = {
                { GENERATION("9007199254740991", "1", "1") },
                { GENERATION("1", "9007199254740992", "1") },
                { GENERATION("1", "1", "9007199254740992") },
                { SEGMENT("9007199254740991", "memfd") },
        };
        StateFile state_file = EMPTY_STATE_FILE;

        for (size_t i = 0; i < ARRAY_SIZE(records); ++i) {
                write_records(records[i], 1);
                ck_assert_int_eq(state_file_open(&state_file, directory), STATE_FILE_E_DAMAGED);
                state_file_close(&state_file);
        }
}

/* --- files that are not ours */

typedef struct Text Text;

struct Text {
        const char *name;
        const char *text;
        size_t n_text;
        int r;
};

#define DAMAGED(what, literal)                                                                     \
        { (what), (literal), sizeof(literal) - 1, STATE_FILE_E_DAMAGED }
#define NEWER(what, literal)                                                                       \
        { (what), (literal), sizeof(literal) - 1, STATE_FILE_E_NEWER }
static const Text headers[] = {
        DAMAGED("empty", ""),
        DAMAGED("something else", "hello\n"),
        DAMAGED("cut", "shmbroker sta"),
        DAMAGED("no newline", "shmbroker state 1"),
        DAMAGED("no version", "shmbroker state "),
        DAMAGED("no version in a line", "shmbroker state \n"),
        DAMAGED("version 0", "shmbroker state 0\n"),
        DAMAGED("version 01", "shmbroker state 01\n"),
        DAMAGED("version 1 and more", "shmbroker state 1 \n"),
        DAMAGED("version +1", "shmbroker state +1\n"),
        DAMAGED("a NUL", "shmbroker state 1\0"),
        DAMAGED("binary", "\0\0\0\0\0\0\0\0"),
        DAMAGED("an older format", "shmbroker journal 1\n"),
        DAMAGED("the file of an older version", "shmbroker 1\nepoch 1\nsegments 1\n"),
        NEWER("version 2", "shmbroker state 2\n00000000 " GENERATION("1", "1", "1") "\nmore\n"),
        NEWER("version 10", "shmbroker state 10\n"),
        NEWER("version 12 of something", "shmbroker state 12\n\0\0\x01\x02"),
};

/* Refused, and left as it is to the last bit: a person has to look. */
static void assert_refused(const char *path, const Text *text) {
        char *lock = unit_path(directory, "lock"), *after;
        StateFile state_file = EMPTY_STATE_FILE;
        struct stat before_st, st;
        size_t n;
        int r;

        unit_write_file(lock, "left", 4);
        unit_write_file(path, text->text, text->n_text);
        ck_assert_int_eq(stat(path, &before_st), 0);
        for (int i = 0; i < 2; ++i) {
                r = state_file_open(&state_file, directory);
                ck_assert_msg(r == text->r, "%s: %d", text->name, r);
                state_file_close(&state_file);
                ck_assert_int_eq(stat(path, &st), 0);
                ck_assert_uint_eq(st.st_ino, before_st.st_ino);
                ck_assert_int_eq(st.st_mtim.tv_sec, before_st.st_mtim.tv_sec);
                ck_assert_int_eq(st.st_mtim.tv_nsec, before_st.st_mtim.tv_nsec);
                after = unit_read_file(path, &n);
                ck_assert_uint_eq(n, text->n_text);
                ck_assert_mem_eq(after, text->text, n);
                free(after);
        }
        after = unit_read_file(lock, NULL);
        ck_assert_str_eq(after, "left");
        free(after);
        ck_assert(!is_there(damaged_file));
        free(lock);
}

TEST(header, .end = ARRAY_SIZE(headers)) {
        assert_refused(file, &headers[_i]);
}

/* --- the directory */

static int open_other(void *userdata) {
        StateFile state_file = EMPTY_STATE_FILE;
        int r = state_file_open(&state_file, directory);

        (void) userdata;
        state_file_close(&state_file);
        return r;
}

TEST(busy) {
        StateFile state_file, other = EMPTY_STATE_FILE;
        char *before, *after;

        unit_state_file_open(&state_file, directory);
        before = unit_read_file(file, NULL);
        ck_assert_int_eq(unit_fork(open_other, NULL), STATE_FILE_E_BUSY);
        ck_assert_int_eq(state_file_open(&other, directory), STATE_FILE_E_BUSY);
        state_file_close(&other);
        /* The first one still has it. */
        ck_assert_int_eq(unit_fork(open_other, NULL), STATE_FILE_E_BUSY);
        after = unit_read_file(file, NULL);
        ck_assert_str_eq(before, after);
        (void) take_segment(&state_file);
        state_file_close(&state_file);
        ck_assert_int_eq(unit_fork(open_other, NULL), 0);
        free(before);
        free(after);
}

static int open_read_only(void *userdata) {
        StateFile state_file = EMPTY_STATE_FILE;
        int r;

        (void) userdata;
        if (geteuid() == 0 &&
            (setresgid(61003, 61003, 61003) < 0 || setresuid(61003, 61003, 61003) < 0))
                return 1;
        r = state_file_open(&state_file, directory);
        state_file_close(&state_file);
        return r == -EACCES ? 0 : 2;
}

TEST(read_only_directory) {
        ck_assert_int_eq(chmod(directory, 0555), 0);
        ck_assert_int_eq(unit_fork(open_read_only, NULL), 0);
        ck_assert_int_eq(chmod(directory, 0700), 0);
        ck_assert(!is_there(file));
}

/* Made with its parents, for its owner alone. */
TEST(directories) {
        char *path = unit_path(directory, "a/b//c/"), *below = unit_path(directory, "a");
        StateFile state_file;
        struct stat st;

        unit_state_file_open(&state_file, path);
        state_file_close(&state_file);
        ck_assert_int_eq(stat(below, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0700);
        free(below);
        below = unit_path(directory, "a/b/c/state");
        ck_assert_int_eq(stat(below, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        free(below);
        free(path);
}

TEST(not_a_directory) {
        char *path = unit_path(file, "below"), too_long[5000];
        StateFile state_file = EMPTY_STATE_FILE;

        unit_write_file(file, "x", 1);
        ck_assert_int_eq(state_file_open(&state_file, path), -ENOTDIR);
        state_file_close(&state_file);
        ck_assert_int_eq(state_file_open(&state_file, file), -ENOTDIR);
        state_file_close(&state_file);
        memset(too_long, '/', sizeof(too_long) - 1);
        too_long[sizeof(too_long) - 1] = '\0';
        ck_assert_int_eq(state_file_open(&state_file, too_long), -ENAMETOOLONG);
        state_file_close(&state_file);
        free(path);
}

/* A link in the place of a file is not followed. */
TEST(links) {
        static const char *const names[] = { "state.new", "state", "lock" };
        char *target = unit_path(directory, "target");
        char *after;

        unit_write_file(target, "precious", 8);
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                char *link = unit_path(directory, names[i]);
                StateFile state_file = EMPTY_STATE_FILE;

                (void) unlink(link);
                ck_assert_int_eq(symlink("target", link), 0);
                ck_assert_int_lt(state_file_open(&state_file, directory), 0);
                state_file_close(&state_file);
                ck_assert_int_eq(unlink(link), 0);
                free(link);
        }
        after = unit_read_file(target, NULL);
        ck_assert_str_eq(after, "precious");
        free(after);
        free(target);
}

/* Neither is anything else that has the name. */
TEST(not_a_file) {
        StateFile state_file = EMPTY_STATE_FILE;

        ck_assert_int_eq(mkfifo(file, 0600), 0);
        ck_assert_int_eq(state_file_open(&state_file, directory), STATE_FILE_E_DAMAGED);
        state_file_close(&state_file);
        ck_assert_int_eq(unlink(file), 0);
        ck_assert_int_eq(mkdir(file, 0700), 0);
        ck_assert_int_lt(state_file_open(&state_file, directory), 0);
        state_file_close(&state_file);
        ck_assert_int_eq(rmdir(file), 0);
}

/* --- segments */

/* The last state of each that is not gone, in the order of ids. */
TEST(segments) {
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        for (int64_t id = 300; id > 0; --id)
                write_segment(&state_file, id, 1);
        for (int64_t id = 1; id <= 300; id += 2)
                write_segment(&state_file, id, 2);
        for (int64_t id = 1; id <= 300; id += 3)
                ck_assert_int_eq(state_file_write_gone(&state_file, id), 0);
        write_segment(&state_file, 4, 3);
        /* Never written, or gone already */
        ck_assert_int_eq(state_file_write_gone(&state_file, 1), 0);
        ck_assert_int_eq(state_file_write_gone(&state_file, 4711), 0);
        for (int round = 0; round < 4; ++round) {
                size_t n = unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), i = 0;

                ck_assert_uint_eq(n, 201);
                for (int64_t id = 1; id <= 300; ++id) {
                        if (id % 3 == 1 && id != 4)
                                continue;
                        ck_assert_int_eq(held[i].id, id);
                        ck_assert_uint_eq(held[i].change_usec, id == 4 ? 3 : id % 2 ? 2 : 1);
                        ++i;
                }
                ck_assert_uint_eq(i, n);
                if (round % 2)
                        unit_state_file_abandon(&state_file);
                else
                        state_file_close(&state_file);
                unit_state_file_open(&state_file, directory);
        }
        state_file_close(&state_file);
        ck_assert(!is_there(damaged_file));
}

static int visit_and_write(const SegmentRecord *segment, void *userdata) {
        StateFile *state_file = userdata;
        SegmentRecord changed = unit_record(segment->id, 9);

        /* The second time, nothing is left of those that went. */
        ck_assert(segment->id % 2 == 0 || segment->change_time_usec == 1);
        if (segment->id == 50)
                return 50;
        for (int i = 0; i < 200; ++i)
                ck_assert_int_eq(state_file_write_segment(state_file, &changed), 0);
        return segment->id % 2 ? state_file_write_gone(state_file, segment->id) : 0;
}

/* Whoever is called may write about the segment, also as often as it takes to rewrite the file. */
TEST(visit) {
        StateFile state_file;
        size_t n;

        unit_state_file_open(&state_file, directory);
        for (int64_t id = 1; id <= 60; ++id)
                write_segment(&state_file, id, 1);
        ck_assert_int_eq(state_file_visit(&state_file, visit_and_write, &state_file), 50);
        ck_assert_int_eq(state_file_visit(&state_file, visit_and_write, &state_file), 50);
        n = unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
        ck_assert_uint_eq(n, 24 + 11);
        ck_assert_int_eq(held[0].id, 2);
        ck_assert_uint_eq(held[0].change_usec, 9);
        ck_assert_int_eq(held[24].id, 50);
        ck_assert_uint_eq(held[24].change_usec, 1);
        state_file_close(&state_file);
}

static int visit_and_end(const SegmentRecord *segment, void *userdata) {
        StateFile *state_file = userdata;

        ck_assert_int_eq(segment->id % 3, 1);
        ck_assert_int_eq(state_file_write_gone(state_file, segment->id + 1), 0);
        ck_assert_int_eq(state_file_write_gone(state_file, segment->id + 2), 0);
        write_segment(state_file, segment->id + 1000, 1);
        return 0;
}

/* And about others: what is gone before it is its turn is not visited, and neither is what is new.
 */
TEST(visit_others) {
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        for (int64_t id = 1; id <= 60; ++id)
                write_segment(&state_file, id, 1);
        ck_assert_int_eq(state_file_visit(&state_file, visit_and_end, &state_file), 0);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 40);
        state_file_close(&state_file);
}

/* What cannot be said is not written, and not said otherwise. */
TEST(unwritable) {
        SegmentRecord segment = unit_record(1, 1);
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        segment.name = "a b";
        ck_assert_int_eq(state_file_write_segment(&state_file, &segment), -EINVAL);
        ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), 0);
        state_file_close(&state_file);
}

/* However often it is written to, the file is bounded by what holds; each time is a new
 * file. */
TEST(rewrite) {
        size_t n_files = 0;
        ino_t inode = 0;
        StateFile state_file;
        struct stat st;

        unit_state_file_open(&state_file, directory);
        for (uint64_t i = 0; i < 10000; ++i) {
                write_segment(&state_file, (int64_t) (i % 50) + 1, i);
                if (i % 7 == 0)
                        ck_assert_int_eq(state_file_write_gone(&state_file, (int64_t) (i % 50) + 1),
                                         0);
                ck_assert_int_eq(stat(file, &st), 0);
                ck_assert_int_lt(st.st_size, 150000);
                n_files += st.st_ino != inode;
                inode = st.st_ino;
        }
        /* Some 5 MB were written. */
        ck_assert_uint_ge(n_files, 10);
        ck_assert_uint_le(n_files, 150);
        (void) unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
        unit_state_file_abandon(&state_file);
        unit_state_file_open(&state_file, directory);
        (void) unit_state_file_list(&state_file, held, ARRAY_SIZE(held));
        state_file_close(&state_file);
        /* At the end it is as short as it can be. */
        ck_assert_int_lt(file_size(), 40000);
}

/* It is rewritten at the start as well, as it may be that nobody ends it in order. */
TEST(rewrite_at_start) {
        const char *records[3000];
        StateFile state_file;

        for (size_t i = 0; i < ARRAY_SIZE(records); ++i)
                records[i] = SEGMENT("1", "memfd");
        write_records(records, ARRAY_SIZE(records));
        ck_assert_int_gt(file_size(), 64 * 1024);
        unit_state_file_open(&state_file, directory);
        ck_assert_int_lt(file_size(), 250);
        ck_assert(!is_there(damaged_file));
        unit_state_file_abandon(&state_file);
}

/* As many as there are. */
TEST(many) {
        const size_t n = 10000;
        StateFile state_file;

        unit_state_file_open(&state_file, directory);
        for (size_t i = 1; i <= n; ++i)
                write_segment(&state_file, (int64_t) i, i);
        for (int round = 0; round < 3; ++round) {
                ck_assert_uint_eq(unit_state_file_list(&state_file, held, ARRAY_SIZE(held)), n);
                for (size_t i = 1; i <= n; ++i) {
                        ck_assert_uint_eq((uint64_t) held[i - 1].id, i);
                        ck_assert_uint_eq(held[i - 1].change_usec, i);
                }
                if (round == 1)
                        state_file_close(&state_file);
                else
                        unit_state_file_abandon(&state_file);
                unit_state_file_open(&state_file, directory);
        }
        ck_assert_int_gt(take_segment(&state_file), (int64_t) n);
        state_file_close(&state_file);
}
