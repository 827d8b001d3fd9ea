/* SPDX-License-Identifier: MIT */
/* Lists by libshmbroker against a real broker: of segments, as filters have them, and of
 * attachments. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

static void up(void) {
        fixture_up(NULL);
}

SUITE("library-list");
CASE("list", .setup = up, .teardown = fixture_down);

static void assert_listed(struct shmbroker *connection, const struct shmbroker_filter *filter,
                          const char *names) {
        struct shmbroker_list *list = NULL;
        char found[256] = "";

        ck_assert_int_eq(shmbroker_list_segments(connection, filter, &list), 0);
        for (size_t i = 0; i < shmbroker_list_count(list); ++i) {
                const char *name = shmbroker_info_name(shmbroker_list_get(list, i));

                (void) strcat(strcat(found, name ? name : "-"), " ");
        }
        ck_assert_ptr_null(shmbroker_list_get(list, shmbroker_list_count(list)));
        ck_assert_ptr_null(shmbroker_list_get(list, SIZE_MAX));
        ck_assert_str_eq(found, names);
        ck_assert_ptr_null(shmbroker_list_free(list));
}

TEST(list) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_filter *filter = NULL;
        struct shmbroker_segment *removed;
        struct shmbroker_list *list = NULL;
        char pattern[514];

        assert_listed(connection, NULL, "");
        shmbroker_release(library_create(connection, "a/b", 1));
        shmbroker_release(library_create(connection, "a/c", 1));
        shmbroker_release(library_create(connection, "d", 1));
        removed = library_create(connection, "gone", 1);
        library_remove(connection, "gone");
        assert_listed(connection, NULL, "a/b a/c d ");
        ck_assert_int_eq(shmbroker_filter_new(&filter), 0);
        assert_listed(connection, filter, "a/b a/c d ");
        shmbroker_filter_set_include_removed(filter, 1);
        assert_listed(connection, filter, "a/b a/c d - ");
        shmbroker_filter_set_include_removed(filter, 0);
        ck_assert_int_eq(shmbroker_filter_set_match(filter, "a*"), 0);
        assert_listed(connection, filter, "a/b a/c ");
        ck_assert_int_eq(shmbroker_filter_set_match(filter, "*[!b]"), 0);
        assert_listed(connection, filter, "a/c d ");
        ck_assert_int_eq(shmbroker_filter_set_match(filter, "\"\\"), 0);
        assert_listed(connection, filter, "");
        /* Each of these bytes takes six in the message. */
        memset(pattern, '\1', sizeof(pattern));
        pattern[255] = '\0';
        ck_assert_int_eq(shmbroker_filter_set_match(filter, pattern), 0);
        assert_listed(connection, filter, "");
        pattern[255] = '\1';
        pattern[512] = '\0';
        ck_assert_int_eq(shmbroker_filter_set_match(filter, pattern), 0);
        ck_assert_int_eq(shmbroker_list_segments(connection, filter, &list), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "matchName");
        pattern[512] = '\1';
        pattern[513] = '\0';
        ck_assert_int_eq(shmbroker_filter_set_match(filter, pattern), -ENAMETOOLONG);
        ck_assert_int_eq(shmbroker_filter_set_match(filter, NULL), 0);
        shmbroker_filter_set_owner(filter, getuid());
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_MEMFD);
        assert_listed(connection, filter, "a/b a/c d ");
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_SYSV);
        assert_listed(connection, filter, "");
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_MEMFD);
        shmbroker_filter_set_owner(filter, getuid() + 1);
        assert_listed(connection, filter, "");
        ck_assert_ptr_null(shmbroker_filter_free(filter));
        ck_assert_ptr_null(shmbroker_filter_free(NULL));
        ck_assert_ptr_null(shmbroker_list_free(NULL));
        shmbroker_release(removed);
        library_remove(connection, "a/b");
        library_remove(connection, "a/c");
        library_remove(connection, "d");
        shmbroker_close(connection);
}

/* More than one piece of what is received at a time, and of what is allocated. */
TEST(list_many) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_list *list = NULL;
        char name[16];

        for (int i = 0; i < 300; ++i) {
                (void) snprintf(name, sizeof(name), "%d", i);
                shmbroker_release(library_create(connection, name, 1));
        }
        ck_assert_int_eq(shmbroker_list_segments(connection, NULL, &list), 0);
        ck_assert_uint_eq(shmbroker_list_count(list), 300);
        for (int i = 0; i < 300; ++i) {
                (void) snprintf(name, sizeof(name), "%d", i);
                ck_assert_str_eq(shmbroker_info_name(shmbroker_list_get(list, (size_t) i)), name);
                library_remove(connection, name);
        }
        shmbroker_list_free(list);
        shmbroker_close(connection);
}

/* The inode of a pidfd of this process, where pidfds have inodes of their own. */
static void assert_pidfd(const struct shmbroker_attachment *attachment) {
        int fd = (int) syscall(SYS_pidfd_open, getpid(), 0);
        uint64_t id = 0;
        struct stat st;
        int r;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        fd_close(fd);
        r = shmbroker_attachment_pidfd_id(attachment, &id);
        if (r == 0)
                ck_assert_uint_eq(id, st.st_ino);
        else
                ck_assert_int_eq(r, -ENODATA);
}

TEST(attachments) {
        uint64_t before = library_now(), since = 0;
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = NULL;
        struct shmbroker_segment *one = library_create(connection, "a", 1), *other = NULL;
        struct shmbroker_attachments *attachments = NULL;
        const struct shmbroker_attachment *attachment;
        int64_t id = 0;
        uid_t uid = 99;
        pid_t pid = 0;
        int access = 99, inherited = 99;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &other), 0);
        ck_assert_int_eq(shmbroker_list_attachments(connection, "a", 0, &attachments), 0);
        ck_assert_uint_eq(shmbroker_attachments_count(attachments), 2);
        ck_assert_ptr_null(shmbroker_attachments_get(attachments, 2));
        attachment = shmbroker_attachments_get(attachments, 1);
        ck_assert_int_eq(shmbroker_segment_attachment_id(other, &id), 0);
        ck_assert_int_eq(shmbroker_attachment_id(attachment), id);
        ck_assert_int_eq(shmbroker_attachment_pid(attachment, &pid), 0);
        ck_assert_int_eq(pid, getpid());
        ck_assert_uint_eq(strlen(shmbroker_attachment_boot_id(attachment)), 32);
        assert_pidfd(attachment);
        ck_assert_int_eq(shmbroker_attachment_uid(attachment, &uid), 0);
        ck_assert_uint_eq(uid, getuid());
        ck_assert_int_eq(shmbroker_attachment_access(attachment, &access), 0);
        ck_assert_int_eq(access, SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(shmbroker_attachment_since(attachment, &since), 0);
        ck_assert(since >= before && since <= library_now());
        ck_assert_int_eq(shmbroker_attachment_inherited(attachment, &inherited), 0);
        ck_assert_int_eq(inherited, 0);
        ck_assert_ptr_nonnull(strstr(shmbroker_attachment_json(attachment), "\"readOnly\""));
        attachment = shmbroker_attachments_get(attachments, 0);
        ck_assert_int_eq(shmbroker_attachment_access(attachment, &access), 0);
        ck_assert_int_eq(access, SHMBROKER_ACCESS_READ_WRITE);
        ck_assert_ptr_null(shmbroker_attachments_free(attachments));
        shmbroker_release(one);
        shmbroker_release(other);
        ck_assert_int_eq(shmbroker_list_attachments(connection, "a", 0, &attachments), 0);
        ck_assert_uint_eq(shmbroker_attachments_count(attachments), 0);
        ck_assert_ptr_null(shmbroker_attachments_get(attachments, 0));
        shmbroker_attachments_free(attachments);
        ck_assert_ptr_null(shmbroker_attachments_free(NULL));
        library_remove(connection, "a");
        ck_assert_int_eq(shmbroker_list_attachments(connection, "a", 0, &attachments), -ENOENT);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
