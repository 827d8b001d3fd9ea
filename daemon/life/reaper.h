/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_REAPER_H
#define SHMBROKER_DAEMON_LIFE_REAPER_H

/*
 * Lets go of what is behind destroyed segments. Giving back the pages of a large one takes tenths
 * of a second, so it is done by a worker of its own; what it was charged for is charged until then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/worker.h"
#include "daemon/model/limits.h"

typedef struct Reaper Reaper;
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
        /* The memory is charged to somebody as that, and that, and as locked */
        Charge bytes_charge;
        Charge huge_charge;
        Charge locked_charge;
};

struct Reaper {
        Worker worker;
        size_t n_under_way;
};

#define REAPER_NULL                                                                                \
        { .worker = WORKER_NULL }

int reaper_init(Reaper *reaper);
void reaper_deinit(Reaper *reaper);

void reaper_take(Reaper *reaper, const Remains *remains);
void reaper_collect(Reaper *reaper);

#endif
