/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_BROKER_H
#define SHMBROKER_DAEMON_SERVER_BROKER_H

/* The daemon: a service, a loop, and the peers between them. */

#include "daemon/server/options.h"

int broker_run(const Options *options);

#endif
