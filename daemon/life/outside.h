/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_OUTSIDE_H
#define SHMBROKER_DAEMON_LIFE_OUTSIDE_H

/*
 * What others do to the object behind a segment without asking the broker: attach it natively,
 * truncate it, change its owner or mode, remove it. It is noticed, told, and the segment set right.
 */

#include "daemon/kind/kind.h"
#include "daemon/life/events.h"
#include "daemon/model/registry.h"
#include "daemon/state/keep.h"

typedef struct Noticed Noticed;
typedef struct Outside Outside;

/* Where what is noticed is set right and told. */
struct Outside {
        Registry *registry;
        const Host *host;
        /* NULL if nothing is to survive */
        Keep *keep;
        Events *events;
};

/* What was noticed, and is still to be told. */
struct Noticed {
        bool changed;
        bool removed;
        size_t n_attached;
        size_t n_detached;
};

#define NOTICED_NULL                                                                               \
        {}

bool outside_look(const Outside *outside, Segment *segment, Noticed *ret);
void outside_tell(const Outside *outside, Segment *segment, Noticed *noticed);

#endif
