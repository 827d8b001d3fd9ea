/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_DISPOSAL_H
#define SHMBROKER_DAEMON_SERVER_DISPOSAL_H

/* Getting rid of what came from clients, descriptors and connections, which nobody waits for. */

#include <stdbool.h>

#include "daemon/call/service.h"
#include "daemon/model/client.h"

bool disposal_close(Service *service, Client *client, int fd);
void disposal_close_socket(Service *service, Client *client, int fd, bool ended);

#endif
