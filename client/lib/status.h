/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_STATUS_H
#define SHMBROKER_CLIENT_LIB_STATUS_H

/* Users and tenants of the broker, read from answers. */

#include "client/include/shmbroker.h"
#include "proto/message.h"

int tenant_read(const Reply *reply, struct shmbroker_tenant **ret);
int user_read(const Reply *reply, struct shmbroker_user **ret);

#endif
