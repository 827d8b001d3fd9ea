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
#include "daemon/kind/linked.h"
#include "proto/error.h"
#include "proto/fd.h"

static int file_create_segment(const Host *host, Segment *segment, KindFailure *failure) {
        return linked_create(host, segment, host->files_fd, failure);
}

static int file_link(const Host *host, Segment *segment, KindFailure *failure) {
        (void) failure;
        return linked_link(host, segment, host->files_fd);
}

static bool file_look(const Host *host, Segment *segment, ObjectState *ret) {
        return linked_look(segment, host->files_fd, ret);
}

static int file_unlink(const Host *host, Segment *segment, KindFailure *failure) {
        return linked_unlink(segment, host->files_fd, failure);
}

/* A file is called as its segment is; no name of either is ever without a file meanwhile. */
static int file_rename(const Host *host, Segment *segment, const char *name, Segment *replaced,
                       KindFailure *failure) {
        bool over = replaced && replaced->kind == KIND_FILE && replaced->object_name;
        Label *label;
        int r;

        if (!segment->object_name)
                return 0;
        label = label_new(host->files_path, name);
        if (!label)
                return KIND_E_NO_MEMORY;
        r = renameat2(host->files_fd, label_name(segment->object_name), host->files_fd,
                      label_name(label), over ? 0 : RENAME_NOREPLACE);
        if (r < 0) {
                label_unref(label);
                return errno == EEXIST ? KIND_E_EXISTS
                                       : kind_not_supported(failure, "its file cannot be renamed");
        }
        label_unref(segment->object_name);
        segment->object_name = label;
        return 0;
}

/* Under which name it is, if a broker was killed between renaming it and saying so; or NULL. */
static Label *find_name(const Host *host, const Segment *segment) {
        struct dirent *entry;
        Label *label = NULL;
        DIR *directory;
        int fd;

        fd = openat(host->files_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory) {
                fd_close(fd);
                return NULL;
        }
        while (!label && (entry = readdir(directory)))
                if (entry->d_ino == segment->identity.inode)
                        label = label_new(host->files_path, entry->d_name);
        (void) closedir(directory);
        return label;
}

static int file_find(const Host *host, Segment *segment, KindFailure *failure) {
        Label *label;
        int r;

        r = linked_find(host, segment, host->files_fd, failure);
        if (r != KIND_E_NONE || !segment->object_name || host->files_fd < 0)
                return r;
        label = find_name(host, segment);
        if (!label)
                return r;
        label_unref(segment->object_name);
        segment->object_name = label;
        return linked_find(host, segment, host->files_fd, failure);
}

const KindRow kind_file = {
        .traits = { .found_by = FOUND_BY_FILE_NAME },
        .create = file_create_segment,
        .link = file_link,
        .examine = linked_examine,
        .adopt = linked_adopt,
        .find = file_find,
        .open = kind_open,
        .look = file_look,
        .set_permission = linked_set_permission,
        .unlink = file_unlink,
        .rename = file_rename,
        .lock = kind_lock,
        .punch = kind_punch,
};
