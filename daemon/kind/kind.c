/* SPDX-License-Identifier: MIT */
#include "daemon/kind/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "daemon/kind/identity.h"
#include "proto/error.h"
#include "proto/fd.h"

/* kind_error() - what an errno of a call that makes or opens a segment means to who asked for it */
int kind_error(int error) {
        switch (error) {
        case EMFILE:
        case ENFILE:
                return KIND_E_NO_DESCRIPTORS;
        case ENOMEM:
        case ENOSPC:
                return KIND_E_NO_MEMORY;
        case EFBIG:
        case EOVERFLOW:
                return KIND_E_TOO_LARGE;
        case EACCES:
        case EPERM:
                return KIND_E_DENIED;
        default:
                return error_origin(-error);
        }
}

int kind_not_supported(KindFailure *failure, const char *cause, const char *reason) {
        failure->cause = cause;
        failure->reason = reason;
        return KIND_E_NOT_SUPPORTED;
}

/* kind_not_adopted() - what it means that an object of others cannot be opened for writing */
int kind_not_adopted(KindFailure *failure, int error) {
        const char *reason;

        switch (error) {
        case EAGAIN:
                reason = "somebody has a lease on it";
                break;
        case EROFS:
                reason = "its descriptor was opened on a read-only mount";
                break;
        case ETXTBSY:
                reason = "a program runs from it";
                break;
        case EPERM:
                reason = "it is immutable or can only be appended to";
                break;
        default:
                return kind_error(error);
        }
        return kind_not_supported(failure, "notAdoptable", reason);
}

/* kind_unavailable() - an object may be there, but cannot be opened now, for a reason that stays */
int kind_unavailable(KindFailure *failure, const char *cause, const char *reason) {
        failure->cause = cause;
        failure->reason = reason;
        return KIND_E_UNAVAILABLE;
}

/* kind_not_opened() - the same, for the errno of a call that would have opened it */
int kind_not_opened(KindFailure *failure, int error) {
        switch (error) {
        case EMFILE:
        case ENFILE:
                return kind_unavailable(failure, "limit", "the broker has no descriptor left");
        case ENOMEM:
                return kind_unavailable(failure, "limit", "the host has no memory for it");
        case EACCES:
        case EPERM:
        case EROFS:
                return kind_unavailable(failure, "denied", "the broker may not open its object");
        case EAGAIN:
                return kind_unavailable(failure, "error", "somebody has a lease on its object");
        default:
                return kind_unavailable(failure, "error", "its object cannot be opened");
        }
}

/* kind_is_same() - is what a descriptor leads to the object that a segment had, as it was noted? */
bool kind_is_same(const Segment *segment, int fd) {
        Identity now = identity_of(fd);

        return identity_known(&now) && identity_equal(&now, &segment->identity);
}

/* kind_set_master() - make @fd the broker's own description of a segment; it is the segment's from
 * now on. Always 0. */
int kind_set_master(Segment *segment, int fd) {
        segment->identity = identity_of(fd);
        (void) snprintf(segment->device_name, sizeof(segment->device_name), "%u:%u",
                        major(segment->identity.device), minor(segment->identity.device));
        segment->master_fd = fd;
        (void) snprintf(segment->master_name, sizeof(segment->master_name), "%d", fd);
        return 0;
}

/* kind_set_read_only() - have readOnly descriptors come from @fd, which is the segment's from now
 * on */
void kind_set_read_only(Segment *segment, int fd) {
        fd_close(segment->read_only_fd);
        segment->read_only_fd = fd;
        (void) snprintf(segment->read_only_name, sizeof(segment->read_only_name), "%d", fd);
}

/* kind_may_give() - may a client hand an object over that is @owner's? */
bool kind_may_give(const Credentials *client, uid_t owner) {
        return client->privileged || (client->uid == owner && !client->unmapped);
}

/* kind_open() - a new description of what is behind a segment, from the broker's own */
int kind_open(const Host *host, const Segment *segment, Access access, int *ret_fd) {
        bool writes = access == ACCESS_READ_WRITE;
        bool by_mount = !writes && segment->read_only_fd >= 0;
        int fd = openat(host->proc_fd, by_mount ? segment->read_only_name : segment->master_name,
                        (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);

        if (fd < 0)
                return kind_error(errno);
        *ret_fd = fd;
        return 0;
}

/*
 * kind_punch() - give back the memory of an inode that nobody else has open
 *
 * Closing the last descriptor frees the memory too, but not while an O_PATH descriptor or a pinned
 * page keeps the inode.
 */
void kind_punch(int fd, uint64_t size_bytes) {
        struct stat st;

        /* Whoever has another name of it has the memory. */
        if (fstat(fd, &st) < 0 || st.st_nlink > 0)
                return;
        (void) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t) size_bytes);
}

/**
 * kind_lock() - map an object and lock it in memory, for kinds whose lock ends with the broker
 * @lock:       the object; its mapping is set, also after a failure
 *
 * Pages of shared memory that are locked by anybody are not swapped out (mlock(2)). All of them are
 * brought in, which takes long; another thread may call it.
 *
 * Return: 0, or an errno.
 */
int kind_lock(KindLock *lock) {
        void *at = mmap(NULL, (size_t) lock->size_bytes, PROT_READ, MAP_SHARED, lock->fd, 0);

        if (at == MAP_FAILED)
                return errno;
        lock->locked_at = at;
        return mlock(at, (size_t) lock->size_bytes) < 0 ? errno : 0;
}

/* kind_has_inode() - is the inode behind @segment the one that @st is of? As long as the broker has
 * it open, or may have, no other one gets the number. */
bool kind_has_inode(const Segment *segment, const struct stat *st) {
        const Identity *identity = &segment->identity;

        return identity_known(identity) && identity->device == st->st_dev &&
               identity->inode == st->st_ino;
}
