/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_NAME_PATTERN_H
#define SHMBROKER_DAEMON_MODEL_NAME_PATTERN_H

/* Shell patterns on the names of segments, as List takes them: "*" matches slashes too. */

#include <stdbool.h>

bool name_pattern_matches(const char *pattern, const char *name);
bool name_pattern_possible(const char *pattern);

#endif
