/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_FILE_H
#define SHMBROKER_DAEMON_BASE_FILE_H

/* Reading files. */

#include <stddef.h>
#include <stdint.h>

int file_read_at(int fd, uint64_t offset, char *data, size_t n_data);

#endif
