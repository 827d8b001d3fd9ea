/* SPDX-License-Identifier: MIT */
/* Attempts by the descriptor, its inode, and other descriptions of that. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/fdqueue.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/daemon/attempts.h"

/* Newer than the headers of Debian 12, or of Linux alone. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif

/* --- the descriptor itself */

static int try_write(const Target *t) {
        return attempt_outcome(pwrite(t->fd, FORGERY, N_FORGERY, 0));
}

static int try_set_flags(const Target *t) {
        if (fcntl(t->fd, F_SETFL, O_RDWR) < 0)
                return errno;
        return try_write(t);
}

static int try_ftruncate_grow(const Target *t) {
        return attempt_outcome(ftruncate(t->fd, (off_t) t->size * 2));
}

static int try_ftruncate_shrink(const Target *t) {
        return attempt_outcome(ftruncate(t->fd, 0));
}

static int try_fallocate(const Target *t) {
        return attempt_outcome(fallocate(t->fd, 0, 0, (off_t) t->size * 2));
}

static int try_punch(const Target *t) {
        return attempt_outcome(
                fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t) t->size));
}

static int try_zero_range(const Target *t) {
        return attempt_outcome(fallocate(t->fd, FALLOC_FL_ZERO_RANGE, 0, (off_t) t->size));
}

/* From a file of one's own into it. */
static int from_forgery(const Target *t, ssize_t (*copy)(int from_fd, int to_fd)) {
        _cleanup_fd_ int fd = memfd_create("forgery", MFD_CLOEXEC);

        if (fd < 0 || pwrite(fd, FORGERY, N_FORGERY, 0) < 0)
                return errno;
        return attempt_outcome(copy(fd, t->fd));
}

static ssize_t copy_by_sendfile(int from_fd, int to_fd) {
        return sendfile(to_fd, from_fd, NULL, N_FORGERY);
}

static ssize_t copy_by_range(int from_fd, int to_fd) {
        return copy_file_range(from_fd, NULL, to_fd, NULL, N_FORGERY, 0);
}

static ssize_t copy_by_clone(int from_fd, int to_fd) {
        return ioctl(to_fd, FICLONE, from_fd);
}

static int try_sendfile(const Target *t) {
        return from_forgery(t, copy_by_sendfile);
}

static int try_copy_range(const Target *t) {
        return from_forgery(t, copy_by_range);
}

static int try_clone(const Target *t) {
        return from_forgery(t, copy_by_clone);
}

static int try_splice_into(const Target *t) {
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], FORGERY, N_FORGERY) < 0)
                return errno;
        r = attempt_outcome(splice(fds[0], NULL, t->fd, &(loff_t){ 0 }, N_FORGERY, SPLICE_F_MOVE));
        close(fds[0]);
        close(fds[1]);
        return r;
}

/* The pages themselves go into the pipe; what is written behind them must not go onto them. */
static int try_splice_from(const Target *t) {
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return errno;
        r = attempt_outcome(splice(t->fd, &(loff_t){ 0 }, fds[1], NULL, 16, SPLICE_F_MOVE));
        if (r == 0)
                r = attempt_outcome(write(fds[1], FORGERY, N_FORGERY));
        close(fds[0]);
        close(fds[1]);
        return r;
}

/* The same by the mapping. */
static int try_vmsplice_from(const Target *t) {
        struct iovec part = { .iov_base = t->at, .iov_len = 4096 };
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return errno;
        r = attempt_outcome(vmsplice(fds[1], &part, 1, SPLICE_F_GIFT));
        if (r == 0)
                r = attempt_outcome(write(fds[1], FORGERY, N_FORGERY));
        close(fds[0]);
        close(fds[1]);
        return r;
}

/* --- the inode */

static int try_chmod(const Target *t) {
        return attempt_outcome(fchmod(t->fd, 0666));
}

static int try_chmod_by_path(const Target *t) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
        return attempt_outcome(chmod(path, 0666));
}

static int try_chown(const Target *t) {
        return attempt_outcome(fchown(t->fd, geteuid(), getegid()));
}

/* Access for everybody, in the form that system.posix_acl_access has (linux/posix_acl_xattr.h). */
static int try_acl(const Target *t) {
        static const struct {
                uint32_t version;
                struct {
                        uint16_t tag;
                        uint16_t access;
                        uint32_t id;
                } entries[3];
        } acl = { 2, { { 1, 6, UINT32_MAX }, { 4, 6, UINT32_MAX }, { 0x20, 6, UINT32_MAX } } };

        return attempt_outcome(fsetxattr(t->fd, "system.posix_acl_access", &acl, sizeof(acl), 0));
}

/* As if append-only, or immutable: nobody could write any more. */
static int try_inode_flags(const Target *t) {
        return attempt_outcome(ioctl(t->fd, FS_IOC_SETFLAGS, &(int){ FS_IMMUTABLE_FL }));
}

static int try_seal_write(const Target *t) {
        return attempt_outcome(fcntl(t->fd, F_ADD_SEALS, F_SEAL_WRITE));
}

static int try_seal_future_write(const Target *t) {
        return attempt_outcome(fcntl(t->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
}

static int try_seal_seal(const Target *t) {
        return attempt_outcome(fcntl(t->fd, F_ADD_SEALS, F_SEAL_SEAL));
}

/* It would keep the broker waiting whenever it opens the segment for somebody. */
static int try_read_lease(const Target *t) {
        return attempt_outcome(fcntl(t->fd, F_SETLEASE, F_RDLCK));
}

static int try_write_lease(const Target *t) {
        return attempt_outcome(fcntl(t->fd, F_SETLEASE, F_WRLCK));
}

static int try_write_lock(const Target *t) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        return attempt_outcome(fcntl(t->fd, F_OFD_SETLK, &lock));
}

/* --- another description of it */

static int try_reopen_self(const Target *t) {
        return attempt_open(O_RDWR, "/proc/self/fd/%d", t->fd);
}

static int try_reopen_write_only(const Target *t) {
        return attempt_open(O_WRONLY, "/proc/self/fd/%d", t->fd);
}

static int try_reopen_pid(const Target *t) {
        return attempt_open(O_RDWR, "/proc/%d/fd/%d", (int) getpid(), t->fd);
}

static int try_reopen_thread(const Target *t) {
        return attempt_open(O_RDWR, "/proc/thread-self/fd/%d", t->fd);
}

static int try_reopen_dev(const Target *t) {
        return attempt_open(O_RDWR, "/dev/fd/%d", t->fd);
}

static int try_reopen_truncate(const Target *t) {
        return attempt_open(O_RDONLY | O_TRUNC, "/proc/self/fd/%d", t->fd);
}

/* The bits that count are of the open description, not of this one: even reading is refused. */
static int try_reopen_to_read(const Target *t) {
        return attempt_open(O_RDONLY, "/proc/self/fd/%d", t->fd);
}

static int try_truncate_by_path(const Target *t) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
        return attempt_outcome(truncate(path, 0));
}

/* A place in the file system, by way of a descriptor that stands for nothing but one. */
static int try_reopen_o_path(const Target *t) {
        char path[64];
        int fd, r;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno;
        r = attempt_open(O_RDWR, "/proc/self/fd/%d", fd);
        close(fd);
        return r;
}

static int try_tmpfile(const Target *t) {
        return attempt_open(O_TMPFILE | O_RDWR, "/proc/self/fd/%d", t->fd);
}

static int try_openat(const Target *t) {
        return attempt_outcome_fd(openat(t->fd, ".", O_RDWR | O_CLOEXEC));
}

/* A name for what has none, which could be opened like any file. */
static int link_from(const Target *t, const char *from, int flags) {
        char path[128];
        int r;

        (void) snprintf(path, sizeof(path), "%s/linked-%d", t->directory, (int) getpid());
        r = attempt_outcome(linkat(from[0] ? AT_FDCWD : t->fd, from, AT_FDCWD, path, flags));
        if (r == 0)
                (void) attempt_open(O_RDWR, "%s", path);
        return r;
}

static int try_link_empty(const Target *t) {
        return link_from(t, "", AT_EMPTY_PATH);
}

static int try_link_proc(const Target *t) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
        return link_from(t, path, AT_SYMLINK_FOLLOW);
}

static int try_by_handle(const Target *t) {
        struct {
                struct file_handle handle;
                unsigned char bytes[MAX_HANDLE_SZ];
        } file = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
        int mount_id;

        if (name_to_handle_at(t->fd, "", &file.handle, &mount_id, AT_EMPTY_PATH) < 0)
                return attempt_outcome(-1);
        return attempt_outcome_fd(open_by_handle_at(t->fd, &file.handle, O_RDWR | O_CLOEXEC));
}

static int try_passed(const Target *t) {
        FdQueue fds = FD_QUEUE_NULL;
        int pair[2], fd, r;
        char byte;
        size_t n;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return errno;
        if (socket_send(pair[0], ".", 1, t->fd, &n) || socket_receive(pair[1], &byte, 1, &fds, &n))
                return EPROTO;
        close(pair[0]);
        close(pair[1]);
        fd = fd_queue_pop(&fds);
        r = pwrite(fd, FORGERY, N_FORGERY, 0) < 0 ? attempt_open(O_RDWR, "/proc/self/fd/%d", fd)
                                                  : 0;
        fd_close(fd);
        return r;
}

/* A notification comes with a descriptor of what it is about, opened as was asked for. */
static int try_fanotify(const Target *t) {
        (void) t;
        return attempt_outcome_fd(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDWR));
}

static int try_open_tree(const Target *t) {
        return attempt_outcome_fd((int) syscall(SYS_open_tree, t->fd, "",
                                                AT_EMPTY_PATH | OPEN_TREE_CLONE | O_CLOEXEC));
}

static int try_bind_mount(const Target *t) {
        char from[64], to[128];
        int fd, r;

        (void) snprintf(from, sizeof(from), "/proc/self/fd/%d", t->fd);
        (void) snprintf(to, sizeof(to), "%s/bound-%d", t->directory, (int) getpid());
        fd = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno;
        close(fd);
        r = attempt_outcome(mount(from, to, NULL, MS_BIND, NULL));
        if (r == 0) {
                (void) attempt_open(O_RDWR, "%s", to);
                (void) umount(to);
        }
        (void) unlink(to);
        return r;
}

const Attempt file_attempts[] = {
        /* Not opened for writing: EBADF, but for ftruncate(2), which says EINVAL. */
        { "pwrite", try_write, EBADF, 0 },
        { "F_SETFL to O_RDWR, then pwrite", try_set_flags, EBADF, 0 },
        { "ftruncate, larger", try_ftruncate_grow, EINVAL, 0 },
        { "ftruncate, smaller", try_ftruncate_shrink, EINVAL, 0 },
        { "fallocate", try_fallocate, EBADF, 0 },
        { "punching holes", try_punch, EBADF, 0 },
        { "zeroing a range", try_zero_range, EBADF, EOPNOTSUPP },
        { "sendfile into it", try_sendfile, EBADF, 0 },
        { "copy_file_range into it", try_copy_range, EBADF, 0 },
        { "FICLONE into it", try_clone, EBADF, EOPNOTSUPP },
        { "splice into it", try_splice_into, EBADF, 0 },
        { "splice from it, then writing to the pipe", try_splice_from, 0, 0 },
        { "vmsplice from it, then writing to the pipe", try_vmsplice_from, 0, 0 },

        /* The inode is the broker's. */
        { "fchmod", try_chmod, EPERM, 0 },
        { "chmod through /proc", try_chmod_by_path, EPERM, 0 },
        { "fchown", try_chown, EPERM, EINVAL },
        { "an access control list", try_acl, EPERM, EOPNOTSUPP },
        { "the immutable flag", try_inode_flags, EPERM, EACCES },
        { "F_SEAL_WRITE", try_seal_write, EPERM, 0 },
        { "F_SEAL_FUTURE_WRITE", try_seal_future_write, EPERM, 0 },
        { "F_SEAL_SEAL", try_seal_seal, EPERM, 0 },
        { "a read lease", try_read_lease, EACCES, 0 },
        { "a write lease", try_write_lease, EACCES, 0 },
        { "a write lock", try_write_lock, EBADF, 0 },

        /* Mode 0600, and not one's own. */
        { "opening /proc/self/fd", try_reopen_self, EACCES, 0 },
        { "opening it to write only", try_reopen_write_only, EACCES, 0 },
        { "opening /proc/PID/fd", try_reopen_pid, EACCES, 0 },
        { "opening /proc/thread-self/fd", try_reopen_thread, EACCES, 0 },
        { "opening /dev/fd", try_reopen_dev, EACCES, 0 },
        { "opening it with O_TRUNC", try_reopen_truncate, EACCES, 0 },
        { "opening it to read", try_reopen_to_read, EACCES, 0 },
        { "truncate through /proc", try_truncate_by_path, EACCES, 0 },
        { "opening it by an O_PATH descriptor", try_reopen_o_path, EACCES, 0 },
        { "O_TMPFILE on it", try_tmpfile, ENOTDIR, 0 },
        { "openat on it", try_openat, ENOTDIR, 0 },
        /* Only with CAP_DAC_READ_SEARCH, or for who opened it; and then not into another file
         * system. */
        { "linkat, by descriptor", try_link_empty, ENOENT, EXDEV },
        { "linkat, through /proc", try_link_proc, EXDEV, EPERM },
        { "open_by_handle_at", try_by_handle, EPERM, EOPNOTSUPP },
        { "passing it through a socket, and opening that", try_passed, EACCES, 0 },
        { "fanotify", try_fanotify, EPERM, 0 },
        /* To mount takes root, also in a namespace, and a file system that is mounted somewhere. */
        { "open_tree", try_open_tree, EPERM, EINVAL },
        { "a bind mount", try_bind_mount, EPERM, EINVAL },
};
const size_t n_file_attempts = ARRAY_SIZE(file_attempts);
