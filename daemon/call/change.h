/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_CHANGE_H
#define SHMBROKER_DAEMON_CALL_CHANGE_H

/* How a segment changes, once it is clear that it may. */

#include "daemon/call/failure.h"

void change_done(Service *service, Segment *segment, EventKind event);
int change_attributes(Service *service, Segment *segment, const SetAttributesParameters *parameters,
                      CallFailure *failure);
int change_values(Service *service, Segment *segment, const SetAttributesParameters *parameters,
                  CallFailure *failure);
int change_sealed(Service *service, Segment *segment, unsigned int seals, int result,
                  CallFailure *failure);

#endif
