/* SPDX-License-Identifier: MIT */
#include "proto/fd.h"

#include <unistd.h>

/**
 * fd_close() - close a descriptor, if it is one
 * @fd:         descriptor, or a negative number
 *
 * errno stays as it was. Linux frees the number also when close(2) reports an error, so there is
 * nothing to try again.
 *
 * Return: -EBADF, to be kept in place of the descriptor.
 */
int fd_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                (void) close(fd);
        errno = saved;
        return -EBADF;
}

void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}
