/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_RESTORE_H
#define SHMBROKER_DAEMON_SERVER_RESTORE_H

/* What an earlier broker left, found again: segments from the state file, and who is attached from
 * the kernel. */

#include "daemon/call/service.h"

int restore_segments(Service *service);

#endif
