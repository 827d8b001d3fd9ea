/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_CONFIG_H
#define SHMBROKER_DAEMON_SERVER_CONFIG_H

/* All configuration files that an option means: the file itself, and its drop-ins. */

#include "daemon/server/options.h"
#include "daemon/server/settings.h"

int config_read(const Options *options, Settings *settings);
int config_check(const Options *options);

#endif
