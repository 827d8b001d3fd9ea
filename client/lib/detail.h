/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_DETAIL_H
#define SHMBROKER_CLIENT_LIB_DETAIL_H

/* Functions that note why a call failed. */

#include <stdbool.h>

#include "proto/message.h"

struct shmbroker_error;

typedef struct Request Request;

bool detail_is_refusal(const struct shmbroker_error *error);
int detail_errno(struct shmbroker_error *error, int r);
int detail_unreachable(struct shmbroker_error *error, int r);
int detail_local(struct shmbroker_error *error, const Request *request, int r, bool locked);
int detail_fault(struct shmbroker_error *error, const Request *request, const Reply *reply);
int detail_map(struct shmbroker_error *error, int code);
int detail_parameter(struct shmbroker_error *error, const char *parameter, const char *why);

#endif
