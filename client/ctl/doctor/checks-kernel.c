/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': whether the kernel gives the answers that the broker goes by. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "client/ctl/doctor/checks.h"

#define VERSION_MAJOR 6
#define VERSION_MINOR 1

/* Of linux/magic.h */
#define PROC_MAGIC 0x9fa0

#define INSTANCES_PATH "/proc/sys/fs/inotify/max_user_instances"
#define LEASES_PATH "/proc/sys/fs/leases-enable"

static void check_version(Doctor *doctor) {
        unsigned int major, minor;
        struct utsname name;

        if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
                doctor_find(doctor, CHECK_UNKNOWN, "The version of the kernel cannot be read.");
                return;
        }
        if (major > VERSION_MAJOR || (major == VERSION_MAJOR && minor >= VERSION_MINOR)) {
                doctor_find(doctor, CHECK_OK, "The kernel is Linux %s.", name.release);
                return;
        }
        doctor_find(doctor, CHECK_ERROR,
                    "The kernel is Linux %s, and the broker needs %d.%d or newer.", name.release,
                    VERSION_MAJOR, VERSION_MINOR);
        doctor_advise(doctor, "Boot a newer kernel.");
}

static void check_proc(Doctor *doctor) {
        struct statfs state;

        if (statfs("/proc", &state) == 0 && state.f_type == PROC_MAGIC) {
                doctor_find(doctor, CHECK_OK, "/proc is mounted.");
                return;
        }
        doctor_find(doctor, CHECK_ERROR,
                    "/proc is not mounted, by which descriptors are opened for clients.");
        doctor_advise(doctor, "'mount -t proc proc /proc' mounts it.");
}

static void check_memfd(Doctor *doctor) {
        _cleanup_(fd_closep) int fd = -EBADF;

        fd = memfd_create("shmbroker-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0) {
                doctor_find(doctor, CHECK_OK, "Memory files can be made and sealed.");
                return;
        }
        doctor_find(doctor, CHECK_ERROR, "Memory files cannot be made or sealed: %s.",
                    strerror(errno));
        doctor_advise(doctor, "See whether a seccomp(2) filter, as containers have, forbids "
                              "memfd_create(2).");
}

static int kernel_reopen(int fd) {
        char path[32];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_RDONLY | O_CLOEXEC);
}

/* A description of a memory file that the kernel counts: not the one that made it. */
static int open_file(void) {
        _cleanup_(fd_closep) int fd = -EBADF;
        char path[32];

        fd = memfd_create("shmbroker-doctor", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_RDWR | O_CLOEXEC);
}

/* Nobody else, then somebody else: the kernel has to tell one from the other. */
static bool try_leases(int fd) {
        _cleanup_(fd_closep) int other_fd = -EBADF;
        bool alone, shared;

        (void) signal(SIGIO, SIG_IGN);
        alone = fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
        other_fd = kernel_reopen(fd);
        shared = other_fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) < 0 && errno == EAGAIN;
        return alone && shared;
}

static void check_leases(Doctor *doctor) {
        _cleanup_(fd_closep) int fd = open_file();
        uint64_t enabled = 1;

        (void) read_number(LEASES_PATH, &enabled);
        if (fd < 0) {
                doctor_find(doctor, CHECK_UNKNOWN, "Leases cannot be tried without a memory file.");
                return;
        }
        if (enabled && try_leases(fd)) {
                doctor_find(doctor, CHECK_OK, "The kernel grants file leases (F_SETLEASE).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The kernel grants no file leases (F_SETLEASE): only the marks of attachments "
                    "say when a segment is not in use any more, and clients can take theirs away.");
        if (!enabled)
                doctor_advise_sysctl(doctor, "fs.leases-enable", 1);
        else
                doctor_advise(doctor, "See whether a sandbox forbids fcntl(2) with F_SETLEASE; "
                                      "fs.leases-enable is not what does.");
}

/* As the broker does: one description locks a byte, another is asked who has it. */
static bool try_locks(int fd) {
        _cleanup_(fd_closep) int other_fd = kernel_reopen(fd);
        struct flock mark = { .l_type = F_RDLCK, .l_start = 1, .l_len = 1 };
        struct flock probe = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };

        return other_fd >= 0 && fcntl(other_fd, F_OFD_SETLK, &mark) == 0 &&
               fcntl(fd, F_OFD_GETLK, &probe) == 0 && probe.l_type == F_RDLCK;
}

static void check_locks(Doctor *doctor) {
        _cleanup_(fd_closep) int fd = open_file();

        if (fd < 0) {
                doctor_find(doctor, CHECK_UNKNOWN, "Locks cannot be tried without a memory file.");
                return;
        }
        if (try_locks(fd)) {
                doctor_find(doctor, CHECK_OK,
                            "The kernel has open file description locks (F_OFD_SETLK).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The kernel has no open file description locks (F_OFD_SETLK): attachments are "
                    "counted by their ends, and may be counted too high.");
        doctor_advise(doctor, "See whether a sandbox forbids fcntl(2) with F_OFD_SETLK.");
}

/* Is it told that a description is closed? */
static bool try_closings(int inotify_fd, int fd) {
        char path[32], events[512];
        int other_fd;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (inotify_add_watch(inotify_fd, path, IN_CLOSE) < 0)
                return false;
        other_fd = kernel_reopen(fd);
        fd_closep(&other_fd);
        return other_fd >= 0 && read(inotify_fd, events, sizeof(events)) > 0;
}

static void advise_instances(Doctor *doctor) {
        uint64_t maximum;

        if (read_number(INSTANCES_PATH, &maximum))
                doctor_advise(doctor, "See whether a sandbox forbids inotify_init1(2).");
        else
                doctor_advise_sysctl(doctor, "fs.inotify.max_user_instances",
                                     maximum < 512 ? 1024 : 2 * maximum);
}

static void check_inotify(Doctor *doctor) {
        _cleanup_(fd_closep) int fd = open_file(), inotify_fd = -EBADF;

        inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (inotify_fd < 0) {
                doctor_find(doctor, CHECK_WARNING,
                            "You can have no inotify(7) instance (%s): a broker that has none asks "
                            "each segment ten times a second whether it is in use.",
                            strerror(errno));
                advise_instances(doctor);
        } else if (fd < 0) {
                doctor_find(doctor, CHECK_UNKNOWN,
                            "inotify(7) cannot be tried without a memory file.");
        } else if (!try_closings(inotify_fd, fd)) {
                doctor_find(
                        doctor, CHECK_WARNING,
                        "The kernel does not tell by inotify(7) that a memory file is closed: "
                        "the broker asks each segment ten times a second whether it is in use.");
                doctor_advise(doctor, "See fs.inotify.max_user_watches, and whether you have used "
                                      "them up.");
        } else {
                doctor_find(doctor, CHECK_OK,
                            "The kernel tells when a segment is closed (inotify).");
        }
}

const Check kernel_checks[] = {
        { "kernel", "version of the kernel", NEEDS_NOTHING, check_version },
        { "proc", "whether /proc is mounted", NEEDS_NOTHING, check_proc },
        { "memfd", "memory files, memfd_create(2), and their seals", NEEDS_NOTHING, check_memfd },
        { "leases", "file leases, which tell whether anybody has a segment", NEEDS_NOTHING,
          check_leases },
        { "locks", "locks of descriptions, which tell who has it", NEEDS_NOTHING, check_locks },
        { "inotify", "whether the kernel tells that a segment is closed", NEEDS_NOTHING,
          check_inotify },
        {},
};
