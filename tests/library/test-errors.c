/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker: what it says of each error that a real broker replies, of each that it finds
 * itself, and what it undoes when the memory cannot be used.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define BROKER "org.shmbroker.Broker."
#define SERVICE "org.varlink.service."

/* What madvise(2) fails with from now on, where it is asked for memory; 0 for nothing. */
static int madvise_errno;

/* In place of the C library's: populating fails for want of memory, which no test should cause. */
int madvise(void *address, size_t length, int advice) {
        if (madvise_errno && (advice == 22 || advice == 23)) {
                errno = madvise_errno;
                return -1;
        }
        return (int) syscall(SYS_madvise, address, length, advice);
}

static void up(void) {
        static const Setup setup = {
                .config = "[limits]\n"
                          "segments = 7\n"
                          "segmentsPerUser = 3\n"
                          "bytesPerUser = 64K\n"
                          "attachmentsPerUser = 4\n",
        };

        fixture_up(&setup);
}

static void assert_number(const struct shmbroker_error *error, const char *key, int64_t expected) {
        int64_t value = -1;

        ck_assert_int_eq(shmbroker_error_number(error, key, &value), 0);
        ck_assert_int_eq(value, expected);
}

static bool has_number(const struct shmbroker_error *error, const char *key) {
        int64_t value = -12345;
        int r = shmbroker_error_number(error, key, &value);

        ck_assert_int_eq(r == 0 || r == -ENODATA, 1);
        ck_assert_int_eq(r == 0, value != -12345);
        return r == 0;
}

/* Which of the details there are, one letter each. */
static const char *details(const struct shmbroker_error *error) {
        static char letters[16];
        size_t n = 0;

        memset(letters, 0, sizeof(letters));
        if (shmbroker_error_text(error, "limit"))
                letters[n++] = 'l';
        if (has_number(error, "maximum"))
                letters[n++] = 'L';
        if (has_number(error, "used"))
                letters[n++] = 'u';
        if (has_number(error, "requested"))
                letters[n++] = 'q';
        if (shmbroker_error_text(error, "parameter"))
                letters[n++] = 'p';
        if (shmbroker_error_text(error, "reason"))
                letters[n++] = 'r';
        if (shmbroker_error_text(error, "cause"))
                letters[n++] = 'c';
        if (has_number(error, "id"))
                letters[n++] = 'i';
        if (has_number(error, "sizeBytes"))
                letters[n++] = 's';
        if (has_number(error, "minimumBytes"))
                letters[n++] = 'm';
        if (has_number(error, "maximumBytes"))
                letters[n++] = 'M';
        if (has_number(error, "attachCount"))
                letters[n++] = 'a';
        return letters;
}

/* Begins as a sentence in the middle of one does, ends without a full stop, and has one line. */
static void assert_sentence(const char *message) {
        ck_assert_uint_gt(strlen(message), 10);
        ck_assert_ptr_null(strpbrk(message, "\n\r\t"));
        ck_assert_ptr_nonnull(strchr(message, ' '));
        ck_assert_int_ne(message[strlen(message) - 1], '.');
}

static const struct shmbroker_error *assert_error(const struct shmbroker *connection, int code,
                                                  const char *name, const char *which,
                                                  const char *words) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);

        ck_assert_int_eq(shmbroker_error_code(error), code);
        if (name)
                ck_assert_str_eq(shmbroker_error_name(error), name);
        else
                ck_assert_ptr_null(shmbroker_error_name(error));
        ck_assert_str_eq(details(error), which);
        assert_sentence(shmbroker_error_message(error));
        ck_assert_msg(strstr(shmbroker_error_message(error), words), "'%s' has no '%s'",
                      shmbroker_error_message(error), words);
        return error;
}

static void fails(struct shmbroker *connection, const char *name,
                  const struct shmbroker_options *options, int code) {
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire(connection, name, options, &segment), code);
        ck_assert_ptr_null(segment);
}

SUITE("library-errors");
CASE("errors", .setup = up, .teardown = fixture_down);

TEST(no_such_segment) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_attachments *attachments = NULL;
        struct shmbroker_status *status = NULL;
        struct shmbroker_info *info = NULL;

        fails(connection, "a", NULL, -ENOENT);
        assert_error(connection, -ENOENT, BROKER "NoSuchSegment", "", "there is no segment 'a'");
        ck_assert_int_eq(shmbroker_stat(connection, NULL, 77, &info), -ENOENT);
        assert_error(connection, -ENOENT, BROKER "NoSuchSegment", "", "segment with the id 77");
        ck_assert_int_eq(shmbroker_remove(connection, "b", 0, 0, NULL), -ENOENT);
        assert_error(connection, -ENOENT, BROKER "NoSuchSegment", "", "'b'");
        ck_assert_int_eq(shmbroker_list_attachments(connection, "c", 0, &attachments), -ENOENT);
        assert_error(connection, -ENOENT, BROKER "NoSuchSegment", "", "'c'");
        /* A call that succeeds leaves nothing of it. */
        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        shmbroker_status_free(status);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
        ck_assert_str_eq(shmbroker_error_message(shmbroker_get_error(connection)), "");
        ck_assert_ptr_null(shmbroker_error_name(shmbroker_get_error(connection)));
        ck_assert_str_eq(details(shmbroker_get_error(connection)), "");
        shmbroker_close(connection);
}

TEST(exists) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);
        struct shmbroker_segment *segment = library_create(connection, "a", 1);
        const struct shmbroker_error *error;

        fails(connection, "a", options, -EEXIST);
        error = assert_error(connection, -EEXIST, BROKER "SegmentExists", "i",
                             "segment 'a' exists already");
        assert_number(error, "id", shmbroker_info_id(shmbroker_segment_info(segment)));
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(wrong_size) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 0);
        const struct shmbroker_error *error;

        fails(connection, "a", options, -EINVAL);
        error = assert_error(connection, -EINVAL, BROKER "WrongSize", "mM",
                             "segment 'a' can be created with a size from 1 to");
        assert_number(error, "minimumBytes", 1);
        assert_number(error, "maximumBytes", INT64_C(1) << 53);
        shmbroker_release(library_create(connection, "a", 5000));
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        shmbroker_options_set_size(options, 8192);
        fails(connection, "a", options, -EINVAL);
        error = assert_error(connection, -EINVAL, BROKER "WrongSize", "smM",
                             "segment 'a' has 5000 bytes");
        assert_number(error, "sizeBytes", 5000);
        assert_number(error, "maximumBytes", 5000);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(limits) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 65537);
        struct shmbroker_segment *segments[4] = {};
        const struct shmbroker_error *error;

        fails(connection, "a", options, -ENOSPC);
        error = assert_error(
                connection, -ENOSPC, BROKER "LimitReached", "lLuq",
                "limit 'bytesPerUser' of 65536 is reached: 0 in use, 69632 more requested");
        ck_assert_str_eq(shmbroker_error_text(error, "limit"), "bytesPerUser");
        assert_number(error, "maximum", 65536);
        assert_number(error, "used", 0);
        assert_number(error, "requested", 69632);
        shmbroker_options_set_size(options, 1);
        for (size_t i = 0; i < 3; ++i)
                segments[i] = library_create(connection, NULL, 1);
        fails(connection, "a", options, -ENOSPC);
        error = assert_error(connection, -ENOSPC, BROKER "LimitReached", "lLuq", "segmentsPerUser");
        assert_number(error, "maximum", 3);
        assert_number(error, "used", 3);
        assert_number(error, "requested", 1);
        for (size_t i = 0; i < 3; ++i)
                segments[i] = shmbroker_release(segments[i]);
        segments[0] = library_create(connection, "a", 1);
        for (size_t i = 1; i < 4; ++i)
                ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &segments[i]), 0);
        fails(connection, "a", NULL, -ENOSPC);
        error = assert_error(connection, -ENOSPC, BROKER "LimitReached", "lLuq",
                             "attachmentsPerUser");
        for (size_t i = 0; i < 4; ++i)
                shmbroker_release(segments[i]);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(wrong_parameters) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);
        struct shmbroker_info *info = NULL;
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_error *error;
        char long_name[257];

        shmbroker_options_set_mode(options, 01000);
        fails(connection, "a", options, -EINVAL);
        error = assert_error(connection, -EINVAL, SERVICE "InvalidParameter", "p", "mode");
        ck_assert_str_eq(shmbroker_error_text(error, "parameter"), "mode");
        shmbroker_options_set_mode(options, 0600);
        ck_assert_int_eq(shmbroker_acquire_id(connection, 1, options, &segment), -EINVAL);
        assert_error(connection, -EINVAL, SERVICE "InvalidParameter", "p", "create");
        ck_assert_int_eq(shmbroker_acquire_id(connection, 99, NULL, &segment), -ENOENT);
        assert_error(connection, -ENOENT, BROKER "NoSuchSegment", "", "with the id 99");
        /* Nothing says how large a private segment is to be. */
        fails(connection, NULL, NULL, -EINVAL);
        error = assert_error(connection, -EINVAL, SERVICE "InvalidParameter", "p", "sizeBytes");
        ck_assert_int_eq(shmbroker_stat(connection, NULL, -1, &info), -ENOENT);

        /* What cannot be said at all is found here. */
        memset(long_name, 'a', sizeof(long_name) - 1);
        long_name[256] = '\0';
        fails(connection, long_name, NULL, -EINVAL);
        fails(connection, "", NULL, -EINVAL);
        fails(connection, "a\"b", NULL, -EINVAL);
        error = assert_error(connection, -EINVAL, NULL, "p", "no segment can have this name");
        ck_assert_str_eq(shmbroker_error_text(error, "parameter"), "name");
        ck_assert_int_eq(shmbroker_stat(connection, "a//b", 0, &info), -EINVAL);
        ck_assert_int_eq(shmbroker_remove(connection, "/a", 0, 0, NULL), -EINVAL);
        assert_error(connection, -EINVAL, NULL, "p", "name");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

static void assert_wrong_option(struct shmbroker *connection, const char *parameter,
                                void (*set)(struct shmbroker_options *options, int value)) {
        static const int wrong[] = { -1, 4, INT32_MIN, INT32_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i) {
                struct shmbroker_options *options = library_options(SHMBROKER_CREATE_OPEN, 1);
                const struct shmbroker_error *error;

                set(options, wrong[i]);
                fails(connection, "a", options, -EINVAL);
                error = assert_error(connection, -EINVAL, NULL, "p", "enum");
                ck_assert_str_eq(shmbroker_error_text(error, "parameter"), parameter);
                shmbroker_options_free(options);
        }
}

TEST(wrong_enums) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_filter *filter = NULL;
        struct shmbroker_list *list = NULL;

        assert_wrong_option(connection, "create", shmbroker_options_set_create);
        assert_wrong_option(connection, "access", shmbroker_options_set_access);
        assert_wrong_option(connection, "kind", shmbroker_options_set_kind);
        ck_assert_int_eq(shmbroker_filter_new(&filter), 0);
        shmbroker_filter_set_kind(filter, 4);
        ck_assert_int_eq(shmbroker_list_segments(connection, filter, &list), -EINVAL);
        assert_error(connection, -EINVAL, NULL, "p", "kind");
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_MEMFD);
        ck_assert_int_eq(shmbroker_filter_set_match(filter, "\303"), 0);
        ck_assert_int_eq(shmbroker_list_segments(connection, filter, &list), -EINVAL);
        assert_error(connection, -EINVAL, NULL, "p", "UTF-8");
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "matchName");
        ck_assert_ptr_null(list);
        /* It was not sent, so the connection is as good as before. */
        ck_assert_int_eq(shmbroker_filter_set_match(filter, "\303\244"), 0);
        ck_assert_int_eq(shmbroker_list_segments(connection, filter, &list), 0);
        shmbroker_list_free(list);
        shmbroker_filter_free(filter);
        shmbroker_close(connection);
}

TEST(not_supported) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_error *error;
        int r;

        /* A kind that this broker makes one day is none to test with. */
        shmbroker_options_set_kind(options, SHMBROKER_KIND_SYSV);
        r = shmbroker_acquire(connection, NULL, options, &segment);
        if (r == -EOPNOTSUPP) {
                error = assert_error(connection, -EOPNOTSUPP, BROKER "NotSupported", "rc",
                                     "the broker cannot do this");
                ck_assert_ptr_nonnull(strstr(shmbroker_error_message(error),
                                             shmbroker_error_text(error, "reason")));
        } else {
                ck_assert_int_eq(r, 0);
                ck_assert_int_eq(
                        shmbroker_remove(connection, NULL,
                                         shmbroker_info_id(shmbroker_segment_info(segment)), 0,
                                         NULL),
                        0);
                shmbroker_release(segment);
        }
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* Another user, in a child: what fails there ends it with the number of the line. */
#define CHILD_ASSERT(condition)                                                                    \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        return __LINE__ % 255 + 1;                                                 \
        } while (0)

static int be_somebody_else(void) {
        struct shmbroker *connection = NULL;
        struct shmbroker_options *options = NULL;
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_error *error;
        const uid_t uids[] = { NOBODY, 0 };
        int64_t number = -1;

        CHILD_ASSERT(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        CHILD_ASSERT(shmbroker_connect(fixture_address(), &connection) == 0);
        error = shmbroker_get_error(connection);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", NULL, &segment) == -EACCES);
        CHILD_ASSERT(strcmp(shmbroker_error_name(error), SERVICE "PermissionDenied") == 0);
        CHILD_ASSERT(strcmp(shmbroker_error_message(error),
                            "segment 'a': you may not open it like this: its mode does not let "
                            "you, or it is exported to you for reading only") == 0);
        CHILD_ASSERT(shmbroker_options_new(&options) == 0);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", options, &segment) == 0);
        CHILD_ASSERT(strcmp(shmbroker_segment_data(segment), "for all") == 0);
        CHILD_ASSERT(shmbroker_error_name(error) == NULL);
        shmbroker_release(segment);
        segment = NULL;
        CHILD_ASSERT(shmbroker_options_set_trusted_uids(options, uids, 1) == 0);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", options, &segment) == -EPERM);
        CHILD_ASSERT(strcmp(shmbroker_error_name(error), BROKER "ForeignSegment") == 0);
        CHILD_ASSERT(strcmp(shmbroker_error_message(error),
                            "segment 'a' is not of a trusted user: its owner has uid 0 and its "
                            "creator uid 0") == 0);
        CHILD_ASSERT(shmbroker_error_number(error, "creatorUid", &number) == 0 && number == 0);
        CHILD_ASSERT(shmbroker_options_set_trusted_uids(options, uids, 2) == 0);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", options, &segment) == 0);
        CHILD_ASSERT(shmbroker_remove(connection, "a", 0, 0, NULL) == -EPERM);
        CHILD_ASSERT(strcmp(shmbroker_error_message(error), "segment 'a': you may not remove it") ==
                     0);
        shmbroker_release(segment);
        shmbroker_options_free(options);
        shmbroker_close(connection);
        return 0;
}

TEST(permission_denied) {
        struct shmbroker *connection;
        struct shmbroker_options *options;
        struct shmbroker_segment *segment = NULL;
        int status = 0;
        pid_t pid;

        if (geteuid() != 0)
                return;
        connection = library_connect();
        options = library_options(SHMBROKER_CREATE_NEW, 100);
        /* mkdtemp(3) lets nobody else in. */
        ck_assert_int_eq(chmod(fixture_directory(), 0755), 0);
        shmbroker_options_set_mode(options, 0604);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        strcpy(shmbroker_segment_data(segment), "for all");
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(be_somebody_else());
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

static uint64_t segment_count(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;
        uint64_t count;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        count = shmbroker_status_segment_count(status);
        shmbroker_status_free(status);
        return count;
}

/* What was created for it is removed again, whether it has a name or not. */
TEST(cannot_populate) {
        static const struct {
                int given;
                int expected;
        } rows[] = { { EFAULT, -ENOMEM },
                     { ENOMEM, -ENOMEM },
                     { EHWPOISON, -EHWPOISON },
                     { EINVAL, -EOPNOTSUPP } };
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);

        shmbroker_options_set_populate(options, 1);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                madvise_errno = rows[i].given;
                fails(connection, NULL, options, rows[i].expected);
                assert_error(connection, rows[i].expected, NULL, "", "segment");
                ck_assert_uint_eq(segment_count(connection), 0);
                fails(connection, "a", options, rows[i].expected);
                assert_error(connection, rows[i].expected, NULL, "", "segment 'a'");
                madvise_errno = 0;
                ck_assert_uint_eq(segment_count(connection), 0);
        }
        /* For reading alone, too; and what was there before stays. */
        shmbroker_release(library_create(connection, "a", 1));
        madvise_errno = EFAULT;
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        fails(connection, "a", options, -ENOMEM);
        madvise_errno = 0;
        ck_assert_uint_eq(segment_count(connection), 1);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

static void up_generous(void) {
        static const Setup setup = {
                .config = "[limits]\nbytes = 8192T\nbytesPerUser = 8192T\n",
        };

        fixture_up(&setup);
}

CASE("generous", .setup = up_generous, .teardown = fixture_down);

/* More than there are addresses: no mapping, but a descriptor can be had. */
TEST(cannot_map) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options =
                library_options(SHMBROKER_CREATE_NEW, UINT64_C(1) << 52);
        struct shmbroker_segment *segment = NULL;

        fails(connection, NULL, options, -ENOMEM);
        assert_error(connection, -ENOMEM, NULL, "", "cannot be mapped");
        ck_assert_uint_eq(segment_count(connection), 0);
        fails(connection, "a", options, -ENOMEM);
        ck_assert_uint_eq(segment_count(connection), 1);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        shmbroker_options_set_map(options, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_uint_eq(shmbroker_segment_size(segment), UINT64_C(1) << 52);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
