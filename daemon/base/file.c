/* SPDX-License-Identifier: MIT */
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
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

/* file_reserve() - keep room on the disk for a file that is to have @n_bytes, if there is any */
void file_reserve(int fd, uint64_t n_bytes) {
        (void) fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) n_bytes);
}

static bool is_same_file(int directory_fd, const char *name, const char *other) {
        struct stat st, other_st;

        return fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               fstatat(directory_fd, other, &other_st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino;
}

/**
 * file_keep() - give a file a second name, unless it has one of that kind already
 * @directory_fd: where it is
 * @name:       the first name
 * @second:     the second name, which gets a number behind it if that is taken
 * @n_most:     so many of them there may be
 * @ret_name:   the second name that the file has; also written to on failure
 *
 * Return: 0, FILE_E_MANY, or a negative errno.
 */
int file_keep(int directory_fd, const char *name, const char *second, int n_most,
              char ret_name[static FILE_NAME_BYTES]) {
        (void) snprintf(ret_name, FILE_NAME_BYTES, "%s", second);
        for (int i = 1; linkat(directory_fd, name, directory_fd, ret_name, 0) < 0; ++i) {
                if (errno != EEXIST)
                        return error_origin(-errno);
                if (is_same_file(directory_fd, name, ret_name))
                        return 0;
                if (i == n_most)
                        return FILE_E_MANY;
                (void) snprintf(ret_name, FILE_NAME_BYTES, "%s.%d", second, i);
        }
        return 0;
}
