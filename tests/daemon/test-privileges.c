/* SPDX-License-Identifier: MIT */
/*
 * A broker that lacks a privilege, or is in another IPC namespace, or has limits of the kernel's:
 * what it can do then, and what it says of the rest.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/kinds.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

static void setup(void) {
        kinds_up(NULL);
}

static void lack_descriptors(void) {
        if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_CHECKPOINT_RESTORE) < 0)
                _exit(98);
        if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) < 0)
                _exit(98);
}

static void up_without_descriptors(void) {
        kinds_up(&(Setup){ .prepare = lack_descriptors });
}

static AcquireReply acquire_native(bool create, bool transient) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        if (create) {
                GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
                GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
                GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_SYSV);
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, native_key());
                GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           transient);
        }
        ck_assert_int_eq(wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, &fault), FAULT_NONE);
        ck_assert(!GIVEN(&reply, ACQUIRE_REPLY_FILE_DESCRIPTOR_INDEX));
        ck_assert(!GIVEN(&reply, ACQUIRE_REPLY_ATTACHMENT_ID));
        ck_assert(GIVEN(&reply, ACQUIRE_REPLY_IPC_NAMESPACE));
        return reply;
}

SUITE("privileges");
CASE("native", .setup = up_without_descriptors, .teardown = kinds_down);

/* Without a descriptor the shmid is what is given, and the segment waits for who was given it. */
TEST(by_shmid) {
        AcquireReply reply = acquire_native(true, true);
        SegmentInfo segment;
        struct stat st;
        char *at;

        ck_assert_int_eq(stat("/proc/self/ns/ipc", &st), 0);
        ck_assert_uint_eq((uint64_t) reply.ipc_namespace, st.st_ino);
        usleep(50000);
        ck_assert_int_eq(info().attach_count, 0);
        at = shmat((int) reply.segment.shmid, NULL, 0);
        ck_assert_ptr_ne(at, (void *) -1);
        segment = info();
        ck_assert_int_eq(segment.attach_count, 1);
        /* The broker's own attachment, maybe in the same second, is not meant. */
        ck_assert(GIVEN(&segment, INFO_ATTACH_TIME_USEC));
        ck_assert_int_eq(shmdt(at), 0);
        wait_until_gone();
        ck_assert(!native_has_sysv((int) reply.segment.shmid));
}

/* Who never attaches it keeps it as long as the connection is open, and no longer. */
TEST(never_attached) {
        AcquireReply reply = acquire_native(true, true);
        Wire other;

        wire_open(&other);
        for (int i = 0; i < 20; ++i) {
                usleep(10000);
                ck_assert_int_eq(wire_stat(&other, NAME, &(SegmentInfo){}), FAULT_NONE);
        }
        wire_close(&wire);
        wire = other;
        wait_until_gone();
        ck_assert(!native_has_sysv((int) reply.segment.shmid));
}

/* Remove waits for those who attached it natively, and for those who are about to. */
TEST(removed_native) {
        AcquireReply reply = acquire_native(true, false);
        SegmentInfo segment;
        RemoveReply removed;
        char *at;

        ck_assert_int_eq(wire_remove(&wire, NAME, &removed), FAULT_NONE);
        ck_assert(!removed.destroyed);
        at = shmat((int) reply.segment.shmid, NULL, 0);
        ck_assert_ptr_ne(at, (void *) -1);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NONE);
        ck_assert_int_eq(segment.attach_count, 1);
        ck_assert_int_eq(shmdt(at), 0);
        ck_assert_int_eq(wire_stat_id(&wire, reply.segment.id, &segment), FAULT_NO_SUCH_SEGMENT);
        ck_assert(!native_has_sysv((int) reply.segment.shmid));
}

CASE("with", .setup = setup, .teardown = kinds_down);

/* Descriptors for writing go to the owner, or to nobody, if the configuration says so. */
TEST(hand_out, .skip = !capable(CAP_CHECKPOINT_RESTORE),
     .reason = "descriptors of System V segments take CAP_CHECKPOINT_RESTORE") {
        AcquireParameters parameters = {};
        int fd;

        fixture_configure("[sysv]\ndescriptors = nobody\n");
        fixture_hang_up();
        (void) acquire_native(true, false);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        fd = wire_acquire(&wire, &parameters, NULL);
        ck_assert_int_ge(fd, 0);
        close(fd);
        fixture_configure("[sysv]\ndescriptors = owner\n");
        fixture_hang_up();
        parameters.access = ACCESS_READ_WRITE;
        fd = wire_acquire(&wire, &parameters, NULL);
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        wire_close(&wire);
        wire_open(&wire);
}

static void write_number(const char *path, const char *number) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, number, strlen(number)) != (ssize_t) strlen(number))
                _exit(97);
        close(fd);
}

#define PROTECTED_REGULAR "/proc/sys/fs/protected_regular"

static char protected_before[16];

static void restore_protected(void) {
        int fd = open(PROTECTED_REGULAR, O_WRONLY | O_CLOEXEC);

        (void) !write(fd, protected_before, strlen(protected_before));
        close(fd);
}

static bool can_set_protected(void) {
        int fd = open(PROTECTED_REGULAR, O_RDWR | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return false;
        n = read(fd, protected_before, sizeof(protected_before) - 1);
        close(fd);
        return n > 0;
}

/* As another user: makes a segment, and opens it as a program does that would make it. */
static int use_as_user(void *userdata) {
        const char *value = userdata;
        Wire other;
        int fd, again;

        unit_assert_silently();
        if (setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0)
                return 2;
        wire_open(&other);
        wire_close(&wire);
        wire = other;
        fd = make_as(KIND_POSIX, 0, true, NULL);
        again = shm_open(native_name("0"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (again < 0)
                return 3;
        if (pwrite(again, value, 1, 0) != 1)
                return 4;
        close(again);
        close(fd);
        return 0;
}

/* fs.protected_regular keeps people from opening what is others' by O_CREAT: so it is theirs. */
TEST(protected, .skip = geteuid() != 0 || !can_set_protected(),
     .reason = PROTECTED_REGULAR " cannot be set here") {
        static const char *const values[] = { "0", "2" };

        (void) atexit(restore_protected);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        for (size_t i = 0; i < ARRAY_SIZE(values); ++i) {
                write_number(PROTECTED_REGULAR, values[i]);
                ck_assert_int_eq(unit_fork(use_as_user, (void *) (uintptr_t) values[i]), 0);
                wait_until_gone();
        }
        restore_protected();
}

/* An IPC namespace of its own, with limits of its own. */
static void be_limited(void) {
        if (unshare(CLONE_NEWIPC) < 0)
                _exit(97);
        write_number("/proc/sys/kernel/shmmni", "3");
        write_number("/proc/sys/kernel/shmall", "100");
        write_number("/proc/sys/kernel/shmmax", "300000");
}

static void up_limited(void) {
        kinds_up(&(Setup){ .prepare = be_limited });
}

static FaultCode create_sysv(const char *name, int64_t size, Fault *fault) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, size);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_SYSV);
        return wire_try_acquire(&wire, &parameters, fault);
}

CASE("namespace", .setup = up_limited, .teardown = kinds_down, .skip = geteuid() != 0,
     .reason = "only root can make an IPC namespace");

/* The limits of the kernel by their names. */
TEST(kernel_limits) {
        static const char *const names[] = { "a", "b", "c" };
        Fault fault;

        ck_assert_int_eq(create_sysv("x", 300001, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "shmmax");
        ck_assert_int_eq(fault.limit.maximum, 300000);
        ck_assert_int_eq(create_sysv("a", 300000, &fault), FAULT_NONE);
        ck_assert_int_eq(create_sysv("x", 300000, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "shmall");
        ck_assert_int_eq(fault.limit.maximum, 100);
        ck_assert_int_eq(create_sysv("b", 1, &fault), FAULT_NONE);
        ck_assert_int_eq(create_sysv("c", 1, &fault), FAULT_NONE);
        ck_assert_int_eq(create_sysv("x", 1, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "shmmni");
        ck_assert_int_eq(fault.limit.maximum, 3);
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                ck_assert_int_eq(wire_remove(&wire, names[i], NULL), FAULT_NONE);
}

/* In another IPC namespace there are descriptors, and no numbers. */
TEST(other_namespace) {
        AdoptParameters adopt = {};
        int shmid = native_make_sysv(native_key(), SIZE, 0600);
        SegmentReply reply;
        Fault fault;
        int fd;

        fd = make_as(KIND_SYSV, native_key(), false, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
        GIVE_VALUE(&adopt, ADOPT_SHMID, shmid, shmid);
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &adopt, &reply, &fault),
                         FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "namespace"));
        ck_assert_int_eq(shmctl(shmid, IPC_RMID, NULL), 0);
}

static const struct {
        unsigned int number;
        const char *name;
} capabilities[] = {
        { CAP_CHOWN, "CAP_CHOWN" },
        { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
        { CAP_LEASE, "CAP_LEASE" },
        { CAP_FOWNER, "CAP_FOWNER" },
};

static unsigned int lacked;

static void lack_one(void) {
        if (prctl(PR_CAPBSET_DROP, lacked) < 0)
                _exit(98);
}

/* Another user, who is told what keeps the broker from it; 0 if that is so. */
static int create_for_user(void *userdata) {
        AcquireParameters parameters = {};
        const char *name = userdata;
        Fault fault;
        Wire other;

        unit_assert_silently();
        if (setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0)
                return 2;
        wire_open(&other);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        for (Kind kind = 0; kind < _KIND_N; ++kind) {
                FaultCode code;

                GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
                if (kind == KIND_POSIX)
                        GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
                else
                        parameters.given &= ~(UINT64_C(1) << ACQUIRE_POSIX_NAME);
                code = wire_try_acquire(&other, &parameters, &fault);
                if (kind == KIND_MEMFD || kind == KIND_SYSV) {
                        if (code != FAULT_NONE || wire_remove(&other, NAME, NULL) != FAULT_NONE)
                                return 3;
                } else if (code != FAULT_NOT_SUPPORTED || !strstr(fault.text.text, name)) {
                        return 4;
                }
        }
        return 0;
}

CASE("lacking", .skip = geteuid() != 0, .reason = "only root has capabilities to be without");

/* Without one of its capabilities the broker runs, and says which it is that somebody lacks. */
TEST(lacking, .end = ARRAY_SIZE(capabilities)) {
        lacked = capabilities[_i].number;
        kinds_up(&(Setup){ .prepare = lack_one });
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        /* What is made for its own user takes none of them. */
        close(make_as(KIND_POSIX, 0, true, NULL));
        wait_until_gone();
        ck_assert_int_eq(unit_fork(create_for_user, (void *) (uintptr_t) capabilities[_i].name), 0);
        kinds_down();
}
