/* SPDX-License-Identifier: MIT */
/* Segments that were passed on: by a descriptor, or in the environment by the parent process. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "client/lib/map.h"
#include "client/lib/options.h"
#include "client/lib/release.h"
#include "client/lib/segment.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/name.h"
#include "proto/util.h"

/* Of the names of environment variables */
#define ENVIRONMENT_PREFIX_MAX 64

/* What can be wanted of a segment that is there already */
#define PASSED_OPTIONS (UINT64_C(1) << ACQUIRE_ACCESS | UINT64_C(1) << ACQUIRE_SIZE_BYTES)

/* What is open there has to be memory, of pages that are seen in no other way. */
static int passed_look(struct shmbroker_segment *segment, int fd) {
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
static int passed_want(struct shmbroker_segment *segment, const AcquireParameters *wanted,
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

static int passed_take(int fd, const struct shmbroker_options *options,
                       struct shmbroker_segment *segment) {
        static const struct shmbroker_options none;
        int access = segment->access, r;

        if (!options)
                options = &none;
        if (!options_fit(options, PASSED_OPTIONS))
                return error_origin(-EINVAL);
        if (GIVEN(&options->acquire, ACQUIRE_ACCESS))
                access = options->access;
        r = passed_want(segment, &options->acquire, access);
        if (r)
                return error_trace(r);
        segment->options = options->map;
        segment->fd = fd;
        if (!options->map.no_map) {
                r = map_segment(segment, &options->map);
                if (r)
                        return mapping_errno(r);
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return error_origin(-errno);
        return 0;
}

static struct shmbroker_segment *passed_new(void) {
        struct shmbroker_segment *segment = calloc(1, sizeof(*segment));

        if (segment)
                segment->fd = -EBADF;
        return segment;
}

int shmbroker_segment_from_fd(int fd, const struct shmbroker_options *options,
                              struct shmbroker_segment **ret) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = passed_new();
        int r;

        if (!segment)
                return error_origin(-ENOMEM);
        r = passed_look(segment, fd);
        if (r)
                return error_trace(r);
        r = passed_take(fd, options, segment);
        if (r) {
                /* It remains the caller's. */
                segment->fd = -EBADF;
                return error_trace(r);
        }
        *ret = steal_ptr(segment);
        return 0;
}

/* The variable of that prefix, NULL if it is not set or must not be trusted. */
static const char *environment_get(const char *prefix, const char *what) {
        char variable[ENVIRONMENT_PREFIX_MAX + 16];

        (void) snprintf(variable, sizeof(variable), "%s_%s", prefix, what);
        return secure_getenv(variable);
}

/* A number from 0 to @maximum, and what is behind it. */
static int number_read(const char *text, int64_t maximum, int64_t *ret, char **ret_end) {
        long long value;

        if (!text || *text < '0' || *text > '9')
                return error_origin(-EINVAL);
        errno = 0;
        value = strtoll(text, ret_end, 10);
        if (errno || value > maximum)
                return error_origin(-EINVAL);
        *ret = value;
        return 0;
}

static int environment_number(const char *prefix, const char *what, int64_t maximum, int64_t *ret) {
        char *end;
        int r;

        r = number_read(environment_get(prefix, what), maximum, ret, &end);
        if (r)
                return error_trace(r);
        return *end ? error_origin(-EINVAL) : 0;
}

/* The number may be something else's by now: device and inode say what it was. */
static int environment_check_inode(const char *prefix, int fd) {
        int64_t device, inode;
        struct stat st;
        char *end;
        int r;

        r = number_read(environment_get(prefix, "INODE"), INT64_MAX, &device, &end);
        if (r)
                return error_trace(r);
        if (*end != ':' || number_read(end + 1, INT64_MAX, &inode, &end) || *end)
                return error_origin(-EINVAL);
        if (fstat(fd, &st) < 0)
                return error_origin(-errno);
        if (st.st_dev != (dev_t) device || st.st_ino != (ino_t) inode)
                return error_origin(-ESTALE);
        return 0;
}

/* Another size and access than there is may be meant: a segment can be less than its object. */
static int environment_tell(const char *prefix, struct shmbroker_segment *segment) {
        const char *access = environment_get(prefix, "ACCESS");
        const char *name = environment_get(prefix, "NAME");
        int64_t size;
        unsigned int which;
        int r;

        r = environment_number(prefix, "SIZE", NUMBER_MAX, &size);
        if (r)
                return error_trace(r);
        r = environment_number(prefix, "ID", INT64_MAX, &segment->id);
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

static int environment_take(const char *prefix, const struct shmbroker_options *options,
                            struct shmbroker_segment *segment) {
        int64_t fd;
        int r;

        r = environment_number(prefix, "FD", INT_MAX, &fd);
        if (r)
                return error_trace(r);
        /* What was inherited has no such flag: it was taken before, or is something of ours. */
        if (fcntl((int) fd, F_GETFD) & FD_CLOEXEC)
                return error_origin(-EBADF);
        r = environment_check_inode(prefix, (int) fd);
        if (r)
                return error_trace(r);
        r = passed_look(segment, (int) fd);
        if (r)
                return error_trace(r);
        r = environment_tell(prefix, segment);
        if (r)
                return error_trace(r);
        r = passed_take((int) fd, options, segment);
        if (r)
                segment->fd = -EBADF;
        return error_trace(r);
}

int shmbroker_segment_from_environment(const char *prefix, const struct shmbroker_options *options,
                                       struct shmbroker_segment **ret) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = passed_new();
        int r;

        if (!segment)
                return error_origin(-ENOMEM);
        if (!prefix)
                prefix = "SHMBROKER";
        if (strlen(prefix) > ENVIRONMENT_PREFIX_MAX)
                return error_origin(-EINVAL);
        if (!environment_get(prefix, "FD"))
                return error_origin(-ENXIO);
        r = environment_take(prefix, options, segment);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(segment);
        return 0;
}
