/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_SHARED_PATH_H
#define SHMBROKER_DAEMON_BASE_SHARED_PATH_H

/* A string that a segment and the events about it have together. */

#include <stddef.h>

#include "proto/util.h"

typedef struct SharedPath SharedPath;

struct SharedPath {
        size_t n_references;
        char text[];
};

SharedPath *shared_path_new(const char *directory, const char *name);
SharedPath *shared_path_ref(SharedPath *path);
SharedPath *shared_path_unref(SharedPath *path);

const char *shared_path_name(const SharedPath *path);

DEFINE_CLEANUP(SharedPath, shared_path_unref)

#endif
