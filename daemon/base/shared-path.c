/* SPDX-License-Identifier: MIT */
#include "daemon/base/shared-path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* shared_path_new() - "@directory/@name", or NULL if there is no memory */
SharedPath *shared_path_new(const char *directory, const char *name) {
        size_t n = strlen(directory) + 1 + strlen(name) + 1;
        SharedPath *path = malloc(sizeof(*path) + n);

        if (!path)
                return NULL;
        path->n_references = 1;
        (void) snprintf(path->text, n, "%s/%s", directory, name);
        return path;
}

SharedPath *shared_path_ref(SharedPath *path) {
        if (path)
                ++path->n_references;
        return path;
}

SharedPath *shared_path_unref(SharedPath *path) {
        if (path && --path->n_references == 0)
                free(path);
        return NULL;
}

/* shared_path_name() - what is behind the last slash */
const char *shared_path_name(const SharedPath *path) {
        return strrchr(path->text, '/') + 1;
}
