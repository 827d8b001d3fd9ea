/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_SEGMENT_H
#define SHMBROKER_CLIENT_LIB_SEGMENT_H

/* What a segment is in this process: a descriptor, and memory that is mapped in some way. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/lib/internal.h"

typedef struct Mapping Mapping;

enum {
        _MAP_E_SUCCESS,
        /* These options are not possible with this segment */
        MAP_E_OFFSET,
        MAP_E_LENGTH,
        MAP_E_ADDRESS,
        /* There is no descriptor, and: no other way to attach it either */
        MAP_E_NO_DESCRIPTOR,
        /* its number means something in another IPC namespace only */
        MAP_E_NAMESPACE,
        /* its number leads to another segment */
        MAP_E_OTHER,
        /* nobody can make a private copy of it */
        MAP_E_PRIVATE_COPY,
};

/* Where the memory is, and how it came there; all zero where it is not mapped. */
struct Mapping {
        void *data;
        size_t length;
        MapOptions options;
        /* The attachment by shmat(2) that it is a part of, NULL if it is a mapping of its own */
        void *native;
        /* It was asked for, even if there was nothing to map */
        bool wanted;
};

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

/* segment.c */
void segment_close(struct shmbroker_segment *segment);
int segment_take_fd(struct shmbroker_segment *segment, int fd);
void segment_take_info(struct shmbroker_segment *segment, const SegmentInfo *info);

/* map.c */
int map_check(const MapOptions *options, uint64_t page);
int map_segment(struct shmbroker_segment *segment, const MapOptions *options);
int map_errno(int r);
int map_grow(struct shmbroker_segment *segment);
void map_deinit(Mapping *mapping);

/* native.c */
int native_attach(struct shmbroker_segment *segment);
int native_attach_at(const struct shmbroker_segment *segment, void *address, void **ret);
void *native_detach(void *native);

DEFINE_CLEANUP(struct shmbroker_segment, shmbroker_release)

#endif
