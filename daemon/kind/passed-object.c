/* SPDX-License-Identifier: MIT */
#include "daemon/kind/passed-object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/kind/named-inode.h"
#include "proto/scan.h"

#define MEMFD_PREFIX "/memfd:"
#define SYSV_PREFIX "/SYSV"

/* proc(5): where the kernel says that a descriptor leads. */
static bool read_link(const Host *host, int fd, char *ret, size_t n_ret) {
        char name[12];
        ssize_t n;

        (void) snprintf(name, sizeof(name), "%d", fd);
        n = readlinkat(host->proc_fd, name, ret, n_ret - 1);
        if (n < 0)
                return false;
        ret[n] = '\0';
        return true;
}

static bool begins_with(const char *text, const char *prefix) {
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The name that it has in one of the broker's directories. */
static bool find_name(const char *link, int directory_fd, int fd, PassedObject *ret) {
        const char *slash = strrchr(link, '/');

        if (directory_fd < 0 || !slash || strlen(slash + 1) > NAME_MAX)
                return false;
        if (!named_inode_leads_to(directory_fd, slash + 1, fd))
                return false;
        (void) strcpy(ret->name, slash + 1);
        return true;
}

static bool same_file_system(int directory_fd, const struct stat *st) {
        struct stat directory;

        return directory_fd >= 0 && fstat(directory_fd, &directory) == 0 &&
               directory.st_dev == st->st_dev;
}

/* Memory: of the kernel's own file systems, which keep nobody waiting. */
static const char *find_memory(const Host *host, int fd, PassedObject *ret) {
        char link[PATH_MAX];
        struct statfs fs;
        struct stat st;

        if (fstat(fd, &st) < 0 || !read_link(host, fd, link, sizeof(link)))
                return "it cannot be examined";
        if (!S_ISREG(st.st_mode))
                return PASSED_OBJECT_OTHER;
        if (begins_with(link, MEMFD_PREFIX) && st.st_nlink == 0) {
                ret->kind = KIND_MEMFD;
                return NULL;
        }
        if (begins_with(link, SYSV_PREFIX) && st.st_nlink == 0)
                return "it is a System V segment: adopt that by its shmid";
        if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
                return "files of hugetlbfs cannot be adopted";
        ret->kind = same_file_system(host->shm_fd, &st) ? KIND_POSIX : KIND_FILE;
        (void) find_name(link, ret->kind == KIND_POSIX ? host->shm_fd : host->files_fd, fd, ret);
        return NULL;
}

/*
 * A file system that is asked may wait, for a server or a process of somebody's. So it is not:
 * statx(2) says what the kernel knows, and that it has certain attributes only of file systems
 * which keep them themselves, as ext4, XFS and btrfs do, and FUSE and those of the network do not.
 */
static const char *find_file(const Host *host, int fd, PassedObject *ret) {
        char link[PATH_MAX];
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) < 0)
                return "it cannot be examined";
        if (!S_ISREG(st.stx_mode))
                return PASSED_OBJECT_OTHER;
        if (!(st.stx_attributes_mask & STATX_ATTR_IMMUTABLE))
                return "its file system is not a local one";
        if (!read_link(host, fd, link, sizeof(link)))
                return "it cannot be examined";
        ret->kind = KIND_FILE;
        (void) find_name(link, host->files_fd, fd, ret);
        return NULL;
}

/**
 * passed_object_find() - what a descriptor is
 * @host:       the host
 * @fd:         the descriptor
 * @ret:        what it is
 *
 * Return: NULL, or why it cannot be adopted: a sentence without its full stop.
 */
const char *passed_object_find(const Host *host, int fd, PassedObject *ret) {
        const char *reason;

        *ret = (PassedObject){};
        if (fcntl(fd, F_GETFL) & O_PATH)
                return "its descriptor is one of O_PATH, which gives no access";
        reason =
                fcntl(fd, F_GET_SEALS) >= 0 ? find_memory(host, fd, ret) : find_file(host, fd, ret);
        if (reason)
                return reason;
        return scan_utf8(ret->name) ? NULL : "its name is not UTF-8, and could not be told";
}
