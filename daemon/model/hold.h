/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_HOLD_H
#define SHMBROKER_DAEMON_MODEL_HOLD_H

/*
 * An Acquire that was answered with a shmid: the client is about to attach the segment natively,
 * and until the kernel counts one attachment more, or the client's connection closes, this keeps
 * the segment.
 */

#include "daemon/base/table.h"
#include "daemon/model/client.h"
#include "daemon/model/limits.h"
#include "daemon/model/segment.h"

struct Hold {
        Segment *segment;
        Client *client;
        Charge charge;
        Hold *segment_prev;
        Hold *segment_next;
        Hold *client_prev;
        Hold *client_next;
};

Hold *hold_new(Client *client, Segment *segment, Charge *charge);
Hold *hold_free(Hold *hold);

#endif
