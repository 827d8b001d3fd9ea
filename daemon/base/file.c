/* SPDX-License-Identifier: MIT */
#include "daemon/base/file.h"

#include <errno.h>
#include <unistd.h>

#include "proto/error.h"

/**
 * file_read_at() - read a part of a file, all of it
 * @fd:         the file
 * @offset:     where it begins, in bytes
 * @data:       where to
 * @n_data:     how many bytes
 *
 * Return: 0, -EIO if the file is shorter than that, or another negative errno of pread(2).
 */
int file_read_at(int fd, uint64_t offset, char *data, size_t n_data) {
        ssize_t n;

        for (size_t at = 0; at < n_data; at += (size_t) n) {
                n = pread(fd, data + at, n_data - at, (off_t) (offset + at));
                if (n < 0)
                        return error_origin(-errno);
                /* It has become shorter. */
                if (n == 0)
                        return error_origin(-EIO);
        }
        return 0;
}
