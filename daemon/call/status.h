/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_STATUS_H
#define SHMBROKER_DAEMON_CALL_STATUS_H

/* The broker as a whole, and each user, in the structures of the interface. */

#include "daemon/call/service.h"
#include "proto/types.h"

void status_describe(Service *service, const Client *client, StatusReply *ret);
void status_describe_tenant(const Tenant *tenant, TenantUsage *ret);
void status_describe_user(const User *user, UserUsage *ret);

#endif
