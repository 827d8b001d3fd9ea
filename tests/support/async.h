/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_ASYNC_H
#define SHMBROKER_TESTS_SUPPORT_ASYNC_H

/* Calls in an event loop with nothing else in it: each of these has to work. */

#include <stdint.h>

#include "client/include/shmbroker.h"

struct shmbroker *async_new(const char *address);
/* shmbroker_process(), which may not wait */
int async_process(struct shmbroker *connection);
/* For so long at most. Return: the next call that is done, or NULL. */
struct shmbroker_call *async_loop(struct shmbroker *connection, uint64_t msec);
/* The call ends with this result, before any other one; and is freed. */
void async_end(struct shmbroker *connection, struct shmbroker_call *call, int result);
void async_end_free(struct shmbroker *connection, struct shmbroker_call *call, int result);
/* What the call acquired, as soon as it is there. */
struct shmbroker_segment *async_finish(struct shmbroker *connection, struct shmbroker_call *call);
struct shmbroker_call *async_start(struct shmbroker *connection, const char *name,
                                   const struct shmbroker_options *options);
struct shmbroker_call *async_stat(struct shmbroker *connection, const char *name);
struct shmbroker_options *async_waiting(uint64_t usec);
/* How many segments the broker has */
uint64_t async_count(struct shmbroker *connection);

#endif
