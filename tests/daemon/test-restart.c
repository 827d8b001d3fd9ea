/* SPDX-License-Identifier: MIT */
/*
 * A broker that ends, in order or not, and another one that begins where it left off: what has a
 * name outside is found again, with who is attached. Without a systemd that keeps descriptors.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define NAME "restart/it"

static Wire wire;

/* The last one without a capability has no descriptors. */
static const Kind kinds[] = { KIND_POSIX, KIND_FILE, KIND_SYSV };
static const int signals[] = { SIGTERM, SIGKILL };

/* Of a test in two loops. */
static Kind kind_of(int i) {
        return kinds[i / (int) ARRAY_SIZE(signals)];
}

static int signal_of(int i) {
        return signals[i % (int) ARRAY_SIZE(signals)];
}

static int n_rounds(void) {
        if (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_CHECKPOINT_RESTORE) == 1)
                return 3 * (int) ARRAY_SIZE(signals);
        unit_skip("descriptors of System V segments take CAP_CHECKPOINT_RESTORE");
        return 2 * (int) ARRAY_SIZE(signals);
}

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

static void restart(int signal_number) {
        wire_close(&wire);
        fixture_restart(signal_number, NULL);
        wire_open(&wire);
}

static AcquireParameters creation(Kind kind, uint32_t key) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0640);
        if (kind == KIND_SYSV)
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, key);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        return parameters;
}

static int make(Kind kind, uint32_t key) {
        AcquireParameters parameters = creation(kind, key);

        return wire_acquire(&wire, &parameters, NULL);
}

static SegmentInfo info(void) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, NAME, &info), FAULT_NONE);
        return info;
}

static bool is_there(void) {
        return wire_stat(&wire, NAME, &(SegmentInfo){}) == FAULT_NONE;
}

static void wait_until_gone(void) {
        for (int i = 0; i < 2000 && is_there(); ++i)
                usleep(5000);
        ck_assert(!is_there());
}

static void remove_segment(void) {
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

#define assert_same(before, after, member) ck_assert_int_eq((before).member, (after).member)

SUITE("restart");
CASE("restart", .setup = setup, .teardown = teardown, .timeout = 60);

/* It is the same one in every respect, and who has it has it. */
TEST(same, .end = n_rounds()) {
        Kind kind = kind_of(_i);
        int fd = make(kind, native_key()), other;
        SegmentInfo before, after;
        int64_t posix_length;

        ck_assert_int_eq(pwrite(fd, "before", 6, 0), 6);
        other = wire_open_segment(&wire, NAME, ACCESS_READ_ONLY);
        before = info();
        posix_length = kind == KIND_POSIX ? (int64_t) strlen(before.posix_name) : 0;
        restart(signal_of(_i));
        ck_assert_int_eq(pwrite(fd, "after", 5, 6), 5);
        after = info();
        assert_same(before, after, id);
        assert_same(before, after, kind);
        assert_same(before, after, size_bytes);
        assert_same(before, after, permissions.owner_uid);
        assert_same(before, after, permissions.owner_gid);
        assert_same(before, after, permissions.creator_uid);
        assert_same(before, after, permissions.mode);
        assert_same(before, after, attach_time_usec);
        assert_same(before, after, detach_time_usec);
        assert_same(before, after, change_time_usec);
        assert_same(before, after, creator_pid);
        assert_same(before, after, last_pid);
        assert_same(before, after, key);
        assert_same(before, after, shmid);
        ck_assert_int_eq(after.attach_count, 2);
        if (kind == KIND_POSIX)
                ck_assert_int_eq((int64_t) strlen(after.posix_name), posix_length);
        close(other);
        ck_assert_int_eq(info().attach_count, 1);
        other = wire_open_segment(&wire, NAME, ACCESS_READ_WRITE);
        {
                char bytes[11];

                ck_assert_int_eq(pread(other, bytes, sizeof(bytes), 0), sizeof(bytes));
                ck_assert_mem_eq(bytes, "beforeafter", sizeof(bytes));
        }
        ck_assert_int_eq(info().attach_count, 2);
        close(fd);
        close(other);
        remove_segment();
}

/* What goes with its last attachment goes also if that ended while there was no broker, and stays
 * as long as it did not. */
TEST(last_detach_meanwhile, .end = n_rounds()) {
        Kind kind = kind_of(_i);
        AcquireParameters parameters = creation(kind, native_key());
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        fd = wire_acquire(&wire, &parameters, NULL);
        restart(signal_of(_i));
        usleep(200000);
        ck_assert(is_there());
        wire_close(&wire);
        close(fd);
        fixture_restart(signal_of(_i), NULL);
        wire_open(&wire);
        wait_until_gone();
}

/* The time that a segment lingers goes on while there is no broker, and does not begin anew. */
TEST(lingers, .end = ARRAY_SIZE(signals)) {
        AcquireParameters parameters = creation(KIND_POSIX, 0);

        GIVE_VALUE(&parameters, ACQUIRE_LINGER_USEC, linger_usec, 2000000);
        close(wire_acquire(&wire, &parameters, NULL));
        for (int i = 0; i < 8; ++i) {
                usleep(400000);
                restart(signals[_i]);
        }
        ck_assert(!is_there());
}

/* Its own attachment of System V is one, also of a segment that is much larger than was promised.
 */
TEST(maximum) {
        AcquireParameters parameters = creation(KIND_SYSV, native_key());
        AcquireReply reply;

        parameters.size_bytes = 100;
        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, 4 * SIZE);
        wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, NULL);
        while (wire.fds.n_fds > 0)
                fd_close(fd_queue_pop(&wire.fds));
        for (size_t i = 0; i < ARRAY_SIZE(signals); ++i) {
                restart(signals[i]);
                ck_assert_int_eq(info().attach_count, 0);
                ck_assert_uint_eq(native_nattch((int) reply.segment.shmid), 1);
        }
        remove_segment();
}

/* Armed by an attachment of which the state file knows nothing. */
TEST(armed, .end = ARRAY_SIZE(signals)) {
        SetAttributesParameters set = {};
        SegmentInfo segment;
        Fault fault;

        close(make(KIND_POSIX, 0));
        ck_assert_int_eq(info().attach_count, 0);
        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        restart(signals[_i]);
        usleep(200000);
        ck_assert(is_there());
        close(wire_open_segment(&wire, NAME, ACCESS_READ_ONLY));
        restart(signals[_i]);
        wait_until_gone();
}

static void remove_outside(Kind kind, const SegmentInfo *segment) {
        if (kind == KIND_SYSV)
                ck_assert_int_eq(shmctl((int) segment->shmid, IPC_RMID, NULL), 0);
        else if (kind == KIND_POSIX)
                ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        else
                ck_assert_int_eq(unlink(segment->file_path), 0);
}

/* Removed from outside while there was no broker: it is gone, and its name is free. */
TEST(removed_meanwhile, .end = n_rounds()) {
        Kind kind = kind_of(_i);
        uint32_t key = native_key();
        char path[256];
        SegmentInfo segment;

        close(make(kind, key));
        segment = info();
        if (kind == KIND_FILE) {
                (void) snprintf(path, sizeof(path), "%s", segment.file_path);
                segment.file_path = path;
        }
        wire_close(&wire);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        remove_outside(kind, &segment);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        ck_assert(!is_there());
        close(make(kind, key));
        remove_segment();
}

/* Another object under the name is not taken for it, nor removed. */
TEST(replaced_meanwhile) {
        struct stat st;

        close(make(KIND_POSIX, 0));
        wire_close(&wire);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        native_make_posix(native_name("0"), SIZE, 0640);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        ck_assert(!is_there());
        ck_assert(native_has_posix(native_name("0"), &st));
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
}

/* What changed while there was no broker is as it is now. */
TEST(changed_meanwhile) {
        int fd;

        close(make(KIND_POSIX, 0));
        wire_close(&wire);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        fd = native_open_posix(native_name("0"), O_RDWR);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fchmod(fd, 0600), 0);
        ck_assert_int_eq(ftruncate(fd, 123), 0);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        ck_assert_int_eq(info().size_bytes, 123);
        ck_assert_int_eq(info().permissions.mode, 0600);
        ck_assert(info().other_holders);
        close(fd);
        remove_segment();
}

/* Every change survives: attributes, names and sizes; and so does that something is gone. */
TEST(changes, .end = ARRAY_SIZE(signals)) {
        AcquireParameters parameters = creation(KIND_FILE, 0);
        PublishParameters publish = {};
        SetAttributesParameters set = {};
        ResizeParameters resize = {};
        PublishReply published;
        AcquireReply reply;
        SegmentReply resized;
        SegmentInfo segment;
        Fault fault;

        close(make(KIND_FILE, 0));
        parameters.given &= ~(UINT64_C(1) << ACQUIRE_NAME);
        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, 4 * SIZE);
        close(wire_acquire(&wire, &parameters, &reply));
        GIVE_VALUE(&publish, PUBLISH_ID, id, reply.segment.id);
        GIVE_VALUE(&publish, PUBLISH_NAME, name, NAME);
        GIVE_VALUE(&publish, PUBLISH_REPLACE, replace, true);
        ck_assert_int_eq(wire_call(&wire, METHOD_PUBLISH, &publish, &published, &fault),
                         FAULT_NONE);
        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_MODE, mode, 0604);
        GIVE_VALUE(&set, SET_ATTRIBUTES_LINGER_USEC, linger_usec, 3600000000);
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        GIVE_VALUE(&resize, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&resize, RESIZE_SIZE_BYTES, size_bytes, 2 * SIZE);
        ck_assert_int_eq(wire_call(&wire, METHOD_RESIZE, &resize, &resized, &fault), FAULT_NONE);
        for (int i = 0; i < 2; ++i) {
                restart(signals[_i]);
                segment = info();
                ck_assert_int_eq(segment.id, reply.segment.id);
                ck_assert_int_eq(segment.size_bytes, 2 * SIZE);
                ck_assert_int_eq(segment.maximum_bytes, 4 * SIZE);
                ck_assert_int_eq(segment.permissions.mode, 0604);
                ck_assert_int_eq(segment.linger_usec, 3600000000);
        }
        remove_segment();
        restart(signals[_i]);
        ck_assert(!is_there());
}

/* The broker that begins locks what another one had locked, whatever mlock(2) says of processes. */
static void wait_until_locked(bool locked) {
        ck_assert_int_eq(info().locked, locked);
        /* The sanitizers' mlock(2) does nothing, so that their own memory is never locked. */
        if (getenv("SANITIZERS")) {
                puts("skip: the sanitizers lock no memory: what the kernel says is not asked");
                return;
        }
        for (int i = 0; i < 2000 && (unit_locked_kilobytes(fixture_daemon()) > 0) != locked; ++i)
                usleep(5000);
        ck_assert_int_eq(unit_locked_kilobytes(fixture_daemon()) > 0, locked);
        ck_assert_int_eq(info().locked, locked);
}

static void set_locked(bool locked) {
        SetAttributesParameters set = {};
        SegmentInfo segment;
        Fault fault;

        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_LOCKED, locked, locked);
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        ck_assert_int_eq(segment.locked, locked);
}

TEST(locked, .end = ARRAY_SIZE(signals)) {
        close(make(KIND_POSIX, 0));
        set_locked(true);
        for (int i = 0; i < 2; ++i) {
                restart(signals[_i]);
                ck_assert(info().locked);
                wait_until_locked(true);
        }
        /* It may not have come to it yet. */
        restart(signals[_i]);
        set_locked(false);
        wait_until_locked(false);
        restart(signals[_i]);
        wait_until_locked(false);
        remove_segment();
}

static int64_t generation(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status.generation;
}

static char *registry_id(void) {
        StatusReply status;

        wire_status(&wire, &status);
        ck_assert(GIVEN(&status, STATUS_REPLY_REGISTRY_ID));
        ck_assert_uint_eq(strlen(status.registry_id), 32);
        return strdup(status.registry_id);
}

/* Numbers begin anew with a new state directory, and that can be told. */
TEST(registry_id, .end = ARRAY_SIZE(signals)) {
        _cleanup_(freep) char *before = registry_id(), *after = NULL, *anew = NULL;
        char path[256];

        restart(signals[_i]);
        after = registry_id();
        ck_assert_str_eq(after, before);
        wire_close(&wire);
        (void) snprintf(path, sizeof(path), "%s/state/state", fixture_directory());
        ck_assert_int_eq(unlink(path), 0);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        anew = registry_id();
        ck_assert_str_ne(anew, before);
}

/* Counted as long as nothing is lost. */
TEST(generation) {
        int64_t before = generation();

        ck_assert_int_eq(before, 0);
        close(make(KIND_POSIX, 0));
        restart(SIGKILL);
        ck_assert_int_eq(generation(), 1);
        restart(SIGTERM);
        ck_assert_int_eq(generation(), 2);
        close(wire_create(&wire, "memfd", SIZE));
        restart(SIGTERM);
        ck_assert_int_eq(generation(), 0);
        restart(SIGTERM);
        ck_assert_int_eq(generation(), 1);
        ck_assert(is_there());
        remove_segment();
}

/* Numbers are never used again, whatever happens. */
TEST(ids) {
        int64_t last_id = 0, last_attachment = 0;

        for (int i = 0; i < 12; ++i) {
                AcquireParameters parameters = creation(KIND_FILE, 0);
                AcquireReply reply;

                close(wire_acquire(&wire, &parameters, &reply));
                ck_assert_int_gt(reply.segment.id, last_id);
                ck_assert_int_gt(reply.attachment_id, last_attachment);
                last_id = reply.segment.id;
                last_attachment = reply.attachment_id;
                remove_segment();
                restart(signals[i % 2]);
        }
}

/* What others hold of removed ones they keep, and the broker forgets it without a store. */
TEST(removed, .end = n_rounds()) {
        Kind kind = kind_of(_i);
        uint32_t key = native_key();
        int fd = make(kind, key);
        char byte;

        ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
        remove_segment();
        restart(signal_of(_i));
        ck_assert(!is_there());
        ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, 'x');
        close(fd);
        close(make(kind, key));
        remove_segment();
}
