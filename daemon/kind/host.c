/* SPDX-License-Identifier: MIT */
#include "daemon/kind/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/directory.h"
#include "proto/error.h"
#include "proto/fd.h"

/* Of the C library, shm_open(3) */
#define SHM_DIRECTORY "/dev/shm"

/**
 * host_init() - look at the host
 * @host:       the object, HOST_NULL before
 * @files_path: absolute path, made when it is needed
 *
 * Return: 0, or a negative errno. host_deinit() is due in any case.
 */
int host_init(Host *host, const char *files_path) {
        struct stat st;

        host->uid = geteuid();
        host->privileges = privileges_find();
        privileges_log(host->privileges);
        if (stat("/proc/self/ns/ipc", &st) == 0)
                host->ipc_namespace = st.st_ino;
        host->files_path = strdup(files_path);
        if (!host->files_path)
                return error_origin(-ENOMEM);
        host->proc_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (host->proc_fd < 0)
                return error_origin(-errno);
        host->shm_fd = open(SHM_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        host->files_fd = open(files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
}

void host_deinit(Host *host) {
        host->proc_fd = fd_close(host->proc_fd);
        host->shm_fd = fd_close(host->shm_fd);
        host->files_fd = fd_close(host->files_fd);
        free(host->files_path);
        host->files_path = NULL;
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
        host->files_fd = open(host->files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return host->files_fd < 0 ? error_origin(-errno) : 0;
}

/* host_reopen() - a new description of what @fd leads to, or a negative errno */
int host_reopen(const Host *host, int fd, int flags) {
        char name[12];
        int reopened;

        (void) snprintf(name, sizeof(name), "%d", fd);
        reopened = openat(host->proc_fd, name, flags | O_CLOEXEC);
        return reopened < 0 ? -errno : reopened;
}

/* host_missing() - what keeps the broker from doing something with an object of @owner's, or NULL;
 * its own objects take no privilege */
const char *host_missing(const Host *host, uid_t owner, unsigned int needed) {
        return owner == host->uid ? NULL : privilege_missing(host->privileges, needed);
}
