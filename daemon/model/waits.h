/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_WAITS_H
#define SHMBROKER_DAEMON_MODEL_WAITS_H

/* Who waits for a segment to have a certain name. */

#include <stdbool.h>

#include "proto/name.h"

typedef struct Wait Wait;
typedef struct WaitGroup WaitGroup;
typedef struct Waits Waits;

struct Wait {
        /* A segment has the name now. It may be gone again before the waiter looks. */
        void (*appeared)(Wait *wait);
        WaitGroup *group;
        Wait *prev;
        Wait *next;
};

struct Waits {
        WaitGroup *by_name;
};

#define WAITS_NULL                                                                                 \
        {}

int waits_add(Waits *waits, Wait *wait, const char *name);
void waits_remove(Waits *waits, Wait *wait);
void waits_tell(Waits *waits, const char *name);

#endif
