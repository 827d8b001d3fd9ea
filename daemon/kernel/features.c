/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/features.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/kernel/closings.h"
#include "daemon/kernel/lease.h"
#include "daemon/kernel/mark.h"
#include "proto/error.h"
#include "proto/fd.h"

static int features_reopen(int fd, int flags) {
        char path[sizeof("/proc/self/fd/") + 12];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, flags | O_CLOEXEC);
}

/* Nobody, then somebody, then nobody again: the kernel has to tell one from the other. */
static bool try_leases(int master_fd) {
        _cleanup_fd_ int other_fd = -EBADF;
        Lease alone = lease_take(master_fd), shared;

        lease_drop(master_fd);
        other_fd = features_reopen(master_fd, O_RDONLY);
        shared = lease_take(master_fd);
        lease_drop(master_fd);
        return alone == LEASE_TAKEN && other_fd >= 0 && shared == LEASE_HELD;
}

static bool try_marks(int master_fd) {
        int other_fd = features_reopen(master_fd, O_RDONLY);
        bool set, seen;

        set = other_fd >= 0 && mark_set(other_fd, 1);
        seen = set && mark_probe(master_fd, 1) == MARK_ALIVE;
        fd_close(other_fd);
        return seen && mark_probe(master_fd, 1) == MARK_GONE;
}

static void count_closing(void *userdata, int wd, Closing closing) {
        int *n = userdata;

        *n += wd >= 0 && closing == CLOSING_END;
}

static bool try_closings(int master_fd) {
        Closings closings;
        int wd, n = 0;

        closings_init(&closings);
        if (closings_subscribe(&closings, master_fd, false, &wd) == 0) {
                fd_close(features_reopen(master_fd, O_RDONLY));
                closings_drain(&closings, count_closing, &n);
        }
        closings_deinit(&closings);
        return n > 0;
}

/**
 * features_find() - try the kernel's answers on a memory file of the broker's own
 * @ret:        which of them are there
 *
 * Marks are needed; without the others the broker does with what is left.
 *
 * Return: 0, or a negative errno if the file cannot be made, or marked (-EOPNOTSUPP).
 */
int features_find(Features *ret) {
        _cleanup_fd_ int fd = -EBADF, master_fd = -EBADF;

        fd = memfd_create("shmbroker-answers", MFD_CLOEXEC);
        if (fd < 0)
                return error_origin(-errno);
        master_fd = features_reopen(fd, O_RDWR);
        if (master_fd < 0)
                return error_origin(-errno);
        fd = fd_close(fd);
        if (!try_marks(master_fd)) {
                log_error("There are no open file description locks (F_OFD_SETLK), by which the "
                          "broker counts; a filter of system calls may forbid them.");
                return error_origin(-EOPNOTSUPP);
        }
        *ret = (Features){
                .leases = try_leases(master_fd),
                .closings = try_closings(master_fd),
        };
        return 0;
}

/* features_log() - say what is missing, and what is done instead */
void features_log(const Features *features) {
        if (!features->leases)
                log_warning(
                        "This kernel grants no file leases (F_SETLEASE; see fs.leases-enable): the marks of "
                        "attachments alone say when a segment is not in use any more.");
        if (!features->closings)
                log_warning(
                        "This kernel does not tell when a segment is closed (inotify; see "
                        "fs.inotify.max_user_instances): segments are asked ten times a second instead.");
}
