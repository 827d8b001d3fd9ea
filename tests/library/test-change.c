/* SPDX-License-Identifier: MIT */
/* libshmbroker over a real daemon: changing, resizing, sealing, publishing, and what users have. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096
#define SERVICE "org.varlink.service."
#define BROKER "org.shmbroker.Broker."

static void up(void) {
        fixture_up(NULL);
}

static const struct shmbroker_error *assert_error(const struct shmbroker *connection,
                                                  const char *name, const char *words) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);

        if (name)
                ck_assert_str_eq(shmbroker_error_name(error), name);
        ck_assert_msg(strstr(shmbroker_error_message(error), words), "'%s' has no '%s'",
                      shmbroker_error_message(error), words);
        return error;
}

static struct shmbroker_segment *create(struct shmbroker *connection, const char *name,
                                        uint64_t size, uint64_t maximum, int sealable) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, size);
        struct shmbroker_segment *segment = NULL;

        if (maximum)
                shmbroker_options_set_maximum(options, maximum);
        shmbroker_options_set_sealable(options, sealable);
        ck_assert_int_eq(shmbroker_acquire(connection, name, options, &segment), 0);
        shmbroker_options_free(options);
        return segment;
}

SUITE("library-change");
CASE("change", .setup = up, .teardown = fixture_down);

TEST(set_attributes) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", 1);
        struct shmbroker_attributes *changes = NULL;
        struct shmbroker_info *info = NULL;
        uint64_t usec = 0;

        ck_assert_int_eq(shmbroker_attributes_new(&changes), 0);
        /* Nothing is a change, too. */
        ck_assert_int_eq(shmbroker_set_attributes(connection, "a", 0, changes, NULL), 0);
        shmbroker_attributes_set_mode(changes, 0644);
        shmbroker_attributes_set_linger(changes, 3600000000);
        ck_assert_int_eq(shmbroker_set_attributes(connection, "a", 0, changes, &info), 0);
        ck_assert_uint_eq(shmbroker_info_mode(info), 0644);
        ck_assert_int_eq(shmbroker_info_linger(info, &usec), 0);
        ck_assert_uint_eq(usec, 3600000000);
        ck_assert_uint_eq(shmbroker_info_owner_uid(info), getuid());
        shmbroker_info_free(info);

        /* They can be used again, and what is not in them stays. */
        ck_assert_ptr_null(shmbroker_attributes_free(changes));
        ck_assert_ptr_null(shmbroker_attributes_free(NULL));
        ck_assert_int_eq(shmbroker_attributes_new(&changes), 0);
        shmbroker_attributes_set_linger(changes, SHMBROKER_FOREVER);
        shmbroker_attributes_set_remove_on_last_detach(changes, 1);
        shmbroker_attributes_set_group(changes, getgid());
        ck_assert_int_eq(
                shmbroker_set_attributes(connection, NULL,
                                         shmbroker_info_id(shmbroker_segment_info(segment)),
                                         changes, &info),
                0);
        ck_assert_int_eq(shmbroker_info_linger(info, &usec), -ENODATA);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 1);
        ck_assert_uint_eq(shmbroker_info_mode(info), 0644);
        shmbroker_info_free(info);
        shmbroker_attributes_free(changes);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ENOENT);
        shmbroker_close(connection);
}

TEST(set_locked) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, NULL, 1);
        int64_t id = shmbroker_info_id(shmbroker_segment_info(segment));
        struct shmbroker_attributes *changes = NULL;
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_attributes_new(&changes), 0);
        for (int locked = 1; locked >= 0; --locked) {
                shmbroker_attributes_set_locked(changes, locked);
                ck_assert_int_eq(shmbroker_set_attributes(connection, NULL, id, changes, &info), 0);
                ck_assert_int_eq(shmbroker_info_locked(info), locked);
                shmbroker_info_free(info);
        }
        shmbroker_attributes_free(changes);
        shmbroker_release(segment);
        shmbroker_close(connection);
}

static void assert_wrong_change(struct shmbroker *connection, struct shmbroker_attributes *changes,
                                const char *parameter) {
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_set_attributes(connection, "a", 0, changes, &info), -EINVAL);
        ck_assert_ptr_null(info);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         parameter);
        shmbroker_attributes_free(changes);
}

static struct shmbroker_attributes *changes_new(void) {
        struct shmbroker_attributes *changes = NULL;

        ck_assert_int_eq(shmbroker_attributes_new(&changes), 0);
        return changes;
}

TEST(wrong_changes) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_attributes *changes = changes_new();
        const uid_t self = getuid();

        shmbroker_release(library_create(connection, "a", 1));
        ck_assert_int_eq(shmbroker_set_attributes(connection, "b", 0, changes, NULL), -ENOENT);
        assert_error(connection, BROKER "NoSuchSegment", "'b'");
        ck_assert_int_eq(shmbroker_set_attributes(connection, "/", 0, changes, NULL), -EINVAL);
        shmbroker_attributes_set_mode(changes, 01000);
        assert_wrong_change(connection, changes, "mode");
        changes = changes_new();
        shmbroker_attributes_set_owner(changes, (uid_t) -1);
        assert_wrong_change(connection, changes, "ownerUid");
        changes = changes_new();
        shmbroker_attributes_set_group(changes, (gid_t) -1);
        assert_wrong_change(connection, changes, "ownerGid");
        changes = changes_new();
        shmbroker_attributes_set_linger(changes, UINT64_MAX - 1);
        assert_wrong_change(connection, changes, "lingerUSec");
        /* They are for publishing. */
        changes = changes_new();
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(changes, &self, 1), 0);
        assert_wrong_change(connection, changes, "trustedUids");
        changes = changes_new();
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(changes, &self, 1), 0);
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(changes, NULL, 0), 0);
        ck_assert_int_eq(shmbroker_set_attributes(connection, "a", 0, changes, NULL), 0);
        shmbroker_attributes_free(changes);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

TEST(resize) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = create(connection, "a", 100, 3 * PAGE, 0);
        struct shmbroker_info *info = NULL;
        uint64_t maximum = 0;
        int64_t least = 0;

        ck_assert_int_eq(shmbroker_info_maximum(shmbroker_segment_info(segment), &maximum), 0);
        ck_assert_uint_eq(maximum, 3 * PAGE);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 5000, NULL), 0);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 5000, &info), 0);
        ck_assert_uint_eq(shmbroker_info_size(info), 5000);
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 4999, &info), -EINVAL);
        assert_error(connection, BROKER "WrongSize", "can get a size from 5000 to 12288 bytes");
        ck_assert_int_eq(
                shmbroker_error_number(shmbroker_get_error(connection), "minimumBytes", &least), 0);
        ck_assert_int_eq(least, 5000);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 3 * PAGE + 1, &info), -EINVAL);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, UINT64_MAX, &info), -EINVAL);
        ck_assert_int_eq(shmbroker_resize(connection, "b", 0, PAGE, &info), -ENOENT);
        shmbroker_release(segment);
        library_remove(connection, "a");

        shmbroker_release(library_create(connection, "a", 100));
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 101, &info), -EINVAL);
        assert_error(connection, BROKER "WrongSize", "has 100 bytes for ever");
        library_remove(connection, "a");
        shmbroker_close(connection);
}

TEST(seal) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = create(connection, "a", 100, 0, 1), *more = NULL;
        struct shmbroker_options *options = NULL;
        struct shmbroker_info *info = NULL;
        int64_t count = 0;

        ck_assert_int_eq(shmbroker_seal(connection, "a", 0, SHMBROKER_SEAL_WRITE, &info), -EBUSY);
        assert_error(connection, BROKER "SegmentBusy", "those that can write have to end first");
        ck_assert_int_eq(
                shmbroker_error_number(shmbroker_get_error(connection), "attachCount", &count), 0);
        ck_assert_int_eq(count, 1);
        ck_assert_int_eq(shmbroker_seal(connection, "a", 0, 64, &info), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "seals");
        ck_assert_int_eq(shmbroker_seal(connection, "a", 0, 0, &info), -EINVAL);
        strcpy(shmbroker_segment_data(segment), "for ever");
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_seal(connection, "a", 0,
                                        SHMBROKER_SEAL_WRITE | SHMBROKER_SEAL_SEAL, &info),
                         0);
        ck_assert_uint_eq(shmbroker_info_seals(info) & SHMBROKER_SEAL_WRITE, SHMBROKER_SEAL_WRITE);
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_seal(connection, "a", 0, SHMBROKER_SEAL_EXEC, NULL),
                         -EOPNOTSUPP);

        /* Nobody can write any more, but who reads can, and write into a copy. */
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &segment), -EOPNOTSUPP);
        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        shmbroker_options_set_private_copy(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &more), 0);
        strcpy(shmbroker_segment_data(more), "not");
        ck_assert_str_eq(shmbroker_segment_data(segment), "for ever");
        shmbroker_release(segment);
        shmbroker_release(more);
        library_remove(connection, "a");
        shmbroker_options_free(options);

        shmbroker_release(library_create(connection, "a", 100));
        ck_assert_int_eq(shmbroker_seal(connection, "a", 0, SHMBROKER_SEAL_WRITE, NULL),
                         -EOPNOTSUPP);
        assert_error(connection, BROKER "NotSupported", "not created sealable");
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "cause"),
                         "notSealable");
        library_remove(connection, "a");
        shmbroker_close(connection);
}

static struct shmbroker_info *info_of(struct shmbroker *connection, int64_t id) {
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_stat(connection, NULL, id, &info), 0);
        return info;
}

/* A segment that ends with its maker until it has a name, and lives on from then. */
TEST(publish_attributes) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, NULL, 1);
        struct shmbroker_attributes *attributes = NULL, *wrong = NULL;
        struct shmbroker_info *info = NULL;
        int64_t id = 0;

        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        ck_assert_int_eq(shmbroker_attributes_new(&wrong), 0);
        shmbroker_attributes_set_owner(wrong, 1);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, wrong, NULL, NULL), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "ownerUid");
        shmbroker_attributes_free(wrong);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 2, NULL, NULL, NULL), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "flags");

        ck_assert_int_eq(shmbroker_attributes_new(&attributes), 0);
        shmbroker_attributes_set_mode(attributes, 01000);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, NULL, NULL),
                         -EINVAL);
        shmbroker_attributes_set_mode(attributes, 0640);
        shmbroker_attributes_set_remove_on_last_detach(attributes, 0);
        shmbroker_attributes_set_linger(attributes, 3600000000);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, &info, NULL), 0);
        ck_assert_uint_eq(shmbroker_info_mode(info), 0640);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 0);
        shmbroker_info_free(info);
        shmbroker_release(segment);
        info = info_of(connection, id);
        ck_assert_str_eq(shmbroker_info_name(info), "a");
        ck_assert_uint_eq(library_attach_count(info), 0);
        shmbroker_info_free(info);
        library_remove(connection, "a");
        shmbroker_attributes_free(attributes);
        shmbroker_close(connection);
}

/* Of the wrong user, neither gets or loses a name; the error says which it was. */
TEST(publish_trusted) {
        const uid_t self = getuid(), others[] = { getuid() + 1, getuid() + 2 };
        uid_t too_many[SHMBROKER_TRUSTED_UIDS_MAX + 1] = {};
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, NULL, 1);
        struct shmbroker_attributes *attributes = changes_new();
        int64_t id = 0, foreign = 0;

        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(attributes, others, 2), 0);
        /* What cannot be changes nothing. */
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(attributes, &self, 0), -EINVAL);
        ck_assert_int_eq(
                shmbroker_attributes_set_trusted_uids(attributes, too_many, ARRAY_SIZE(too_many)),
                -EINVAL);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, NULL, NULL), -EPERM);
        assert_error(connection, BROKER "ForeignSegment", "is not of a trusted user");
        ck_assert_int_eq(shmbroker_error_number(shmbroker_get_error(connection), "id", &foreign),
                         0);
        ck_assert_int_eq(foreign, id);
        ck_assert_int_eq(shmbroker_attributes_set_trusted_uids(attributes, &self, 1), 0);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, NULL, NULL), 0);
        shmbroker_attributes_free(attributes);
        library_remove(connection, "a");
        shmbroker_release(segment);
        shmbroker_close(connection);
}

/* What cannot have the name remains as it was. */
TEST(publish_in_the_way) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);
        struct shmbroker_attributes *attributes = NULL;
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_info *info;
        struct stat st;
        char path[256];
        int64_t id = 0;

        shmbroker_options_set_kind(options, SHMBROKER_KIND_FILE);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        (void) snprintf(path, sizeof(path), "%s/state/files/a", fixture_directory());
        unit_write_file(path, "x", 1);
        ck_assert_int_eq(shmbroker_attributes_new(&attributes), 0);
        shmbroker_attributes_set_mode(attributes, 0666);
        shmbroker_attributes_set_remove_on_last_detach(attributes, 0);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, NULL, NULL),
                         -EEXIST);
        info = info_of(connection, id);
        ck_assert_ptr_null(shmbroker_info_name(info));
        ck_assert_uint_eq(shmbroker_info_mode(info), 0600);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 1);
        ck_assert_int_eq(stat(shmbroker_info_file_path(info), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
        shmbroker_info_free(info);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(shmbroker_publish(connection, id, "a", 0, attributes, &info, NULL), 0);
        ck_assert_int_eq(stat(shmbroker_info_file_path(info), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0666);
        shmbroker_info_free(info);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_attributes_free(attributes);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(publish) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *one = library_create(connection, NULL, 1), *other, *found = NULL;
        int64_t one_id = 0, other_id = 0, replaced = -1;
        struct shmbroker_info *info = NULL;

        other = library_create(connection, NULL, 1);
        ck_assert_int_eq(shmbroker_segment_id(one, &one_id), 0);
        ck_assert_int_eq(shmbroker_segment_id(other, &other_id), 0);
        ck_assert_ptr_null(shmbroker_segment_name(one));
        ck_assert_int_eq(shmbroker_publish(connection, one_id, "a", 0, NULL, &info, &replaced), 0);
        ck_assert_str_eq(shmbroker_info_name(info), "a");
        ck_assert_int_eq(replaced, 0);
        shmbroker_info_free(info);

        ck_assert_int_eq(shmbroker_publish(connection, other_id, "a", 0, NULL, NULL, &replaced),
                         -EEXIST);
        assert_error(connection, BROKER "SegmentExists", "the name 'a' is in use: replace");
        ck_assert_int_eq(replaced, 0);
        ck_assert_int_eq(shmbroker_publish(connection, other_id, "a", SHMBROKER_PUBLISH_REPLACE,
                                           NULL, NULL, &replaced),
                         0);
        ck_assert_int_eq(replaced, one_id);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &found), 0);
        ck_assert_int_eq(shmbroker_info_id(shmbroker_segment_info(found)), other_id);
        ck_assert_int_eq(shmbroker_publish(connection, one_id, "b//c", 0, NULL, NULL, NULL),
                         -EINVAL);
        ck_assert_int_eq(shmbroker_publish(connection, 999999, "b", 0, NULL, NULL, NULL), -ENOENT);
        assert_error(connection, BROKER "NoSuchSegment", "segment with the id 999999");
        shmbroker_release(one);
        shmbroker_release(other);
        shmbroker_release(found);
        shmbroker_close(connection);
}

TEST(users) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = create(connection, "a", 100, 2 * PAGE, 0);
        struct shmbroker_users *users = NULL;
        const struct shmbroker_user *user;
        const char *name = NULL;
        int64_t value = -1, same = -2;
        size_t n_limits = 0;

        ck_assert_int_eq(shmbroker_list_users(connection, &users), 0);
        ck_assert_uint_eq(shmbroker_users_count(users), 1);
        ck_assert_ptr_null(shmbroker_users_get(users, 1));
        user = shmbroker_users_get(users, 0);
        ck_assert_uint_eq(shmbroker_user_uid(user), getuid());
        ck_assert_uint_eq(shmbroker_user_segment_count(user), 1);
        ck_assert_uint_eq(shmbroker_user_charged_bytes(user), 2 * PAGE);
        ck_assert_uint_eq(shmbroker_user_attachment_count(user), 1);
        ck_assert_uint_eq(shmbroker_user_connection_count(user), 1);
        ck_assert_ptr_nonnull(strstr(shmbroker_user_json(user), "\"chargedBytes\":8192"));
        for (; shmbroker_user_limit(user, n_limits, &name, &value) == 0; ++n_limits) {
                ck_assert_int_eq(shmbroker_user_limit_by_name(user, name, &same), 0);
                ck_assert_int_eq(same, value);
        }
        ck_assert_uint_gt(n_limits, 2);
        ck_assert_int_eq(shmbroker_user_limit(user, SIZE_MAX, &name, &value), -ENODATA);
        ck_assert_int_eq(shmbroker_user_limit_by_name(user, "no such", &value), -ENODATA);
        /* Of who is alone, the share is the limit. */
        for (size_t i = 0; shmbroker_user_share(user, i, &name, &value) == 0; ++i, --n_limits) {
                ck_assert_int_eq(shmbroker_user_share_by_name(user, name, &same), 0);
                ck_assert_int_eq(same, value);
                ck_assert_int_eq(shmbroker_user_limit_by_name(user, name, &same), 0);
                ck_assert_int_eq(same, value);
        }
        ck_assert_uint_eq(n_limits, 0);
        ck_assert_int_eq(shmbroker_user_share_by_name(user, "no such", &value), -ENODATA);
        ck_assert_ptr_null(shmbroker_users_free(users));
        ck_assert_ptr_null(shmbroker_users_free(NULL));
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

TEST(status_by_name) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_status *status = NULL;
        int64_t value = -1;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_int_eq(shmbroker_status_limit_by_name(status, "bytesPerUser", &value), 0);
        ck_assert_int_gt(value, 0);
        ck_assert_int_eq(shmbroker_status_counter_by_name(status, "segmentsCreated", &value), 0);
        ck_assert_int_eq(value, 0);
        ck_assert_int_eq(shmbroker_status_limit_by_name(status, "segmentsCreated", &value),
                         -ENODATA);
        ck_assert_int_eq(shmbroker_status_counter_by_name(status, "", &value), -ENODATA);
        shmbroker_status_free(status);
        shmbroker_close(connection);
}

/* What the broker says to who is neither owner, creator nor root. */
static int be_somebody_else(void *userdata) {
        int64_t id = *(int64_t *) userdata;
        struct shmbroker *connection = NULL;
        struct shmbroker_attributes *changes = NULL;
        struct shmbroker_users *users = NULL;
        const struct shmbroker_error *error;

        if (setgid(NOBODY) || setuid(NOBODY) || shmbroker_connect(fixture_address(), &connection) ||
            shmbroker_attributes_new(&changes))
                return 1;
        error = shmbroker_get_error(connection);
        shmbroker_attributes_set_mode(changes, 0666);
        if (shmbroker_set_attributes(connection, NULL, id, changes, NULL) != -EPERM ||
            strstr(shmbroker_error_message(error), "you may not change it") == NULL)
                return 2;
        if (shmbroker_resize(connection, NULL, id, PAGE, NULL) != -EPERM ||
            strstr(shmbroker_error_message(error), "may not resize it") == NULL)
                return 3;
        if (shmbroker_seal(connection, NULL, id, SHMBROKER_SEAL_EXEC, NULL) != -EPERM ||
            strstr(shmbroker_error_message(error), "may not seal it") == NULL)
                return 4;
        if (shmbroker_publish(connection, id, "x", 0, NULL, NULL, NULL) != -EPERM ||
            strstr(shmbroker_error_message(error), "may not publish it") == NULL)
                return 5;
        if (shmbroker_list_users(connection, &users) || shmbroker_users_count(users) != 1 ||
            shmbroker_user_uid(shmbroker_users_get(users, 0)) != NOBODY)
                return 6;
        shmbroker_users_free(users);
        shmbroker_attributes_free(changes);
        shmbroker_close(connection);
        return 0;
}

TEST(somebody_else) {
        struct shmbroker *connection;
        struct shmbroker_attributes *changes;
        struct shmbroker_segment *segment;
        int64_t id = 0;

        if (geteuid() != 0)
                return;
        connection = library_connect();
        changes = changes_new();
        segment = library_create(connection, NULL, 1);
        ck_assert_int_eq(chmod(fixture_directory(), 0755), 0);
        shmbroker_attributes_set_mode(changes, 0666);
        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        ck_assert_int_eq(shmbroker_set_attributes(connection, NULL, id, changes, NULL), 0);
        ck_assert_int_eq(unit_fork(be_somebody_else, &id), 0);
        shmbroker_attributes_free(changes);
        shmbroker_release(segment);
        shmbroker_close(connection);
}

static int call_in_child(void *userdata) {
        struct shmbroker *connection = userdata;
        struct shmbroker_attributes *changes = NULL;
        struct shmbroker_users *users = NULL;
        struct shmbroker_call *call = NULL;

        if (shmbroker_attributes_new(&changes))
                return 1;
        if (shmbroker_set_attributes(connection, "a", 0, changes, NULL) != -ECHILD ||
            shmbroker_resize(connection, "a", 0, 1, NULL) != -ECHILD ||
            shmbroker_seal(connection, "a", 0, SHMBROKER_SEAL_EXEC, NULL) != -ECHILD ||
            shmbroker_publish(connection, 1, "a", 0, NULL, NULL, NULL) != -ECHILD ||
            shmbroker_list_users(connection, &users) != -ECHILD ||
            shmbroker_acquire_start(connection, "a", NULL, &call) != -ECHILD)
                return 2;
        shmbroker_attributes_free(changes);
        shmbroker_close(connection);
        return 0;
}

TEST(fork) {
        struct shmbroker *connection = library_connect();

        ck_assert_int_eq(unit_fork(call_in_child, connection), 0);
        shmbroker_close(connection);
}

/* ---- what is repeated when it was cut off */

#define STATE "{\"parameters\":{\"segment\":" SEGMENT "}}"

static int change(struct shmbroker *connection, const char *name) {
        struct shmbroker_attributes *changes = changes_new();
        int r;

        shmbroker_attributes_set_mode(changes, 0600);
        r = shmbroker_set_attributes(connection, name, 7, changes, NULL);
        shmbroker_attributes_free(changes);
        return r;
}

static int resize(struct shmbroker *connection, const char *name) {
        return shmbroker_resize(connection, name, 7, PAGE, NULL);
}

static int seal(struct shmbroker *connection, const char *name) {
        return shmbroker_seal(connection, name, 7, SHMBROKER_SEAL_EXEC, NULL);
}

CASE("fake", .setup = fake_begin, .teardown = fake_end);

TEST(cut_off) {
        static const struct {
                int (*call)(struct shmbroker *connection, const char *name);
                const char *parameters;
        } rows[] = {
                { change, "SetAttributes\",\"parameters\":{\"id\":7,\"mode\":384}}" },
                { resize, "Resize\",\"parameters\":{\"id\":7,\"sizeBytes\":4096}}" },
                { seal, "Seal\",\"parameters\":{\"id\":7,\"seals\":[\"exec\"]}}" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const Answer answers[] = {
                        { .expects = rows[i].parameters },
                        { .text = STATE, .expects = rows[i].parameters },
                };
                struct shmbroker *connection = fake_connect(answers, 2);

                ck_assert_int_eq(rows[i].call(connection, NULL), 0);
                fake_close(connection, 0);
                /* By name it could be another segment the second time. */
                connection = fake_connect(&(const Answer){ .expects = "\"name\":\"a\"" }, 1);
                ck_assert_int_eq(rows[i].call(connection, "a"), -ECONNRESET);
                fake_close(connection, -ECONNRESET);
        }
}

TEST(publish_cut_off) {
        static const Answer gone = {
                .expects = "Publish\",\"parameters\":{\"id\":7,\"name\":\"a\",\"replace\":true}}",
        };
        struct shmbroker *connection = fake_connect(&gone, 1);

        ck_assert_int_eq(
                shmbroker_publish(connection, 7, "a", SHMBROKER_PUBLISH_REPLACE, NULL, NULL, NULL),
                -ECONNRESET);
        fake_close(connection, -ECONNRESET);
}

#define WRONG_USER                                                                                 \
        "{\"parameters\":{\"user\":{\"uid\":-1,\"segmentCount\":0,\"chargedBytes\":0,"             \
        "\"attachmentCount\":0,\"connectionCount\":0,\"limits\":{}}}}"

TEST(wrong_answers) {
        static const char *const texts[] = {
                "{\"parameters\":{}}",
                WRONG_USER,
                "{\"parameters\":{\"segment\":null,\"replacedId\":7}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                const Answer answer = { .text = texts[i] };
                struct shmbroker *connection = fake_connect(&answer, 1);
                struct shmbroker_users *users = NULL;
                struct shmbroker_info *info = NULL;
                int r;

                /* Only the first and the last are lists, both of nobody. */
                r = shmbroker_list_users(connection, &users);
                ck_assert_int_eq(r, i == 1 ? -EPROTO : 0);
                ck_assert_uint_eq(users ? shmbroker_users_count(users) : 0, 0);
                shmbroker_users_free(users);
                fake_close(connection, r);
                connection = fake_connect(&answer, 1);
                ck_assert_int_eq(shmbroker_publish(connection, 7, "a", 0, NULL, &info, NULL),
                                 -EPROTO);
                ck_assert_ptr_null(info);
                fake_close(connection, -EPROTO);
        }
}
