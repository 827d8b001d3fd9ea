/* SPDX-License-Identifier: MIT */
/*
 * What a readOnly descriptor does not allow where the broker has its directories mounted read-only:
 * to open a POSIX object or a file anew for writing, not even for its owner, and not for root of a
 * container. What is left without these mounts, and of the kinds that have none, is here as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/daemon/attempts.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define MAPPED 12288

/* What Docker leaves to root of a container */
#define CAPABILITY(name) (UINT64_C(1) << (name))
#define CONTAINER_CAPABILITIES                                                                     \
        (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FSETID) |           \
         CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_NET_RAW) |                \
         CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETFCAP) |               \
         CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_NET_BIND_SERVICE) | CAPABILITY(CAP_SYS_CHROOT) | \
         CAPABILITY(CAP_KILL) | CAPABILITY(CAP_AUDIT_WRITE))

enum {
        OWNER,
        OTHER,
        CONTAINER_ROOT,
        _PERSON_N,
};

static const Person people[_PERSON_N] = {
        [OWNER] = { .name = "the owner", .uid = 2001, .gid = 2101 },
        [OTHER] = { .name = "another user", .uid = 2007, .gid = 2107 },
        [CONTAINER_ROOT] = { .name = "root of a container" },
};

static const Kind kinds[] = { KIND_POSIX, KIND_FILE };

static const Setup with_mounts = { .read_only_mounts = true };

/* The administrator's, in this process, and its mapping for writing */
static Wire wire;
static char *own_at;
/* Names can be made here, in the file system of POSIX objects */
static char directory[64];

static char pattern(size_t i) {
        return (char) ('a' + i % 23);
}

static void open_wire(void) {
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
}

static void up_with(const Setup *setup) {
        native_begin();
        fixture_up(setup);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        open_wire();
        (void) snprintf(directory, sizeof(directory), "/dev/shm%s", native_name("directory"));
        ck_assert_int_eq(mkdir(directory, 0777), 0);
        ck_assert_int_eq(chmod(directory, 0777), 0);
}

static void up(void) {
        up_with(&with_mounts);
}

static void down(void) {
        ck_assert_int_eq(rmdir(directory), 0);
        wire_close(&wire);
        fixture_down();
        native_end();
}

static void restart(int signal_number) {
        wire_close(&wire);
        fixture_restart(signal_number, &with_mounts);
        open_wire();
}

static bool is_mounted(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status.features >> FEATURE_READ_ONLY_MOUNTS & 1U;
}

/* --- in the process of a person */

static Target target;

/* Exactly these are left, for good. */
static int confine(Wire *own, void *data) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        const uint32_t low = (uint32_t) CONTAINER_CAPABILITIES;
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {
                { .effective = low, .permitted = low },
        };

        (void) own;
        (void) data;
        for (unsigned int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; ++i)
                if (!(CONTAINER_CAPABILITIES >> i & 1U) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        return errno;
        return syscall(SYS_capset, &header, sets) < 0 ? errno : 0;
}

static int make(Wire *own, void *data) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, *(Kind *) data);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0644);
        if (parameters.kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        close(wire_acquire(own, &parameters, NULL));
        return 0;
}

/* What is to be found, and where. */
typedef struct Wanted Wanted;

struct Wanted {
        int64_t id;
        pid_t broker;
        pid_t writer;
        ino_t inode;
};

static int open_to_read(Wire *own, void *data) {
        const Wanted *wanted = data;
        AcquireParameters parameters = {};
        struct stat st;

        GIVE_VALUE(&parameters, ACQUIRE_ID, id, wanted->id);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        target = (Target){
                .fd = wire_acquire(own, &parameters, NULL),
                .size = MAPPED,
                .directory = directory,
                .broker = wanted->broker,
                .writer = wanted->writer,
                .writer_fd = -EBADF,
        };
        target.at = mmap(NULL, MAPPED, PROT_READ, MAP_SHARED, target.fd, 0);
        if (target.at == MAP_FAILED || target.at[2] != pattern(2))
                return -1;
        return fstat(target.fd, &st) < 0 || st.st_ino != wanted->inode ? -2 : 0;
}

static int try(Wire *own, void *data) {
        (void) own;
        return attempt_get(*(size_t *) data)->attempt(&target);
}

static int let_go(Wire *own, void *data) {
        (void) own;
        (void) data;
        (void) munmap(target.at, MAPPED);
        target.fd = fd_close(target.fd);
        return 0;
}

/* --- here */

static void fill(int fd) {
        own_at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(own_at, MAP_FAILED);
        for (size_t i = 0; i < SIZE; ++i)
                own_at[i] = pattern(i);
}

/* By the owner, and with something in it. */
static Wanted make_as_owner(Kind kind) {
        Actor owner = actor_start(&people[OWNER]);
        SegmentInfo info;
        struct stat st;
        int fd;

        ck_assert_int_eq(actor_do(&owner, make, &kind, sizeof(kind)), 0);
        actor_end(&owner);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        fd = wire_open_segment(&wire, "a", ACCESS_READ_WRITE);
        fill(fd);
        ck_assert_int_eq(fstat(fd, &st), 0);
        close(fd);
        return (Wanted){
                .id = info.id, .broker = fixture_daemon(), .writer = getpid(), .inode = st.st_ino
        };
}

static void unmake(void) {
        ck_assert_int_eq(munmap(own_at, MAPPED), 0);
        (void) wire_remove(&wire, "a", NULL);
}

static void assert_untouched(const Wanted *wanted, const char *who, const char *what) {
        SegmentInfo info;

        for (size_t i = 0; i < SIZE; ++i)
                ck_assert_msg(own_at[i] == pattern(i), "%s, %s: its content", who, what);
        ck_assert_int_eq(wire_stat_id(&wire, wanted->id, &info), FAULT_NONE);
        ck_assert_msg(info.size_bytes == SIZE && info.permissions.mode == 0644, "%s, %s", who,
                      what);
}

static Actor start_reader(size_t person, Wanted *wanted) {
        Actor actor = actor_start(&people[person]);

        if (person == CONTAINER_ROOT)
                ck_assert_int_eq(actor_do(&actor, confine, NULL, 0), 0);
        ck_assert_int_eq(actor_do(&actor, open_to_read, wanted, sizeof(*wanted)), 0);
        return actor;
}

static void end_reader(Actor *actor) {
        ck_assert_int_eq(actor_do(actor, let_go, NULL, 0), 0);
        actor_end(actor);
}

/* What is tried comes to @expected. */
static void assert_attempt(Actor *actor, const char *name, int expected) {
        size_t i = attempt_find(name);
        int error = actor_do(actor, try, &i, sizeof(i));

        ck_assert_msg(error == expected, "%s, %s: %s", actor->person->name, name, strerror(error));
}

static void assert_opened(size_t person, Wanted *wanted, int expected) {
        Actor actor = start_reader(person, wanted);

        assert_attempt(&actor, "opening /proc/self/fd", expected);
        end_reader(&actor);
}

static void assert_held(Wanted *wanted) {
        for (size_t i = 0; i < _PERSON_N; ++i)
                assert_opened(i, wanted, i == OTHER ? EACCES : EROFS);
        assert_untouched(wanted, "everybody", "opening it");
}

SUITE("access-mount", .skip = !person_possible());
CASE("mounted", .setup = up, .teardown = down, .timeout = 60);

/* The mount is asked before the mode. */
TEST(everybody, .end = ARRAY_SIZE(kinds) * _PERSON_N) {
        static const char *const refused[] = {
                "opening /proc/self/fd",
                "opening it to write only",
                "opening /proc/PID/fd",
                "opening /proc/thread-self/fd",
                "opening /dev/fd",
                "opening it with O_TRUNC",
                "truncate through /proc",
                "opening it by an O_PATH descriptor",
                "fchmod",
                "chmod through /proc",
                "an access control list",
                "passing it through a socket, and opening that",
        };
        Wanted wanted = make_as_owner(kinds[_i / _PERSON_N]);
        Actor actor = start_reader((size_t) _i % _PERSON_N, &wanted);
        const char *who = actor.person->name;
        const Attempt *attempt;

        ck_assert(is_mounted());
        for (size_t i = 0; (attempt = attempt_get(i)); ++i) {
                (void) actor_do(&actor, try, &i, sizeof(i));
                assert_untouched(&wanted, who, attempt->name);
        }
        if (actor.person != &people[OTHER])
                for (size_t i = 0; i < ARRAY_SIZE(refused); ++i)
                        assert_attempt(&actor, refused[i], EROFS);
        end_reader(&actor);
        unmake();
}

/* By a broker that opens it anew, on mounts of its own. */
TEST(found_again, .end = ARRAY_SIZE(kinds)) {
        Wanted wanted = make_as_owner(kinds[_i]);

        restart(SIGKILL);
        assert_held(&wanted);
        unmake();
}

/* Its name is gone, also if others took it away, and leads to something else. */
TEST(removed, .end = 2 * ARRAY_SIZE(kinds)) {
        Kind kind = kinds[_i / 2];
        Wanted wanted = make_as_owner(kind);
        _cleanup_(freep) char *path = NULL;
        SegmentInfo info;
        int fd;

        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_ge(asprintf(&path, "%s%s", kind == KIND_POSIX ? "/dev/shm" : "",
                                  kind == KIND_POSIX ? info.posix_name : info.file_path),
                         0);
        if (_i % 2)
                ck_assert_int_eq(unlink(path), 0);
        else
                ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        assert_held(&wanted);
        close(fd);
        ck_assert_int_eq(unlink(path), 0);
        unmake();
}

/* A file is called as its segment is, which was called by its number before. */
TEST(renamed) {
        Wanted wanted = { .broker = fixture_daemon(), .writer = getpid() };
        AcquireParameters parameters = {};
        PublishParameters publish = {};
        AcquireReply reply;
        struct stat st;
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_FILE);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0644);
        fd = wire_acquire(&wire, &parameters, &reply);
        wanted.id = reply.segment.id;
        GIVE_VALUE(&publish, PUBLISH_ID, id, wanted.id);
        GIVE_VALUE(&publish, PUBLISH_NAME, name, "a");
        ck_assert_int_eq(wire_call(&wire, METHOD_PUBLISH, &publish, NULL, NULL), FAULT_NONE);
        fill(fd);
        ck_assert_int_eq(fstat(fd, &st), 0);
        wanted.inode = st.st_ino;
        close(fd);
        assert_opened(CONTAINER_ROOT, &wanted, EROFS);
        assert_untouched(&wanted, people[CONTAINER_ROOT].name, "opening it");
        unmake();
}

static int64_t adopt_posix(void) {
        AdoptParameters parameters = {};
        SegmentReply reply;

        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, native_name("0"));
        GIVE_VALUE(&parameters, ADOPT_NAME, name, "a");
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &parameters, &reply, NULL), FAULT_NONE);
        return reply.segment.id;
}

TEST(adopted) {
        Wanted wanted = { .broker = fixture_daemon(), .writer = getpid() };
        struct stat st;
        int fd;

        native_make_posix(native_name("0"), SIZE, 0644);
        fd = native_open_posix(native_name("0"), O_RDWR);
        ck_assert_int_eq(fchown(fd, people[OWNER].uid, people[OWNER].gid), 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        fill(fd);
        close(fd);
        wanted.id = adopt_posix();
        wanted.inode = st.st_ino;
        assert_held(&wanted);
        unmake();
}

/* The second descriptor of each segment does not count as somebody who has it. */
TEST(goes_at_last_detach, .end = ARRAY_SIZE(kinds)) {
        AcquireParameters parameters = {};
        SegmentInfo info;
        int fd, reader_fd;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kinds[_i]);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        fd = wire_acquire(&wire, &parameters, NULL);
        reader_fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 2);
        close(fd);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
        close(reader_fd);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NO_SUCH_SEGMENT);
}

/* Where there is no descriptor left for it, nothing is made. */
TEST(no_descriptors, .end = ARRAY_SIZE(kinds)) {
        const Setup few = { .read_only_mounts = true,
                            .n_files = 64,
                            .config = "[limits]\nsegments = 1000\nsegmentsPerUser = 1000\n" };
        AcquireParameters parameters = {};
        char name[16];
        Fault fault;
        int n = 0;

        wire_close(&wire);
        fixture_restart(SIGTERM, &few);
        open_wire();
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kinds[_i]);
        for (; n < 64; ++n) {
                (void) snprintf(name, sizeof(name), "n%d", n);
                if (wire_try_acquire(&wire, &parameters, &fault) != FAULT_NONE)
                        break;
        }
        ck_assert_int_lt(n, 32);
        ck_assert_int_eq(fault.code, FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "descriptors");
        ck_assert_int_eq(wire_stat(&wire, name, &(SegmentInfo){}), FAULT_NO_SUCH_SEGMENT);
        while (n-- > 0) {
                (void) snprintf(name, sizeof(name), "n%d", n);
                ck_assert_int_eq(wire_remove(&wire, name, NULL), FAULT_NONE);
        }
}

static FaultCode adopt_passed(Wire *own, int fd, Fault *fault) {
        AdoptParameters parameters = {};
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));
        size_t n_sent;
        Reply reply;

        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        call_write(&writer, METHOD_ADOPT, &parameters);
        ck_assert_int_eq(socket_send(own->fd, writer.data, writer.n_data, fd, &n_sent), 0);
        ck_assert(wire_receive(own, &reply));
        ck_assert_ptr_nonnull(reply.error);
        reply_read_fault(&reply, fault);
        return fault->code;
}

/* A descriptor of that mount is one of an object that the broker has. */
TEST(given_back, .end = ARRAY_SIZE(kinds)) {
        Wanted wanted = make_as_owner(kinds[_i]);
        int fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        Fault fault;

        ck_assert_int_eq(adopt_passed(&wire, fd, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, wanted.id);
        close(fd);
        unmake();
}

/* Of an object that it does not have, it would have to be opened for writing. */
static int give_from_mount(void *userdata) {
        const char *path = userdata;
        Fault fault;
        Wire own;
        int fd;

        unit_assert_silently();
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(path, path, NULL, MS_BIND, NULL) < 0 ||
            mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
                return 2;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        wire_open(&own);
        return adopt_passed(&own, fd, &fault) == FAULT_NOT_SUPPORTED ? 0 : 3;
}

TEST(given_from_mount) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/dev/shm%s", native_name("0"));
        native_make_posix(native_name("0"), SIZE, 0644);
        ck_assert_int_eq(unit_fork(give_from_mount, path), 0);
        ck_assert_int_eq(unlink(path), 0);
}

/* --- what these mounts do not reach */

/* Root of a container may open any file anew, and these kinds have no mount of the broker's. */
TEST(other_kinds, .end = 2) {
        static const Kind others[] = { KIND_MEMFD, KIND_SYSV };
        Wanted wanted = make_as_owner(others[_i]);

        assert_opened(OTHER, &wanted, EACCES);
        assert_untouched(&wanted, people[OTHER].name, "opening it");
        assert_opened(CONTAINER_ROOT, &wanted, 0);
        ck_assert_str_eq(own_at, FORGERY);
        unmake();
}

static void up_without(void) {
        up_with(NULL);
}

CASE("without", .setup = up_without, .teardown = down);

/* So that what is refused above is worth something. */
TEST(without, .end = ARRAY_SIZE(kinds)) {
        Wanted wanted = make_as_owner(kinds[_i]);

        ck_assert(!is_mounted());
        assert_opened(OTHER, &wanted, EACCES);
        assert_opened(OWNER, &wanted, 0);
        ck_assert_str_eq(own_at, FORGERY);
        unmake();
}

/* The directories themselves, which can be written to. */
static void mount_nothing(void) {
        (void) setenv("SHMBROKER_READ_ONLY", "", true);
}

static void up_wrong(void) {
        up_with(&(Setup){ .prepare = mount_nothing });
}

CASE("wrong", .setup = up_wrong, .teardown = down);

TEST(not_read_only, .end = ARRAY_SIZE(kinds)) {
        Wanted wanted = make_as_owner(kinds[_i]);

        ck_assert(!is_mounted());
        assert_opened(OWNER, &wanted, 0);
        unmake();
}
