/* SPDX-License-Identifier: MIT */
#include "daemon/kind/named-inode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/kernel/domain.h"
#include "daemon/kernel/lease.h"
#include "daemon/kind/identity.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

static uint64_t named_inode_nsec(const struct timespec *time) {
        return (uint64_t) time->tv_sec * UINT64_C(1000000000) + (uint64_t) time->tv_nsec;
}

/* The mode first, for afterwards it may be somebody else's. */
static int set_owner_and_mode(int fd, const Permission *permission) {
        if (fchmod(fd, permission->mode) < 0)
                return kind_error(errno);
        if (fchown(fd, permission->owner_uid, permission->owner_gid) < 0)
                return kind_error(errno);
        return 0;
}

/* Of a tenant's the object is the broker's alone: its users are not those that the kernel knows. */
static Permission object_permission(const Host *host, const Permission *permission) {
        Permission own = *permission;

        if (permission->tenant) {
                own.owner_uid = host->uid;
                own.owner_gid = (gid_t) -1;
                own.mode = 0600;
        }
        return own;
}

/* Nobody finds it yet. The description counts as a writer, and is good for leases. */
static int make_unnamed(int directory_fd, const Segment *segment) {
        _cleanup_fd_ int fd = -EBADF;

        fd = domain_open_outside(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return steal_fd(&fd);
        if (ftruncate(fd, (off_t) MAX(segment->size_bytes, segment->maximum_bytes)) < 0)
                return -errno;
        return steal_fd(&fd);
}

/* Before it is somebody else's. Where files have no attributes, one may be left over. */
static void mark_new(const Host *host, const Segment *segment, int fd) {
        char text[64];
        int n;

        if (segment->traits->found_by != FOUND_BY_FILE_NAME || !host->registry_id)
                return;
        n = snprintf(text, sizeof(text), FILE_NEW_FORMAT, host->registry_id,
                     (long long) segment->id);
        (void) fsetxattr(fd, FILE_NEW_ATTRIBUTE, text, (size_t) n, XATTR_CREATE);
}

static int link_name(const Host *host, int fd, int directory_fd, const char *name) {
        char number[12];

        (void) snprintf(number, sizeof(number), "%d", fd);
        if (linkat(host->proc_fd, number, directory_fd, name, AT_SYMLINK_FOLLOW) == 0)
                return 0;
        return errno == EEXIST ? KIND_E_EXISTS : kind_error(errno);
}

static void named_inode_note(Segment *segment, const struct stat *st) {
        segment->object_bytes = (uint64_t) st->st_size;
        segment->object_change_nsec = named_inode_nsec(&st->st_ctim);
}

/**
 * named_inode_create() - make a file, whole, and without its name
 * @host:       the host
 * @segment:    its object_name and permission say what it is to be
 * @directory_fd: the directory
 * @failure:    details
 *
 * Return: 0, or what kind_error() makes of an errno, or KIND_E_NOT_SUPPORTED, and then nothing was
 *         made.
 */
int named_inode_create(const Host *host, Segment *segment, int directory_fd, KindFailure *failure) {
        const Permission permission = object_permission(host, &segment->permission);
        const char *missing = host_missing(host, permission.owner_uid,
                                           1U << PRIVILEGE_CHOWN | PRIVILEGES_OF_FILES);
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;
        int r;

        if (missing)
                return kind_not_supported(failure, "unprivileged", missing);
        fd = make_unnamed(directory_fd, segment);
        if (fd == -EOPNOTSUPP || fd == -EISDIR)
                return kind_not_supported(failure, "host",
                                          "the file system of that directory has no O_TMPFILE");
        if (fd < 0)
                return kind_error(-fd);
        mark_new(host, segment, fd);
        r = set_owner_and_mode(fd, &permission);
        if (r)
                return r;
        if (fstat(fd, &st) < 0)
                return error_origin(-errno);
        named_inode_note(segment, &st);
        return kind_set_master(segment, steal_fd(&fd));
}

/* named_inode_link() - give a file its name, by which everybody finds it from now on */
int named_inode_link(const Host *host, Segment *segment, int directory_fd) {
        struct stat st;
        int r;

        r = link_name(host, segment->master_fd, directory_fd,
                      shared_path_name(segment->object_name));
        if (r)
                return r;
        if (fstat(segment->master_fd, &st) < 0)
                return error_origin(-errno);
        named_inode_note(segment, &st);
        return 0;
}

static void take_over(Segment *segment, const struct stat *st) {
        named_inode_note(segment, st);
        segment->size_bytes = (uint64_t) st->st_size;
        segment->change_usec = named_inode_nsec(&st->st_ctim) / 1000;
        segment->permission = (Permission){
                .owner_uid = st->st_uid,
                .owner_gid = st->st_gid,
                .creator_uid = st->st_uid,
                .creator_gid = st->st_gid,
                .mode = st->st_mode & MODE_MAX,
        };
}

/* Who holds it has to be told, or it would never go. */
static int check_lease(int fd, KindFailure *failure) {
        switch (lease_take(fd)) {
        case LEASE_TAKEN:
                lease_drop(fd);
                return 0;
        case LEASE_HELD:
                return 0;
        default:
                return kind_not_supported(failure, "notAdoptable",
                                          "the kernel does not say who has it open: its "
                                          "file system has no leases");
        }
}

/* named_inode_examine() - may a file that others made be taken? @fd is any descriptor of it. */
int named_inode_examine(const Host *host, Segment *segment, int fd, const Credentials *client,
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
        missing = host_missing(host, st.st_uid, PRIVILEGES_OF_FILES);
        if (missing)
                return kind_not_supported(failure, "unprivileged", missing);
        take_over(segment, &st);
        return 0;
}

/* named_inode_adopt() - take it: one that can be opened without waiting */
int named_inode_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure) {
        _cleanup_fd_ int master_fd = -EBADF;
        int r;

        r = host_reopen(host, fd, O_RDWR | O_NONBLOCK);
        if (r < 0)
                return kind_not_adopted(failure, -r);
        master_fd = r;
        r = check_lease(master_fd, failure);
        if (r)
                return r;
        return kind_set_master(segment, steal_fd(&master_fd));
}

/**
 * named_inode_find_read_only() - find the second place of a file, for readOnly descriptors
 * @segment:    with its object_name and its own description
 * @directory_fd: the directory as it is mounted read-only, or -EBADF
 *
 * What has no name in the directory, or whose name leads to something else by now, has no second
 * place; its readOnly descriptors come from the first one.
 *
 * Return: 0, KIND_E_NO_DESCRIPTORS or KIND_E_NO_MEMORY.
 */
int named_inode_find_read_only(Segment *segment, int directory_fd) {
        _cleanup_fd_ int fd = -EBADF;

        if (directory_fd < 0 || !segment->object_name)
                return 0;
        fd = openat(directory_fd, shared_path_name(segment->object_name),
                    O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
                return kind_error(errno);
        if (fd >= 0 && identity_shared(fd, segment->master_fd))
                kind_set_read_only(segment, steal_fd(&fd));
        return 0;
}

/* Its mode may keep even the owner from opening it, who can change the mode, and changes it back
 * at once. */
static int reopen_own(const Host *host, int fd) {
        char name[12];
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0 || st.st_uid != host->uid)
                return -EACCES;
        (void) snprintf(name, sizeof(name), "%d", fd);
        if (fchmodat(host->proc_fd, name, (st.st_mode & MODE_MAX) | 0600, 0) < 0)
                return -EACCES;
        r = host_reopen(host, fd, O_RDWR | O_NONBLOCK);
        (void) fchmodat(host->proc_fd, name, st.st_mode & MODE_MAX, 0);
        return r;
}

/* Both descriptors, or none. */
static int set_found(Segment *segment, int fd, int read_only_fd, KindFailure *failure) {
        (void) kind_set_master(segment, fd);
        if (named_inode_find_read_only(segment, read_only_fd) == 0)
                return 0;
        segment->master_fd = fd_close(segment->master_fd);
        return kind_not_opened(failure, EMFILE);
}

/**
 * named_inode_find() - find the file of a segment again
 * @host:       the host
 * @segment:    with its object_name and identity
 * @directory_fd: the directory
 * @read_only_fd: the same as it is mounted read-only, or -EBADF
 * @failure:    details
 *
 * Return: 0, KIND_E_NONE if there is none of that name, or another one, or KIND_E_UNAVAILABLE.
 */
int named_inode_find(const Host *host, Segment *segment, int directory_fd, int read_only_fd,
                     KindFailure *failure) {
        _cleanup_fd_ int fd = -EBADF;
        Identity identity;
        int r;

        if (!segment->object_name)
                return KIND_E_NONE;
        fd = openat(directory_fd, shared_path_name(segment->object_name),
                    O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? KIND_E_NONE : kind_not_opened(failure, errno);
        identity = identity_of(fd);
        if (!identity_known(&identity))
                return kind_not_opened(failure, EIO);
        /* What has changed meanwhile is noticed as ever: named_inode_look(). */
        if (!identity_equal(&identity, &segment->identity))
                return KIND_E_NONE;
        r = host_reopen(host, fd, O_RDWR | O_NONBLOCK);
        if (r == -EACCES)
                r = reopen_own(host, fd);
        return r < 0 ? kind_not_opened(failure, -r) : set_found(segment, r, read_only_fd, failure);
}

/* named_inode_leads_to() - does a name lead to the inode of a descriptor? */
bool named_inode_leads_to(int directory_fd, const char *name, int fd) {
        struct stat named, open;

        return fstat(fd, &open) == 0 &&
               fstatat(directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
               named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/* Does a name lead to another file, or to none? What cannot be looked at says nothing. */
static bool leads_elsewhere(int directory_fd, const char *name, const struct stat *st) {
        struct stat named;

        if (fstatat(directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT;
        return named.st_dev != st->st_dev || named.st_ino != st->st_ino;
}

/* named_inode_look() - how it is with the file; its name is looked at when anything has changed */
bool named_inode_look(Segment *segment, int directory_fd, ObjectState *ret) {
        struct stat st;

        if (fstat(segment->master_fd, &st) < 0)
                return false;
        *ret = (ObjectState){
                .unlinked = segment->object_name && st.st_nlink == 0,
                .object_bytes = (uint64_t) st.st_size,
                .allocated_bytes = st.st_blocks * BLOCK_BYTES,
                .has_permission = !segment->permission.tenant,
                .uid = st.st_uid,
                .gid = st.st_gid,
                .mode = st.st_mode & MODE_MAX,
                .change_usec = named_inode_nsec(&st.st_ctim) / 1000,
        };
        if (named_inode_nsec(&st.st_ctim) == segment->object_change_nsec)
                return true;
        segment->object_change_nsec = named_inode_nsec(&st.st_ctim);
        if (segment->object_name && !ret->unlinked)
                ret->unlinked =
                        leads_elsewhere(directory_fd, shared_path_name(segment->object_name), &st);
        return true;
}

static int change_error(int r, KindFailure *failure) {
        if (r != KIND_E_DENIED)
                return r;
        return kind_not_supported(failure, "unprivileged",
                                  "the broker may not change it: CAP_CHOWN or CAP_FOWNER "
                                  "is missing");
}

/* named_inode_set_permission() - change owner, group and mode, or nothing */
int named_inode_set_permission(const Host *host, Segment *segment, const Permission *permission,
                               KindFailure *failure) {
        const char *missing = host_missing(host, permission->owner_uid,
                                           1U << PRIVILEGE_CHOWN | PRIVILEGES_OF_FILES);
        int r;

        if (segment->permission.tenant)
                return 0;
        if (missing)
                return kind_not_supported(failure, "unprivileged", missing);
        r = set_owner_and_mode(segment->master_fd, permission);
        if (r == 0)
                return 0;
        (void) set_owner_and_mode(segment->master_fd, &segment->permission);
        return change_error(r, failure);
}

/* named_inode_unlink() - take the name away, unless it is somebody else's by now */
int named_inode_unlink(Segment *segment, int directory_fd, KindFailure *failure) {
        struct stat named, open;
        const char *name;

        if (!segment->object_name)
                return 0;
        name = shared_path_name(segment->object_name);
        if (fstatat(directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0
                                       : kind_not_supported(failure, "error",
                                                            "its name cannot be looked at");
        if (fstat(segment->master_fd, &open) < 0)
                return kind_not_supported(failure, "error", "its object cannot be looked at");
        if (named.st_dev != open.st_dev || named.st_ino != open.st_ino)
                return 0;
        if (unlinkat(directory_fd, name, 0) == 0 || errno == ENOENT)
                return 0;
        return kind_not_supported(failure, "unprivileged",
                                  "the broker may not remove its name from the directory");
}
