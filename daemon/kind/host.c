/* SPDX-License-Identifier: MIT */
#include "daemon/kind/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/directory.h"
#include "daemon/base/log.h"
#include "daemon/kind/identity.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* Of the C library, shm_open(3) */
#define SHM_DIRECTORY "/dev/shm"

static uint64_t namespace_inode(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 ? st.st_ino : 0;
}

/**
 * host_init() - look at the host
 * @host:       the object, HOST_NULL before
 * @files_path: absolute path, made when it is needed
 *
 * Return: 0, or a negative errno. host_deinit() is due in any case.
 */
int host_init(Host *host, const char *files_path) {
        host->uid = geteuid();
        host->privileges = privileges_find();
        privileges_log(host->privileges);
        host->ipc_namespace = namespace_inode("/proc/self/ns/ipc");
        host->pid_namespace = namespace_inode("/proc/self/ns/pid");
        /* Set by the unit, beside its line BindReadOnlyPaths= */
        host->read_only_path = getenv("SHMBROKER_READ_ONLY");
        host->files_path = strdup(files_path);
        if (!host->files_path)
                return error_origin(-ENOMEM);
        host->proc_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (host->proc_fd < 0)
                return error_origin(-errno);
        (void) host_open_shm(host);
        (void) host_look_for_files(host, &host->files);
        return 0;
}

void host_deinit(Host *host) {
        host->proc_fd = fd_close(host->proc_fd);
        host->shm_fd = fd_close(host->shm_fd);
        host->files_fd = fd_close(host->files_fd);
        host->shm_read_only_fd = fd_close(host->shm_read_only_fd);
        host->files_read_only_fd = fd_close(host->files_read_only_fd);
        free(host->files_path);
        host->files_path = NULL;
}

static bool is_read_only(int fd) {
        struct statvfs mounted;

        return fstatvfs(fd, &mounted) == 0 && mounted.f_flag & ST_RDONLY;
}

/* The second place of a directory that is open; -EBADF if there is none, or anything else. */
static int open_read_only(const Host *host, const char *path, int directory_fd) {
        _cleanup_(freep) char *place = NULL;
        _cleanup_fd_ int fd = -EBADF;

        if (!host->read_only_path || asprintf(&place, "%s%s", host->read_only_path, path) < 0)
                return -EBADF;
        fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && identity_shared(fd, directory_fd) && is_read_only(fd))
                return steal_fd(&fd);
        log_warning("There is no read-only mount of %s at %s: owners of segments there, and root "
                    "of a container, can open readOnly descriptors of them anew for writing.",
                    path, place);
        return -EBADF;
}

/* host_open_shm() - open the directory of POSIX objects; 0 or a negative errno */
int host_open_shm(Host *host) {
        if (host->shm_fd >= 0)
                return 0;
        host->shm_fd = open(SHM_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (host->shm_fd < 0)
                return -errno;
        host->shm_read_only_fd = open_read_only(host, SHM_DIRECTORY, host->shm_fd);
        return 0;
}

/* Where nothing was mounted until now, the descriptor leads to what is below. */
static bool files_are_open(const Host *host) {
        struct stat open, named;

        return host->files_fd >= 0 && fstat(host->files_fd, &open) == 0 &&
               stat(host->files_path, &named) == 0 && open.st_dev == named.st_dev &&
               open.st_ino == named.st_ino;
}

/**
 * host_look_for_files() - open the directory of files that is there now
 * @host:       the host
 * @wanted:     the only one that takes the place of another, which has files as well
 *
 * Return: 0, or a negative errno; then, and if another one is there, the one that was open still
 * is.
 */
int host_look_for_files(Host *host, const Identity *wanted) {
        _cleanup_fd_ int fd = -EBADF;
        Identity files;

        if (files_are_open(host))
                return 0;
        fd = open(host->files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        files = identity_of(fd);
        if (host->files_fd >= 0 && !identity_equal(&files, wanted))
                return 0;
        fd_close(host->files_fd);
        fd_close(host->files_read_only_fd);
        host->files_fd = steal_fd(&fd);
        host->files_read_only_fd = open_read_only(host, host->files_path, host->files_fd);
        host->files = files;
        return 0;
}

/* host_open_files() - make the directory of files if need be, and open it; 0 or a negative errno */
int host_open_files(Host *host) {
        int r;

        if (host->files_fd >= 0)
                return 0;
        /* Users reach what is theirs by its path. */
        r = directory_make(host->files_path, 0755);
        if (r)
                return error_trace(r);
        r = host_look_for_files(host, &host->files);
        return r < 0 ? error_origin(r) : 0;
}

/* host_reopen() - a new description of what @fd leads to, or a negative errno */
int host_reopen(const Host *host, int fd, int flags) {
        char name[12];
        int reopened;

        (void) snprintf(name, sizeof(name), "%d", fd);
        reopened = openat(host->proc_fd, name, flags | O_CLOEXEC);
        return reopened < 0 ? -errno : reopened;
}

/* host_mounts_read_only() - does every directory that is there have its second place? */
bool host_mounts_read_only(const Host *host) {
        return host->shm_read_only_fd >= 0 && (host->files_fd < 0 || host->files_read_only_fd >= 0);
}

/* host_missing() - what keeps the broker from doing something with an object of @owner's, or NULL;
 * its own objects take no privilege */
const char *host_missing(const Host *host, uid_t owner, unsigned int needed) {
        return owner == host->uid ? NULL : privilege_missing(host->privileges, needed);
}
