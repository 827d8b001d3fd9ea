/* SPDX-License-Identifier: MIT */
#include "daemon/base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/fd.h"

#define LOCK_FILE "lock"

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

/* directory_sync_parents() - see that a directory and those above it, which may be new, have their
 * names on the disk; 0, or an errno. What cannot be read cannot have been made just now. */
int directory_sync_parents(int directory_fd) {
        _cleanup_fd_ int fd = openat(directory_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat below, above;

        if (fd < 0 || fstat(directory_fd, &below) < 0 || fstat(fd, &above) < 0)
                return 0;
        if (below.st_dev != above.st_dev || below.st_ino == above.st_ino)
                return 0;
        /* Some file systems do not sync directories (EINVAL), and need not. */
        if (fsync(fd) < 0 && errno != EINVAL)
                return errno;
        return directory_sync_parents(fd);
}

/**
 * directory_take() - have a directory for oneself, and make it if it is not there
 * @path:       absolute path
 * @ret_fd:     the directory
 * @ret_lock_fd: as long as it is open, the directory is taken
 *
 * Return: 0, DIRECTORY_E_BUSY, or a negative errno.
 */
int directory_take(const char *path, int *ret_fd, int *ret_lock_fd) {
        _cleanup_fd_ int fd = -EBADF, lock_fd = -EBADF;
        int r;

        r = directory_make(path, 0700);
        if (r)
                return error_trace(r);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_origin(-errno);
        (void) directory_sync_parents(fd);
        lock_fd = openat(fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock_fd < 0)
                return error_origin(-errno);
        if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? DIRECTORY_E_BUSY : error_origin(-errno);
        *ret_fd = steal_fd(&fd);
        *ret_lock_fd = steal_fd(&lock_fd);
        return 0;
}
