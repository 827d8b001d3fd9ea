/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_SEGMENT_H
#define SHMBROKER_CLIENT_LIB_SEGMENT_H

/* What a segment is in this process: a descriptor, and memory that is mapped in some way. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/lib/info.h"
#include "client/lib/mapping.h"

struct shmbroker_segment {
        int fd;
        /* Programs close descriptors they do not know, so it is known by its inode too */
        dev_t device;
        ino_t inode;
        /* Its attachment by shmat(2), where it has no descriptor, which may be shown as mapped or
         * not */
        void *native;
        /* Where its shmid means something, 0 if that was not told */
        int64_t ipc_namespace;
        int access;
        uint64_t size;
        /* To which it may grow; the size where that is fixed */
        uint64_t maximum;
        uint64_t page;
        Mapping mapping;
        /* How it is to be mapped, if it is not yet */
        MapOptions options;
        bool created;
        bool has_id;
        bool has_attachment_id;
        int64_t id;
        int64_t attachment_id;
        const char *name;
        /* Where the name is, if it came without the rest */
        char *own_name;
        /* As it was acquired, if it was, and as it was asked for since */
        bool has_info;
        struct shmbroker_info info;
        struct shmbroker_info *fresh;
};

bool segment_owns_fd(const struct shmbroker_segment *segment);
int segment_take_fd(struct shmbroker_segment *segment, int fd);
void segment_take_info(struct shmbroker_segment *segment, const SegmentInfo *info);

#endif
