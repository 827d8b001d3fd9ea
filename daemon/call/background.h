/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_BACKGROUND_H
#define SHMBROKER_DAEMON_CALL_BACKGROUND_H

/*
 * Changes of a segment whose time grows with its size: locking it in memory brings every page in,
 * and sealing it against writing waits for pages that are pinned (fcntl(2), F_ADD_SEALS; 80 to 160
 * ms were seen). The worker does them, and the call is answered afterwards.
 */

#include "daemon/base/worker.h"
#include "daemon/call/pending.h"

typedef struct BackgroundJob BackgroundJob;

struct BackgroundJob {
        WorkerJob job;
        Service *service;
        /* Who waits for it, or NULL if nobody does any more; and whose turn it takes, or NULL */
        Pending *pending;
        User *user;
        int64_t segment_id;
        /* The worker's own descriptor, whose description is the master's, and where the object is
         * mapped when it is locked */
        const KindRow *row;
        KindLock lock;
        /* Seals to be added, or the attributes to be set once it is locked */
        unsigned int seals;
        SetAttributesParameters attributes;
        /* Who asked: what may be set is judged once more when it is set */
        uid_t uid;
        bool privileged;
        Tenant *tenant;
        Charge charge;
        /* What came of it: an errno of lock(), or what seal() returns */
        int result;
};

int background_seal(Service *service, Client *client, Segment *segment, unsigned int seals,
                    Pending **ret, CallFailure *failure);
int background_lock(Service *service, Client *client, Segment *segment,
                    const SetAttributesParameters *parameters, Pending **ret, CallFailure *failure);
void background_lock_again(Service *service, Segment *segment);
void background_unlock(Service *service, Segment *segment);

#endif
