/* SPDX-License-Identifier: MIT */
/*
 * Segments: what is known of them. A segment needs no connection once it is there, and may have
 * come without one.
 */

#include "client/lib/segment.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* segment_owns_fd() - is the number still its descriptor, and not closed or reused meanwhile? */
bool segment_owns_fd(const struct shmbroker_segment *segment) {
        struct stat st;

        return segment->fd >= 0 && fstat(segment->fd, &st) == 0 && st.st_dev == segment->device &&
               st.st_ino == segment->inode;
}

/* segment_take_info() - what the broker says of a segment is so from now on */
void segment_take_info(struct shmbroker_segment *segment, const SegmentInfo *info) {
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);

        /* Whole pages, as large as those behind it: munmap(2) of huge ones takes nothing less. */
        if (info->page_bytes > (int64_t) page && !(info->page_bytes & (info->page_bytes - 1)))
                page = (uint64_t) info->page_bytes;
        segment->page = page;
        segment->size = (uint64_t) info->size_bytes;
        segment->maximum = segment->size;
        if (GIVEN(info, INFO_MAXIMUM_BYTES) && info->maximum_bytes > info->size_bytes)
                segment->maximum = (uint64_t) info->maximum_bytes;
        segment->id = info->id;
        segment->has_id = true;
        segment->name = info->name;
}

/**
 * segment_take_fd() - give a segment its descriptor
 * @segment:    the segment, which knows its size
 * @fd:         the descriptor, which is the segment's from now on, or closed
 *
 * The object has to be as large as the segment is and may become, or touching its end would be
 * SIGBUS.
 *
 * Return: 0, -EPROTO if it is not, or what fstat(2) failed with.
 */
int segment_take_fd(struct shmbroker_segment *segment, int fd) {
        _cleanup_fd_ int owned = fd;
        struct stat st;

        if (fstat(owned, &st) < 0)
                return error_origin(-errno);
        if (st.st_size < 0 || (uint64_t) st.st_size < segment->maximum)
                return error_origin(-EPROTO);
        segment->device = st.st_dev;
        segment->inode = st.st_ino;
        segment->fd = steal_fd(&owned);
        return 0;
}

void *shmbroker_segment_data(const struct shmbroker_segment *segment) {
        return segment->mapping.data;
}

uint64_t shmbroker_segment_size(const struct shmbroker_segment *segment) {
        return segment->size;
}

size_t shmbroker_segment_mapped(const struct shmbroker_segment *segment) {
        return segment->mapping.length;
}

uint64_t shmbroker_segment_offset(const struct shmbroker_segment *segment) {
        return segment->mapping.options.offset;
}

int shmbroker_segment_id(const struct shmbroker_segment *segment, int64_t *ret) {
        if (!segment->has_id)
                return -ENODATA;
        *ret = segment->id;
        return 0;
}

const char *shmbroker_segment_name(const struct shmbroker_segment *segment) {
        return segment->name;
}

int shmbroker_segment_fd(const struct shmbroker_segment *segment) {
        return segment->fd;
}

int shmbroker_segment_access(const struct shmbroker_segment *segment) {
        return segment->access;
}

int shmbroker_segment_created(const struct shmbroker_segment *segment) {
        return segment->created;
}

int shmbroker_segment_attachment_id(const struct shmbroker_segment *segment, int64_t *ret) {
        if (!segment->has_attachment_id)
                return -ENODATA;
        *ret = segment->attachment_id;
        return 0;
}

const struct shmbroker_info *shmbroker_segment_info(const struct shmbroker_segment *segment) {
        if (segment->fresh)
                return segment->fresh;
        return segment->has_info ? &segment->info : NULL;
}
