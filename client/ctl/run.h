/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_RUN_H
#define SHMBROKER_CLIENT_CTL_RUN_H

/* Other commands, and what they print. */

char *run_command(const char *command, int *ret_status);

#endif
