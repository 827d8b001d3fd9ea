/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_BROKER_H
#define SHMBROKER_DAEMON_SERVER_BROKER_H

/* The daemon: a service, a loop, and the peers between them. */

#include "daemon/server/options.h"

enum {
        _BROKER_E_SUCCESS,
        /* To start again would help nobody before somebody has changed the configuration */
        BROKER_E_CONFIG,
};

int broker_run(const Options *options);

#endif
