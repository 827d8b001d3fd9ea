/* SPDX-License-Identifier: MIT */
/*
 * SetAttributes, Resize, Seal and Publish, by a real broker on real memory. Who may is in
 * test-access.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 8192
#define MAXIMUM (1 << 20)

static Wire wire;

static void setup(void) {
        fixture_up(&(Setup){});
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

static SegmentInfo info_of(const char *name) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, name, &info), FAULT_NONE);
        return info;
}

static AcquireParameters creation(const char *name, int64_t size) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, size);
        return parameters;
}

static int create_growing(const char *name, int64_t size) {
        AcquireParameters parameters = creation(name, size);

        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, MAXIMUM);
        return wire_acquire(&wire, &parameters, NULL);
}

static int create_sealable(const char *name) {
        AcquireParameters parameters = creation(name, SIZE);

        GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, true);
        return wire_acquire(&wire, &parameters, NULL);
}

static int create_private(int64_t *ret_id) {
        AcquireParameters parameters = creation(NULL, SIZE);
        AcquireReply reply;
        int fd = wire_acquire(&wire, &parameters, &reply);

        *ret_id = reply.segment.id;
        return fd;
}

static SetAttributesParameters attributes_of(const char *name) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        return parameters;
}

static FaultCode resize(const char *name, int64_t size, Fault *fault) {
        ResizeParameters parameters = { .size_bytes = size };
        SegmentReply reply;

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        GIVE(&parameters, RESIZE_SIZE_BYTES);
        return wire_call(&wire, METHOD_RESIZE, &parameters, &reply, fault);
}

static FaultCode seal(const char *name, unsigned int seals, Fault *fault) {
        SealParameters parameters = { .seals = seals };
        SegmentReply reply;

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        GIVE(&parameters, SEAL_SEALS);
        return wire_call(&wire, METHOD_SEAL, &parameters, &reply, fault);
}

static FaultCode publish(int64_t id, const char *name, bool replace, PublishReply *ret,
                         Fault *fault) {
        PublishParameters parameters = { .id = id, .name = name };
        PublishReply reply;

        GIVE(&parameters, PUBLISH_ID);
        GIVE(&parameters, PUBLISH_NAME);
        if (replace)
                GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, true);
        return wire_call(&wire, METHOD_PUBLISH, &parameters, ret ? ret : &reply, fault);
}

static void remove_segment(const char *name, int fd) {
        RemoveReply reply;

        fd_close(fd);
        ck_assert_int_eq(wire_remove(&wire, name, &reply), FAULT_NONE);
        ck_assert(reply.destroyed);
}

SUITE("change");
CASE("change", .setup = setup, .teardown = teardown, .timeout = 30);

/* --- SetAttributes */

TEST(owner_and_mode) {
        SetAttributesParameters parameters = attributes_of("a");
        int fd = wire_create(&wire, "a", SIZE);
        SegmentInfo before = info_of("a"), info;

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, 4000000000);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_GID, owner_gid, 7);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, 0751);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        ck_assert_int_eq(info.permissions.owner_uid, 4000000000);
        ck_assert_int_eq(info.permissions.owner_gid, 7);
        ck_assert_int_eq(info.permissions.mode, 0751);
        ck_assert_int_eq(info.permissions.creator_uid, before.permissions.creator_uid);
        ck_assert_int_eq(info.permissions.creator_gid, before.permissions.creator_gid);
        ck_assert_int_ge(info.change_time_usec, before.change_time_usec);
        /* What is not given stays. */
        parameters = attributes_of("a");
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, 0);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        ck_assert_int_eq(info.permissions.owner_uid, 4000000000);
        ck_assert_int_eq(info.permissions.mode, 0);
        remove_segment("a", fd);
}

TEST(nothing_to_set) {
        SetAttributesParameters parameters = attributes_of("a");
        int fd = wire_create(&wire, "a", SIZE);
        SegmentInfo before = info_of("a"), info;

        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        ck_assert_int_eq(info.change_time_usec, before.change_time_usec);
        remove_segment("a", fd);
}

TEST(wrong_attributes) {
        static const struct {
                unsigned int row;
                int64_t value;
                const char *field;
        } rows[] = {
                { SET_ATTRIBUTES_OWNER_UID, -1, "ownerUid" },
                { SET_ATTRIBUTES_OWNER_UID, 4294967295, "ownerUid" },
                { SET_ATTRIBUTES_OWNER_GID, 4294967296, "ownerGid" },
                { SET_ATTRIBUTES_MODE, 01000, "mode" },
                { SET_ATTRIBUTES_MODE, -1, "mode" },
                { SET_ATTRIBUTES_LINGER_USEC, -2, "lingerUSec" },
                { SET_ATTRIBUTES_LINGER_USEC, (INT64_C(1) << 53) + 1, "lingerUSec" },
        };
        int fd = wire_create(&wire, "a", SIZE);
        Fault fault;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                SetAttributesParameters parameters = attributes_of("a");

                GIVE(&parameters, rows[i].row);
                switch (rows[i].row) {
                case SET_ATTRIBUTES_OWNER_UID:
                        parameters.owner_uid = rows[i].value;
                        break;
                case SET_ATTRIBUTES_OWNER_GID:
                        parameters.owner_gid = rows[i].value;
                        break;
                case SET_ATTRIBUTES_MODE:
                        parameters.mode = rows[i].value;
                        break;
                default:
                        parameters.linger_usec = rows[i].value;
                }
                ck_assert_int_eq(wire_set_attributes(&wire, &parameters, NULL, &fault),
                                 FAULT_INVALID_PARAMETER);
                ck_assert_str_eq(fault.text.text, rows[i].field);
        }
        ck_assert_int_eq(info_of("a").permissions.mode, 0600);
        remove_segment("a", fd);
}

/* It goes at its next last detach; one that was before it was asked for does not count. */
TEST(remove_on_last_detach_later) {
        SetAttributesParameters parameters = attributes_of("a");
        int fd;

        close(wire_create(&wire, "a", SIZE));
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, NULL, NULL), FAULT_NONE);
        ck_assert(info_of("a").remove_on_last_detach);
        fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", NULL), FAULT_NO_SUCH_SEGMENT);

        fd = wire_create_transient(&wire, "a", SIZE);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach, false);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, NULL, NULL), FAULT_NONE);
        close(fd);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        remove_segment("a", -1);
}

static void wait_until_gone(const char *name) {
        for (int i = 0; i < 500; ++i) {
                if (wire_stat(&wire, name, NULL) == FAULT_NO_SUCH_SEGMENT)
                        return;
                usleep(10000);
        }
        ck_abort_msg("%s is still there", name);
}

TEST(linger_later) {
        SetAttributesParameters parameters = attributes_of("a");
        SegmentInfo info;
        int fd;

        fd = wire_create(&wire, "a", SIZE);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec, 50000);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        ck_assert(GIVEN(&info, INFO_LINGER_USEC));
        ck_assert_int_eq(info.linger_usec, 50000);
        usleep(100000);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
        /* Taken away again. */
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec, LINGER_NEVER);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        ck_assert(!GIVEN(&info, INFO_LINGER_USEC));
        close(fd);
        usleep(100000);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        /* It has been without an attachment for longer than that. */
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec, 60000);
        ck_assert_int_eq(wire_set_attributes(&wire, &parameters, &info, NULL), FAULT_NONE);
        wait_until_gone("a");
}

/* --- Resize */

TEST(grows_under_mapping) {
        int fd = create_growing("a", 0), other;
        struct stat st;
        char *at;

        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, MAXIMUM);
        at = mmap(NULL, MAXIMUM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(info_of("a").size_bytes, 0);
        ck_assert_int_eq(info_of("a").maximum_bytes, MAXIMUM);
        for (int64_t size = SIZE; size <= MAXIMUM; size *= 2) {
                ck_assert_int_eq(resize("a", size, NULL), FAULT_NONE);
                at[size - 1] = 'x';
                ck_assert_int_eq(info_of("a").size_bytes, size);
        }
        other = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_eq(pread(other, at, 1, MAXIMUM - 1), 1);
        ck_assert_int_eq(at[0], 'x');
        /* Nobody can get beyond what was charged. */
        ck_assert_int_eq(ftruncate(fd, MAXIMUM + 1), -1);
        ck_assert_int_eq(errno, EPERM);
        (void) munmap(at, MAXIMUM);
        close(other);
        remove_segment("a", fd);
}

TEST(wrong_resize) {
        static const int64_t wrong[] = { -1, 0, SIZE - 1, MAXIMUM + 1, INT64_MAX, INT64_MIN };
        int fd = create_growing("a", SIZE), fixed = wire_create(&wire, "b", SIZE);
        Fault fault;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i) {
                ck_assert_int_eq(resize("a", wrong[i], &fault), FAULT_WRONG_SIZE);
                ck_assert_int_eq(fault.size.size_bytes, SIZE);
                ck_assert_int_eq(fault.size.minimum_bytes, SIZE);
                ck_assert_int_eq(fault.size.maximum_bytes, MAXIMUM);
        }
        ck_assert_int_eq(resize("b", SIZE + 1, &fault), FAULT_WRONG_SIZE);
        ck_assert_int_eq(fault.size.maximum_bytes, SIZE);
        ck_assert_int_eq(resize("b", SIZE, NULL), FAULT_NONE);
        ck_assert_int_eq(resize("c", SIZE, NULL), FAULT_NO_SUCH_SEGMENT);
        remove_segment("a", fd);
        remove_segment("b", fixed);
}

/* The whole of it is charged from the beginning, and told as what is promised. */
TEST(growing_is_charged) {
        AcquireParameters parameters = creation("b", 1);
        StatusReply status;
        Fault fault;
        int fd;

        fixture_configure("[limits]\nbytesPerUser = 1M\n");
        fixture_hang_up();
        fd = create_growing("a", SIZE);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "bytesPerUser");
        wire_status(&wire, &status);
        ck_assert_int_eq(status.total_bytes, SIZE);
        ck_assert_int_eq(resize("a", MAXIMUM, NULL), FAULT_NONE);
        wire_status(&wire, &status);
        ck_assert_int_eq(status.total_bytes, MAXIMUM);
        remove_segment("a", fd);
        close(wire_acquire(&wire, &parameters, NULL));
        remove_segment("b", -1);
}

TEST(wrong_maximum) {
        static const struct {
                int64_t size;
                int64_t maximum;
        } rows[] = { { 1, 0 }, { 2, 1 }, { 1, -1 }, { 1, (INT64_C(1) << 53) + 1 }, { -1, 1 } };
        Fault fault;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                AcquireParameters parameters = creation("a", rows[i].size);

                GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, rows[i].maximum);
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_WRONG_SIZE);
                /* There is no segment, so it has no size. */
                ck_assert(!GIVEN(&fault.size, FAULT_WRONG_SIZE_SIZE_BYTES));
        }
        ck_assert_int_eq(wire_stat(&wire, "a", NULL), FAULT_NO_SUCH_SEGMENT);
}

/* --- Seal */

/* A frame: whoever mapped it before may go on, nobody else can write any more. */
TEST(future_write) {
        int fd = create_sealable("a"), reader;
        AcquireParameters parameters = {};
        Fault fault;
        char *at;

        at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(seal("a", 1U << SEAL_FUTURE_WRITE, NULL), FAULT_NONE);
        ck_assert(info_of("a").seals & 1U << SEAL_FUTURE_WRITE);
        at[0] = 'x';
        ck_assert_int_eq(write(fd, "y", 1), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_ptr_eq(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        ck_assert_int_eq(errno, EPERM);
        reader = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_eq(pread(reader, at + 1, 1, 0), 1);
        ck_assert_int_eq(at[1], 'x');
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "readOnly"));
        (void) munmap(at, SIZE);
        close(reader);
        remove_segment("a", fd);
}

TEST(write) {
        int fd = create_sealable("a");
        Fault fault;
        void *at;

        at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(seal("a", 1U << SEAL_WRITE, &fault), FAULT_SEGMENT_BUSY);
        ck_assert_int_eq(fault.busy.attach_count, 1);
        ck_assert(!(info_of("a").seals & 1U << SEAL_WRITE));
        (void) munmap(at, SIZE);
        ck_assert_int_eq(seal("a", 1U << SEAL_WRITE | 1U << SEAL_SEAL, NULL), FAULT_NONE);
        ck_assert(info_of("a").seals & 1U << SEAL_WRITE);
        ck_assert_int_eq(write(fd, "y", 1), -1);
        /* It was the last one. */
        ck_assert_int_eq(seal("a", 1U << SEAL_FUTURE_WRITE, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "fixed"));
        remove_segment("a", fd);
}

/* Seals that a client added itself are told like the others. */
TEST(seals_of_clients) {
        int fd = create_sealable("a");

        ck_assert(!(info_of("a").seals & 1U << SEAL_SEAL));
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
        ck_assert(info_of("a").seals & 1U << SEAL_FUTURE_WRITE);
        remove_segment("a", fd);
}

TEST(not_sealable) {
        int fd = wire_create(&wire, "a", SIZE), other = create_sealable("b");
        Fault fault;

        ck_assert_int_eq(seal("a", 1U << SEAL_WRITE, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "sealable"));
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(seal("b", 0, &fault), FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, "seals");
        ck_assert_int_eq(seal("c", 1U << SEAL_WRITE, &fault), FAULT_NO_SUCH_SEGMENT);
        /* Those that every segment has can be named as well. */
        ck_assert_int_eq(seal("b", 1U << SEAL_GROW | 1U << SEAL_SHRINK, NULL), FAULT_NONE);
        remove_segment("a", fd);
        remove_segment("b", other);
}

/* --- Publish */

TEST(publish) {
        PublishReply reply;
        int64_t id, found;
        int fd = create_private(&id);

        ck_assert_int_eq(publish(id, "a", false, &reply, NULL), FAULT_NONE);
        ck_assert_str_eq(reply.segment.name, "a");
        ck_assert_int_eq(reply.segment.id, id);
        ck_assert(!GIVEN(&reply, PUBLISH_REPLY_REPLACED_ID));
        found = info_of("a").id;
        ck_assert_int_eq(found, id);
        remove_segment("a", fd);
}

/* Who has the old one keeps it, and whoever comes gets the new one. */
TEST(replace) {
        int64_t id, old_id = 0;
        int old = wire_create_transient(&wire, "a", SIZE), fd, reader;
        SegmentInfo info;
        PublishReply reply;
        Fault fault;
        char byte;

        old_id = info_of("a").id;
        ck_assert_int_eq(pwrite(old, "1", 1, 0), 1);
        fd = create_private(&id);
        ck_assert_int_eq(pwrite(fd, "2", 1, 0), 1);
        ck_assert_int_eq(publish(id, "a", false, NULL, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, old_id);
        ck_assert_int_eq(publish(id, "a", true, &reply, NULL), FAULT_NONE);
        ck_assert(GIVEN(&reply, PUBLISH_REPLY_REPLACED_ID));
        ck_assert_int_eq(reply.replaced_id, old_id);
        reader = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_eq(pread(reader, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, '2');
        ck_assert_int_eq(pread(old, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, '1');
        ck_assert_int_eq(wire_stat_id(&wire, old_id, &info), FAULT_NONE);
        ck_assert(info.removed);
        ck_assert(!GIVEN(&info, INFO_NAME));
        close(old);
        ck_assert_int_eq(wire_stat_id(&wire, old_id, NULL), FAULT_NO_SUCH_SEGMENT);
        close(reader);
        remove_segment("a", fd);
}

TEST(wrong_publish) {
        int named = wire_create(&wire, "a", SIZE), fd;
        SegmentParameters parameters = {};
        RemoveReply removed;
        int64_t id;
        Fault fault;

        ck_assert_int_eq(publish(info_of("a").id, "b", true, NULL, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "name"));
        ck_assert_int_eq(publish(1000000, "b", true, NULL, &fault), FAULT_NO_SUCH_SEGMENT);
        fd = create_private(&id);
        ck_assert_int_eq(publish(id, "../b", true, NULL, &fault), FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, "name");
        ck_assert_int_eq(publish(id, "", false, NULL, &fault), FAULT_INVALID_PARAMETER);
        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        ck_assert_int_eq(wire_call(&wire, METHOD_REMOVE, &parameters, &removed, NULL), FAULT_NONE);
        ck_assert_int_eq(publish(id, "b", false, NULL, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "removed"));
        ck_assert_int_eq(wire_stat(&wire, "b", NULL), FAULT_NO_SUCH_SEGMENT);
        close(fd);
        remove_segment("a", named);
}
