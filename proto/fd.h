/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FD_H
#define SHMBROKER_PROTO_FD_H

/* File descriptors: -EBADF when there is none, close-on-exec from birth, one owner each. */

#include <errno.h>

int fd_close(int fd);
void fd_closep(int *fd);

#define _cleanup_fd_ __attribute__((__cleanup__(fd_closep)))

/* Passes ownership on and leaves -EBADF behind. */
static inline int steal_fd(int *fd) {
        int stolen = *fd;

        *fd = -EBADF;
        return stolen;
}

#endif
