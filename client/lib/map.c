/* SPDX-License-Identifier: MIT */
/*
 * Mapping memory: which part of a segment, where to, and how. What is asked for and cannot be had
 * is an error here and never a signal later, as far as the kernel can tell.
 */

#include "client/lib/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/lib/native.h"
#include "client/lib/options.h"
#include "client/lib/segment.h"
#include "proto/error.h"
#include "proto/util.h"

/* Since Linux 5.14 and 4.17; the C library may be older. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

typedef struct Extent Extent;

/* Bytes of a segment: from where, how many are mapped, and how many of these it has now. */
struct Extent {
        uint64_t offset;
        size_t length;
        size_t used;
};

static uint64_t round_up(uint64_t size, uint64_t page) {
        return (size + page - 1) & ~(page - 1);
}

static int extent_of(const struct shmbroker_segment *segment, const MapOptions *options,
                     Extent *ret) {
        uint64_t limit = options->reserve ? segment->maximum : segment->size;
        uint64_t page = segment->page, end = limit, used;
        int r;

        r = mapping_check(options, page);
        if (r)
                return r;
        if (options->offset > limit)
                return MAP_E_OFFSET;
        if (options->length > 0 &&
            (__builtin_add_overflow(options->offset, options->length, &end) || end > limit))
                return MAP_E_LENGTH;
        end = round_up(end, page);
        used = MIN(round_up(segment->size, page), end);
        /* An address space may be smaller than a segment. */
        if (end - MIN(options->offset, end) > (uint64_t) PTRDIFF_MAX)
                return error_origin(-EOVERFLOW);
        *ret = (Extent){
                .offset = options->offset,
                .length = (size_t) (end - MIN(options->offset, end)),
                .used = (size_t) (used - MIN(options->offset, used)),
        };
        return 0;
}

static bool is_writable(const struct shmbroker_segment *segment, const MapOptions *options) {
        return segment->access == SHMBROKER_ACCESS_READ_WRITE || options->private_copy;
}

/*
 * The kernel calls every page that cannot be had a bad address: mostly because there is no room,
 * which a file system that has a limit tells, and one that has none is all of the memory; or
 * because the object was truncated, which is no lack of anything.
 */
static int populate_error(const struct shmbroker_segment *segment, size_t used, int error) {
        struct statvfs system;
        struct stat st;

        if (error == EINVAL)
                return error_origin(-EOPNOTSUPP);
        if (error != EFAULT || segment->fd < 0 || fstat(segment->fd, &st) < 0 ||
            fstatvfs(segment->fd, &system) < 0 || (uint64_t) st.st_size < segment->size)
                return error_origin(-error);
        if (system.f_blocks == 0)
                return error_origin(-ENOMEM);
        return error_origin(system.f_bavail < used / system.f_frsize + 1 ? -ENOSPC : -EFAULT);
}

/* Gets the memory that the options want at once: all that the segment has now. */
static int map_fill(const struct shmbroker_segment *segment, void *data, size_t used,
                    const MapOptions *options) {
        int advice = is_writable(segment, options) ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

        /* Nothing else in the call can be wrong: the kernel does not know the advice. */
        if (options->populate && used > 0 && madvise(data, used, advice) < 0)
                return populate_error(segment, used, errno);
        /* EAGAIN is some of it, and to try again would not help. */
        if (options->locked && used > 0 && mlock(data, used) < 0)
                return error_origin(errno == EAGAIN ? -ENOMEM : -errno);
        return 0;
}

/* What mmap(2) and mremap(2) fail with, told apart from what calls to the broker fail with. */
static int map_error(const struct shmbroker_segment *segment, const MapOptions *options,
                     int error) {
        int seals;

        switch (error) {
        case EAGAIN:
                return -ENOMEM;
        case EEXIST:
                return -EADDRINUSE;
        case EPERM:
                seals = fcntl(segment->fd, F_GET_SEALS);
                if (is_writable(segment, options) && seals > 0 &&
                    seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
                        return -EOPNOTSUPP;
                return -EPERM;
        default:
                return -error;
        }
}

static int map_fd(const struct shmbroker_segment *segment, const MapOptions *options,
                  const Extent *extent, void **ret) {
        int protection = is_writable(segment, options) ? PROT_READ | PROT_WRITE : PROT_READ;
        int flags = options->private_copy ? MAP_PRIVATE : MAP_SHARED;
        void *data;

        if (options->address)
                flags |= MAP_FIXED_NOREPLACE;
        data = mmap(options->address, extent->length, protection, flags, segment->fd,
                    (off_t) extent->offset);
        if (data == MAP_FAILED)
                return error_origin(map_error(segment, options, errno));
        /* Kernels that do not know the flag take the address for a hint. */
        if (options->address && data != options->address) {
                (void) munmap(data, extent->length);
                return error_origin(-EADDRINUSE);
        }
        *ret = data;
        return 0;
}

/* Without a descriptor all of the segment is attached, and what is wanted is a part of that. Where
 * an address is wanted, it is attached once more, so that the part comes to be there. */
static int map_native(const struct shmbroker_segment *segment, const MapOptions *options,
                      Mapping *mapping) {
        char *native = segment->native;
        uintptr_t wanted = (uintptr_t) options->address;
        void *at = native;
        int r;

        if (options->private_copy)
                return MAP_E_PRIVATE_COPY;
        if (wanted && native + options->offset != options->address) {
                if (wanted <= options->offset)
                        return MAP_E_ADDRESS;
                r = native_attach_at(segment, (char *) options->address - options->offset, &at);
                if (r)
                        return error_trace(r);
        }
        mapping->native = at;
        mapping->data = (char *) at + options->offset;
        return 0;
}

/* map_deinit() - end a mapping; what it is a part of stays */
void map_deinit(Mapping *mapping) {
        if (mapping->data && !mapping->native)
                (void) munmap(mapping->data, mapping->length);
        else if (mapping->data && mapping->options.locked)
                (void) munlock(mapping->data, mapping->length);
        *mapping = (Mapping){};
}

static int map_new(const struct shmbroker_segment *segment, const MapOptions *options,
                   Mapping *ret) {
        Mapping mapping = { .options = *options, .wanted = true };
        Extent extent = {};
        int r;

        r = extent_of(segment, options, &extent);
        if (r)
                return error_trace(r);
        mapping.length = extent.length;
        if (extent.length > 0) {
                r = segment->native ? map_native(segment, options, &mapping)
                                    : map_fd(segment, options, &extent, &mapping.data);
                if (r)
                        return error_trace(r);
                r = map_fill(segment, mapping.data, extent.used, options);
                if (r) {
                        void *native = mapping.native;

                        map_deinit(&mapping);
                        if (native != segment->native)
                                (void) native_detach(native);
                        return error_trace(r);
                }
        }
        *ret = mapping;
        return 0;
}

/**
 * map_segment() - map a segment
 * @segment:    the segment; the mapping that it has ends when the new one is there
 * @options:    how, not those of its mapping; where nothing is to be mapped, its data is NULL
 *
 * Return: 0, a code of MAP_E_*, or a negative errno, and its mapping stays.
 */
int map_segment(struct shmbroker_segment *segment, const MapOptions *options) {
        Mapping mapping;
        int r;

        r = map_new(segment, options, &mapping);
        if (r)
                return error_trace(r);
        map_deinit(&segment->mapping);
        if (mapping.native && mapping.native != segment->native) {
                (void) native_detach(segment->native);
                segment->native = mapping.native;
        }
        segment->mapping = mapping;
        return 0;
}

/* Where mremap(2) cannot, as with huge pages: a second mapping in place of the first one. */
static int map_replace(struct shmbroker_segment *segment, const Extent *extent, int error) {
        Mapping *mapping = &segment->mapping;
        void *data;
        int r;

        /* What was written into a copy would be gone. */
        if (mapping->options.private_copy || mapping->options.address)
                return error_origin(-error);
        r = map_fd(segment, &mapping->options, extent, &data);
        if (r)
                return error_trace(r);
        (void) munmap(mapping->data, mapping->length);
        mapping->data = data;
        mapping->length = extent->length;
        return 0;
}

static int map_extend(struct shmbroker_segment *segment, const Extent *extent) {
        Mapping *mapping = &segment->mapping;
        void *data;

        data = mremap(mapping->data, mapping->length, extent->length,
                      mapping->options.address ? 0 : MREMAP_MAYMOVE);
        if (data == MAP_FAILED && (errno == EINVAL || errno == EFAULT))
                return error_trace(map_replace(segment, extent, errno));
        if (data == MAP_FAILED)
                return error_origin(map_error(segment, &mapping->options, errno));
        mapping->data = data;
        mapping->length = extent->length;
        return 0;
}

/**
 * map_grow() - let the mapping of a segment follow its size
 * @segment:    the segment, which has its new size
 *
 * What is mapped may move, unless it was reserved or its address is fixed. If it fails, the segment
 * is mapped as far as it was, or all of it is mapped and some of it has no memory yet.
 *
 * Return: 0, or a negative errno.
 */
int map_grow(struct shmbroker_segment *segment) {
        Mapping *mapping = &segment->mapping;
        const MapOptions options = mapping->options;
        Extent extent = {};
        int r;

        if (!mapping->wanted)
                return 0;
        if (!mapping->data)
                return mapping_errno(map_segment(segment, &options));
        r = extent_of(segment, &options, &extent);
        if (r)
                return error_fold(r);
        if (extent.length > mapping->length) {
                /* Of what is attached all is there already. */
                r = mapping->native ? 0 : map_extend(segment, &extent);
                if (r)
                        return error_trace(r);
                mapping->length = extent.length;
        }
        return error_trace(map_fill(segment, mapping->data, extent.used, &options));
}

int shmbroker_segment_map(struct shmbroker_segment *segment,
                          const struct shmbroker_options *options) {
        MapOptions map = options ? options->map : segment->options;
        int r;

        if (options && !options_fit(options, 0))
                return error_origin(-EINVAL);
        if (!segment->native && !segment_owns_fd(segment))
                return error_origin(-EBADF);
        map.no_map = false;
        r = map_segment(segment, &map);
        if (r)
                return mapping_errno(r);
        segment->options = map;
        return 0;
}

void shmbroker_segment_unmap(struct shmbroker_segment *segment) {
        map_deinit(&segment->mapping);
}

/* Size of the object, which is the room to grow. */
static int map_room(const struct shmbroker_segment *segment, uint64_t *ret) {
        struct stat st;

        /* Natively a size cannot change. */
        if (segment->native) {
                *ret = segment->maximum;
                return 0;
        }
        if (!segment_owns_fd(segment) || fstat(segment->fd, &st) < 0)
                return error_origin(-EBADF);
        *ret = (uint64_t) st.st_size;
        return 0;
}

int shmbroker_segment_remap(struct shmbroker_segment *segment, uint64_t size) {
        uint64_t before = segment->size, room = 0;
        int r;

        if (size <= segment->size)
                return 0;
        r = map_room(segment, &room);
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
