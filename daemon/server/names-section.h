/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_NAMES_SECTION_H
#define SHMBROKER_DAEMON_SERVER_NAMES_SECTION_H

/* The section [names] of the configuration file: lines "PATTERN = USER" and "PATTERN = @GROUP". */

#include "daemon/model/reserved-names.h"

bool names_section_read(ReservedNames *names, const char *path, int n_line, const char *line);

#endif
