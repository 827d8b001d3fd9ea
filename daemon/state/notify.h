/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_NOTIFY_H
#define SHMBROKER_DAEMON_STATE_NOTIFY_H

/*
 * What systemd's PID 1 is told about descriptors that it keeps, as sd_pid_notify_with_fds(3) does,
 * but never waiting: libsystemd's function blocks as long as PID 1 has too much to read.
 */

#include <stdbool.h>

enum {
        _NOTIFY_E_SUCCESS,
        /* PID 1 could not be told: it has too much to read, is not there, or we are at a limit */
        NOTIFY_E_LATER,
};

int notify_store(const char *address, const char *name, int fd);
int notify_remove(const char *address, const char *name);
int notify_barrier(const char *address, int *ret_fd);
bool notify_confirmed(int barrier_fd, int wait_msec);

#endif
