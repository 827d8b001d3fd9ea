/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_LOOP_H
#define SHMBROKER_CLIENT_LIB_LOOP_H

/* Calls from their beginning to their end, as programs see it: by waiting, or in an event loop. */

#include <stdint.h>

#include "client/lib/call.h"

struct shmbroker;

DEFINE_CLEANUP(struct shmbroker_call, shmbroker_call_free)

int call_begin(struct shmbroker *connection, const CallType *type, const Request *request,
               struct shmbroker_call **ret);
int call_wait(struct shmbroker_call *call);
int call_finish(struct shmbroker_call *call, CallBrings brings, void *ret);
void loop_update(struct shmbroker *connection, uint64_t until);
int loop_fd(struct shmbroker *connection);

#endif
