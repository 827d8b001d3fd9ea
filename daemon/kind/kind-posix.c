/* SPDX-License-Identifier: MIT */
/* Kind posix: an object in /dev/shm, which shm_open(3) finds by its name as well. */

#include <errno.h>

#include "daemon/kind/kind.h"
#include "daemon/kind/named-inode.h"

static int posix_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        if (host->shm_fd < 0)
                return kind_not_supported(failure, "host", "this host has no /dev/shm");
        return named_inode_create(host, segment, host->shm_fd, failure);
}

static int posix_link(const Host *host, Segment *segment, KindFailure *failure) {
        int r;

        (void) failure;
        r = named_inode_link(host, segment, host->shm_fd);
        return r ? r : named_inode_find_read_only(segment, host->shm_read_only_fd);
}

static int posix_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure) {
        int r = named_inode_adopt(host, segment, fd, failure);

        return r ? r : named_inode_find_read_only(segment, host->shm_read_only_fd);
}

static bool posix_look(const Host *host, Segment *segment, ObjectState *ret) {
        return named_inode_look(segment, host->shm_fd, ret);
}

static int posix_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        return named_inode_unlink(segment, host->shm_fd, failure);
}

static int posix_find(Host *host, Segment *segment, KindFailure *failure) {
        int r;

        if (segment->other_boot)
                return KIND_E_NONE;
        r = host_open_shm(host);
        if (r == -ENOENT)
                return kind_unavailable(failure, "missing", "there is no /dev/shm");
        if (r)
                return kind_not_opened(failure, -r);
        return named_inode_find(host, segment, host->shm_fd, host->shm_read_only_fd, failure);
}

const KindRow kind_posix = {
        .traits = { .found_by = FOUND_BY_POSIX_NAME },
        .create = posix_create_segment,
        .link = posix_link,
        .examine = named_inode_examine,
        .adopt = posix_adopt,
        .find = posix_find,
        .open = kind_open,
        .look = posix_look,
        .set_permission = named_inode_set_permission,
        .unlink = posix_unlink,
        .lock = kind_lock,
};
