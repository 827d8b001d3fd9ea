/* SPDX-License-Identifier: MIT */
/*
 * Kind file: a regular file, which outlives a reboot. Those that the broker made stand in its file
 * directory; one that was adopted from elsewhere keeps its name, of which the broker knows nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/kind/identity.h"
#include "daemon/kind/kind.h"
#include "daemon/kind/named-inode.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/scan.h"

static int file_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        segment->directory = host->files;
        return named_inode_create(host, segment, host->files_fd, failure);
}

static int file_link(const Host *host, Segment *segment, KindFailure *failure) {
        int r;

        (void) failure;
        r = named_inode_link(host, segment, host->files_fd);
        return r ? r : named_inode_find_read_only(segment, host->files_read_only_fd);
}

/* One that was adopted in the broker's own directory has its name there, as those that it made. */
static int file_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure) {
        int r;

        if (segment->object_name)
                segment->directory = host->files;
        r = named_inode_adopt(host, segment, fd, failure);
        return r ? r : named_inode_find_read_only(segment, host->files_read_only_fd);
}

/* Is its directory still the one that is open, as far as is known? Something may have been mounted
 * there since. No directory has the inode 0. */
static bool is_in_place(const Host *host, const Segment *segment) {
        return segment->directory.inode == 0 || identity_equal(&segment->directory, &host->files);
}

static bool file_look(const Host *host, Segment *segment, ObjectState *ret) {
        return named_inode_look(segment, is_in_place(host, segment) ? host->files_fd : -EBADF, ret);
}

static int file_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        return named_inode_unlink(segment, host->files_fd, failure);
}

/*
 * A file is called as its segment is. With that of @replaced, which is there under its own name, it
 * changes places, so that neither is ever without one: which of them goes is known only when it is
 * written down.
 */
static int file_rename(const Host *host, Segment *segment, const char *name, Segment *replaced,
                       KindFailure *failure) {
        bool over = replaced && replaced->kind == KIND_FILE && replaced->object_name &&
                    strcmp(shared_path_name(replaced->object_name), name) == 0;
        SharedPath *path;
        int r;

        if (!segment->object_name)
                return 0;
        path = over ? shared_path_ref(replaced->object_name)
                    : shared_path_new(host->files_path, name);
        if (!path)
                return KIND_E_NO_MEMORY;
        r = renameat2(host->files_fd, shared_path_name(segment->object_name), host->files_fd,
                      shared_path_name(path), over ? RENAME_EXCHANGE : RENAME_NOREPLACE);
        if (r < 0) {
                shared_path_unref(path);
                return errno == EEXIST ? KIND_E_EXISTS
                                       : kind_not_supported(failure, "unprivileged",
                                                            "its file cannot be renamed");
        }
        if (over) {
                shared_path_unref(replaced->object_name);
                replaced->object_name = shared_path_ref(segment->object_name);
        }
        shared_path_unref(segment->object_name);
        segment->object_name = path;
        return 0;
}

/* Under which name it is, if a broker was killed between renaming it and saying so; @ret stays NULL
 * if under none. What is not UTF-8 is no name of a broker's. 0, or a negative errno. */
static int find_name(const Host *host, const Segment *segment, SharedPath **ret) {
        struct dirent *entry;
        DIR *directory;
        int fd, r = 0;

        fd = openat(host->files_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory) {
                r = -errno;
                fd_close(fd);
                return r;
        }
        while (!*ret && r == 0) {
                errno = 0;
                entry = readdir(directory);
                if (!entry) {
                        r = -errno;
                        break;
                }
                if (entry->d_ino == segment->identity.inode && scan_utf8(entry->d_name)) {
                        *ret = shared_path_new(host->files_path, entry->d_name);
                        r = *ret ? 0 : -ENOMEM;
                }
        }
        (void) closedir(directory);
        return r;
}

/* Looks for it under another name, which it has from then on. */
static int find_renamed(const Host *host, Segment *segment, KindFailure *failure) {
        SharedPath *before = segment->object_name, *path = NULL;
        int r;

        r = find_name(host, segment, &path);
        if (r)
                return kind_not_opened(failure, -r);
        if (!path)
                return KIND_E_NONE;
        segment->object_name = path;
        r = named_inode_find(host, segment, host->files_fd, host->files_read_only_fd, failure);
        if (r)
                segment->object_name = before;
        shared_path_unref(r ? path : before);
        return r;
}

/* It is surely gone only if it is missing from the directory that had it. What was removed may be
 * back there if the power failed. */
static int file_find(Host *host, Segment *segment, KindFailure *failure) {
        int r;

        if (!segment->object_name && (!segment->removed || segment->directory.inode == 0))
                return KIND_E_NONE;
        r = host_look_for_files(host, &segment->directory);
        if (r == -ENOENT || r == -ENOTDIR)
                return kind_unavailable(failure, "missing",
                                        "the directory of its file is not there");
        if (r)
                return kind_not_opened(failure, -r);
        r = named_inode_find(host, segment, host->files_fd, host->files_read_only_fd, failure);
        if (r == KIND_E_NONE && !is_in_place(host, segment))
                return kind_unavailable(failure, "missing",
                                        "the directory of its file is not the one that it was; "
                                        "something may have to be mounted there");
        if (r == KIND_E_NONE)
                r = find_renamed(host, segment, failure);
        if (r == 0)
                segment->directory = host->files;
        return r;
}

/* Whether the broker made it, and for which segment. Its owner can say so as well, of no file but
 * its own. */
static bool read_mark(const Host *host, const char *path, int64_t *ret_id) {
        const size_t n_registry = strlen(host->registry_id);
        char text[64], *end;
        ssize_t n = lgetxattr(path, FILE_NEW_ATTRIBUTE, text, sizeof(text) - 1);

        if (n < 0 || (size_t) n <= n_registry)
                return false;
        text[n] = '\0';
        if (strncmp(text, host->registry_id, n_registry) != 0 || text[n_registry] != ':')
                return false;
        *ret_id = strtoll(text + n_registry + 1, &end, 10);
        return *end == '\0';
}

static void sweep_one(const Host *host, const char *name,
                      bool (*is_known)(void *userdata, int64_t id), void *userdata) {
        char path[sizeof("/proc/self/fd//") + 12 + NAME_MAX];
        int64_t id;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", host->files_fd, name);
        if (!read_mark(host, path, &id))
                return;
        if (is_known(userdata, id)) {
                (void) lremovexattr(path, FILE_NEW_ATTRIBUTE);
                return;
        }
        if (unlinkat(host->files_fd, name, 0) == 0)
                log_notice("Removed the file %s/%s: the host ended while segment %lld was being "
                           "made, and nobody was told of it.",
                           host->files_path, name, (long long) id);
}

/**
 * file_sweep() - take away what creations have left that were never written down
 * @host:       the host
 * @is_known:   is there a segment of that id?
 * @userdata:   for it
 *
 * Nothing else is touched: only what has the attribute of this registry, and that goes before
 * anybody is told of the segment.
 */
void file_sweep(const Host *host, bool (*is_known)(void *userdata, int64_t id), void *userdata) {
        struct dirent *entry;
        DIR *directory;
        int fd;

        fd = host->files_fd < 0 ? -EBADF
                                : openat(host->files_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory) {
                fd_close(fd);
                return;
        }
        while ((entry = readdir(directory)))
                if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
                        sweep_one(host, entry->d_name, is_known, userdata);
        (void) closedir(directory);
}

const KindRow kind_file = {
        .traits = { .found_by = FOUND_BY_FILE_NAME },
        .create = file_create_segment,
        .link = file_link,
        .examine = named_inode_examine,
        .adopt = file_adopt,
        .find = file_find,
        .open = kind_open,
        .look = file_look,
        .set_permission = named_inode_set_permission,
        .unlink = file_unlink,
        .rename = file_rename,
        .lock = kind_lock,
};
