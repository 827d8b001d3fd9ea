/* SPDX-License-Identifier: MIT */
/*
 * The administrator's socket: where it is and who may use it, told from both sides; that uid 0
 * without it is a user like others, every method, as the root of a container is; and who gets
 * descriptors of System V segments.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

static const Person owner = { "the owner", 2001, 2101, false, 0, false };
static const Person outsider = { "an outsider", 2002, 2102, false, 0, true };
static const Person container_root = { "root of a container", 0, 0, false, 0, false };

static void up(void) {
        fixture_up(NULL);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
}

static char *admin_path(char *space, size_t n_space) {
        (void) snprintf(space, n_space, "%s.admin", address_path(fixture_address()));
        return space;
}

static bool is_privileged(Wire *wire) {
        StatusReply status;

        wire_status(wire, &status);
        ck_assert(GIVEN(&status, STATUS_REPLY_CALLER));
        ck_assert_int_eq(status.caller.uid, geteuid());
        ck_assert_int_eq(status.caller.gid, getegid());
        return status.caller.privileged;
}

SUITE("admin");
CASE("socket", .setup = up, .teardown = fixture_down, .timeout = 30);

TEST(two_sockets) {
        struct stat st;
        Wire wire, admin;
        char path[128];

        ck_assert_int_eq(lstat(admin_path(path, sizeof(path)), &st), 0);
        ck_assert(S_ISSOCK(st.st_mode));
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(st.st_uid, geteuid());
        wire_open(&wire);
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        ck_assert(!is_privileged(&wire));
        ck_assert(is_privileged(&admin));
        wire_close(&wire);
        wire_close(&admin);
}

/* A broker that was killed has left both, and the next one takes their places. */
TEST(left_behind) {
        Wire wire;

        fixture_restart(SIGKILL, NULL);
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
        ck_assert(is_privileged(&wire));
        wire_close(&wire);
}

/* Users who take all places, uid 0 among them, do not lock the administrator out. */
TEST(places) {
        Wire wires[3], admin;

        fixture_configure("[limits]\nconnections = 3\n");
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                (void) is_privileged(&wires[i]);
        }
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        ck_assert(is_privileged(&admin));
        wire_close(&admin);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
}

CASE("people", .setup = up, .teardown = fixture_down, .timeout = 30, .skip = geteuid() != 0,
     .reason = "only root can become another user");

static int connects(void *userdata) {
        const Person *person = userdata;
        Wire wire;
        Reply reply;

        person_become(person);
        wire_as_administrator(person->administrator);
        if (!wire_try_open(&wire))
                return 1;
        wire_send(&wire, "{\"method\":\"org.shmbroker.Broker.GetStatus\"}", 44);
        return wire_receive(&wire, &reply) ? 0 : 2;
}

/* Who may not open it does not get in; who may, because somebody opened it, is not served. */
TEST(others) {
        char path[128];

        ck_assert_int_eq(unit_fork(connects, (void *) (uintptr_t) &outsider), 1);
        ck_assert_int_eq(chmod(admin_path(path, sizeof(path)), 0666), 0);
        ck_assert_int_eq(unit_fork(connects, (void *) (uintptr_t) &outsider), 2);
        ck_assert_int_eq(unit_fork(connects, (void *) (uintptr_t) &container_root), 0);
}

typedef struct Made Made;

struct Made {
        int64_t id;
        int shmid;
};

static int make(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Made *made = data;
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "mine");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, 8192);
        GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, true);
        fd_close(wire_acquire(wire, &parameters, &reply));
        made->id = reply.segment.id;
        made->shmid = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
        return made->shmid < 0;
}

static int unmake(Wire *wire, void *data) {
        const Made *made = data;

        (void) wire;
        return shmctl(made->shmid, IPC_RMID, NULL);
}

static void refused(Wire *wire, Method method, const void *parameters) {
        Fault fault = {};

        ck_assert_msg(wire_call(wire, method, parameters, NULL, &fault) == FAULT_PERMISSION_DENIED,
                      "%s: %s", method_rows[method].name, fault_rows[fault.code].name);
}

/* Each is granted to who comes by the other socket: what is refused here is what makes it work. */
static void try_all(Wire *wire, const Made *made) {
        SetAttributesParameters attributes = {};
        PublishParameters publish = { .id = made->id, .name = "other" };
        ResizeParameters resize = { .size_bytes = 8192 };
        SealParameters seal = { .seals = 1U << SEAL_EXEC };
        SegmentParameters segment = {};
        AcquireParameters acquire = {};
        AdoptParameters adopt = {};

        GIVE_VALUE(&acquire, ACQUIRE_ID, id, made->id);
        refused(wire, METHOD_ACQUIRE, &acquire);
        GIVE_VALUE(&acquire, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        refused(wire, METHOD_ACQUIRE, &acquire);
        GIVE_VALUE(&segment, SEGMENT_ID, id, made->id);
        refused(wire, METHOD_STAT, &segment);
        refused(wire, METHOD_LIST_ATTACHMENTS, &segment);
        refused(wire, METHOD_REMOVE, &segment);
        GIVE_VALUE(&attributes, SEGMENT_ID, id, made->id);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        refused(wire, METHOD_SET_ATTRIBUTES, &attributes);
        GIVE_VALUE(&resize, SEGMENT_ID, id, made->id);
        refused(wire, METHOD_RESIZE, &resize);
        GIVE_VALUE(&seal, SEGMENT_ID, id, made->id);
        refused(wire, METHOD_SEAL, &seal);
        refused(wire, METHOD_PUBLISH, &publish);
        GIVE_VALUE(&adopt, ADOPT_SHMID, shmid, made->shmid);
        refused(wire, METHOD_ADOPT, &adopt);
}

TEST(root_is_a_user) {
        SegmentParameters segment = {};
        Actor actor = actor_start(&owner);
        Made made = {};
        Wire wire, admin;

        ck_assert_int_eq(actor_do(&actor, make, &made, sizeof(made)), 0);
        wire_open(&wire);
        try_all(&wire, &made);
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        ck_assert_int_eq(wire_stat(&admin, "mine", NULL), FAULT_NONE);
        GIVE_VALUE(&segment, SEGMENT_ID, id, made.id);
        ck_assert_int_eq(wire_call(&admin, METHOD_REMOVE, &segment, NULL, NULL), FAULT_NONE);
        ck_assert_int_eq(actor_do(&actor, unmake, &made, sizeof(made)), 0);
        wire_close(&wire);
        wire_close(&admin);
        actor_end(&actor);
}

/* What is root's, root may use, and no more: as any user may what is its own. */
TEST(roots_own) {
        Wire wire;

        wire_open(&wire);
        fd_close(wire_create(&wire, "roots", 4096));
        fd_close(wire_open_segment(&wire, "roots", ACCESS_READ_WRITE));
        ck_assert_int_eq(wire_remove(&wire, "roots", NULL), FAULT_NONE);
        wire_close(&wire);
}

static int make_sysv(Wire *wire, void *data) {
        AcquireParameters parameters = {};

        (void) data;
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "sysv");
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_SYSV);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        fd_close(wire_acquire(wire, &parameters, NULL));
        return 0;
}

static bool gets_descriptor(Access access) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        Wire wire;

        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "sysv");
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        ck_assert_int_eq(wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, NULL), FAULT_NONE);
        wire_close(&wire);
        return GIVEN(&reply, ACQUIRE_REPLY_FILE_DESCRIPTOR_INDEX);
}

/* By a descriptor one could truncate it, which natively nobody can: unless the configuration says
 * so, it is for its owner. */
TEST(sysv_descriptors, .skip = prctl(PR_CAPBSET_READ, CAP_CHECKPOINT_RESTORE) != 1,
     .reason = "descriptors of System V segments take CAP_CHECKPOINT_RESTORE") {
        Actor actor = actor_start(&owner);
        Wire wire;

        ck_assert_int_eq(actor_do(&actor, make_sysv, NULL, 0), 0);
        ck_assert(!gets_descriptor(ACCESS_READ_WRITE));
        ck_assert(gets_descriptor(ACCESS_READ_ONLY));
        fixture_configure("[sysv]\ndescriptors = everyone\n");
        fixture_hang_up();
        ck_assert(gets_descriptor(ACCESS_READ_WRITE));
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
        ck_assert_int_eq(wire_remove(&wire, "sysv", NULL), FAULT_NONE);
        wire_close(&wire);
        actor_end(&actor);
}
