/* SPDX-License-Identifier: MIT */
/* Kind memfd: a sealed memory file, memfd_create(2), which only the broker can open anew. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/kind/kind.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* From Linux 6.3 on; an older kernel says EINVAL. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define MEMFD_NAME "shmbroker"

/* Nobody but the broker's own user can open it anew: memfds are born with mode 0777, which would
 * turn every read-only descriptor into a writable one. */
#define INODE_MODE 0600

#define SEALS_OF_SIZE (1U << SEAL_SHRINK | 1U << SEAL_GROW)

static const int kernel_seals[_SEAL_N] = {
        [SEAL_SHRINK] = F_SEAL_SHRINK, [SEAL_GROW] = F_SEAL_GROW,
        [SEAL_WRITE] = F_SEAL_WRITE,   [SEAL_FUTURE_WRITE] = F_SEAL_FUTURE_WRITE,
        [SEAL_EXEC] = F_SEAL_EXEC,     [SEAL_SEAL] = F_SEAL_SEAL,
};

/* memfd_create(2): the size of huge pages is in the flags, as its logarithm. */
static unsigned int memfd_flags(const Segment *segment) {
        unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

        if (segment_has_huge_pages(segment))
                flags |= MFD_HUGETLB | (unsigned int) __builtin_ctzll(segment->page_bytes)
                                               << MFD_HUGE_SHIFT;
        return flags;
}

static int memfd_new(const Segment *segment, unsigned int *ret_seals) {
        unsigned int flags = memfd_flags(segment);
        char name[NAME_MAX + 1];
        int fd;

        /* Shown in /proc/PID/maps of whoever maps it: the limit there is shorter than ours. */
        (void) snprintf(name, sizeof(name), MEMFD_NAME ":%.200s",
                        segment->name ? segment->name : "");
        fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
        if (fd >= 0) {
                *ret_seals = 1U << SEAL_EXEC;
                return fd;
        }
        if (errno != EINVAL)
                return -errno;
        fd = memfd_create(name, flags);
        *ret_seals = 0;
        return fd < 0 ? -errno : fd;
}

/* Huge ones come whole; else the size is the one that was asked for, as everywhere. */
static uint64_t memfd_size(const Segment *segment) {
        return segment_has_huge_pages(segment) ? segment_capacity(segment)
                                               : MAX(segment->size_bytes, segment->maximum_bytes);
}

static int memfd_size_and_seal(int fd, const Segment *segment) {
        int seals = F_SEAL_SHRINK | F_SEAL_GROW | (segment->sealable ? 0 : F_SEAL_SEAL);

        if (ftruncate(fd, (off_t) memfd_size(segment)) < 0)
                return kind_error(errno);
        /* Before the seals: F_SEAL_EXEC forbids nothing here, the mode has no x bits to change. */
        if (fchmod(fd, INODE_MODE) < 0)
                return error_origin(-errno);
        if (fcntl(fd, F_ADD_SEALS, seals) < 0)
                return error_origin(-errno);
        return 0;
}

/*
 * Huge pages come from a pool. A shared mapping reserves its pages in the pool for the inode, until
 * the inode is gone (hugetlbfs reservations): later mappings cannot fail for want of pages.
 */
static int memfd_reserve(int fd, const Segment *segment) {
        size_t length = (size_t) segment_capacity(segment);
        void *at;

        if (!segment_has_huge_pages(segment))
                return 0;
        at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
                return kind_error(errno);
        (void) munmap(at, length);
        return 0;
}

/*
 * The master is a description opened anew: the kernel does not count the one that memfd_create()
 * returns as a writer, and a lease needs that count to be right.
 */
static int memfd_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        _cleanup_fd_ int fd = -EBADF;
        unsigned int seals = 0;
        int r;

        (void) failure;
        fd = memfd_new(segment, &seals);
        if (fd < 0)
                return kind_error(-fd);
        r = memfd_size_and_seal(fd, segment);
        if (r)
                return r;
        r = memfd_reserve(fd, segment);
        if (r)
                return r;
        r = host_reopen(host, fd, O_RDWR);
        if (r < 0)
                return kind_error(-r);
        segment->seals = seals | SEALS_OF_SIZE | (segment->sealable ? 0 : 1U << SEAL_SEAL);
        segment->object_bytes = memfd_size(segment);
        return kind_set_master(segment, r);
}

static int memfd_seal(int fd, unsigned int seals) {
        int wanted = 0;

        for (size_t i = 0; i < _SEAL_N; ++i)
                wanted |= seals & 1U << i ? kernel_seals[i] : 0;
        if (fcntl(fd, F_ADD_SEALS, wanted) == 0)
                return 0;
        switch (errno) {
        case EBUSY:
                return KIND_E_IN_USE;
        case EPERM:
                return KIND_E_SEALED;
        default:
                return KIND_E_NO_SEAL;
        }
}

static unsigned int memfd_look_at_seals(int fd) {
        int in_force = fcntl(fd, F_GET_SEALS);
        unsigned int seals = 0;

        for (size_t i = 0; in_force > 0 && i < _SEAL_N; ++i)
                seals |= in_force & kernel_seals[i] ? 1U << i : 0;
        return seals;
}

/*
 * Natively whoever has a descriptor may do everything with it, and mode 0777 says no more than
 * that. Any other mode was set on purpose.
 */
static mode_t memfd_mode(const struct stat *st) {
        mode_t mode = st->st_mode & MODE_MAX;

        return mode == MODE_MAX ? INODE_MODE : mode;
}

static void memfd_take_over(Segment *segment, const struct stat *st) {
        segment->size_bytes = (uint64_t) st->st_size;
        segment->object_bytes = (uint64_t) st->st_size;
        segment->page_bytes = MAX(segment->page_bytes, (uint64_t) st->st_blksize);
        segment->change_usec = (uint64_t) st->st_ctim.tv_sec * UINT64_C(1000000) +
                               (uint64_t) st->st_ctim.tv_nsec / 1000;
        segment->permission = (Permission){
                .owner_uid = st->st_uid,
                .owner_gid = st->st_gid,
                .creator_uid = st->st_uid,
                .creator_gid = st->st_gid,
                .mode = memfd_mode(st),
        };
}

static int memfd_examine(const Host *host, Segment *segment, int fd, const Credentials *client,
                         KindFailure *failure) {
        const char *missing;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_origin(-errno);
        if (!kind_may_give(client, st.st_uid))
                return KIND_E_DENIED;
        if (st.st_size == 0)
                return kind_not_supported(failure, "notAdoptable",
                                          "it is empty: give it a size first");
        missing = host_missing(host, st.st_uid, 1U << PRIVILEGE_CHOWN);
        if (missing)
                return kind_not_supported(failure, "unprivileged", missing);
        memfd_take_over(segment, &st);
        return 0;
}

/* The broker has to own the inode: see INODE_MODE. */
static int memfd_own(const Host *host, int fd, const struct stat *before, KindFailure *failure) {
        int r;

        if (fchown(fd, host->uid, (gid_t) -1) < 0)
                return kind_error(errno);
        if (fchmod(fd, INODE_MODE) == 0)
                return 0;
        r = errno == EPERM ? kind_not_supported(failure, "notAdoptable",
                                                "its seals keep its mode, which lets others in")
                           : kind_error(errno);
        (void) fchown(fd, before->st_uid, before->st_gid);
        return r;
}

/* Has its owner changed the size since it was examined? Then it was charged for another one, and
 * promised as that. */
static bool memfd_has_changed(const Segment *segment, int fd) {
        struct stat st;

        return fstat(fd, &st) < 0 || (uint64_t) st.st_size != segment->object_bytes;
}

/* Takes a memfd that others made. If its seals allow it, its size is fixed from now on. */
static int memfd_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure) {
        _cleanup_fd_ int master_fd = -EBADF;
        struct stat before;
        int r;

        r = host_reopen(host, fd, O_RDWR | O_NONBLOCK);
        if (r < 0)
                return kind_not_adopted(failure, -r);
        master_fd = r;
        if (fstat(master_fd, &before) < 0)
                return error_origin(-errno);
        r = memfd_own(host, master_fd, &before, failure);
        if (r)
                return r;
        (void) fcntl(master_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
        if (memfd_has_changed(segment, master_fd)) {
                (void) fchmod(master_fd, before.st_mode & MODE_MAX);
                (void) fchown(master_fd, before.st_uid, before.st_gid);
                return kind_not_supported(failure, "notAdoptable", "its size changes meanwhile");
        }
        segment->seals = memfd_look_at_seals(master_fd);
        segment->sealable = !(segment->seals >> SEAL_SEAL & 1U);
        return kind_set_master(segment, steal_fd(&master_fd));
}

/* Only one that is not sealed against it changes its size. */
static bool memfd_look(const Host *host, Segment *segment, ObjectState *ret) {
        struct stat st;

        (void) host;
        if ((segment->seals & SEALS_OF_SIZE) == SEALS_OF_SIZE || fstat(segment->master_fd, &st) < 0)
                return false;
        *ret = (ObjectState){
                .object_bytes = (uint64_t) st.st_size,
                .allocated_bytes = st.st_blocks * BLOCK_BYTES,
        };
        return true;
}

const KindRow kind_memfd = {
        .huge_pages = true,
        .create = memfd_create_segment,
        .examine = memfd_examine,
        .adopt = memfd_adopt,
        .open = kind_open,
        .look = memfd_look,
        .seal = memfd_seal,
        .look_at_seals = memfd_look_at_seals,
        .lock = kind_lock,
        .punch = kind_punch,
};
