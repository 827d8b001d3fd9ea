/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_STATUS_H
#define SHMBROKER_CLIENT_LIB_STATUS_H

/* A user of the broker, read from an answer. */

#include "client/include/shmbroker.h"
#include "proto/message.h"

int user_read(const Reply *reply, struct shmbroker_user **ret);

#endif
