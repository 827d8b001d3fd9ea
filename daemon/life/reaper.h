/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_REAPER_H
#define SHMBROKER_DAEMON_LIFE_REAPER_H

/*
 * Lets go of what is behind destroyed segments. Giving back the pages of a large one takes tenths
 * of a second, so it is done by a worker of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/worker.h"

typedef struct Remains Remains;

typedef void (*ReaperPunchFn)(int fd, uint64_t size_bytes);
typedef bool (*ReaperReleaseFn)(void *anchor, int shmid);

/* What is left of a segment. */
struct Remains {
        /* The broker's own descriptor */
        int fd;
        /* Size of the inode */
        uint64_t size_bytes;
        /* Where the broker has mapped it, or NULL */
        void *locked_at;
        /* Its own attachment, of which shmid, and what lets go of it: see KindTraits; or NULL */
        void *anchor;
        int shmid;
        ReaperReleaseFn release;
        /* Gives the pages back first; NULL if somebody else may have the inode open */
        ReaperPunchFn punch;
};

void reaper_take(Worker *worker, const Remains *remains);

#endif
