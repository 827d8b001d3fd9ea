/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_DETAIL_H
#define SHMBROKER_CLIENT_LIB_DETAIL_H

/* Functions that note on a connection why a call failed. */

#include <stdbool.h>

#include "proto/message.h"

struct shmbroker;

typedef struct Request Request;

void detail_clear(struct shmbroker *connection);
bool detail_is_refusal(const struct shmbroker *connection);
int detail_errno(struct shmbroker *connection, int r);
int detail_unreachable(struct shmbroker *connection, int r);
int detail_local(struct shmbroker *connection, const Request *request, int r, bool locked);
int detail_fault(struct shmbroker *connection, const Request *request, const Reply *reply);
int detail_map(struct shmbroker *connection, int code);
int detail_parameter(struct shmbroker *connection, const char *parameter, const char *why);

#endif
