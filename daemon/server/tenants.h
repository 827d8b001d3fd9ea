/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_TENANTS_H
#define SHMBROKER_DAEMON_SERVER_TENANTS_H

/* Sockets of tenants: each in a directory of its own, which can be bound into a container. */

#include "daemon/server/listener.h"
#include "daemon/server/peer.h"
#include "daemon/server/settings.h"

typedef struct TenantSocket TenantSocket;
typedef struct TenantSockets TenantSockets;

struct TenantSockets {
        Peers *peers;
        /* Where each has its directory if its settings do not say */
        char *directory;
        TenantSocket *first;
};

#define TENANT_SOCKETS_NULL                                                                        \
        {}

int tenants_init(TenantSockets *sockets, Peers *peers, const char *address);
void tenants_deinit(TenantSockets *sockets);
int tenants_apply(TenantSockets *sockets, const Settings *settings);

#endif
