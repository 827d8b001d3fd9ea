/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_SERVICE_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_SERVICE_H

/* A service on a temporary state directory, and clients of it that have no socket. */

#include "daemon/call/service.h"
#include "daemon/model/client.h"

void unit_service_begin(Service *service);
/* Everything has to be gone by then: segments, attachments, charges. */
void unit_service_end(Service *service);

/* A client with those credentials; its process is this one. client_deinit() is due. */
void unit_client(Client *client, Service *service, uid_t uid, gid_t gid);

/* Features @text as the peer would, and returns the reply, or all of them with a newline between,
 * as text; NULL if the client would be hung up on. What was acquired is in @ret_fd, else -EBADF; it
 * is the caller's. NULL for @ret_fd if there is nothing to acquire. */
char *unit_call(Service *service, Client *client, const char *text, int *ret_fd);

#endif
