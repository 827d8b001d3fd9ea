#include "daemon/directory.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/error.h"

/* The umask is for what users make by hand. */
static int make_one(const char *path, mode_t mode) {
        if (mkdir(path, mode) < 0)
                return errno == EEXIST ? 0 : error_origin(-errno);
        return chmod(path, mode) < 0 ? error_origin(-errno) : 0;
}

/**
 * directory_make() - make a directory and those above it, as far as they are not there
 * @path:       absolute path
 * @mode:       of those that are made
 *
 * Return: 0, or a negative errno.
 */
int directory_make(const char *path, mode_t mode) {
        char partial[PATH_MAX];
        size_t n = strlen(path);
        int r;

        if (n >= sizeof(partial))
                return error_origin(-ENAMETOOLONG);
        memcpy(partial, path, n + 1);
        for (size_t i = 1; i <= n; ++i) {
                if (path[i] != '/' && path[i] != '\0')
                        continue;
                partial[i] = '\0';
                r = make_one(partial, mode);
                if (r)
                        return error_trace(r);
                partial[i] = path[i];
        }
        return 0;
}
