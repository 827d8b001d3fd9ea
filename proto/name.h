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

/* In the parts of a name */
#define NAME_CHARACTERS                                                                            \
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                               \
        "abcdefghijklmnopqrstuvwxyz"                                                               \
        "0123456789._+:@-"

/* What a name may not begin with is free for options of commands, and for what may be needed later.
 */
#define NAME_RESERVED "+:@-"

bool name_valid(const char *name);
bool file_name_valid(const char *name);
bool posix_name_valid(const char *name);
bool registry_id_valid(const char *id);

#endif
