/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_ACCESS_H
#define SHMBROKER_TESTS_SUPPORT_ACCESS_H

/*
 * Everybody whom permissions tell apart, each a process with a connection to a real broker, and
 * segments that one of them made and gave to another. What each of them may is said in a table and
 * not computed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/fixture.h"
#include "tests/support/person.h"

/* Of the segments that are made here; they may be grown, and sealed. */
#define ACCESS_SIZE 5000
#define ACCESS_MAXIMUM 20000

typedef struct State State;

enum {
        ADMINISTRATOR,
        ROOT,
        CREATOR,
        OWNER,
        CREATORS_GROUP,
        OWNERS_GROUP,
        ALSO_CREATORS_GROUP,
        ALSO_OWNERS_GROUP,
        OTHER,
        OTHER_IN_GROUP_0,
        _PERSON_N,
};

/* What a refusal must leave as it was, without strings that belong to a reply. */
struct State {
        SegmentInfo info;
        char name[32];
        char device[32];
};

extern const Person people[_PERSON_N];
extern Actor actors[_PERSON_N];
/* The administrator's, in this process */
extern Wire root;

/* Checked fixture: the broker and everybody. */
void access_up(void);
void access_up_with(const Setup *setup);
void access_down(void);

/* Owner, creator and administrator. */
bool may_control(size_t person);
bool may_read(size_t person, unsigned int mode);
/* To write is to read as well: such a descriptor does both. */
bool may_write(size_t person, unsigned int mode);
FaultCode granted(bool may);
/* What a code means, for messages. */
const char *said(int code);

/* Made by one of them; an empty name makes it a private one. */
int64_t make_as(size_t person, const char *name, unsigned int mode);
/* Made by the creator, and given to the owner and the owner's group by the administrator. */
int64_t make_and_give(const char *name, unsigned int mode);
/* By the administrator, and it works. */
void set_mode(int64_t id, unsigned int mode);

/* For actor_do(): the data is an id. */
int remove_id(Wire *wire, void *data);
/* SetAttributes of the one with that id. */
FaultCode set_attributes(Wire *wire, int64_t id, SetAttributesParameters parameters);

State state_of(int64_t id);
void assert_same(int64_t id, const State *before, const char *who, const char *what);

#endif
