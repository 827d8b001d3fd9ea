/* SPDX-License-Identifier: MIT */
/*
 * Kind file: a regular file, which outlives a reboot. Those that the broker made stand in its file
 * directory; one that was adopted from elsewhere keeps its name, of which the broker knows nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/kind/kind.h"
#include "daemon/kind/named-inode.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/scan.h"

static int file_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        return named_inode_create(host, segment, host->files_fd, failure);
}

static int file_link(const Host *host, Segment *segment, KindFailure *failure) {
        (void) failure;
        return named_inode_link(host, segment, host->files_fd);
}

static bool file_look(const Host *host, Segment *segment, ObjectState *ret) {
        return named_inode_look(segment, host->files_fd, ret);
}

static int file_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        return named_inode_unlink(segment, host->files_fd, failure);
}

/* A file is called as its segment is; no name of either is ever without a file meanwhile. */
static int file_rename(const Host *host, Segment *segment, const char *name, Segment *replaced,
                       KindFailure *failure) {
        bool over = replaced && replaced->kind == KIND_FILE && replaced->object_name;
        SharedPath *path;
        int r;

        if (!segment->object_name)
                return 0;
        path = shared_path_new(host->files_path, name);
        if (!path)
                return KIND_E_NO_MEMORY;
        r = renameat2(host->files_fd, shared_path_name(segment->object_name), host->files_fd,
                      shared_path_name(path), over ? 0 : RENAME_NOREPLACE);
        if (r < 0) {
                shared_path_unref(path);
                return errno == EEXIST ? KIND_E_EXISTS
                                       : kind_not_supported(failure, "its file cannot be renamed");
        }
        shared_path_unref(segment->object_name);
        segment->object_name = path;
        return 0;
}

/* Under which name it is, if a broker was killed between renaming it and saying so; or NULL. What
 * is not UTF-8 is no name of a broker's. */
static SharedPath *find_name(const Host *host, const Segment *segment) {
        struct dirent *entry;
        SharedPath *path = NULL;
        DIR *directory;
        int fd;

        fd = openat(host->files_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory) {
                fd_close(fd);
                return NULL;
        }
        while (!path && (entry = readdir(directory)))
                if (entry->d_ino == segment->identity.inode && scan_utf8(entry->d_name))
                        path = shared_path_new(host->files_path, entry->d_name);
        (void) closedir(directory);
        return path;
}

static int file_find(const Host *host, Segment *segment, KindFailure *failure) {
        SharedPath *path;
        int r;

        r = named_inode_find(host, segment, host->files_fd, failure);
        if (r != KIND_E_NONE || !segment->object_name || host->files_fd < 0)
                return r;
        path = find_name(host, segment);
        if (!path)
                return r;
        shared_path_unref(segment->object_name);
        segment->object_name = path;
        return named_inode_find(host, segment, host->files_fd, failure);
}

const KindRow kind_file = {
        .traits = { .found_by = FOUND_BY_FILE_NAME },
        .create = file_create_segment,
        .link = file_link,
        .examine = named_inode_examine,
        .adopt = named_inode_adopt,
        .find = file_find,
        .open = kind_open,
        .look = file_look,
        .set_permission = named_inode_set_permission,
        .unlink = file_unlink,
        .rename = file_rename,
        .lock = kind_lock,
        .punch = kind_punch,
};
