/* SPDX-License-Identifier: MIT */
/*
 * Segments of kinds posix, sysv and file, made by a real broker: what programs find that never
 * heard of it, and what happens when those do something to them.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/kinds.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

/* The last one without a capability has no descriptors. */
static const Kind kinds[] = { KIND_POSIX, KIND_FILE, KIND_SYSV };

static int n_kinds(void) {
        if (capable(CAP_CHECKPOINT_RESTORE))
                return 3;
        unit_skip("descriptors of System V segments take CAP_CHECKPOINT_RESTORE");
        return 2;
}

static void setup(void) {
        kinds_up(NULL);
}

/* Inode and device that are told are those of a descriptor. */
static void assert_object(const SegmentInfo *segment, int fd) {
        char device[32];
        struct stat st;

        ck_assert_int_eq(fstat(fd, &st), 0);
        (void) snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
        ck_assert(GIVEN(segment, INFO_INODE));
        ck_assert_int_eq(segment->inode, (int64_t) st.st_ino);
        ck_assert(GIVEN(segment, INFO_DEVICE));
        ck_assert_str_eq(segment->device, device);
}

/* Native access to it: a mapping, by its name or key. */
static char *map_native(Kind kind, const SegmentInfo *segment) {
        char *at;
        int fd;

        if (kind == KIND_SYSV) {
                at = shmat((int) segment->shmid, NULL, 0);
                return at == (void *) -1 ? NULL : at;
        }
        fd = kind == KIND_POSIX ? native_open_posix(segment->posix_name, O_RDWR)
                                : open(segment->file_path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        fd_close(fd);
        ck_assert_ptr_ne(at, MAP_FAILED);
        return at;
}

static void unmap_native(Kind kind, char *at) {
        ck_assert_int_eq(kind == KIND_SYSV ? shmdt(at) : munmap(at, SIZE), 0);
}

/* Its name or key leads to nothing any more. */
static bool is_unlinked(Kind kind, uint32_t key) {
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        switch (kind) {
        case KIND_SYSV:
                return shmget((key_t) key, 0, 0) < 0 && errno == ENOENT;
        case KIND_POSIX:
                return !native_has_posix(native_name("0"), &st);
        default:
                ck_assert_int_gt(asprintf(&path, "%s/state/files/" NAME, fixture_directory()), 0);
                return access(path, F_OK) < 0;
        }
}

static int remove_outside(Kind kind, const SegmentInfo *segment) {
        switch (kind) {
        case KIND_SYSV:
                return shmctl((int) segment->shmid, IPC_RMID, NULL);
        case KIND_POSIX:
                return shm_unlink(segment->posix_name);
        default:
                return unlink(segment->file_path);
        }
}

SUITE("kinds");
CASE("made", .setup = setup, .teardown = kinds_down);

/* What a program finds natively is the segment, whole, with its size, owner and mode. */
TEST(native, .end = n_kinds()) {
        Kind kind = kinds[_i];
        uint32_t key = native_key();
        SegmentInfo segment;
        struct shmid_ds ds;
        struct stat st;
        char *at;
        int fd;

        fd = make_as(kind, key, false, NULL);
        segment = info();
        ck_assert_uint_eq(segment.kind, kind);
        ck_assert_int_eq(segment.size_bytes, SIZE);
        assert_object(&segment, fd);
        ck_assert_int_eq(pwrite(fd, "brokered", 8, 0), 8);
        at = map_native(kind, &segment);
        ck_assert_ptr_nonnull(at);
        ck_assert_mem_eq(at, "brokered", 8);
        memcpy(at + 100, "native", 6);
        {
                char bytes[6];

                ck_assert_int_eq(pread(fd, bytes, 6, 100), 6);
                ck_assert_mem_eq(bytes, "native", 6);
        }
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, SIZE);
        if (kind == KIND_SYSV) {
                ck_assert_int_eq(shmget((key_t) key, SIZE, 0600), segment.shmid);
                ds = native_stat_sysv((int) segment.shmid);
                ck_assert_uint_eq(ds.shm_segsz, SIZE);
                ck_assert_uint_eq(ds.shm_perm.uid, geteuid());
                ck_assert_uint_eq(ds.shm_perm.mode & 0777, 0600);
                ck_assert_int_eq(segment.key, key);
        } else {
                ck_assert_uint_eq(st.st_uid, geteuid());
                ck_assert_uint_eq(st.st_mode & 07777, 0600);
        }
        unmap_native(kind, at);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        ck_assert(is_unlinked(kind, key));
}

/* What has the key or name already is left alone, whoever's it is. */
TEST(in_use, .end = n_kinds()) {
        Kind kind = kinds[_i];
        AcquireParameters parameters = {};
        uint32_t key = native_key();
        int shmid = -1, fd;
        struct stat st;
        AcquireReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_SYSV) {
                shmid = native_make_sysv(key, 4096, 0600);
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, key);
        } else if (kind == KIND_POSIX) {
                native_make_posix(native_name("0"), 4096, 0600);
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        } else {
                _cleanup_(freep) char *path = NULL;

                ck_assert_int_gt(asprintf(&path, "%s/state/files/" NAME, fixture_directory()), 0);
                unit_write_file(path, "native", 6);
        }
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert(!GIVEN(&fault.exists, FAULT_SEGMENT_EXISTS_ID));
        ck_assert_int_eq(wire_stat(&wire, NAME, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
        if (kind == KIND_SYSV) {
                ck_assert_uint_eq(native_stat_sysv(shmid).shm_segsz, 4096);
                ck_assert_int_eq(shmctl(shmid, IPC_RMID, NULL), 0);
        } else if (kind == KIND_POSIX) {
                ck_assert(native_has_posix(native_name("0"), &st));
                ck_assert_int_eq(st.st_size, 4096);
                ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        } else {
                _cleanup_(freep) char *path = NULL;

                ck_assert_int_gt(asprintf(&path, "%s/state/files/" NAME, fixture_directory()), 0);
                ck_assert_int_eq(unlink(path), 0);
        }
        fd = make_as(kind, key, true, &reply);
        /* A segment of the broker's in the way has a number. */
        parameters.name = "other/" NAME;
        if (kind != KIND_FILE) {
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault),
                                 FAULT_SEGMENT_EXISTS);
                ck_assert(GIVEN(&fault.exists, FAULT_SEGMENT_EXISTS_ID));
                ck_assert_int_eq(fault.exists.id, reply.segment.id);
        }
        close(fd);
        wait_until_gone();
        ck_assert(is_unlinked(kind, key));
}

/* Who has it natively has it: it goes when the last one has let go, and not before. */
TEST(last_native_detach, .end = n_kinds()) {
        Kind kind = kinds[_i];
        uint32_t key = native_key();
        SegmentInfo segment;
        int fd = make_as(kind, key, true, NULL);
        char *at;

        segment = info();
        at = map_native(kind, &segment);
        ck_assert_ptr_nonnull(at);
        close(fd);
        for (int i = 0; i < 30; ++i) {
                segment = info();
                ck_assert(GIVEN(&segment, INFO_OTHER_HOLDERS) && segment.other_holders);
                ck_assert_int_eq(segment.attach_count, kind == KIND_SYSV);
                usleep(5000);
        }
        ck_assert(!is_unlinked(kind, key));
        memcpy(at, "still", 5);
        unmap_native(kind, at);
        wait_until_gone();
        ck_assert(is_unlinked(kind, key));
}

/* A name is free at once, and what had it stays with who has it. */
TEST(name_is_free, .end = n_kinds()) {
        Kind kind = kinds[_i];
        uint32_t key = native_key();
        int fd = make_as(kind, key, false, NULL), other_fd;
        AcquireReply reply;
        char byte = 0;

        ck_assert_int_eq(pwrite(fd, "1", 1, 0), 1);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        ck_assert(is_unlinked(kind, key));
        other_fd = make_as(kind, key, false, &reply);
        ck_assert(reply.created);
        ck_assert_int_eq(pread(other_fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, 0);
        ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, '1');
        close(fd);
        close(other_fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

/* Removed behind the broker's back: its name is free, it is told as removed, and then it goes. */
TEST(removed_outside, .end = n_kinds()) {
        Kind kind = kinds[_i];
        uint32_t key = native_key();
        AcquireReply reply;
        int fd = make_as(kind, key, false, &reply), other_fd;
        SegmentInfo segment = info();
        AcquireParameters again = {};

        ck_assert_int_eq(remove_outside(kind, &segment), 0);
        ck_assert_int_eq(wire_stat(&wire, NAME, &segment), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NONE);
        ck_assert(segment.removed);
        ck_assert(!GIVEN(&segment, INFO_NAME) && !GIVEN(&segment, INFO_POSIX_NAME) &&
                  !GIVEN(&segment, INFO_FILE_PATH));
        ck_assert_int_eq(segment.attach_count, 1);
        /* By its number it can be had as long as somebody has it. */
        GIVE_VALUE(&again, ACQUIRE_ID, id, reply.segment.id);
        other_fd = wire_acquire(&wire, &again, NULL);
        close(fd);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NONE);
        close(other_fd);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NO_SUCH_SEGMENT);
        fd = make_as(kind, key, true, NULL);
        close(fd);
        wait_until_gone();
}

/* Long after the removal, which took the last name away, ends are noticed as ever. */
TEST(removed_long_ago, .end = n_kinds()) {
        AcquireReply reply;
        int fd = make_as(kinds[_i], native_key(), false, &reply), other_fd;
        SegmentInfo segment;
        StatusReply status;

        other_fd = wire_open_segment(&wire, NAME, ACCESS_READ_ONLY);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        /* The removal itself is a reason to ask, for some time. */
        usleep(500000);
        close(other_fd);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NONE);
        ck_assert_int_eq(segment.attach_count, 1);
        usleep(500000);
        close(fd);
        /* Nobody asks for it, and still it goes. */
        for (int i = 0; i < 2000; ++i) {
                wire_status(&wire, &status);
                if (status.segment_count == 0)
                        break;
                usleep(5000);
        }
        ck_assert_int_eq(status.segment_count, 0);
}

/* The same without anybody who has it: it is gone, also for who acquires it by name. */
TEST(removed_idle, .end = n_kinds()) {
        Kind kind = kinds[_i];
        AcquireParameters again = {};
        SegmentInfo segment;
        Fault fault;

        close(make_as(kind, native_key(), false, NULL));
        segment = info();
        ck_assert_int_eq(remove_outside(kind, &segment), 0);
        GIVE_VALUE(&again, ACQUIRE_NAME, name, NAME);
        ck_assert_int_eq(wire_try_acquire(&wire, &again, &fault), FAULT_NO_SUCH_SEGMENT);
}

/* What somebody else put under the name is not the broker's to remove. */
TEST(replaced_outside) {
        struct stat st;

        close(make_as(KIND_POSIX, 0, false, NULL));
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        native_make_posix(native_name("0"), 4096, 0600);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NO_SUCH_SEGMENT);
        ck_assert(native_has_posix(native_name("0"), &st));
        ck_assert_int_eq(st.st_size, 4096);
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
}

static uint64_t total_bytes(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return (uint64_t) status.total_bytes;
}

/* The size that is told, and that is paid for, is what there is. */
TEST(truncated_outside, .end = n_kinds()) {
        Kind kind = kinds[_i];
        AcquireParameters again = {};
        int fd = make_as(kind, native_key(), false, NULL);
        Fault fault;

        ck_assert_uint_eq(total_bytes(), SIZE);
        ck_assert_int_eq(native_truncate(fd, 3000), 0);
        ck_assert_int_eq(info().size_bytes, 3000);
        ck_assert_uint_eq(total_bytes(), 3000);
        GIVE_VALUE(&again, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&again, ACQUIRE_SIZE_BYTES, size_bytes, 3001);
        ck_assert_int_eq(wire_try_acquire(&wire, &again, &fault), FAULT_WRONG_SIZE);
        ck_assert_int_eq(fault.size.size_bytes, 3000);
        ck_assert_int_eq(native_truncate(fd, 100000), 0);
        ck_assert_int_eq(info().size_bytes, 100000);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static void change_outside(Kind kind, const SegmentInfo *segment, mode_t mode, gid_t gid) {
        struct shmid_ds ds;
        char path[256];

        if (kind == KIND_SYSV) {
                ds = native_stat_sysv((int) segment->shmid);
                ds.shm_perm.mode = (unsigned short) mode;
                ds.shm_perm.gid = gid;
                ck_assert_int_eq(shmctl((int) segment->shmid, IPC_SET, &ds), 0);
                return;
        }
        if (kind == KIND_POSIX)
                (void) snprintf(path, sizeof(path), "/dev/shm%s", segment->posix_name);
        else
                (void) snprintf(path, sizeof(path), "%s", segment->file_path);
        ck_assert_int_eq(chmod(path, mode), 0);
        ck_assert_int_eq(chown(path, (uid_t) -1, gid), 0);
}

/* Owner and mode are those of the object, whoever changes them, and in both directions. */
TEST(permission, .end = n_kinds()) {
        Kind kind = kinds[_i];
        int fd = make_as(kind, native_key(), false, NULL);
        SetAttributesParameters set = {};
        SegmentInfo segment = info();
        struct stat st;
        Fault fault;

        change_outside(kind, &segment, 0640, getegid());
        ck_assert_int_eq(info().permissions.mode, 0640);
        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_MODE, mode, 0604);
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        ck_assert_int_eq(segment.permissions.mode, 0604);
        if (kind == KIND_SYSV) {
                ck_assert_uint_eq(native_stat_sysv((int) segment.shmid).shm_perm.mode & 0777, 0604);
        } else {
                ck_assert_int_eq(fstat(fd, &st), 0);
                ck_assert_uint_eq(st.st_mode & 0777, 0604);
        }
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static FaultCode set_as_administrator(const SetAttributesParameters *set, SegmentInfo *ret) {
        FaultCode code;
        Fault fault;
        Wire admin;

        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        code = wire_set_attributes(&admin, set, ret, &fault);
        wire_close(&admin);
        return code;
}

/* Given to another user, it is that user's natively as well; but only where the kernel lets an
 * owner give it. */
TEST(owner, .end = n_kinds(), .skip = geteuid() != 0,
     .reason = "only root can give a segment to another user") {
        Kind kind = kinds[_i];
        int fd = make_as(kind, native_key(), false, NULL);
        SetAttributesParameters set = {};
        SegmentInfo segment;
        struct shmid_ds ds;
        struct stat st;
        Fault fault;

        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_OWNER_UID, owner_uid, 12345);
        GIVE_VALUE(&set, SET_ATTRIBUTES_OWNER_GID, owner_gid, 12346);
        if (kind == KIND_SYSV) {
                ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        } else {
                ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault),
                                 FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(set_as_administrator(&set, &segment), FAULT_NONE);
        }
        if (kind == KIND_SYSV) {
                ds = native_stat_sysv((int) segment.shmid);
                ck_assert_uint_eq(ds.shm_perm.uid, 12345);
                ck_assert_uint_eq(ds.shm_perm.gid, 12346);
        } else {
                ck_assert_int_eq(fstat(fd, &st), 0);
                ck_assert_uint_eq(st.st_uid, 12345);
                ck_assert_uint_eq(st.st_gid, 12346);
                ck_assert_uint_eq(st.st_mode & 0777, 0600);
        }
        segment = info();
        ck_assert_int_eq(segment.permissions.owner_uid, 12345);
        ck_assert_int_eq(segment.permissions.creator_uid, 0);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static FaultCode give_to_group(Wire *member, gid_t gid) {
        SetAttributesParameters set = {};
        SegmentInfo segment;
        Fault fault;

        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_OWNER_GID, owner_gid, gid);
        return wire_set_attributes(member, &set, &segment, &fault);
}

/* An owner may give it to a group that is the owner's as well. */
TEST(group, .end = n_kinds(), .skip = geteuid() != 0,
     .reason = "only root can take other groups on") {
        int fd = make_as(kinds[_i], native_key(), false, NULL);
        Wire member;

        ck_assert_int_eq(setgroups(1, (gid_t[]){ 12346 }), 0);
        wire_open(&member);
        ck_assert_int_eq(give_to_group(&member, 12347),
                         kinds[_i] == KIND_SYSV ? FAULT_NONE : FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(give_to_group(&member, 12346), FAULT_NONE);
        ck_assert_int_eq(info().permissions.owner_gid, 12346);
        /* It has it already. */
        ck_assert_int_eq(give_to_group(&wire, 12346), FAULT_NONE);
        wire_close(&member);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

/* Of the attachment, of which a child would have a copy */
static int inherited_fd;

static void hold_natively(int control_fd, void *userdata) {
        const SegmentInfo *segment = userdata;
        char *at = map_native(segment->kind, segment);

        close(inherited_fd);
        if (!at)
                _exit(1);
        child_step(control_fd);
        for (;;)
                (void) pause();
}

/* A native user that is killed has let go. */
TEST(native_killed, .end = n_kinds()) {
        Kind kind = kinds[_i];
        uint32_t key = native_key();
        int fd = make_as(kind, key, true, NULL);
        SegmentInfo segment = info();
        Child child;

        inherited_fd = fd;
        child = child_start(hold_natively, &segment);
        child_wait(&child);
        child_continue(&child);
        close(fd);
        segment = info();
        ck_assert(segment.other_holders);
        child_kill(&child);
        wait_until_gone();
        ck_assert(is_unlinked(kind, key));
}

/* The kernel's own numbers: nattch, times and processes, less what the broker does itself. */
TEST(counted, .skip = n_kinds() < 3) {
        int fd = make_as(KIND_SYSV, native_key(), false, NULL);
        SegmentInfo segment = info();
        char *one, *other;

        ck_assert_int_eq(segment.attach_count, 1);
        one = shmat((int) segment.shmid, NULL, 0);
        other = shmat((int) segment.shmid, NULL, SHM_RDONLY);
        ck_assert_ptr_ne(one, (void *) -1);
        ck_assert_ptr_ne(other, (void *) -1);
        ck_assert_uint_eq(native_nattch((int) segment.shmid), 3);
        ck_assert_int_eq(info().attach_count, 3);
        close(fd);
        ck_assert_int_eq(info().attach_count, 2);
        ck_assert_int_eq(shmdt(one), 0);
        ck_assert_int_eq(info().attach_count, 1);
        ck_assert_int_eq(shmdt(other), 0);
        segment = info();
        ck_assert_int_eq(segment.attach_count, 0);
        ck_assert(GIVEN(&segment, INFO_DETACH_TIME_USEC));
        ck_assert_int_eq(segment.last_pid, getpid());
        ck_assert(GIVEN(&segment, INFO_OTHER_HOLDERS) && !segment.other_holders);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static void attach_twice(int control_fd, void *userdata) {
        const SegmentInfo *segment = userdata;

        for (;;) {
                if (!map_native(segment->kind, segment))
                        _exit(1);
                child_step(control_fd);
        }
}

/* Who attached natively and does so again was the last one again, also within a second. */
TEST(last_pid, .skip = n_kinds() < 3) {
        int fd = make_as(KIND_SYSV, native_key(), true, NULL);
        AcquireParameters parameters = {};
        SegmentInfo segment = info();
        Child child;

        child = child_start(attach_twice, &segment);
        child_wait(&child);
        ck_assert_int_eq(info().last_pid, child.pid);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        close(wire_acquire(&wire, &parameters, NULL));
        ck_assert_int_eq(info().last_pid, getpid());
        child_continue(&child);
        child_wait(&child);
        ck_assert_int_eq(info().last_pid, child.pid);
        child_kill(&child);
        close(fd);
        wait_until_gone();
}

/* SHM_LOCK, which everybody sees, and which everybody may do. */
TEST(locked, .skip = n_kinds() < 3) {
        int fd = make_as(KIND_SYSV, native_key(), false, NULL);
        SetAttributesParameters set = {};
        SegmentInfo segment;
        Fault fault;

        GIVE_VALUE(&set, SEGMENT_NAME, name, NAME);
        GIVE_VALUE(&set, SET_ATTRIBUTES_LOCKED, locked, true);
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        ck_assert(segment.locked);
        ck_assert_uint_eq(native_stat_sysv((int) segment.shmid).shm_perm.mode & 02000, 02000);
        ck_assert_int_eq(segment.allocated_bytes, 3 * 4096);
        set.locked = false;
        ck_assert_int_eq(wire_set_attributes(&wire, &set, &segment, &fault), FAULT_NONE);
        ck_assert(!segment.locked);
        ck_assert_uint_eq(native_stat_sysv((int) segment.shmid).shm_perm.mode & 02000, 0);
        ck_assert_int_eq(shmctl((int) segment.shmid, SHM_LOCK, NULL), 0);
        ck_assert(info().locked);
        ck_assert_int_eq(shmctl((int) segment.shmid, SHM_UNLOCK, NULL), 0);
        ck_assert(!info().locked);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}
