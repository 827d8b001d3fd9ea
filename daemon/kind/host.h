/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_HOST_H
#define SHMBROKER_DAEMON_KIND_HOST_H

/* The host as segments find it: the directories in which objects have their names, and what the
 * broker may do. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/kind/privileges.h"
#include "daemon/model/segment.h"

typedef struct Host Host;

struct Host {
        /* /proc/self/fd, through which descriptions are opened anew */
        int proc_fd;
        /* Where POSIX objects are (shm_overview(7)); -EBADF if there is none */
        int shm_fd;
        /* Where segments of kind file are, and its path; -EBADF until it is there */
        int files_fd;
        char *files_path;
        /* What that directory is */
        Identity files;
        /* Below this directory both of them have a second place, mounted read-only; or NULL.
         * Nobody, whatever their privileges, can open anew for writing what was opened there. */
        const char *read_only_path;
        int shm_read_only_fd;
        int files_read_only_fd;
        /* A set of enum Privilege */
        unsigned int privileges;
        uid_t uid;
        /* Under which ids are given away (state-file.h) */
        const char *registry_id;
        /* The inodes of /proc/self/ns/ipc and pid (namespaces(7)), 0 if not known */
        uint64_t ipc_namespace;
        uint64_t pid_namespace;
};

#define HOST_NULL                                                                                  \
        {                                                                                          \
                .proc_fd = -EBADF, .shm_fd = -EBADF, .files_fd = -EBADF,                           \
                .shm_read_only_fd = -EBADF, .files_read_only_fd = -EBADF,                          \
        }

int host_init(Host *host, const char *files_path);
void host_deinit(Host *host);

int host_open_shm(Host *host);
int host_look_for_files(Host *host, const Identity *wanted);
int host_open_files(Host *host);
int host_reopen(const Host *host, int fd, int flags);
bool host_mounts_read_only(const Host *host);
const char *host_missing(const Host *host, uid_t owner, unsigned int needed);

#endif
