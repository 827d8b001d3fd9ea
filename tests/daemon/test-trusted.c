/* SPDX-License-Identifier: MIT */
/*
 * Segments of others: somebody makes one under a name that is another's before that one does, with
 * a mode that lets everybody in, and who says whom it trusts has nothing to do with it.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "proto/writer.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define VICTIM 2001
#define SQUATTER 2002
#define SIZE 4096

typedef struct Attempt Attempt;

/* An Acquire, and what came of it; FAULT_NONE is an attachment. */
struct Attempt {
        AcquireParameters parameters;
        FaultCode code;
        ForeignSegmentFault foreign;
};

static const Person victim = { "the victim", VICTIM, 2101, false, 0, false };
static const Person squatter = { "the squatter", SQUATTER, 2102, false, 0, false };
static const Person administrator = { "the administrator", 0, 0, false, 0, true };

static Actor victim_actor, squatter_actor, admin_actor;

static void up(void) {
        fixture_up(NULL);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        victim_actor = actor_start(&victim);
        squatter_actor = actor_start(&squatter);
        admin_actor = actor_start(&administrator);
}

static void down(void) {
        actor_end(&victim_actor);
        actor_end(&squatter_actor);
        actor_end(&admin_actor);
        fixture_down();
}

static AcquireParameters meant(const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        return parameters;
}

static AcquireParameters created(const char *name, CreateMode create) {
        AcquireParameters parameters = meant(name);

        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, create);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        return parameters;
}

/* The users up to the first 0. */
static void trust(AcquireParameters *parameters, int64_t one, int64_t other) {
        Numbers uids = { .n_values = one ? other ? 2 : 1 : 0, .values = { one, other } };

        GIVE_VALUE(parameters, ACQUIRE_TRUSTED_UIDS, trusted_uids, uids);
}

static int attempt_act(Wire *wire, void *data) {
        Attempt *attempt = data;
        Fault fault = {};

        attempt->code = wire_try_acquire(wire, &attempt->parameters, &fault);
        if (attempt->code == FAULT_FOREIGN_SEGMENT)
                attempt->foreign = fault.foreign;
        return 0;
}

static FaultCode attempt(Actor *actor, const AcquireParameters *parameters,
                         ForeignSegmentFault *ret) {
        Attempt made = { .parameters = *parameters };

        ck_assert_int_eq(actor_do(actor, attempt_act, &made, sizeof(made)), 0);
        if (ret)
                *ret = made.foreign;
        return made.code;
}

static void expect(Actor *actor, const AcquireParameters *parameters, FaultCode code) {
        ck_assert_int_eq(attempt(actor, parameters, NULL), code);
}

/* The squatter comes first. */
static void squat(const char *name) {
        AcquireParameters parameters = created(name, CREATE_NEW);

        expect(&squatter_actor, &parameters, FAULT_NONE);
}

static int remove_act(Wire *wire, void *data) {
        return (int) wire_remove(wire, data, NULL);
}

static void remove_segment(const char *name) {
        char copy[32];

        (void) snprintf(copy, sizeof(copy), "%s", name);
        ck_assert_int_eq(actor_do(&admin_actor, remove_act, copy, sizeof(copy)), FAULT_NONE);
}

static int give_away_act(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        (void) data;
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_NAME, name, "a");
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, VICTIM);
        return (int) wire_set_attributes(wire, &parameters, NULL, NULL);
}

SUITE("trusted", .skip = geteuid() != 0, .reason = "only root can become another user");
CASE("trusted", .setup = up, .teardown = down, .timeout = 30);

TEST(squatted) {
        AcquireParameters parameters = meant("a");
        ForeignSegmentFault foreign;

        squat("a");
        /* So it goes with who says nothing, and with who trusts the squatter as well. */
        expect(&victim_actor, &parameters, FAULT_NONE);
        trust(&parameters, VICTIM, SQUATTER);
        expect(&victim_actor, &parameters, FAULT_NONE);
        trust(&parameters, VICTIM, 0);
        ck_assert_int_eq(attempt(&victim_actor, &parameters, &foreign), FAULT_FOREIGN_SEGMENT);
        ck_assert_int_gt(foreign.id, 0);
        ck_assert_int_eq(foreign.owner_uid, SQUATTER);
        ck_assert_int_eq(foreign.creator_uid, SQUATTER);
        /* The same by its number, for reading, and for the administrator. */
        parameters = (AcquireParameters){};
        GIVE_VALUE(&parameters, ACQUIRE_ID, id, foreign.id);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        trust(&parameters, VICTIM, 0);
        expect(&victim_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        expect(&admin_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        trust(&parameters, 0, 0);
        expect(&squatter_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        remove_segment("a");
}

/* Who creates keeps the rights of an owner, whoever is one. */
TEST(given_away) {
        AcquireParameters parameters = meant("a");
        ForeignSegmentFault foreign;

        squat("a");
        ck_assert_int_eq(actor_do(&squatter_actor, give_away_act, NULL, 0), FAULT_NONE);
        trust(&parameters, VICTIM, 0);
        ck_assert_int_eq(attempt(&victim_actor, &parameters, &foreign), FAULT_FOREIGN_SEGMENT);
        ck_assert_int_eq(foreign.owner_uid, VICTIM);
        ck_assert_int_eq(foreign.creator_uid, SQUATTER);
        /* And the other way round: what one gave away is somebody else's. */
        trust(&parameters, SQUATTER, 0);
        expect(&squatter_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        trust(&parameters, SQUATTER, VICTIM);
        expect(&squatter_actor, &parameters, FAULT_NONE);
        remove_segment("a");
}

TEST(create_or_open) {
        AcquireParameters parameters = created("a", CREATE_ANY);

        trust(&parameters, VICTIM, 0);
        squat("a");
        expect(&victim_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        remove_segment("a");
        /* What one creates is one's own; the next one opens it. */
        expect(&victim_actor, &parameters, FAULT_NONE);
        expect(&victim_actor, &parameters, FAULT_NONE);
        expect(&squatter_actor, &parameters, FAULT_NONE);
        parameters.create = CREATE_NEW;
        expect(&victim_actor, &parameters, FAULT_SEGMENT_EXISTS);
        remove_segment("a");
}

/* Whose it is, is for those who may look at it. */
TEST(hidden) {
        AcquireParameters hidden = created("a", CREATE_NEW), parameters = meant("a");

        hidden.mode = 0600;
        expect(&squatter_actor, &hidden, FAULT_NONE);
        trust(&parameters, VICTIM, 0);
        expect(&victim_actor, &parameters, FAULT_PERMISSION_DENIED);
        remove_segment("a");
}

/* When this returns, the broker has the call, and whoever waits waits. */
static int send_waiting(Wire *wire, void *data) {
        AcquireParameters parameters = meant("a");
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;

        (void) data;
        trust(&parameters, VICTIM, 0);
        GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, -1);
        call_write(&writer, METHOD_GET_STATUS, &(NoParameters){});
        call_write(&writer, METHOD_ACQUIRE, &parameters);
        wire_send(wire, writer.data, writer.n_data);
        return wire_receive(wire, &reply) && !reply.error ? 0 : 1;
}

static int receive_foreign(Wire *wire, void *data) {
        Reply reply;

        (void) data;
        if (!wire_receive(wire, &reply) || !reply.error)
                return 1;
        return strcmp(reply.error, "org.shmbroker.Broker.ForeignSegment") != 0;
}

/* What appears ends the wait at once. */
TEST(waiting) {
        ck_assert_int_eq(actor_do(&victim_actor, send_waiting, NULL, 0), 0);
        squat("a");
        ck_assert_int_eq(actor_do(&victim_actor, receive_foreign, NULL, 0), 0);
        remove_segment("a");
}

typedef struct Publication Publication;

struct Publication {
        int64_t id;
        int64_t trusted[2];
        ForeignSegmentFault foreign;
};

static int make_private(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Publication *publication = data;
        AcquireReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        if (wire_call(wire, METHOD_ACQUIRE, &parameters, &reply, &fault) != FAULT_NONE)
                return 1;
        fd_close(fd_queue_pop(&wire->fds));
        publication->id = reply.segment.id;
        return 0;
}

static int publish_act(Wire *wire, void *data) {
        Publication *publication = data;
        PublishParameters parameters = { .id = publication->id, .name = "a" };
        Numbers uids = { .n_values = publication->trusted[1] ? 2 : 1 };
        PublishReply reply;
        Fault fault = {};
        FaultCode code;

        memcpy(uids.values, publication->trusted, sizeof(publication->trusted));
        GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, true);
        GIVE_VALUE(&parameters, PUBLISH_TRUSTED_UIDS, trusted_uids, uids);
        code = wire_call(wire, METHOD_PUBLISH, &parameters, &reply, &fault);
        if (code == FAULT_FOREIGN_SEGMENT)
                publication->foreign = fault.foreign;
        return (int) code;
}

static int publish(Actor *actor, Publication *publication, int64_t one, int64_t other) {
        publication->trusted[0] = one;
        publication->trusted[1] = other;
        return actor_do(actor, publish_act, publication, sizeof(*publication));
}

/* Both count, what gets the name and what loses it. */
TEST(published) {
        Publication own = {}, others = {};
        AcquireParameters parameters = meant("a");

        squat("a");
        ck_assert_int_eq(actor_do(&squatter_actor, give_away_act, NULL, 0), FAULT_NONE);
        ck_assert_int_eq(actor_do(&victim_actor, make_private, &own, sizeof(own)), 0);
        ck_assert_int_eq(publish(&victim_actor, &own, VICTIM, 0), FAULT_FOREIGN_SEGMENT);
        ck_assert_int_ne(own.foreign.id, own.id);
        ck_assert_int_eq(own.foreign.creator_uid, SQUATTER);
        ck_assert_int_eq(publish(&victim_actor, &own, VICTIM, SQUATTER), FAULT_NONE);
        trust(&parameters, VICTIM, 0);
        expect(&victim_actor, &parameters, FAULT_NONE);
        ck_assert_int_eq(actor_do(&squatter_actor, make_private, &others, sizeof(others)), 0);
        ck_assert_int_eq(publish(&admin_actor, &others, VICTIM, 0), FAULT_FOREIGN_SEGMENT);
        ck_assert_int_eq(others.foreign.id, others.id);
        expect(&victim_actor, &parameters, FAULT_NONE);
        ck_assert_int_eq(publish(&admin_actor, &others, VICTIM, SQUATTER), FAULT_NONE);
        expect(&victim_actor, &parameters, FAULT_FOREIGN_SEGMENT);
        remove_segment("a");
}
