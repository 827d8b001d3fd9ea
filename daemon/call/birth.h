/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_BIRTH_H
#define SHMBROKER_DAEMON_CALL_BIRTH_H

/*
 * How a segment comes to be one: charged, written down, in the registry, and looked after. Created,
 * adopted and restored ones come by here, and no segment in another way.
 */

#include "daemon/call/failure.h"

int birth_charge(Service *service, const Client *client, Segment *segment, User *user,
                 CallFailure *failure);
int birth_new(Service *service, Segment *segment, CallFailure *failure);
void birth_found(Service *service, Segment *segment);
int birth_again(Service *service, Segment *segment, uid_t charged_uid, uint64_t found_bytes,
                uint64_t now_usec);

int64_t birth_find_rival(const Registry *registry, const Segment *segment);

#endif
