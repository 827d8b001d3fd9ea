/* Numbers that are never given away twice, whatever happens between. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mark.h"
#include "daemon/state.h"
#include "proto/util.h"
#include "tests/unit.h"

#define EMPTY_STATE ((State) STATE_NULL)

static char *directory, *file;

static void setup(void) {
        unit_fds_begin();
        directory = unit_directory();
        file = unit_path(directory, "state");
}

static void teardown(void) {
        free(directory);
        free(file);
        unit_fds_end();
}

static int64_t take_segment(State *state) {
        int64_t id = -1;

        ck_assert_int_eq(state_segment_id(state, &id), 0);
        return id;
}

static int64_t take_attachment(State *state) {
        int64_t id = -1;

        ck_assert_int_eq(state_attachment_id(state, &id), 0);
        ck_assert_int_gt(id, 0);
        ck_assert_int_lt(id, MARK_BASE - 1);
        return id;
}

START_TEST(test_first) {
        State state = EMPTY_STATE;

        ck_assert_int_eq(state_open(&state, directory), 0);
        ck_assert_int_eq(take_segment(&state), 1);
        ck_assert_int_eq(take_segment(&state), 2);
        ck_assert_int_eq(take_attachment(&state), (INT64_C(1) << 32) + 1);
        state_close(&state);
        state_close(&state);
        ck_assert_int_eq(state.lock_fd, -EBADF);
}
END_TEST

/* An orderly end loses no segment ids; attachments have a new epoch. */
START_TEST(test_reopen) {
        int64_t last_segment = 0, last_attachment = 0;

        for (int i = 0; i < 20; ++i) {
                State state = EMPTY_STATE;

                ck_assert_int_eq(state_open(&state, directory), 0);
                for (int j = 0; j < i * 40; ++j) {
                        int64_t id = take_segment(&state), attachment = take_attachment(&state);

                        ck_assert_int_eq(id, last_segment + 1);
                        ck_assert_int_gt(attachment, last_attachment);
                        last_segment = id;
                        last_attachment = attachment;
                }
                state_close(&state);
        }
}
END_TEST

static int crash(void *userdata) {
        State state = EMPTY_STATE;
        int64_t ids[2] = {};
        int *pipe_fds = userdata;

        if (state_open(&state, directory))
                return 1;
        for (int i = 0; i < 5000; ++i)
                if (state_segment_id(&state, &ids[0]) || state_attachment_id(&state, &ids[1]))
                        return 2;
        return write(pipe_fds[1], ids, sizeof(ids)) != sizeof(ids);
}

/* A crash loses some, and repeats none. */
START_TEST(test_crash) {
        int64_t last_segment = 0, last_attachment = 0;
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        for (int i = 0; i < 10; ++i) {
                State state = EMPTY_STATE;
                int64_t ids[2];

                ck_assert_int_eq(unit_fork(crash, fds), 0);
                ck_assert_int_eq(read(fds[0], ids, sizeof(ids)), sizeof(ids));
                ck_assert_int_ge(ids[0], last_segment + 5000);
                ck_assert_int_gt(ids[1], last_attachment);
                ck_assert_int_eq(state_open(&state, directory), 0);
                last_segment = take_segment(&state);
                last_attachment = take_attachment(&state);
                ck_assert_int_gt(last_segment, ids[0]);
                ck_assert_int_gt(last_attachment, ids[1]);
                if (i % 2)
                        state_close(&state);
                /* Or as a crash leaves it. */
                close(state.lock_fd);
                close(state.directory_fd);
        }
        close(fds[0]);
        close(fds[1]);
}
END_TEST

static const struct {
        const char *name;
        const char *text;
        size_t n_text;
} damaged[] = {
#define ROW(what, literal)                                                                         \
        { (what), (literal), sizeof(literal) - 1 }
        ROW("empty", ""),
        ROW("something else", "hello\n"),
        ROW("another version", "shmbroker 2\nepoch 1\nsegments 1\n"),
        ROW("cut", "shmbroker 1\nepoch 1\nsegments "),
        ROW("no newline at the end", "shmbroker 1\nepoch 1\nsegments 1"),
        ROW("more behind", "shmbroker 1\nepoch 1\nsegments 1\n\n"),
        ROW("a NUL and more behind", "shmbroker 1\nepoch 1\nsegments 1\n\0x"),
        ROW("binary", "\0\0\0\0\0\0\0\0"),
        ROW("spaces", "shmbroker 1\nepoch  1\nsegments 1\n"),
        ROW("leading zero", "shmbroker 1\nepoch 01\nsegments 1\n"),
        ROW("plus sign", "shmbroker 1\nepoch +1\nsegments 1\n"),
        ROW("epoch 0", "shmbroker 1\nepoch 0\nsegments 1\n"),
        ROW("segments 0", "shmbroker 1\nepoch 1\nsegments 0\n"),
        ROW("negative epoch", "shmbroker 1\nepoch -1\nsegments 1\n"),
        ROW("negative segments", "shmbroker 1\nepoch 1\nsegments -1\n"),
        ROW("epoch beyond 64 bits", "shmbroker 1\nepoch 99999999999999999999\nsegments 1\n"),
        ROW("segments beyond 64 bits", "shmbroker 1\nepoch 1\nsegments 99999999999999999999\n"),
        ROW("epoch too large for marks", "shmbroker 1\nepoch 9223372036854775807\nsegments 1\n"),
        ROW("epoch a little too large", "shmbroker 1\nepoch 1073741824\nsegments 1\n"),
        ROW("segments too large", "shmbroker 1\nepoch 1\nsegments 9223372036854775807\n"),
        ROW("reversed", "shmbroker 1\nsegments 1\nepoch 1\n"),
#undef ROW
};

/* Refused, and left as it is: a person has to look. */
START_TEST(test_damaged) {
        State state = EMPTY_STATE;
        char *after;
        size_t n;

        unit_write_file(file, damaged[_i].text, damaged[_i].n_text);
        for (int i = 0; i < 2; ++i) {
                ck_assert_msg(state_open(&state, directory) == STATE_E_DAMAGED, "%s: accepted",
                              damaged[_i].name);
                state_close(&state);
                after = unit_read_file(file, &n);
                ck_assert_uint_eq(n, damaged[_i].n_text);
                ck_assert_mem_eq(after, damaged[_i].text, n);
                free(after);
        }
}
END_TEST

START_TEST(test_large_file) {
        State state = EMPTY_STATE;
        char text[1000];

        memset(text, '\n', sizeof(text));
        memcpy(text, "shmbroker 1\nepoch 1\nsegments 1\n", 31);
        unit_write_file(file, text, sizeof(text));
        ck_assert_int_eq(state_open(&state, directory), STATE_E_DAMAGED);
        state_close(&state);
}
END_TEST

/* The first ids behind those of a file that is good. */
START_TEST(test_good_file) {
        static const char text[] = "shmbroker 1\nepoch 41\nsegments 1000\n";
        State state = EMPTY_STATE;
        char *after;

        unit_write_file(file, text, sizeof(text) - 1);
        ck_assert_int_eq(state_open(&state, directory), 0);
        ck_assert_int_eq(state.epoch, 42);
        ck_assert_int_eq(take_segment(&state), 1000);
        ck_assert_int_eq(take_attachment(&state), 42 * (INT64_C(1) << 32) + 1);
        state_close(&state);
        after = unit_read_file(file, NULL);
        ck_assert_str_eq(after, "shmbroker 1\nepoch 42\nsegments 1001\n");
        free(after);
}
END_TEST

static int open_other(void *userdata) {
        State state = EMPTY_STATE;
        int r = state_open(&state, directory);

        (void) userdata;
        state_close(&state);
        return r;
}

START_TEST(test_busy) {
        State state = EMPTY_STATE, other = EMPTY_STATE;
        char *before, *after;

        ck_assert_int_eq(state_open(&state, directory), 0);
        before = unit_read_file(file, NULL);
        ck_assert_int_eq(unit_fork(open_other, NULL), STATE_E_BUSY);
        ck_assert_int_eq(state_open(&other, directory), STATE_E_BUSY);
        state_close(&other);
        /* The first one still has it. */
        ck_assert_int_eq(unit_fork(open_other, NULL), STATE_E_BUSY);
        after = unit_read_file(file, NULL);
        ck_assert_str_eq(before, after);
        (void) take_segment(&state);
        state_close(&state);
        ck_assert_int_eq(unit_fork(open_other, NULL), 0);
        free(before);
        free(after);
}
END_TEST

static int open_read_only(void *userdata) {
        State state = EMPTY_STATE;
        int r;

        (void) userdata;
        if (geteuid() == 0 &&
            (setresgid(61003, 61003, 61003) < 0 || setresuid(61003, 61003, 61003) < 0))
                return 1;
        r = state_open(&state, directory);
        state_close(&state);
        return r == -EACCES ? 0 : 2;
}

START_TEST(test_read_only_directory) {
        struct stat st;

        ck_assert_int_eq(chmod(directory, 0555), 0);
        ck_assert_int_eq(unit_fork(open_read_only, NULL), 0);
        ck_assert_int_eq(chmod(directory, 0700), 0);
        ck_assert_int_eq(stat(file, &st), -1);
}
END_TEST

/* Made with its parents, for its owner alone. */
START_TEST(test_directories) {
        char *path = unit_path(directory, "a/b//c/"), *below = unit_path(directory, "a");
        State state = EMPTY_STATE;
        struct stat st;

        ck_assert_int_eq(state_open(&state, path), 0);
        state_close(&state);
        ck_assert_int_eq(stat(below, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0700);
        free(below);
        below = unit_path(directory, "a/b/c/state");
        ck_assert_int_eq(stat(below, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        free(below);
        free(path);
}
END_TEST

START_TEST(test_not_a_directory) {
        char *path = unit_path(file, "below"), too_long[5000];
        State state = EMPTY_STATE;

        unit_write_file(file, "x", 1);
        ck_assert_int_eq(state_open(&state, path), -ENOTDIR);
        state_close(&state);
        ck_assert_int_eq(state_open(&state, file), -ENOTDIR);
        state_close(&state);
        memset(too_long, '/', sizeof(too_long) - 1);
        too_long[sizeof(too_long) - 1] = '\0';
        ck_assert_int_eq(state_open(&state, too_long), -ENAMETOOLONG);
        state_close(&state);
        free(path);
}
END_TEST

/* A link in the place of a file is not followed. */
START_TEST(test_links) {
        static const char *const names[] = { "state", "state.new", "lock" };
        char *target = unit_path(directory, "target");
        char *after;

        unit_write_file(target, "precious", 8);
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                char *link = unit_path(directory, names[i]);
                State state = EMPTY_STATE;

                (void) unlink(link);
                ck_assert_int_eq(symlink("target", link), 0);
                ck_assert_int_lt(state_open(&state, directory), 0);
                state_close(&state);
                ck_assert_int_eq(unlink(link), 0);
                free(link);
        }
        after = unit_read_file(target, NULL);
        ck_assert_str_eq(after, "precious");
        free(after);
        free(target);
}
END_TEST

/* When numbers run out and cannot be written down, there are none; later there are again. */
START_TEST(test_cannot_write) {
        State state = EMPTY_STATE;
        char *obstacle = unit_path(directory, "state.new");
        int64_t id = 4711, last = 0;
        int r;

        ck_assert_int_eq(state_open(&state, directory), 0);
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        while ((r = state_segment_id(&state, &id)) == 0) {
                ck_assert_int_eq(id, last + 1);
                last = id;
                ck_assert_int_lt(last, 100000);
        }
        ck_assert_int_eq(r, STATE_E_NO_IDS);
        ck_assert_int_eq(state_segment_id(&state, &id), STATE_E_NO_IDS);
        ck_assert_int_eq(id, last);
        ck_assert_int_eq(rmdir(obstacle), 0);
        ck_assert_int_eq(take_segment(&state), last + 1);
        state.next_attachment = INT64_C(1) << 32;
        ck_assert_int_eq(mkdir(obstacle, 0700), 0);
        ck_assert_int_eq(state_attachment_id(&state, &id), STATE_E_NO_IDS);
        ck_assert_int_eq(rmdir(obstacle), 0);
        ck_assert_int_eq(take_attachment(&state), 2 * (INT64_C(1) << 32) + 1);
        last = take_segment(&state);
        state_close(&state);
        /* What is left of a write that broke off does not matter. */
        unit_write_file(obstacle, "shmb", 4);
        state = EMPTY_STATE;
        ck_assert_int_eq(state_open(&state, directory), 0);
        ck_assert_int_eq(take_segment(&state), last + 1);
        state_close(&state);
        free(obstacle);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("state");
        TCase *tc = tcase_create("state");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 30);
        tcase_add_test(tc, test_first);
        tcase_add_test(tc, test_reopen);
        tcase_add_test(tc, test_crash);
        tcase_add_loop_test(tc, test_damaged, 0, ARRAY_SIZE(damaged));
        tcase_add_test(tc, test_large_file);
        tcase_add_test(tc, test_good_file);
        tcase_add_test(tc, test_busy);
        tcase_add_test(tc, test_read_only_directory);
        tcase_add_test(tc, test_directories);
        tcase_add_test(tc, test_not_a_directory);
        tcase_add_test(tc, test_links);
        tcase_add_test(tc, test_cannot_write);
        suite_add_tcase(suite, tc);
        return unit_main(suite);
}
