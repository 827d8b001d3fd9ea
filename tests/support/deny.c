/* SPDX-License-Identifier: MIT */
/*
 * Makes answers of the kernel fail, as on a host that does not have them: to be preloaded into the
 * daemon. SHMBROKER_TEST_DENY names them, separated by commas:
 *
 *   leases     fcntl(F_SETLEASE) is EINVAL, as with fs.leases-enable=0
 *   locks      fcntl(F_OFD_SETLK) is EINVAL, as before Linux 3.15
 *   marks      the same is EAGAIN once the daemon has begun, as under somebody's write lock
 *   closings   inotify_init1() is EMFILE, as at fs.inotify.max_user_instances
 *   watches    inotify_add_watch() is ENOSPC, as at fs.inotify.max_user_watches, once the daemon
 *              has begun
 *   passing    sendmsg() with a descriptor is ETOOMANYREFS, as when too many are under way
 *   noexec     memfd_create(MFD_NOEXEC_SEAL) is EINVAL, as before Linux 6.3
 *   pidfds     fstatfs() of a pidfd is that of an anonymous inode, as before Linux 6.9
 *   landlock   landlock_create_ruleset() is EOPNOTSUPP, as where Landlock is not in lsm=
 *   disk       fsync() and fdatasync() of another thread than the first are EIO
 *
 * fsync() and fdatasync() take as long as there is a file of the name in SHMBROKER_TEST_SLOW.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* MFD_NOEXEC_SEAL, which headers older than it do not have. */
#define NOEXEC_SEAL 0x0008U

/* linux/magic.h; the former is newer than some headers */
#define PIDFS_MAGIC 0x50494446
#define ANON_INODES_MAGIC 0x09041934

#define EXPORT __attribute__((__visibility__("default")))

EXPORT int fcntl(int fd, int command, ...);
EXPORT int fcntl64(int fd, int command, ...);

static bool denied(const char *what) {
        const char *all = getenv("SHMBROKER_TEST_DENY");

        return all && strstr(all, what);
}

/* The calls that the C library has no function for. As its own, this passes six arguments on,
 * however many there are. */
__attribute__((__no_sanitize__("address"))) EXPORT long syscall(long number, ...) {
        long (*real)(long number, ...) = (long (*)(long, ...)) dlsym(RTLD_NEXT, "syscall");
        va_list arguments;
        long a[6];

        if (number == SYS_landlock_create_ruleset && denied("landlock")) {
                errno = EOPNOTSUPP;
                return -1;
        }
        va_start(arguments, number);
        for (int i = 0; i < 6; ++i)
                a[i] = va_arg(arguments, long);
        va_end(arguments);
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int call_fcntl(int fd, int command, void *argument) {
        static bool begun;

        if ((command == F_SETLEASE && denied("leases")) ||
            (command == F_OFD_SETLK && denied("locks"))) {
                errno = EINVAL;
                return -1;
        }
        if (command == F_OFD_SETLK && begun && denied("marks")) {
                errno = EAGAIN;
                return -1;
        }
        begun = begun || command == F_OFD_SETLK;
        return (int) syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...) {
        va_list arguments;
        void *argument;

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);
        return call_fcntl(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
        va_list arguments;
        void *argument;

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);
        return call_fcntl(fd, command, argument);
}

EXPORT int fstatfs(int fd, struct statfs *ret) {
        int r = (int) syscall(SYS_fstatfs, fd, ret);

        if (r == 0 && ret->f_type == PIDFS_MAGIC && denied("pidfds"))
                ret->f_type = ANON_INODES_MAGIC;
        return r;
}

EXPORT int memfd_create(const char *name, unsigned int flags) {
        if ((flags & NOEXEC_SEAL) && denied("noexec")) {
                errno = EINVAL;
                return -1;
        }
        return (int) syscall(SYS_memfd_create, name, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
        if (message->msg_controllen > 0 && denied("passing")) {
                errno = ETOOMANYREFS;
                return -1;
        }
        return (ssize_t) syscall(SYS_sendmsg, fd, message, flags);
}

static int sync_disk(long number, int fd) {
        const char *slow = getenv("SHMBROKER_TEST_SLOW");

        while (slow && access(slow, F_OK) == 0)
                (void) usleep(1000);
        if (denied("disk") && syscall(SYS_gettid) != getpid()) {
                errno = EIO;
                return -1;
        }
        return (int) syscall(number, fd);
}

EXPORT int fsync(int fd) {
        return sync_disk(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd) {
        return sync_disk(SYS_fdatasync, fd);
}

EXPORT int inotify_init1(int flags) {
        if (denied("closings")) {
                errno = EMFILE;
                return -1;
        }
        return (int) syscall(SYS_inotify_init1, flags);
}

EXPORT int inotify_add_watch(int fd, const char *path, uint32_t mask) {
        static bool begun;

        if (begun && denied("watches")) {
                errno = ENOSPC;
                return -1;
        }
        begun = true;
        return (int) syscall(SYS_inotify_add_watch, fd, path, mask);
}
