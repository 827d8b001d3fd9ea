/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_SLOW_H
#define SHMBROKER_DAEMON_CALL_SLOW_H

/*
 * Changes of a segment whose time grows with its size: locking it in memory brings every page in,
 * and sealing it against writing waits for pages that are pinned (fcntl(2), F_ADD_SEALS; 80 to 160
 * ms were seen). The worker does them, and the call is answered afterwards.
 */

#include "daemon/base/worker.h"
#include "daemon/call/pending.h"

typedef struct SlowJob SlowJob;

struct SlowJob {
        WorkerJob job;
        Service *service;
        /* Who waits for it, or NULL if nobody does any more */
        Pending *pending;
        int64_t segment_id;
        /* The worker's own descriptor; the description is the master's */
        int fd;
        /* Seals to be added, or the attributes to be set once it is locked */
        unsigned int seals;
        int (*seal)(int fd, unsigned int seals);
        SetAttributesParameters attributes;
        /* Who asked: what may be set is judged once more when it is set */
        uid_t uid;
        /* kind sysv, of which no descriptor is needed */
        int shmid;
        void *anchor;
        uint64_t size_bytes;
        Charge charge;
        /* What came of it: where it is mapped now, or a code of its work */
        void *locked_at;
        int result;
};

int slow_seal(Service *service, Client *client, Segment *segment, unsigned int seals, Pending **ret,
              CallFailure *failure);
int slow_lock(Service *service, Client *client, Segment *segment,
              const SetAttributesParameters *parameters, Pending **ret, CallFailure *failure);
void slow_lock_again(Service *service, Segment *segment);
void slow_unlock(Service *service, Segment *segment);

#endif
