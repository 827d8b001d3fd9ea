/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_CALL_H
#define SHMBROKER_CLIENT_LIB_CALL_H

/*
 * A call is made in steps that never block: connect, send it, take its answers. A program with an
 * event loop takes these steps as descriptors and time allow; the blocking functions are the same
 * steps with waiting between them.
 */

#include <stdint.h>

#include "client/lib/request.h"

struct shmbroker;

/* What a step came to. */
enum {
        CALL_WAIT,
        CALL_DONE,
        CALL_ANSWER,
};

uint64_t request_deadline(const struct shmbroker *connection, uint64_t more_usec);
int call_begin(struct shmbroker *connection, Request *request);
int call_step(struct shmbroker *connection);
short call_events(const struct shmbroker *connection);
uint64_t call_until(const struct shmbroker *connection);
int call_wait(const struct shmbroker *connection, uint64_t until);
void call_abandon(struct shmbroker *connection);
int call_run(struct shmbroker *connection, Request *request);
int call_check_name(struct shmbroker *connection, const char *name);

#endif
