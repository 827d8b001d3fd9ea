/* SPDX-License-Identifier: MIT */
/*
 * A broker in a user namespace, to which all users who are not mapped there look like one: they own
 * nothing, each other's segments least of all.
 */

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define OVERFLOW_UID 65534

static const Person one = { "one", 2001, 2101, true, 2100, false };
static const Person other = { "another", 2002, 2101, true, 2100, false };

static void write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text))
                _exit(1);
        close(fd);
}

/* Root alone is mapped, to itself. */
static void enter_namespace(void) {
        if (unshare(CLONE_NEWUSER) < 0)
                _exit(1);
        write_text("/proc/self/uid_map", "0 0 1");
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/gid_map", "0 0 1");
}

static bool can_unshare(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(unshare(CLONE_NEWUSER) < 0);
        return waitpid(pid, &status, 0) == pid && status == 0;
}

static void up(void) {
        fixture_up(&(Setup){ .prepare = enter_namespace });
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
}

static int create(Wire *wire, void *data) {
        AcquireParameters parameters = {};

        (void) data;
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "mine");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_ANY);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        return (int) wire_try_acquire(wire, &parameters, NULL);
}

typedef struct Tried Tried;

struct Tried {
        FaultCode read;
        FaultCode write;
        FaultCode change;
        FaultCode remove;
        uid_t uid;
};

static FaultCode try_access(Wire *wire, Access access) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        return wire_try_acquire(wire, &parameters, NULL);
}

static int try_all(Wire *wire, void *data) {
        SetAttributesParameters attributes = {};
        Tried *tried = data;
        StatusReply status;

        tried->read = try_access(wire, ACCESS_READ_ONLY);
        tried->write = try_access(wire, ACCESS_READ_WRITE);
        GIVE_VALUE(&attributes, SEGMENT_NAME, name, "a");
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        tried->change = wire_set_attributes(wire, &attributes, NULL, NULL);
        tried->remove = wire_remove(wire, "a", NULL);
        wire_status(wire, &status);
        tried->uid = (uid_t) status.caller.uid;
        return 0;
}

static void set(Wire *wire, int64_t owner_uid, int64_t mode) {
        SetAttributesParameters attributes = {};

        GIVE_VALUE(&attributes, SEGMENT_NAME, name, "a");
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, mode);
        if (owner_uid >= 0)
                GIVE_VALUE(&attributes, SET_ATTRIBUTES_OWNER_UID, owner_uid, owner_uid);
        ck_assert_int_eq(wire_set_attributes(wire, &attributes, NULL, NULL), FAULT_NONE);
}

SUITE("namespace");
CASE("namespace", .setup = up, .teardown = fixture_down, .timeout = 30,
     .skip = geteuid() != 0 || !can_unshare(),
     .reason = "this takes root, and a kernel that lets it make user namespaces");

TEST(unmapped) {
        static const Person *const people[] = { &one, &other };
        Actor actors[ARRAY_SIZE(people)];
        Wire wire;

        wire_open(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(people); ++i)
                actors[i] = actor_start(people[i]);
        for (size_t i = 0; i < ARRAY_SIZE(people); ++i)
                ck_assert_int_eq(actor_do(&actors[i], create, NULL, 0), FAULT_PERMISSION_DENIED);
        fd_close(wire_create(&wire, "a", 4096));
        for (size_t i = 0; i < ARRAY_SIZE(people); ++i) {
                Tried tried = {};

                set(&wire, 0, 0660);
                ck_assert_int_eq(actor_do(&actors[i], try_all, &tried, sizeof(tried)), 0);
                ck_assert_uint_eq(tried.uid, OVERFLOW_UID);
                ck_assert_int_eq(tried.read, FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(tried.write, FAULT_PERMISSION_DENIED);
                /* What a mode grants to others it grants to them. */
                set(&wire, 0, 0604);
                ck_assert_int_eq(actor_do(&actors[i], try_all, &tried, sizeof(tried)), 0);
                ck_assert_int_eq(tried.read, FAULT_NONE);
                ck_assert_int_eq(tried.write, FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(tried.change, FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(tried.remove, FAULT_PERMISSION_DENIED);
        }
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        for (size_t i = 0; i < ARRAY_SIZE(people); ++i)
                actor_end(&actors[i]);
        wire_close(&wire);
}

/* Also of what somebody gave to that number. */
TEST(given) {
        Actor actor = actor_start(&one);
        Tried tried = {};
        Wire wire;

        wire_open(&wire);
        fd_close(wire_create(&wire, "a", 4096));
        set(&wire, OVERFLOW_UID, 0600);
        ck_assert_int_eq(actor_do(&actor, try_all, &tried, sizeof(tried)), 0);
        ck_assert_int_eq(tried.read, FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(tried.change, FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(tried.remove, FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        actor_end(&actor);
        wire_close(&wire);
}
