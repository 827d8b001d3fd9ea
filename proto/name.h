#ifndef SHMBROKER_PROTO_NAME_H
#define SHMBROKER_PROTO_NAME_H

/* What a segment may be called. */

#include <stdbool.h>

#define NAME_LENGTH_MAX 255

bool name_valid(const char *name);

#endif
