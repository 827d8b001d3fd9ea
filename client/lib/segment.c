/* SPDX-License-Identifier: MIT */
/*
 * Segments: what they are made of, mapped anew, released. A segment needs no connection once it is
 * there, and may have come without one.
 */

#include "client/lib/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/fd.h"
#include "proto/name.h"

static bool fd_is_ours(const struct shmbroker_segment *segment) {
        struct stat st;

        return segment->fd >= 0 && fstat(segment->fd, &st) == 0 && st.st_dev == segment->device &&
               st.st_ino == segment->inode;
}

/* segment_close() - end the attachment of a segment, of which the rest is still to be told */
void segment_close(struct shmbroker_segment *segment) {
        map_deinit(&segment->mapping);
        segment->native = native_detach(segment->native);
        if (fd_is_ours(segment))
                fd_close(segment->fd);
        segment->fd = -EBADF;
}

struct shmbroker_segment *shmbroker_release(struct shmbroker_segment *segment) {
        int saved = errno;

        if (!segment)
                return NULL;
        segment_close(segment);
        free(segment->fresh);
        free(segment->own_name);
        free(segment);
        errno = saved;
        return NULL;
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

int shmbroker_segment_map(struct shmbroker_segment *segment,
                          const struct shmbroker_options *options) {
        MapOptions map = options ? options->map : segment->options;
        int r;

        if (!segment->native && !fd_is_ours(segment))
                return error_origin(-EBADF);
        map.no_map = false;
        r = map_segment(segment, &map);
        if (r)
                return map_errno(r);
        segment->options = map;
        return 0;
}

void shmbroker_segment_unmap(struct shmbroker_segment *segment) {
        map_deinit(&segment->mapping);
}

/* Size of the object, which is the room to grow. */
static int segment_room(const struct shmbroker_segment *segment, uint64_t *ret) {
        struct stat st;

        /* Natively a size cannot change. */
        if (segment->native) {
                *ret = segment->maximum;
                return 0;
        }
        if (!fd_is_ours(segment) || fstat(segment->fd, &st) < 0)
                return error_origin(-EBADF);
        *ret = (uint64_t) st.st_size;
        return 0;
}

int shmbroker_segment_remap(struct shmbroker_segment *segment, uint64_t size) {
        uint64_t before = segment->size, room = 0;
        int r;

        if (size <= segment->size)
                return 0;
        r = segment_room(segment, &room);
        if (r)
                return error_trace(r);
        if (size > room)
                return error_origin(-EINVAL);
        segment->size = size;
        segment->maximum = MAX(segment->maximum, size);
        r = map_grow(segment);
        if (r)
                segment->size = before;
        return error_trace(r);
}

int shmbroker_segment_refresh(struct shmbroker *connection, struct shmbroker_segment *segment) {
        const Request request = { .name = segment->name, .id = &segment->id };
        struct shmbroker_info *info = NULL;
        uint64_t size;
        int r;

        if (!segment->has_id) {
                detail_clear(connection);
                return detail_parameter(connection, "id", "the id of the segment is not known");
        }
        r = shmbroker_stat(connection, NULL, segment->id, &info);
        if (r)
                return error_trace(r);
        free(segment->fresh);
        segment->fresh = info;
        segment->name = info->values.name;
        size = (uint64_t) info->values.size_bytes;
        r = shmbroker_segment_remap(segment, size);
        return r ? error_trace(detail_local(connection, &request, r, segment->options.locked)) : 0;
}

/* What is open there has to be memory, of pages that are seen in no other way. */
static int segment_look(struct shmbroker_segment *segment, int fd) {
        struct statfs system;
        struct stat st;
        int flags;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || (flags & O_PATH))
                return error_origin(-EBADF);
        if (fstat(fd, &st) < 0 || fstatfs(fd, &system) < 0)
                return error_origin(-errno);
        if (!S_ISREG(st.st_mode))
                return error_origin(-ENODEV);
        if ((flags & O_ACCMODE) == O_WRONLY)
                return error_origin(-EACCES);
        segment->access = (flags & O_ACCMODE) == O_RDONLY ? SHMBROKER_ACCESS_READ_ONLY
                                                          : SHMBROKER_ACCESS_READ_WRITE;
        segment->device = st.st_dev;
        segment->inode = st.st_ino;
        segment->size = segment->maximum = (uint64_t) st.st_size;
        segment->page = (uint64_t) sysconf(_SC_PAGESIZE);
        if (system.f_type == HUGETLBFS_MAGIC)
                segment->page = (uint64_t) system.f_bsize;
        return 0;
}

/* What is wanted has to be within what there is, or, if that was told, within what was promised. */
static int segment_want(struct shmbroker_segment *segment, const AcquireParameters *wanted,
                        int access) {
        bool promised = segment->has_id;
        uint64_t size = (uint64_t) wanted->size_bytes;

        if (access != SHMBROKER_ACCESS_READ_ONLY && access != SHMBROKER_ACCESS_READ_WRITE)
                return error_origin(-EINVAL);
        if (access > segment->access)
                return error_origin(-EACCES);
        if (size > (promised ? segment->size : segment->maximum))
                return error_origin(-EINVAL);
        segment->access = access;
        if (size > 0 && !promised)
                segment->size = size;
        return 0;
}

static int segment_of(int fd, const struct shmbroker_options *options,
                      struct shmbroker_segment *segment) {
        static const struct shmbroker_options none;
        int access = segment->access, r;

        if (!options)
                options = &none;
        if (GIVEN(&options->acquire, ACQUIRE_ACCESS))
                access = options->access;
        r = segment_want(segment, &options->acquire, access);
        if (r)
                return error_trace(r);
        segment->options = options->map;
        segment->fd = fd;
        if (!options->map.no_map) {
                r = map_segment(segment, &options->map);
                if (r)
                        return map_errno(r);
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return error_origin(-errno);
        return 0;
}

static struct shmbroker_segment *segment_new(void) {
        struct shmbroker_segment *segment = calloc(1, sizeof(*segment));

        if (segment)
                segment->fd = -EBADF;
        return segment;
}

int shmbroker_segment_from_fd(int fd, const struct shmbroker_options *options,
                              struct shmbroker_segment **ret) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = segment_new();
        int r;

        if (!segment)
                return error_origin(-ENOMEM);
        r = segment_look(segment, fd);
        if (r)
                return error_trace(r);
        r = segment_of(fd, options, segment);
        if (r) {
                /* It remains the caller's. */
                segment->fd = -EBADF;
                return error_trace(r);
        }
        *ret = steal_ptr(segment);
        return 0;
}

/* A number of an environment variable, from 0 to @maximum. */
static int environment_number(const char *variable, int64_t maximum, int64_t *ret) {
        const char *text = secure_getenv(variable);
        long long value;
        char *end;

        if (!text || *text < '0' || *text > '9')
                return error_origin(-EINVAL);
        errno = 0;
        value = strtoll(text, &end, 10);
        if (errno || *end || value > maximum)
                return error_origin(-EINVAL);
        *ret = value;
        return 0;
}

/* Another size and access than there is may be meant: a segment can be less than its object. */
static int environment_tell(struct shmbroker_segment *segment) {
        const char *access = secure_getenv("SHMBROKER_ACCESS");
        const char *name = secure_getenv("SHMBROKER_NAME");
        int64_t size;
        unsigned int which;
        int r;

        r = environment_number("SHMBROKER_SIZE", NUMBER_MAX, &size);
        if (r)
                return error_trace(r);
        r = environment_number("SHMBROKER_ID", INT64_MAX, &segment->id);
        if (r)
                return error_trace(r);
        segment->has_id = true;
        if (!access || !names_find(&access_names, access, &which) || (name && !name_valid(name)))
                return error_origin(-EINVAL);
        r = text_set(&segment->own_name, name, NAME_LENGTH_MAX);
        if (r)
                return error_trace(r);
        segment->name = segment->own_name;
        if ((uint64_t) size > segment->maximum)
                return error_origin(-EINVAL);
        if ((int) which > segment->access)
                return error_origin(-EACCES);
        segment->size = (uint64_t) size;
        segment->access = (int) which;
        return 0;
}

int shmbroker_segment_from_environment(const struct shmbroker_options *options,
                                       struct shmbroker_segment **ret) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = segment_new();
        int64_t fd;
        int r;

        if (!segment)
                return error_origin(-ENOMEM);
        if (!secure_getenv("SHMBROKER_FD"))
                return error_origin(-ENXIO);
        r = environment_number("SHMBROKER_FD", INT_MAX, &fd);
        if (r)
                return error_trace(r);
        /* What was inherited has no such flag: it was taken before, or is something of ours. */
        if (fcntl((int) fd, F_GETFD) & FD_CLOEXEC)
                return error_origin(-EBADF);
        r = segment_look(segment, (int) fd);
        if (r)
                return error_trace(r);
        r = environment_tell(segment);
        if (r)
                return error_trace(r);
        r = segment_of((int) fd, options, segment);
        if (r) {
                segment->fd = -EBADF;
                return error_trace(r);
        }
        *ret = steal_ptr(segment);
        return 0;
}

int shmbroker_segment_sync(const struct shmbroker_segment *segment, uint64_t offset,
                           uint64_t length) {
        const Mapping *mapping = &segment->mapping;
        uint64_t begin = mapping->options.offset, page = segment->page, end;

        if (!mapping->data || offset < begin || offset - begin > mapping->length)
                return error_origin(-EINVAL);
        offset -= begin;
        if (length == 0)
                length = mapping->length - offset;
        if (__builtin_add_overflow(offset, length, &end) || end > mapping->length)
                return error_origin(-EINVAL);
        /* What it ends in the middle of is the kernel's matter. */
        offset -= offset % page;
        if (msync((char *) mapping->data + offset, (size_t) (end - offset), MS_SYNC) < 0)
                return error_origin(-errno);
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
