/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_SIZE_H
#define SHMBROKER_DAEMON_SERVER_SIZE_H

/* Sizes and other numbers as people write them in the configuration file. shmbrokerctl, which knows
 * nothing of the daemon, reads the same texts (client/ctl/size.c): a test compares both. */

#include <stdbool.h>
#include <stdint.h>

bool size_read(const char *text, uint64_t *ret);

#endif
