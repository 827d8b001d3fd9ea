/* SPDX-License-Identifier: MIT */
/*
 * Segments whose object the broker cannot open when it begins: a directory that is not there yet, a
 * lease, a mode, few descriptors. They are kept, and found again; what is surely gone is forgotten.
 */

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define NAME "it"
#define USER 1001

/* More than the broker tries at most, and than it needs in the worst case. */
#define PAUSE_USEC 120000
#define MANY 90

static Wire wire;
static int lease_fd = -EBADF;

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        wire_open(&wire);
}

/* With all objects there again, as its descriptors are counted. */
static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

static void restart(const Setup *setup) {
        wire_close(&wire);
        fixture_restart(SIGKILL, setup);
        wire_open(&wire);
}

static AcquireParameters creation(Kind kind, const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_SYSV)
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, native_key());
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name(name));
        return parameters;
}

static int make(Kind kind, const char *name) {
        AcquireParameters parameters = creation(kind, name);

        return wire_acquire(&wire, &parameters, NULL);
}

static SegmentInfo info(void) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, NAME, &info), FAULT_NONE);
        return info;
}

static StatusReply status(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status;
}

static void assert_unavailable(const char *cause) {
        SegmentInfo segment = info();

        ck_assert_msg(GIVEN(&segment, INFO_UNAVAILABLE), "it is available");
        ck_assert_str_eq(segment.unavailable.cause, cause);
        ck_assert_int_gt(segment.unavailable.since_usec, 0);
        ck_assert_uint_gt(strlen(segment.unavailable.message), 0);
        ck_assert(!GIVEN(&segment, INFO_ATTACH_COUNT));
        ck_assert(!GIVEN(&segment, INFO_ALLOCATED_BYTES));
        ck_assert(!GIVEN(&segment, INFO_OTHER_HOLDERS));
        ck_assert(!GIVEN(&segment, INFO_INODE));
        ck_assert(!GIVEN(&segment, INFO_DEVICE));
}

/* It was looked for a moment ago, and is so again now. */
static void assert_available(int64_t n_attached) {
        SegmentInfo segment;

        usleep(PAUSE_USEC);
        segment = info();
        ck_assert_msg(!GIVEN(&segment, INFO_UNAVAILABLE), "%s", segment.unavailable.message);
        ck_assert(GIVEN(&segment, INFO_ATTACH_COUNT));
        ck_assert_int_eq(segment.attach_count, n_attached);
        ck_assert(GIVEN(&segment, INFO_INODE));
        ck_assert(GIVEN(&segment, INFO_DEVICE));
}

static FaultCode set(const SetAttributesParameters *what, SegmentInfo *ret) {
        SetAttributesParameters parameters = *what;
        Fault fault;

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, NAME);
        return wire_set_attributes(&wire, &parameters, ret, &fault);
}

static FaultCode set_mode(mode_t mode) {
        SetAttributesParameters parameters = {};
        SegmentInfo segment;

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, mode);
        return set(&parameters, &segment);
}

/* Whatever the mode, its owner may ask so. */
static SegmentInfo info_of_own(void) {
        SetAttributesParameters parameters = {};
        SegmentInfo segment;

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach, false);
        ck_assert_int_eq(set(&parameters, &segment), FAULT_NONE);
        return segment;
}

/* --- what happens between two brokers */

static void path_of(const char *name, char ret[256]) {
        (void) snprintf(ret, 256, "%s/state/%s", fixture_directory(), name);
}

static bool move(const char *from, const char *to) {
        char before[256], after[256];

        path_of(from, before);
        path_of(to, after);
        return rename(before, after) == 0;
}

static bool make_directory(void) {
        char path[256];

        path_of("files", path);
        return mkdir(path, 0755) == 0;
}

static void take_directory(void) {
        if (!move("files", "files.away"))
                _exit(98);
}

/* As if the file system were not mounted yet. */
static void replace_directory(void) {
        take_directory();
        if (!make_directory())
                _exit(98);
}

static void return_directory(void) {
        char path[256];

        path_of("files", path);
        (void) rmdir(path);
        ck_assert(move("files.away", "files"));
}

static void take_lease(void) {
        if (fcntl(lease_fd, F_SETLEASE, F_RDLCK) < 0)
                _exit(98);
}

static void unlink_object(void) {
        char path[256];

        path_of("files/" NAME, path);
        (void) unlink(path);
        (void) shm_unlink(native_name(NAME));
}

static const Setup without_directory = { .prepare = take_directory };
static const Setup other_directory = { .prepare = replace_directory };
static const Setup *const away[] = { &without_directory, &other_directory };

SUITE("unavailable");
CASE("unavailable", .setup = setup, .teardown = teardown, .timeout = 60);

/* --- tests */

/* Nothing is lost while its directory is not there, however often the broker starts. */
/* What is made where the files are not would not be found again. */
static void assert_no_files(void) {
        AcquireParameters parameters = {};
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "another");
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_FILE);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "mounted"));
}

TEST(directory, .end = ARRAY_SIZE(away)) {
        int fd = make(KIND_FILE, NAME);
        StatusReply before = status(), after;
        SegmentInfo made = info(), found;

        ck_assert_int_eq(pwrite(fd, "precious", 8, 0), 8);
        restart(away[_i]);
        assert_unavailable("missing");
        restart(NULL);
        assert_unavailable("missing");
        restart(NULL);
        usleep(PAUSE_USEC);
        assert_unavailable("missing");
        assert_no_files();
        after = status();
        ck_assert_int_eq(after.segment_count, before.segment_count);
        ck_assert_int_eq(after.total_bytes, before.total_bytes);
        ck_assert_int_eq(after.charged_bytes, before.charged_bytes);
        ck_assert_int_eq(after.allocated_bytes, 0);
        ck_assert_int_eq(after.generation, 3);
        return_directory();
        assert_available(1);
        found = info();
        ck_assert_int_eq(found.id, made.id);
        ck_assert_int_eq(found.change_time_usec, made.change_time_usec);
        ck_assert_int_eq(status().charged_bytes, before.charged_bytes);
        close(fd);
        fd = wire_open_segment(&wire, NAME, ACCESS_READ_WRITE);
        {
                char bytes[8];

                ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
                ck_assert_mem_eq(bytes, "precious", sizeof(bytes));
        }
        close(fd);
        restart(NULL);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static void assert_refused(Method method, const void *parameters, int64_t id) {
        Fault fault;

        ck_assert_int_eq(wire_call(&wire, method, parameters, NULL, &fault),
                         FAULT_SEGMENT_UNAVAILABLE);
        ck_assert_int_eq(fault.unavailable.id, id);
        ck_assert_str_eq(fault.unavailable.cause, "missing");
        ck_assert_uint_gt(strlen(fault.unavailable.message), 0);
}

/* What needs the object is refused; what is the broker's alone is done. */
TEST(calls) {
        AcquireParameters acquire = creation(KIND_MEMFD, NAME);
        SetAttributesParameters attributes = {};
        PublishParameters publish = {};
        ResizeParameters resize = {};
        AcquireReply other;
        SealParameters seal = {};
        SegmentInfo segment;
        Fault fault;
        int64_t id;

        close(make(KIND_FILE, NAME));
        restart(&other_directory);
        id = info().id;
        ck_assert_int_eq(wire_try_acquire(&wire, &acquire, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, id);
        acquire.create = CREATE_ANY;
        assert_refused(METHOD_ACQUIRE, &acquire, id);
        acquire.create = CREATE_OPEN;
        GIVE_VALUE(&acquire, ACQUIRE_WAIT_USEC, wait_usec, -1);
        assert_refused(METHOD_ACQUIRE, &acquire, id);
        GIVE_VALUE(&resize, SEGMENT_NAME, name, NAME);
        resize.size_bytes = SIZE;
        assert_refused(METHOD_RESIZE, &resize, id);
        GIVE_VALUE(&seal, SEGMENT_NAME, name, NAME);
        seal.seals = 1U << SEAL_WRITE;
        assert_refused(METHOD_SEAL, &seal, id);
        ck_assert_int_eq(set_mode(0644), FAULT_SEGMENT_UNAVAILABLE);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_LINGER_USEC, linger_usec, 1);
        ck_assert_int_eq(set(&attributes, &segment), FAULT_NONE);
        attributes.linger_usec = LINGER_NEVER;
        ck_assert_int_eq(set(&attributes, &segment), FAULT_NONE);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_LOCKED, locked, true);
        ck_assert_int_eq(set(&attributes, &segment), FAULT_SEGMENT_UNAVAILABLE);
        acquire = creation(KIND_MEMFD, "b");
        close(wire_acquire(&wire, &acquire, &other));
        ck_assert_int_eq(wire_remove(&wire, "b", NULL), FAULT_NONE);
        acquire.given &= ~(UINT64_C(1) << ACQUIRE_NAME);
        {
                int fd = wire_acquire(&wire, &acquire, &other);

                publish.id = other.segment.id;
                publish.name = NAME;
                GIVE_VALUE(&publish, PUBLISH_REPLACE, replace, true);
                assert_refused(METHOD_PUBLISH, &publish, id);
                close(fd);
        }
        ck_assert_int_eq(
                wire_call(&wire, METHOD_REMOVE,
                          &(SegmentParameters){ .given = 1U << SEGMENT_ID, .id = other.segment.id },
                          NULL, NULL),
                FAULT_NONE);
        return_directory();
        assert_available(0);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

/* What is to go with its last holder, or after a while, stays: nobody knows who has it. */
TEST(life, .end = 2) {
        AcquireParameters parameters = creation(KIND_FILE, NAME);
        int fd;

        if (_i == 0)
                GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        else
                GIVE_VALUE(&parameters, ACQUIRE_LINGER_USEC, linger_usec, 50000);
        fd = wire_acquire(&wire, &parameters, NULL);
        restart(&other_directory);
        close(fd);
        usleep(300000);
        assert_unavailable("missing");
        return_directory();
        for (int i = 0; i < 1000 && wire_stat(&wire, NAME, &(SegmentInfo){}) == FAULT_NONE; ++i)
                usleep(5000);
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
}

/* Who has it has it before, meanwhile and afterwards. */
TEST(holder) {
        AcquireParameters parameters = creation(KIND_FILE, NAME);
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        fd = wire_acquire(&wire, &parameters, NULL);
        restart(&other_directory);
        ck_assert_int_eq(pwrite(fd, "still", 5, 0), 5);
        return_directory();
        assert_available(1);
        usleep(200000);
        assert_available(1);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
}

/* It is forgotten, and its object stays. */
TEST(remove) {
        RemoveReply reply;
        char path[256];

        close(make(KIND_FILE, NAME));
        restart(&other_directory);
        ck_assert_int_eq(wire_remove(&wire, NAME, &reply), FAULT_NONE);
        ck_assert(reply.destroyed);
        ck_assert(!GIVEN(&reply, REMOVE_REPLY_ATTACH_COUNT));
        ck_assert_int_eq(status().segment_count, 0);
        ck_assert_int_eq(status().charged_bytes, 0);
        close(make(KIND_MEMFD, NAME));
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        restart(NULL);
        ck_assert_int_eq(status().segment_count, 0);
        path_of("files.away/" NAME, path);
        ck_assert_int_eq(unlink(path), 0);
        return_directory();
}

/* Missing from the directory that it was in, it is gone for good. */
TEST(gone, .end = 2) {
        static const Kind kinds[] = { KIND_FILE, KIND_POSIX };

        close(make(kinds[_i], NAME));
        restart(&(Setup){ .prepare = unlink_object });
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(status().segment_count, 0);
        ck_assert_int_eq(status().generation, 0);
}

/* The same, found out later. */
TEST(gone_meanwhile) {
        char path[256];

        close(make(KIND_FILE, NAME));
        restart(&other_directory);
        assert_unavailable("missing");
        path_of("files.away/" NAME, path);
        ck_assert_int_eq(unlink(path), 0);
        return_directory();
        usleep(PAUSE_USEC);
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(status().segment_count, 0);
}

static WatchReply next_event(Wire *watch) {
        WatchReply event;
        Reply reply;

        ck_assert(wire_receive(watch, &reply));
        ck_assert_ptr_null(reply.error);
        ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
        return event;
}

/* Nobody asks, and it is found again. */
TEST(watch) {
        WatchParameters parameters = {};
        WatchReply event;
        Wire watch;

        close(make(KIND_FILE, NAME));
        restart(&other_directory);
        wire_open(&watch);
        ck_assert_int_eq(wire_call(&watch, METHOD_WATCH, &parameters, &event, NULL), FAULT_NONE);
        ck_assert_int_eq(event.event, EVENT_EXISTING);
        ck_assert(GIVEN(&event.segment, INFO_UNAVAILABLE));
        event = next_event(&watch);
        ck_assert_int_eq(event.event, EVENT_SYNCHRONIZED);
        return_directory();
        event = next_event(&watch);
        ck_assert_int_eq(event.event, EVENT_CHANGED);
        ck_assert(!GIVEN(&event.segment, INFO_UNAVAILABLE));
        ck_assert_int_eq(event.segment.attach_count, 0);
        wire_close(&watch);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

/* Nobody asks, and it turns out to be gone. */
TEST(watch_lost) {
        WatchParameters parameters = { .changes_only = true };
        WatchReply event;
        char path[256];
        Wire watch;

        close(make(KIND_FILE, NAME));
        restart(&other_directory);
        GIVE(&parameters, WATCH_CHANGES_ONLY);
        wire_open(&watch);
        ck_assert_int_eq(wire_call(&watch, METHOD_WATCH, &parameters, &event, NULL), FAULT_NONE);
        ck_assert_int_eq(event.event, EVENT_SYNCHRONIZED);
        path_of("files.away/" NAME, path);
        ck_assert_int_eq(unlink(path), 0);
        return_directory();
        event = next_event(&watch);
        ck_assert_int_eq(event.event, EVENT_DESTROYED);
        ck_assert(GIVEN(&event, WATCH_REPLY_CAUSE));
        ck_assert_str_eq(event.cause, "lost");
        wire_close(&watch);
}

/* Somebody has a lease of the object at that moment. */
TEST(lease) {
        int fd = make(KIND_POSIX, NAME);

        close(fd);
        lease_fd = native_open_posix(native_name(NAME), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(lease_fd, 0);
        restart(&(Setup){ .prepare = take_lease });
        assert_unavailable("error");
        ck_assert_int_eq(fcntl(lease_fd, F_SETLEASE, F_UNLCK), 0);
        usleep(PAUSE_USEC);
        ck_assert(!GIVEN(&(SegmentInfo){ .given = info().given }, INFO_UNAVAILABLE));
        ck_assert(info().other_holders);
        lease_fd = fd_close(lease_fd);
        assert_available(0);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

/* The object is another user's, and the broker may not do any more what it may do with others'. */
TEST(denied, .skip = geteuid() != 0, .reason = "what the broker is denied is seen by root alone") {
        const Setup poor = { .no_capabilities = UINT64_C(1) << CAP_DAC_OVERRIDE |
                                                UINT64_C(1) << CAP_DAC_READ_SEARCH |
                                                UINT64_C(1) << CAP_FOWNER };
        SetAttributesParameters owner = {};
        SegmentInfo segment;
        struct stat st;
        Fault fault;
        Wire admin;

        close(make(KIND_POSIX, NAME));
        GIVE_VALUE(&owner, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&owner, SET_ATTRIBUTES_OWNER_UID, owner_uid, USER);
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        ck_assert_int_eq(wire_set_attributes(&admin, &owner, &segment, &fault), FAULT_NONE);
        wire_close(&admin);
        restart(&poor);
        assert_unavailable("denied");
        restart(NULL);
        assert_available(0);
        restart(&poor);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        ck_assert(native_has_posix(native_name(NAME), &st));
        restart(NULL);
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(shm_unlink(native_name(NAME)), 0);
}

static size_t count_unavailable(size_t *ret_n) {
        ListParameters parameters = {};
        size_t n_unavailable = 0;
        ListReply list;
        Reply reply;

        *ret_n = 0;
        ck_assert_int_eq(wire_call(&wire, METHOD_LIST, &parameters, &list, NULL), FAULT_NONE);
        for (;;) {
                ++*ret_n;
                n_unavailable += GIVEN(&list.segment, INFO_UNAVAILABLE);
                if (*ret_n == MANY)
                        return n_unavailable;
                ck_assert(wire_receive(&wire, &reply));
                ck_assert_int_eq(reply_read(&reply, &list_reply_type, &list), 0);
        }
}

/* With fewer descriptors than segments, some are unavailable, and there is room for who asks. */
TEST(descriptors) {
        char name[16];
        size_t n;

        for (int i = 0; i < MANY; ++i) {
                (void) snprintf(name, sizeof(name), "%d", i);
                close(make(KIND_POSIX, name));
        }
        restart(&(Setup){ .n_files = 100 });
        ck_assert_uint_ge(count_unavailable(&n), 20);
        ck_assert_uint_eq(n, MANY);
        ck_assert_int_eq(status().segment_count, MANY);
        close(wire_open_segment(&wire, "0", ACCESS_READ_WRITE));
        restart(NULL);
        ck_assert_uint_eq(count_unavailable(&n), 0);
        for (int i = 0; i < MANY; ++i) {
                (void) snprintf(name, sizeof(name), "%d", i);
                close(wire_open_segment(&wire, name, ACCESS_READ_WRITE));
                ck_assert_int_eq(wire_remove(&wire, name, NULL), FAULT_NONE);
        }
}

/* --- a broker without privileges */

static const Setup ordinary = { .uid = USER };

static void become(uid_t uid) {
        if (getuid() == 0)
                ck_assert(setegid(uid) == 0 && seteuid(uid) == 0);
}

/* As the broker's own user. */
static void open_own_wire(void) {
        become(USER);
        wire_open(&wire);
        if (getuid() == 0)
                ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}

static void restart_ordinary(void) {
        wire_close(&wire);
        fixture_restart(SIGKILL, getuid() == 0 ? &ordinary : NULL);
        open_own_wire();
}

static void setup_ordinary(void) {
        native_begin();
        fixture_up(getuid() == 0 ? &ordinary : NULL);
        open_own_wire();
}

CASE("modes", .setup = setup_ordinary, .teardown = teardown, .timeout = 60);

/* The owner's own bits are missing. */
TEST(modes, .end = 12) {
        static const Kind kinds[] = { KIND_POSIX, KIND_FILE, KIND_SYSV };
        static const mode_t modes[] = { 0444, 0400, 0200, 0 };
        mode_t mode = modes[_i % (int) ARRAY_SIZE(modes)];
        AcquireParameters parameters = creation(kinds[_i / (int) ARRAY_SIZE(modes)], NAME);
        SegmentInfo segment;
        struct stat st;

        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, NULL), FAULT_NONE);
        ck_assert_int_eq(set_mode(mode), FAULT_NONE);
        restart_ordinary();
        segment = info_of_own();
        ck_assert_msg(!GIVEN(&segment, INFO_UNAVAILABLE), "%s", segment.unavailable.message);
        ck_assert_int_eq(segment.permissions.mode, mode);
        ck_assert_int_eq(segment.attach_count, 0);
        if (parameters.kind == KIND_POSIX) {
                ck_assert(native_has_posix(native_name(NAME), &st));
                ck_assert_uint_eq(st.st_mode & 0777, mode);
        } else if (parameters.kind == KIND_SYSV) {
                ck_assert_uint_eq(native_stat_sysv((int) segment.shmid).shm_perm.mode & 0777, mode);
        }
        ck_assert_int_eq(set_mode(0600), FAULT_NONE);
        parameters.create = CREATE_OPEN;
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        /* It had no descriptor, if it was of kind sysv. */
        restart_ordinary();
}
