/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_EXTERNAL_H
#define SHMBROKER_DAEMON_LIFE_EXTERNAL_H

/*
 * What others do to the object behind a segment without asking the broker: attach it natively,
 * truncate it, change its owner or mode, remove it. It is noticed, told, and the segment set right.
 */

#include "daemon/kind/kind.h"
#include "daemon/life/events.h"
#include "daemon/model/registry.h"
#include "daemon/state/persist.h"

typedef struct ExternalChange ExternalChange;
typedef struct LifeContext LifeContext;

/* What the life of a segment goes on in: where it is found, kept and told of. */
struct LifeContext {
        Registry *registry;
        const Host *host;
        /* NULL if nothing is to survive */
        Persist *persist;
        Events *events;
};

/* What was noticed, and is still to be told. */
struct ExternalChange {
        bool changed;
        bool removed;
        size_t n_attached;
        size_t n_detached;
};

#define EXTERNAL_CHANGE_NULL                                                                       \
        {}

bool external_look(const LifeContext *context, Segment *segment, ExternalChange *ret);
void external_tell(const LifeContext *context, Segment *segment, ExternalChange *change);

#endif
