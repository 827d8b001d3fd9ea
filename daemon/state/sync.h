/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_SYNC_H
#define SHMBROKER_DAEMON_STATE_SYNC_H

/*
 * Sees that what concerns segments of kind file is on the disk, which takes 0.2 s and more on some:
 * a thread waits for the disk, and the loop goes on. Syncs have numbers. All that was changed
 * before one begins is on the disk when it is over, and the next one begins when the last one is
 * over, so that many changes share one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/worker.h"
#include "daemon/state/state-file.h"

typedef struct Sync Sync;
typedef struct SyncGone SyncGone;
typedef struct SyncJob SyncJob;
typedef struct SyncWait SyncWait;

enum {
        _SYNC_E_SUCCESS,
        SYNC_E_NO_DESCRIPTORS,
        SYNC_E_NO_MEMORY,
};

/* Who has to know when a sync is over. */
struct SyncWait {
        uint64_t number;
        void (*over)(SyncWait *wait, bool failed);
        SyncWait *prev;
        SyncWait *next;
};

struct Sync {
        Worker worker;
        StateFile *state_file;
        /* The directory of files, which is the host's and may become another one */
        const int *directory_fd;
        /* The one that is to begin, NULL if it has no files yet */
        SyncJob *next;
        uint64_t n_changes;
        uint64_t n_begun;
        uint64_t n_over;
        bool wanted;
        bool failed;
        /* Of the directories above that of files, one may be new */
        bool parents_synced;
        SyncWait *waits;
        /* Segments of which it is to be written down that they are gone, when their names are */
        SyncGone *gone;
};

#define SYNC_NULL                                                                                  \
        { .worker = WORKER_NULL }

int sync_init(Sync *sync, StateFile *state_file, const int *directory_fd);
void sync_deinit(Sync *sync);

int sync_add(Sync *sync, int fd, bool is_new);
uint64_t sync_want(Sync *sync);
void sync_begin(Sync *sync);
void sync_collect(Sync *sync);
int sync_gone(Sync *sync, int64_t id);

bool sync_is_over(const Sync *sync, uint64_t number);
void sync_wait(Sync *sync, SyncWait *wait, uint64_t number);
void sync_wait_no_more(Sync *sync, SyncWait *wait);

#endif
