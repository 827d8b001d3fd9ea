/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_PASSED_OBJECT_H
#define SHMBROKER_DAEMON_KIND_PASSED_OBJECT_H

/* What a descriptor is that somebody passed: found out without waiting for anybody, whatever it
 * may be. */

#include <limits.h>

#include "daemon/kind/host.h"
#include "proto/types.h"

/* Why what is no file cannot be adopted */
#define PASSED_OBJECT_OTHER "it is neither a memfd nor a regular file"

typedef struct PassedObject PassedObject;

struct PassedObject {
        Kind kind;
        /* In the directory of its kind, empty if it has none there */
        char name[NAME_MAX + 1];
};

const char *passed_object_find(const Host *host, int fd, PassedObject *ret);

#endif
