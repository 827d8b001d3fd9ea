/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_RESERVATION_H
#define SHMBROKER_DAEMON_MODEL_RESERVATION_H

/*
 * An Acquire that was answered with a shmid: the client is about to attach the segment natively,
 * and until the kernel counts one attachment more, or the client's connection closes, this keeps
 * the segment.
 */

#include "daemon/base/table.h"
#include "daemon/model/client.h"
#include "daemon/model/limits.h"
#include "daemon/model/segment.h"

struct Reservation {
        Segment *segment;
        Client *client;
        Charge charge;
        Reservation *segment_prev;
        Reservation *segment_next;
        Reservation *client_prev;
        Reservation *client_next;
};

Reservation *reservation_new(Client *client, Segment *segment, Charge *charge);
Reservation *reservation_free(Reservation *reservation);

#endif
