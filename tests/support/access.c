/* SPDX-License-Identifier: MIT */
#include "tests/support/access.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define CREATOR_UID 2001
#define CREATOR_GID 2101
#define OWNER_UID 2002
#define OWNER_GID 2102

const Person people[_PERSON_N] = {
        [ADMINISTRATOR] = { "the administrator", 0, 0, false, 0, true },
        /* A user like others, as in a container */
        [ROOT] = { "root", 0, 0, false, 0, false },
        [CREATOR] = { "the creator", CREATOR_UID, CREATOR_GID, false, 0, false },
        /* In the creator's group as well, which must not matter */
        [OWNER] = { "the owner", OWNER_UID, OWNER_GID, true, CREATOR_GID, false },
        [CREATORS_GROUP] = { "one of the creator's group", 2003, CREATOR_GID, false, 0, false },
        [OWNERS_GROUP] = { "one of the owner's group", 2004, OWNER_GID, false, 0, false },
        [ALSO_CREATORS_GROUP] = { "one also of the creator's group", 2005, 2105, true, CREATOR_GID,
                                  false },
        [ALSO_OWNERS_GROUP] = { "one also of the owner's group", 2006, 2106, true, OWNER_GID,
                                false },
        [OTHER] = { "somebody else", 2007, 2107, false, 0, false },
        [OTHER_IN_GROUP_0] = { "somebody else, also of group 0", 2008, 2108, true, 0, false },
};

/* Which digit of the mode is theirs, and who may change and remove; said here, not computed. */
static const struct {
        unsigned int shift;
        bool controls;
} rights[_PERSON_N] = {
        [ADMINISTRATOR] = { 0, true },
        [ROOT] = { 0, false },
        [CREATOR] = { 6, true },
        [OWNER] = { 6, true },
        [CREATORS_GROUP] = { 3, false },
        [OWNERS_GROUP] = { 3, false },
        [ALSO_CREATORS_GROUP] = { 3, false },
        [ALSO_OWNERS_GROUP] = { 3, false },
        [OTHER] = { 0, false },
        [OTHER_IN_GROUP_0] = { 0, false },
};

Actor actors[_PERSON_N];
Wire root;

void access_up(void) {
        access_up_with(NULL);
}

void access_up_with(const Setup *setup) {
        fixture_up(setup);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        for (size_t i = 0; i < _PERSON_N; ++i)
                actors[i] = actor_start(&people[i]);
        wire_as_administrator(true);
        wire_open(&root);
        wire_as_administrator(false);
}

void access_down(void) {
        for (size_t i = 0; i < _PERSON_N; ++i)
                actor_end(&actors[i]);
        wire_close(&root);
        fixture_down();
}

static bool may(size_t person, unsigned int mode, unsigned int wanted) {
        return person == ADMINISTRATOR || (mode >> rights[person].shift & wanted) == wanted;
}

bool may_control(size_t person) {
        return rights[person].controls;
}

bool may_read(size_t person, unsigned int mode) {
        return may(person, mode, 4);
}

bool may_write(size_t person, unsigned int mode) {
        return may(person, mode, 6);
}

FaultCode granted(bool may) {
        return may ? FAULT_NONE : FAULT_PERMISSION_DENIED;
}

const char *said(int code) {
        return code == FAULT_NONE ? "granted" : fault_rows[code].name;
}

FaultCode set_attributes(Wire *wire, int64_t id, SetAttributesParameters parameters) {
        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        return wire_call(wire, METHOD_SET_ATTRIBUTES, &parameters, NULL, NULL);
}

void set_mode(int64_t id, unsigned int mode) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, mode);
        ck_assert_int_eq(set_attributes(&root, id, parameters), FAULT_NONE);
}

typedef struct Make Make;

struct Make {
        char name[32];
        unsigned int mode;
        int64_t id;
};

static int make(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Make *made = data;
        AcquireReply reply;

        if (made->name[0])
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, made->name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, ACCESS_SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, ACCESS_MAXIMUM);
        GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, true);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, made->mode);
        fd_close(wire_acquire(wire, &parameters, &reply));
        made->id = reply.segment.id;
        return reply.segment.permissions.mode == made->mode ? 0 : -1;
}

int64_t make_as(size_t person, const char *name, unsigned int mode) {
        Make made = { .mode = mode };

        (void) snprintf(made.name, sizeof(made.name), "%s", name);
        ck_assert_int_eq(actor_do(&actors[person], make, &made, sizeof(made)), 0);
        return made.id;
}

int64_t make_and_give(const char *name, unsigned int mode) {
        SetAttributesParameters parameters = {};
        int64_t id = make_as(CREATOR, name, mode);

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, people[OWNER].uid);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_GID, owner_gid, people[OWNER].gid);
        ck_assert_int_eq(set_attributes(&root, id, parameters), FAULT_NONE);
        return id;
}

int remove_id(Wire *wire, void *data) {
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_ID, id, *(int64_t *) data);
        return (int) wire_call(wire, METHOD_REMOVE, &parameters, NULL, NULL);
}

State state_of(int64_t id) {
        State state;

        /* Bytes between the members are compared as well. */
        memset(&state, 0, sizeof(state));
        ck_assert_int_eq(wire_stat_id(&root, id, &state.info), FAULT_NONE);
        if (GIVEN(&state.info, INFO_NAME))
                (void) snprintf(state.name, sizeof(state.name), "%s", state.info.name);
        state.info.name = NULL;
        if (GIVEN(&state.info, INFO_DEVICE))
                (void) snprintf(state.device, sizeof(state.device), "%s", state.info.device);
        state.info.device = NULL;
        return state;
}

void assert_same(int64_t id, const State *before, const char *who, const char *what) {
        State after = state_of(id);

        ck_assert_msg(memcmp(&after, before, sizeof(after)) == 0,
                      "%s was refused, and yet something changed: %s", who, what);
}
