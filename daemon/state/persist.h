/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_PERSIST_H
#define SHMBROKER_DAEMON_STATE_PERSIST_H

/*
 * What the next broker is to know of segments, and to have: the state file has what each is, the
 * attach times have when it was last attached, and systemd's store has the descriptors of those
 * that nothing else leads to. What outlives the host, which are files in the broker's directory, is
 * on the disk when the sync is over whose number the segment has.
 */

#include "daemon/model/segment.h"
#include "daemon/state/attach-times.h"
#include "daemon/state/state-file.h"
#include "daemon/state/store.h"
#include "daemon/state/sync.h"

typedef struct Persist Persist;

enum {
        _PERSIST_E_SUCCESS,
        /* It could not be written down, and would be lost by a restart */
        PERSIST_E_FAILED,
        /* systemd keeps no more descriptors, or does not answer */
        PERSIST_E_NO_DESCRIPTORS,
        PERSIST_E_NO_MEMORY,
};

struct Persist {
        StateFile state_file;
        AttachTimes attach_times;
        Store store;
        Sync sync;
};

#define PERSIST_NULL                                                                               \
        {                                                                                          \
                .state_file = STATE_FILE_NULL, .attach_times = ATTACH_TIMES_NULL,                  \
                .store = STORE_NULL, .sync = SYNC_NULL                                             \
        }

int persist_begin(Persist *persist, Segment *segment);
int persist_object(Persist *persist, const Segment *segment);
void persist_prepare(Persist *persist, Segment *segment);
void persist_change(Persist *persist, Segment *segment);
void persist_end(Persist *persist, Segment *segment);
void persist_attach_time(const Segment *segment);
void persist_restored(Persist *persist, Segment *segment, uint64_t now_usec);

#endif
