/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_PROCESS_H
#define SHMBROKER_CLIENT_CTL_PROCESS_H

/* What /proc tells of a process. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t process_namespace(void);
int process_command(pid_t pid, uint64_t before_usec, char **ret);
int process_is_alive(pid_t pid, uint64_t before_usec, bool *ret);
bool process_has_pidfd_id(pid_t pid, uint64_t pidfd_id);

#endif
