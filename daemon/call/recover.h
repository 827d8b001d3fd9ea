/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_RECOVER_H
#define SHMBROKER_DAEMON_CALL_RECOVER_H

/*
 * Finding the objects of segments that an earlier broker had. One that is surely gone is forgotten
 * with its segment. One that cannot be opened at that moment is unavailable, and looked for again
 * at each use of its segment and, less and less often, unasked.
 */

#include "daemon/call/service.h"
#include "daemon/model/client.h"

int recover_find(Service *service, Segment *segment);
bool recover_is_back(const Segment *segment, int r_find);
void recover_remove_again(Service *service, Segment *segment);
void recover_name(Service *service, Segment *segment);
Segment *recover_try(Service *service, Segment *segment);
Segment *recover_settle(Service *service, Segment *segment);
Segment *recover_settle_name(Service *service, Tenant *tenant, const char *name);

void recover_begin(Service *service);
uint64_t recover_due(const Service *service);
void recover_tick(Service *service);

#endif
