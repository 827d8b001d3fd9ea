/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_DIRECTORY_H
#define SHMBROKER_DAEMON_BASE_DIRECTORY_H

/* Directories of the broker's own, made when they are not there. One broker at a time may have one.
 */

#include <sys/types.h>

enum {
        _DIRECTORY_E_SUCCESS,
        /* Another broker has it */
        DIRECTORY_E_BUSY,
};

int directory_make(const char *path, mode_t mode);
int directory_sync_parents(int directory_fd);
int directory_take(const char *path, int *ret_fd, int *ret_lock_fd);

#endif
