/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_OUTSIDE_H
#define SHMBROKER_DAEMON_LIFE_OUTSIDE_H

/*
 * What others do to the object behind a segment without asking the broker: attach it natively,
 * truncate it, change its owner or mode, remove it. It is noticed, told, and the segment set right.
 */

#include "daemon/life/life.h"

typedef struct Outside Outside;

/* What was noticed, and is still to be told. */
struct Outside {
        bool changed;
        bool removed;
        size_t n_attached;
        size_t n_detached;
};

#define OUTSIDE_NULL                                                                               \
        {}

bool outside_look(Life *life, Segment *segment, Outside *ret);
void outside_tell(Life *life, Segment *segment, Outside *outside);

#endif
