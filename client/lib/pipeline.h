/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_PIPELINE_H
#define SHMBROKER_CLIENT_LIB_PIPELINE_H

/*
 * The calls under way on a connection: they are sent one behind the other, ahead of their answers
 * as far as the broker likes, and answered in their order. Where the broker goes away, each is sent
 * again on a new connection or ends, by what it asks. All of it goes in steps that never block.
 */

#include <stdint.h>

#include "client/lib/call.h"

struct shmbroker;

/* What a step came to. */
enum {
        PIPELINE_WAIT,
        PIPELINE_MORE,
};

void pipeline_append(struct shmbroker *connection, struct shmbroker_call *call);
void pipeline_withdraw(struct shmbroker_call *call);
void pipeline_end(struct shmbroker *connection, struct shmbroker_call *call, int r);
void pipeline_break(struct shmbroker *connection);
void pipeline_end_soon(struct shmbroker *connection);
int pipeline_step(struct shmbroker *connection);
short pipeline_events(const struct shmbroker *connection);
uint64_t pipeline_until(const struct shmbroker *connection);

#endif
