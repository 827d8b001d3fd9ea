/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_FILE_H
#define SHMBROKER_DAEMON_BASE_FILE_H

/* Reading files, and keeping them under another name. */

#include <stddef.h>
#include <stdint.h>

#define FILE_NAME_BYTES 32

/*
 * What a file of a segment has (xattr(7)) from its creation until its record and its name are on
 * the disk: who made it, and for which segment. If the power fails meanwhile, there may be a file
 * by which no segment is meant, and nobody but the broker that made it may take it away.
 */
#define FILE_NEW_ATTRIBUTE "user.shmbroker.new"
#define FILE_NEW_FORMAT "%s:%lld"

enum {
        _FILE_E_SUCCESS,
        /* There are as many already as are wanted */
        FILE_E_MANY,
};

int file_keep(int directory_fd, const char *name, const char *second, int n_most,
              char ret_name[static FILE_NAME_BYTES]);
void file_reserve(int fd, uint64_t n_bytes);
int file_read_at(int fd, uint64_t offset, char *data, size_t n_data);

#endif
