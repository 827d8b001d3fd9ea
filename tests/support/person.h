/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_PERSON_H
#define SHMBROKER_TESTS_SUPPORT_PERSON_H

/*
 * Other users, as processes that have become them for good and have a connection of their own. What
 * a test wants done is done there, so that whoever is refused is the one who asked; what it came to
 * is asserted here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/support/fixture.h"

/* What an act is given, and gives back. */
#define ACT_DATA_MAX 2048

typedef struct Actor Actor;
typedef struct Person Person;

struct Person {
        const char *name;
        uid_t uid;
        gid_t gid;
        /* Supplementary, if there is one */
        bool has_group;
        gid_t group;
        /* Comes by the administrator's socket */
        bool administrator;
};

struct Actor {
        const Person *person;
        pid_t pid;
        int fd;
};

/* Only root can become others; if this is not root, says so. */
bool person_possible(void);
/* Becomes that person for good; ends the process if that does not work. */
void person_become(const Person *person);

Actor actor_start(const Person *person);
/*
 * Lets the person do something, and returns what @act returns. The data goes there and comes back;
 * pointers in it point to what was there when the person was started.
 */
int actor_do(Actor *actor, int (*act)(Wire *wire, void *data), void *data, size_t n_data);
void actor_end(Actor *actor);

#endif
