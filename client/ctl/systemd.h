/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_SYSTEMD_H
#define SHMBROKER_CLIENT_CTL_SYSTEMD_H

/* What systemd says, by its own commands, as lines NAME=VALUE. */

#include <stdbool.h>
#include <stddef.h>

#include "client/ctl/util.h"

bool systemd_runs(void);
char *systemd_unit(bool user);
char *systemd_logind(void);

char *systemd_value(const char *lines, const char *name);
bool systemd_is_true(const char *value);

#endif
