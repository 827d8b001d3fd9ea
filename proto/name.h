/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_NAME_H
#define SHMBROKER_PROTO_NAME_H

/* What a segment, a file and a POSIX object may be called. */

#include <stdbool.h>

#define NAME_LENGTH_MAX 255
/* Of 128 bits, as that of a machine: machine-id(5) */
#define REGISTRY_ID_LENGTH 32

/* What a directory of Linux takes, and shm_open(3) behind the slash */
#define FILE_NAME_LENGTH_MAX 255

bool name_valid(const char *name);
bool file_name_valid(const char *name);
bool posix_name_valid(const char *name);
bool registry_id_valid(const char *id);

#endif
