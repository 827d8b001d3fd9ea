/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_OBJECT_NAME_H
#define SHMBROKER_DAEMON_KIND_OBJECT_NAME_H

/* What the object behind a segment is called outside, if nobody says otherwise. */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/shared-path.h"
#include "proto/name.h"

#define OBJECT_NAME_BYTES (NAME_LENGTH_MAX + 1)

void object_posix_name(const char *segment_name, int64_t id, char ret[OBJECT_NAME_BYTES]);
bool object_file_name(const char *tenant, const char *segment_name, int64_t id,
                      char ret[OBJECT_NAME_BYTES]);

#endif
