/* SPDX-License-Identifier: MIT */
/*
 * Kind sysv: a System V segment, shmget(2), kept by an attachment of the broker's own. Its inode is
 * an ordinary one, of which /proc/PID/map_files gives descriptors to who has
 * CAP_CHECKPOINT_RESTORE; without it clients attach natively.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/kind/identity.h"
#include "daemon/kind/kind.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* shmctl(2), from Linux 4.17 on; the C library has it for _GNU_SOURCE only in newer versions. */
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SHM_DEST
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#endif

/* Since Linux 5.14; before, pages are locked as they are touched. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Which part of a shmid is its place in the kernel's table: without, and with, the kernel's option
 * ipcmni_extend. */
static const int index_masks[] = { 0x7fff, 0xffffff };

/* As a memfd's: see INODE_MODE in kind-memfd.c. Attaching natively does not look at it. */
#define INODE_MODE 0600

/* IPC_STAT takes the right to read, which the mode may deny to its owner as well. */
static int sysv_stat(int shmid, struct shmid_ds *ret) {
        if (shmctl(shmid, IPC_STAT, ret) == 0)
                return 0;
        if (errno != EACCES)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(index_masks); ++i)
                if (shmctl(shmid & index_masks[i], SHM_STAT_ANY, ret) == shmid)
                        return 0;
        return -EACCES;
}

static uint64_t sysv_usec(int64_t seconds) {
        return (uint64_t) seconds * UINT64_C(1000000);
}

/* The limit that is in the way of shmget(2), which says EINVAL and ENOSPC. */
static int sysv_limit(int error, const Segment *segment, KindFailure *failure) {
        struct shm_info used = {};
        struct shminfo maximum = {};

        if (shmctl(0, IPC_INFO, (struct shmid_ds *) &maximum) < 0 ||
            shmctl(0, SHM_INFO, (struct shmid_ds *) &used) < 0)
                return KIND_E_NO_MEMORY;
        if (error == EINVAL && segment_capacity(segment) <= maximum.shmmax)
                return KIND_E_TOO_LARGE;
        if (error == EINVAL)
                failure->limit = (LimitReached){ .name = "shmmax", .maximum = maximum.shmmax };
        else if ((uint64_t) used.used_ids >= maximum.shmmni)
                failure->limit = (LimitReached){ .name = "shmmni", .maximum = maximum.shmmni };
        else
                failure->limit = (LimitReached){ .name = "shmall", .maximum = maximum.shmall };
        return KIND_E_LIMIT;
}

static int sysv_error(int error, const Segment *segment, KindFailure *failure) {
        switch (error) {
        case EEXIST:
                return KIND_E_EXISTS;
        case EINVAL:
        case ENOSPC:
                return sysv_limit(error, segment, failure);
        case EPERM:
                return kind_not_supported(
                        failure, "unprivileged",
                        "huge pages of System V take CAP_IPC_LOCK, or the group of "
                        "vm.hugetlb_shm_group");
        default:
                return kind_error(error);
        }
}

/* With the broker's own rights at first, which it needs to attach it; nobody else has any. */
static int sysv_get(Segment *segment, KindFailure *failure) {
        int flags = IPC_CREAT | IPC_EXCL | 0600;
        uint64_t size_bytes = MAX(segment->size_bytes, segment->maximum_bytes);

        if (segment_has_huge_pages(segment)) {
                flags |= SHM_HUGETLB | __builtin_ctzll(segment->page_bytes) << MFD_HUGE_SHIFT;
                size_bytes = segment_capacity(segment);
        }
        segment->sysv.shmid = shmget((key_t) segment->sysv.key, (size_t) size_bytes, flags);
        return segment->sysv.shmid < 0 ? sysv_error(errno, segment, failure) : 0;
}

/*
 * A descriptor of the inode, if there can be one that is read-only when it says so. Natively its
 * inode belongs to who made it, with mode 0777.
 */
static int sysv_open_master(const Host *host, Segment *segment) {
        uintptr_t at = (uintptr_t) segment->sysv.anchor;
        _cleanup_fd_ int fd = -EBADF;
        char path[80];
        struct stat st;

        (void) snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, at,
                        at + (uintptr_t) segment_capacity(segment));
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
                return KIND_E_NO_DESCRIPTORS;
        if (fd < 0 || fstat(fd, &st) < 0)
                return 0;
        /* As the broker's own it takes no more privilege to lease it and to open it anew. */
        if (st.st_uid != host->uid && fchown(fd, host->uid, (gid_t) -1) < 0)
                return 0;
        if (fchmod(fd, INODE_MODE) < 0)
                return 0;
        segment->object_bytes = (uint64_t) st.st_size;
        return kind_set_master(segment, steal_fd(&fd));
}

/* What is there natively is no news, and neither is what the broker itself just did. */
static void sysv_note(Segment *segment, const struct shmid_ds *ds) {
        Sysv *sysv = &segment->sysv;

        sysv->uid = ds->shm_perm.uid;
        sysv->attach_sec = ds->shm_atime;
        sysv->detach_sec = ds->shm_dtime;
        sysv->last_pid = ds->shm_lpid;
}

static int sysv_anchor(const Host *host, Segment *segment) {
        void *at = shmat(segment->sysv.shmid, NULL, 0);

        if (at == (void *) -1)
                return kind_error(errno);
        segment->sysv.anchor = at;
        segment->object_bytes = MAX(segment->size_bytes, segment->maximum_bytes);
        if (segment_has_huge_pages(segment))
                segment->object_bytes = segment_capacity(segment);
        return sysv_open_master(host, segment);
}

/* What was handed over stays the broker's: it could not even remove it otherwise. */
static bool sysv_handed_over(const Host *host, const struct ipc_perm *perm) {
        return perm->uid == host->uid && perm->cuid != host->uid &&
               !(host->privileges >> PRIVILEGE_SYS_ADMIN & 1U);
}

static int sysv_set_permission(const Host *host, Segment *segment, const Permission *permission,
                               KindFailure *failure) {
        struct shmid_ds ds;
        int r;

        r = sysv_stat(segment->sysv.shmid, &ds);
        /* Removed before a restart, it may be there as its inode alone, without an identifier. */
        if ((r == -EINVAL || r == -EIDRM) && segment->removed)
                return 0;
        if (r < 0)
                return kind_error(-r);
        if (!sysv_handed_over(host, &ds.shm_perm))
                ds.shm_perm.uid = permission->owner_uid;
        ds.shm_perm.gid = permission->owner_gid;
        ds.shm_perm.mode = (unsigned short) permission->mode;
        if (shmctl(segment->sysv.shmid, IPC_SET, &ds) < 0)
                return errno == EPERM
                               ? kind_not_supported(failure, "unprivileged",
                                                    privilege_missing(0, 1U << PRIVILEGE_SYS_ADMIN))
                               : kind_error(errno);
        segment->sysv.uid = ds.shm_perm.uid;
        return 0;
}

static int sysv_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        struct shmid_ds ds;
        int r;

        r = sysv_get(segment, failure);
        if (r)
                return r;
        r = sysv_anchor(host, segment);
        if (r == 0)
                r = sysv_set_permission(host, segment, &segment->permission, failure);
        if (r == 0 && sysv_stat(segment->sysv.shmid, &ds) < 0)
                r = KIND_E_NO_MEMORY;
        if (r) {
                (void) shmctl(segment->sysv.shmid, IPC_RMID, NULL);
                return r;
        }
        sysv_note(segment, &ds);
        return 0;
}

/* May the broker attach it, count it and, at its end, remove it? */
static const char *sysv_missing(const Host *host, const struct shmid_ds *ds) {
        bool own = ds->shm_perm.uid == host->uid || ds->shm_perm.cuid == host->uid;

        if (!own && !(host->privileges >> PRIVILEGE_SYS_ADMIN & 1U))
                return privilege_missing(0, 1U << PRIVILEGE_SYS_ADMIN);
        if (own && (ds->shm_perm.mode & 0600) == 0600)
                return NULL;
        return privilege_missing(host->privileges, 1U << PRIVILEGE_IPC_OWNER);
}

/* Its owner is who made it, if that was handed over to the broker. */
static void sysv_take_over(const Host *host, Segment *segment, const struct shmid_ds *ds) {
        const struct ipc_perm *perm = &ds->shm_perm;

        segment->size_bytes = ds->shm_segsz;
        segment->sysv.key = (uint32_t) perm->__key;
        segment->permission = (Permission){
                .owner_uid = sysv_handed_over(host, perm) ? perm->cuid : perm->uid,
                .owner_gid = perm->gid,
                .creator_uid = perm->cuid,
                .creator_gid = perm->cgid,
                .mode = perm->mode & MODE_MAX,
        };
        segment->attach_usec = sysv_usec(ds->shm_atime);
        segment->detach_usec = sysv_usec(ds->shm_dtime);
        segment->change_usec = sysv_usec(ds->shm_ctime);
        segment->creator_pid = ds->shm_cpid;
        segment->last_pid = ds->shm_lpid;
        segment->n_native = ds->shm_nattch;
        segment->sysv.locked = perm->mode & SHM_LOCKED;
}

/*
 * Is it sure that an attachment has no huge pages? The kernel refuses to begin or end something in
 * the middle of one (EINVAL). MADV_DONTNEED drops what this process has mapped of shared memory,
 * and nothing else; behind the first page only where there is a second one. What is not larger than
 * a page can lose and get back a right, which the broker does not use; a part of a larger one must
 * not, for that would be an attachment more.
 */
static bool sysv_has_small_pages(void *anchor, int shmid) {
        const size_t page = (size_t) sysconf(_SC_PAGESIZE);
        struct shmid_ds ds;

        if (sysv_stat(shmid, &ds) < 0)
                return false;
        if (ds.shm_segsz > page)
                return madvise((char *) anchor + page, page, MADV_DONTNEED) == 0;
        if (mprotect(anchor, page, PROT_READ) < 0)
                return false;
        return mprotect(anchor, page, PROT_READ | PROT_WRITE) == 0;
}

/* /proc/PID/smaps has all attachments of the broker, and takes as long. */
static uint64_t sysv_huge_page_bytes(const void *anchor) {
        unsigned long long begin, end, kib;
        uint64_t bytes = 0;
        bool found = false;
        char line[512];
        FILE *file;

        file = fopen("/proc/self/smaps", "re");
        if (!file)
                return 0;
        while (bytes == 0 && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
                        found = begin == (uintptr_t) anchor;
                else if (found && sscanf(line, "KernelPageSize: %llu kB", &kib) == 1)
                        bytes = kib * 1024;
        }
        fclose(file);
        return bytes;
}

/* 0 if they are the usual ones, or if that cannot be told. */
static uint64_t sysv_page_bytes(void *anchor, int shmid) {
        return sysv_has_small_pages(anchor, shmid) ? 0 : sysv_huge_page_bytes(anchor);
}

static int sysv_examine(const Host *host, Segment *segment, int fd, const Credentials *client,
                        KindFailure *failure) {
        const char *missing;
        struct shmid_ds ds;
        int r;

        (void) fd;
        r = sysv_stat(segment->sysv.shmid, &ds);
        if (r < 0)
                return r == -EACCES ? KIND_E_DENIED : KIND_E_NONE;
        if (!kind_may_give(client, ds.shm_perm.uid) && !kind_may_give(client, ds.shm_perm.cuid))
                return KIND_E_DENIED;
        missing = sysv_missing(host, &ds);
        if (missing)
                return kind_not_supported(failure, "unprivileged", missing);
        sysv_take_over(host, segment, &ds);
        return 0;
}

/* What follows when it is attached; the attachment is the segment's. */
static int sysv_take(const Host *host, Segment *segment, void *at) {
        uint64_t page_bytes;
        struct shmid_ds ds;
        int r;

        segment->sysv.anchor = at;
        page_bytes = sysv_page_bytes(at, segment->sysv.shmid);
        if (page_bytes > 0)
                segment->page_bytes = page_bytes;
        segment->object_bytes = segment->size_bytes;
        r = sysv_open_master(host, segment);
        if (r)
                return r;
        segment->size_bytes = MIN(segment->size_bytes, segment->object_bytes);
        if (sysv_stat(segment->sysv.shmid, &ds) < 0)
                return KIND_E_NONE;
        sysv_note(segment, &ds);
        return 0;
}

static int sysv_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure) {
        void *at = shmat(segment->sysv.shmid, NULL, 0);

        (void) fd;
        if (at == (void *) -1 && errno == EACCES)
                return kind_not_supported(failure, "unprivileged",
                                          privilege_missing(0, 1U << PRIVILEGE_IPC_OWNER));
        if (at == (void *) -1)
                return errno == EINVAL || errno == EIDRM ? KIND_E_NONE : kind_error(errno);
        return sysv_take(host, segment, at);
}

/* Is what has the number now the one that had it? Segments do not outlive the boot, and their
 * numbers recur. */
static bool sysv_is_same(const Host *host, const Segment *segment, const struct shmid_ds *ds) {
        uid_t creator = segment->adopted ? segment->permission.creator_uid : host->uid;

        return !segment->other_boot && ds->shm_perm.cuid == creator &&
               (segment->removed || (uint32_t) ds->shm_perm.__key == segment->sysv.key);
}

/* Its mode may keep even owner and creator from attaching it, who can change the mode; it is
 * changed back at once. */
static void *sysv_attach(int shmid, const struct shmid_ds *ds) {
        void *at = shmat(shmid, NULL, 0);
        struct shmid_ds own = *ds;

        if (at != (void *) -1 || errno != EACCES)
                return at;
        own.shm_perm.mode |= 0600;
        if (shmctl(shmid, IPC_SET, &own) < 0)
                return at;
        at = shmat(shmid, NULL, 0);
        own.shm_perm.mode = ds->shm_perm.mode;
        (void) shmctl(shmid, IPC_SET, &own);
        return at;
}

/* What has a descriptor now and had one before must have the same. */
static bool sysv_is_other(const Segment *segment, const Identity *before) {
        return segment->master_fd >= 0 && identity_known(before) &&
               identity_known(&segment->identity) && !identity_equal(&segment->identity, before);
}

static int sysv_take_again(const Host *host, Segment *segment, void *at, KindFailure *failure) {
        const Segment before = *segment;
        int r;

        r = sysv_take(host, segment, at);
        if (r == 0 && sysv_is_other(segment, &before.identity))
                r = KIND_E_NONE;
        segment->object_bytes = before.object_bytes;
        if (r == 0)
                return 0;
        (void) shmdt(at);
        segment->master_fd = fd_close(segment->master_fd);
        segment->sysv = before.sysv;
        segment->identity = before.identity;
        segment->page_bytes = before.page_bytes;
        segment->size_bytes = before.size_bytes;
        return r == KIND_E_NONE ? r : kind_not_opened(failure, EMFILE);
}

static int sysv_find(Host *host, Segment *segment, KindFailure *failure) {
        struct shmid_ds ds;
        void *at;
        int r;

        r = sysv_stat(segment->sysv.shmid, &ds);
        if (r == -EINVAL || r == -EIDRM)
                return KIND_E_NONE;
        if (r)
                return kind_not_opened(failure, -r);
        if (!sysv_is_same(host, segment, &ds))
                return KIND_E_NONE;
        at = sysv_attach(segment->sysv.shmid, &ds);
        if (at == (void *) -1)
                return errno == EINVAL || errno == EIDRM ? KIND_E_NONE
                                                         : kind_not_opened(failure, errno);
        r = sysv_take_again(host, segment, at, failure);
        if (r)
                return r;
        segment->sysv.locked = ds.shm_perm.mode & SHM_LOCKED;
        segment->n_native = ds.shm_nattch;
        return 0;
}

static int sysv_open(const Host *host, const Segment *segment, Access access, int *ret_fd) {
        return segment->master_fd < 0 ? KIND_E_NATIVE : kind_open(host, segment, access, ret_fd);
}

/* Within a second the number of attachments tells of who came after the broker, or came again after
 * others whom the broker noted meanwhile. */
static void sysv_look_at_times(Segment *segment, const struct shmid_ds *ds, ObjectState *ret) {
        const Sysv *sysv = &segment->sysv;
        bool attached = ds->shm_atime != sysv->attach_sec || ret->n_native > segment->n_native;
        bool detached = ds->shm_dtime != sysv->detach_sec || ret->n_native < segment->n_native;

        if (attached)
                ret->attach_usec = sysv_usec(ds->shm_atime);
        if (detached)
                ret->detach_usec = sysv_usec(ds->shm_dtime);
        ret->has_last_pid = attached || detached || ds->shm_lpid != sysv->last_pid;
        ret->last_pid = ds->shm_lpid;
}

/* Natively the size is fixed, but who has a descriptor for writing can change the inode's. */
static void sysv_look_at_inode(const Segment *segment, ObjectState *ret) {
        struct stat st;

        ret->object_bytes = segment->object_bytes;
        ret->allocated_bytes = -1;
        if (segment->master_fd < 0 || fstat(segment->master_fd, &st) < 0)
                return;
        ret->object_bytes = (uint64_t) st.st_size;
        ret->allocated_bytes = st.st_blocks * BLOCK_BYTES;
}

static bool sysv_look(const Host *host, Segment *segment, ObjectState *ret) {
        struct shmid_ds ds;

        (void) host;
        /* While it is anchored it cannot go. */
        if (sysv_stat(segment->sysv.shmid, &ds) < 0)
                return false;
        *ret = (ObjectState){
                .unlinked = ds.shm_perm.mode & SHM_DEST,
                .has_permission = true,
                .uid = ds.shm_perm.uid == segment->sysv.uid ? segment->permission.owner_uid
                                                            : ds.shm_perm.uid,
                .gid = ds.shm_perm.gid,
                .mode = ds.shm_perm.mode & MODE_MAX,
                .change_usec = sysv_usec(ds.shm_ctime),
                .n_native = ds.shm_nattch > 0 ? ds.shm_nattch - 1 : 0,
                .locked = ds.shm_perm.mode & SHM_LOCKED,
        };
        sysv_look_at_inode(segment, ret);
        sysv_look_at_times(segment, &ds, ret);
        sysv_note(segment, &ds);
        return true;
}

static int sysv_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        (void) host;
        if (shmctl(segment->sysv.shmid, IPC_RMID, NULL) == 0 || errno == EINVAL || errno == EIDRM)
                return 0;
        return kind_not_supported(failure, "unprivileged",
                                  privilege_missing(0, 1U << PRIVILEGE_SYS_ADMIN));
}

/* Who attached it natively at the last moment keeps it: it is gone for all only when the kernel
 * does not know it any more. */
static bool sysv_release(void *anchor, int shmid) {
        struct shmid_ds ds;

        (void) shmdt(anchor);
        return shmctl(shmid, IPC_STAT, &ds) == 0 || errno == EACCES;
}

/*
 * SHM_LOCK, which everybody sees. It brings no page in, so that is done through the broker's own
 * attachment; should the segment be destroyed meanwhile, there is nothing left to be brought in.
 */
static int sysv_lock(KindLock *lock) {
        if (shmctl(lock->shmid, SHM_LOCK, NULL) < 0)
                return errno;
        (void) madvise(lock->anchor, (size_t) lock->size_bytes, MADV_POPULATE_READ);
        return 0;
}

static void sysv_unlock(Segment *segment) {
        if (shmctl(segment->sysv.shmid, SHM_UNLOCK, NULL) == 0)
                segment->sysv.locked = false;
}

const KindRow kind_sysv = {
        .traits = {
                .found_by = FOUND_BY_SHMID,
                .native = true,
                .lock_lasts = true,
                .release = sysv_release,
        },
        .huge_pages = true,
        .create = sysv_create_segment,
        .examine = sysv_examine,
        .adopt = sysv_adopt,
        .find = sysv_find,
        .open = sysv_open,
        .look = sysv_look,
        .set_permission = sysv_set_permission,
        .unlink = sysv_unlink,
        .lock = sysv_lock,
        .unlock = sysv_unlock,
        .punch = kind_punch,
};
