/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_PROCESS_H
#define SHMBROKER_DAEMON_BASE_PROCESS_H

/* Which process, and is it still that one? A pid alone says little: it is used again. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Process Process;

struct Process {
        /* 0 if it is not known */
        pid_t pid;
        /* Field 22 of /proc/PID/stat: clock ticks since boot; 0 if it could not be read */
        uint64_t start;
        /* Of the pidfd, which no other process has until the next boot; 0 on kernels before 6.9 */
        uint64_t inode;
};

void process_identify(Process *process, pid_t pid, int socket_fd);
bool process_alive(const Process *process);

#endif
