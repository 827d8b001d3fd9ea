/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_FILE_H
#define SHMBROKER_DAEMON_BASE_FILE_H

/* Reading files, and keeping them under another name. */

#include <stddef.h>
#include <stdint.h>

#define FILE_NAME_BYTES 32

enum {
        _FILE_E_SUCCESS,
        /* There are as many already as are wanted */
        FILE_E_MANY,
};

int file_keep(int directory_fd, const char *name, const char *second, int n_most,
              char ret_name[static FILE_NAME_BYTES]);
int file_read_at(int fd, uint64_t offset, char *data, size_t n_data);

#endif
