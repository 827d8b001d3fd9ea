/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_HELD_H
#define SHMBROKER_DAEMON_CALL_HELD_H

/* Answers that are held until what they tell is on the disk, which concerns segments of kind file
 * alone. */

#include "daemon/call/answer.h"
#include "proto/writer.h"

int held_new(Service *service, Client *client, const Writer *writer, const Answer *answer,
             Pending **ret);
int held_release(Service *service, Pending *pending, Writer *writer, Answer *answer,
                 CallFailure *failure);

#endif
