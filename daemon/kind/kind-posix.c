/* SPDX-License-Identifier: MIT */
/* Kind posix: an object in /dev/shm, which shm_open(3) finds by its name as well. */

#include "daemon/kind/kind.h"
#include "daemon/kind/linked.h"

static int posix_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        if (host->shm_fd < 0)
                return kind_not_supported(failure, "this host has no /dev/shm");
        return linked_create(host, segment, host->shm_fd, failure);
}

static int posix_link(const Host *host, Segment *segment, KindFailure *failure) {
        (void) failure;
        return linked_link(host, segment, host->shm_fd);
}

static bool posix_look(const Host *host, Segment *segment, ObjectState *ret) {
        return linked_look(segment, host->shm_fd, ret);
}

static int posix_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        return linked_unlink(segment, host->shm_fd, failure);
}

static int posix_find(const Host *host, Segment *segment, KindFailure *failure) {
        return linked_find(host, segment, host->shm_fd, failure);
}

const KindRow kind_posix = {
        .traits = { .found_by = FOUND_BY_POSIX_NAME },
        .create = posix_create_segment,
        .link = posix_link,
        .examine = linked_examine,
        .adopt = linked_adopt,
        .find = posix_find,
        .open = kind_open,
        .look = posix_look,
        .set_permission = linked_set_permission,
        .unlink = posix_unlink,
        .lock = kind_lock,
        .punch = kind_punch,
};
