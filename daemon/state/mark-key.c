/* SPDX-License-Identifier: MIT */
#include "daemon/state/mark-key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "proto/error.h"
#include "proto/fd.h"

#define KEY_NAME "mark-key"
#define KEY_NEW_NAME "mark-key.new"

static bool read_key(int directory_fd, SipKey *ret) {
        _cleanup_fd_ int fd = openat(directory_fd, KEY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd >= 0 && file_read_at(fd, 0, (char *) ret, sizeof(*ret)) == 0;
}

/* There as a whole or not at all. */
static bool write_key(int directory_fd, const SipKey *key) {
        _cleanup_fd_ int fd = -EBADF;

        (void) unlinkat(directory_fd, KEY_NEW_NAME, 0);
        fd = openat(directory_fd, KEY_NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 && write(fd, key, sizeof(*key)) == (ssize_t) sizeof(*key) && fsync(fd) == 0 &&
            renameat(directory_fd, KEY_NEW_NAME, directory_fd, KEY_NAME) == 0)
                return true;
        (void) unlinkat(directory_fd, KEY_NEW_NAME, 0);
        return false;
}

/**
 * mark_key_open() - the key of a state directory, a new one if there is none
 * @directory_fd: the directory, which nobody else has
 * @ret:        the key
 *
 * If it cannot be written, it holds for this broker alone.
 *
 * Return: 0, or a negative errno.
 */
int mark_key_open(int directory_fd, SipKey *ret) {
        SipKey key;

        if (!read_key(directory_fd, &key)) {
                if (getrandom(&key, sizeof(key), 0) != sizeof(key))
                        return error_origin(-errno);
                if (!write_key(directory_fd, &key))
                        log_warning("%s cannot be written in the state directory: a restarted "
                                    "broker will not be able to count present attachments.",
                                    KEY_NAME);
        }
        *ret = key;
        return 0;
}
