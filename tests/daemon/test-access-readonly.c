/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor does not allow: one for reading that another user cannot turn into one for
 * writing, whatever is tried, also as root of a user namespace; and one for writing whose segment
 * cannot be grown, shrunk or sealed. After each attempt the one who may write finds everything as
 * it was.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/daemon/attempts.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

/* Whole pages and a part of one */
#define SIZE 10000
#define MAPPED 12288

#define BROKER_UID 2301

/* F_SEAL_EXEC, by MFD_NOEXEC_SEAL where the kernel has it */
#define EXEC_SEAL 0x20

static const Person writer_person = { .name = "the writer", .uid = 2001, .gid = 2101 };
static const Person reader_person = { .name = "the reader", .uid = 2007, .gid = 2107 };

/* The broker as root, and as a user without any privilege, which is how it is meant to run. */
static const uid_t broker_uids[] = { 0, BROKER_UID };

static void up(int i) {
        const Setup setup = { .uid = broker_uids[i] };

        fixture_up(&setup);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
}

/* --- in the process of who writes */

static int own_fd = -1;
static char *own_at;

static char pattern(size_t i) {
        return (char) ('a' + i % 23);
}

typedef struct Reservation Reservation;

/* How it is made, and where it is then. */
struct Reservation {
        bool sealable;
        /* 0 is 0644 */
        unsigned int mode;
        int fd;
        uintptr_t at;
};

static int make_and_fill(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Reservation *held = data;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, held->mode ? held->mode : 0644);
        GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, held->sealable);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        own_fd = wire_acquire(wire, &parameters, NULL);
        own_at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, own_fd, 0);
        if (own_at == MAP_FAILED)
                return -1;
        for (size_t i = 0; i < MAPPED; ++i)
                own_at[i] = pattern(i);
        held->fd = own_fd;
        held->at = (uintptr_t) own_at;
        return 0;
}

static int seals_of(bool sealable) {
        int seals = F_SEAL_SHRINK | F_SEAL_GROW | (sealable ? 0 : F_SEAL_SEAL);

        return seals | (fcntl(own_fd, F_GET_SEALS) & EXEC_SEAL);
}

/* 0, or what is different. */
static int look_after(Wire *wire, void *data) {
        const Reservation *held = data;
        struct stat st;

        (void) wire;
        for (size_t i = 0; i < MAPPED; ++i)
                if (own_at[i] != pattern(i))
                        return 1;
        if (fstat(own_fd, &st) < 0 || st.st_size != SIZE)
                return 2;
        if (st.st_mode != (S_IFREG | 0600))
                return 3;
        if (fcntl(own_fd, F_GET_SEALS) != seals_of(held->sealable))
                return 4;
        /* And one can still write. */
        own_at[1] = 'W';
        if (pwrite(own_fd, &(char){ pattern(1) }, 1, 1) != 1 || own_at[1] != pattern(1))
                return 5;
        return 0;
}

static int let_go(Wire *wire, void *data) {
        (void) wire;
        (void) data;
        (void) munmap(own_at, MAPPED);
        own_fd = fd_close(own_fd);
        return 0;
}

static const char *const differences[] = {
        "", "its content", "its size", "its mode", "its seals", "that one can write",
};

static void assert_untouched(Actor *writer, Reservation *held, const char *attempt) {
        int difference = actor_do(writer, look_after, held, sizeof(*held));

        ck_assert_int_lt(difference, (int) ARRAY_SIZE(differences));
        ck_assert_msg(difference == 0, "%s has changed %s", attempt, differences[difference]);
}

/* --- in the process of who tries */

static Target target;

static int open_target(Wire *wire, const Target *data, Access access) {
        int protection = access == ACCESS_READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE;

        target = *data;
        target.fd = wire_open_segment(wire, "a", access);
        target.at = mmap(NULL, MAPPED, protection, MAP_SHARED, target.fd, 0);
        target.size = MAPPED;
        return target.at == MAP_FAILED || target.at[2] != pattern(2) ? -1 : 0;
}

static int open_to_read(Wire *wire, void *data) {
        return open_target(wire, data, ACCESS_READ_ONLY);
}

static int open_to_write(Wire *wire, void *data) {
        return open_target(wire, data, ACCESS_READ_WRITE);
}

static int try(Wire *wire, void *data) {
        (void) wire;
        return attempt_get(*(size_t *) data)->attempt(&target);
}

/* From here on this is another connection. */
static int ask_to_write(Wire *wire, void *data) {
        SetAttributesParameters open_up = {};
        AcquireParameters parameters = {};
        FaultCode code;
        Wire another;

        (void) wire;
        (void) data;
        wire_open(&another);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        code = wire_try_acquire(&another, &parameters, NULL);
        GIVE_VALUE(&open_up, SEGMENT_NAME, name, "a");
        GIVE_VALUE(&open_up, SET_ATTRIBUTES_MODE, mode, 0666);
        if (code == FAULT_PERMISSION_DENIED)
                code = wire_call(&another, METHOD_SET_ATTRIBUTES, &open_up, NULL, NULL);
        wire_close(&another);
        return (int) code;
}

static int write_map(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return errno;
        if (write(fd, text, strlen(text)) < 0)
                r = errno;
        close(fd);
        return r;
}

static int become_root(Wire *wire, void *data) {
        char uids[32], gids[32];

        (void) wire;
        (void) data;
        (void) snprintf(uids, sizeof(uids), "0 %u 1", reader_person.uid);
        (void) snprintf(gids, sizeof(gids), "0 %u 1", reader_person.gid);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return errno;
        if (write_map("/proc/self/uid_map", uids) || write_map("/proc/self/setgroups", "deny") ||
            write_map("/proc/self/gid_map", gids))
                return -1;
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || geteuid() != 0)
                return -1;
        /* A place of one's own, to mount onto and to link into. */
        return mount("none", target.directory, "tmpfs", 0, "mode=0777") < 0 ? errno : 0;
}

/* --- the two of them */

static void try_everything(Actor *writer, Actor *reader, Reservation *held) {
        const Attempt *attempt;

        for (size_t i = 0; (attempt = attempt_get(i)); ++i) {
                int error = actor_do(reader, try, &i, sizeof(i));

                assert_untouched(writer, held, attempt->name);
                if (error == ATTEMPT_IMPOSSIBLE) {
                        printf("left out, for this host does not have it: %s\n", attempt->name);
                        continue;
                }
                ck_assert_msg(error == attempt->expected ||
                                      (attempt->also && error == attempt->also),
                              "%s: %s", attempt->name, error ? strerror(error) : "it works");
        }
        ck_assert_int_eq(actor_do(reader, ask_to_write, NULL, 0), FAULT_PERMISSION_DENIED);
        assert_untouched(writer, held, "asking for it");
}

static Target target_of(const Actor *writer, const Reservation *held, const char *directory) {
        return (Target){
                .directory = directory,
                .broker = fixture_daemon(),
                .writer = writer->pid,
                .writer_fd = held->fd,
                .writer_at = held->at,
        };
}

static void read_only_case(int i, bool sealable, bool as_root) {
        _cleanup_(freep) char *directory = NULL;
        Reservation held = { .sealable = sealable };
        Actor writer, reader;
        Target where;
        int error = 0;

        up(i);
        directory = unit_directory();
        ck_assert_int_eq(chmod(directory, 0777), 0);
        writer = actor_start(&writer_person);
        reader = actor_start(&reader_person);
        ck_assert_int_eq(actor_do(&writer, make_and_fill, &held, sizeof(held)), 0);
        where = target_of(&writer, &held, directory);
        ck_assert_int_eq(actor_do(&reader, open_to_read, &where, sizeof(where)), 0);
        if (as_root)
                error = actor_do(&reader, become_root, NULL, 0);
        ck_assert_msg(error >= 0, "no root in a user namespace");
        if (error)
                printf("user namespaces are left out: this host does not let others make them: %s\n",
                       strerror(error));
        else
                try_everything(&writer, &reader, &held);
        actor_end(&reader);
        (void) actor_do(&writer, let_go, NULL, 0);
        actor_end(&writer);
        fixture_down();
}

SUITE("access-readonly", .skip = !person_possible());
CASE("readonly", .timeout = 60);

TEST(read_only, .end = ARRAY_SIZE(broker_uids)) {
        read_only_case(_i, false, false);
}

TEST(read_only_sealable, .end = ARRAY_SIZE(broker_uids)) {
        read_only_case(_i, true, false);
}

TEST(read_only_namespace, .end = ARRAY_SIZE(broker_uids)) {
        read_only_case(_i, false, true);
}

TEST(read_only_sealable_namespace, .end = ARRAY_SIZE(broker_uids)) {
        read_only_case(_i, true, true);
}

/* --- what cannot be enforced, and so that the attempts are worth something */

/* Whom the inode belongs to may open it again, or let others; a broker of one's own is no fence. */
TEST(own_broker) {
        static const char *const working[] = { "opening /proc/self/fd", "fchmod",
                                               "opening /dev/fd" };
        const Setup setup = { .uid = reader_person.uid };
        Reservation held = { .sealable = true };
        Actor writer, reader;
        Target where;

        fixture_up(&setup);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        writer = actor_start(&writer_person);
        reader = actor_start(&reader_person);
        ck_assert_int_eq(actor_do(&writer, make_and_fill, &held, sizeof(held)), 0);
        where = target_of(&writer, &held, fixture_directory());
        ck_assert_int_eq(actor_do(&reader, open_to_read, &where, sizeof(where)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(working); ++i) {
                size_t k = attempt_find(working[i]);

                ck_assert_int_eq(actor_do(&reader, try, &k, sizeof(k)), 0);
                ck_assert_int_ne(actor_do(&writer, look_after, &held, sizeof(held)), 0);
        }
        actor_end(&reader);
        (void) actor_do(&writer, let_go, NULL, 0);
        actor_end(&writer);
        fixture_down();
}

/* --- who may write, and no more than that */

typedef struct Refusal Refusal;

struct Refusal {
        const char *name;
        int error;
};

static int write_behind(Wire *wire, void *data) {
        (void) wire;
        if (pwrite(target.fd, "x", 1, *(off_t *) data) >= 0)
                return 0;
        return errno;
}

static int count_seals(Wire *wire, void *data) {
        int *seals = data;

        (void) wire;
        *seals = fcntl(target.fd, F_GET_SEALS);
        return 0;
}

/* Sealed against growing, shrinking and further seals; and the inode is the broker's. */
TEST(read_write, .end = ARRAY_SIZE(broker_uids)) {
        static const Refusal refusals[] = {
                { "ftruncate, larger", EPERM },
                { "ftruncate, smaller", EPERM },
                { "fallocate", EPERM },
                { "F_SEAL_WRITE", EPERM },
                { "F_SEAL_FUTURE_WRITE", EPERM },
                { "F_SEAL_SEAL", EPERM },
                { "fchmod", EPERM },
                { "chmod through /proc", EPERM },
                { "fchown", EPERM },
                { "a read lease", EACCES },
                { "a write lease", EACCES },
                { "opening /proc/self/fd", EACCES },
                { "opening it with O_TRUNC", EACCES },
                { "truncate through /proc", EACCES },
                { "/proc/self/map_files", EPERM },
                { "/proc/PID/fd of the broker", EACCES },
                { "pidfd_getfd from the broker", EPERM },
        };
        Reservation held = { .mode = 0666 };
        const off_t ends[] = { SIZE, SIZE + 1, MAPPED, INT64_C(1) << 40 };
        Actor writer, other;
        Target where;
        int seals = 0;

        up(_i);
        writer = actor_start(&writer_person);
        other = actor_start(&reader_person);
        ck_assert_int_eq(actor_do(&writer, make_and_fill, &held, sizeof(held)), 0);
        where = target_of(&writer, &held, fixture_directory());
        ck_assert_int_eq(actor_do(&other, open_to_write, &where, sizeof(where)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(refusals); ++i) {
                size_t k = attempt_find(refusals[i].name);
                int error = actor_do(&other, try, &k, sizeof(k));

                ck_assert_msg(error == refusals[i].error, "%s: %s", refusals[i].name,
                              strerror(error));
                assert_untouched(&writer, &held, refusals[i].name);
        }
        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                off_t end = ends[i];

                ck_assert_int_eq(actor_do(&other, write_behind, &end, sizeof(end)), EPERM);
                assert_untouched(&writer, &held, "writing behind the end");
        }
        (void) actor_do(&other, count_seals, &seals, sizeof(seals));
        ck_assert_int_eq(seals & ~EXEC_SEAL, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        actor_end(&other);
        (void) actor_do(&writer, let_go, NULL, 0);
        actor_end(&writer);
        fixture_down();
}
