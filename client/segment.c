/*
 * Segments: asked for, mapped, released. A segment needs no connection once it is there, and knows
 * its descriptor by its inode too, since programs close descriptors they do not know.
 */

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/internal.h"
#include "proto/error.h"
#include "proto/fd.h"

/* Since Linux 5.14; the C library may be older. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

typedef struct Acquire Acquire;

struct shmbroker_segment {
        struct shmbroker_info info;
        int fd;
        dev_t device;
        ino_t inode;
        void *data;
        size_t mapped;
        int64_t attachment_id;
        bool has_attachment_id;
        bool created;
        int access;
};

/* What goes through a call: its parameters, and what came of it. */
struct Acquire {
        AcquireParameters parameters;
        /* When the time to wait for the segment is over, DEADLINE_NEVER where it is not limited */
        uint64_t wait_end;
        int access;
        struct shmbroker_segment *segment;
};

static bool fd_is_ours(const struct shmbroker_segment *segment) {
        struct stat st;

        return segment->fd >= 0 && fstat(segment->fd, &st) == 0 && st.st_dev == segment->device &&
               st.st_ino == segment->inode;
}

struct shmbroker_segment *shmbroker_release(struct shmbroker_segment *segment) {
        int saved = errno;

        if (!segment)
                return NULL;
        if (segment->data)
                (void) munmap(segment->data, segment->mapped);
        if (fd_is_ours(segment))
                fd_close(segment->fd);
        free(segment);
        errno = saved;
        return NULL;
}

/* The object has to be as large as the broker says, or touching its end would be SIGBUS. */
static int segment_take_fd(struct shmbroker_segment *segment, int fd) {
        _cleanup_fd_ int owned = fd;
        struct stat st;

        if (fstat(owned, &st) < 0)
                return error_origin(-errno);
        if (st.st_size < segment->info.values.size_bytes)
                return error_origin(-EPROTO);
        segment->device = st.st_dev;
        segment->inode = st.st_ino;
        segment->fd = steal_fd(&owned);
        return 0;
}

static int segment_read(struct shmbroker_segment *segment, const Reply *copy, int access,
                        bool *ret_has_fd) {
        AcquireReply reply;
        int r;

        if (reply_read(copy, &acquire_reply_type, &reply) || (int) reply.access != access)
                return error_origin(-EPROTO);
        r = info_check(&reply.segment);
        if (r)
                return error_trace(r);
        *ret_has_fd = GIVEN(&reply, ACQUIRED_FILE_DESCRIPTOR_INDEX);
        if (*ret_has_fd && reply.file_descriptor_index != 0)
                return error_origin(-EPROTO);
        segment->info.values = reply.segment;
        segment->created = reply.created;
        segment->access = access;
        segment->attachment_id = reply.attachment_id;
        segment->has_attachment_id = GIVEN(&reply, ACQUIRED_ATTACHMENT_ID);
        return 0;
}

static int acquire_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        Acquire *acquire = request->userdata;
        const char *json;
        Reply copy;
        bool has_fd = false;
        int r;

        segment = reply_keep(reply, sizeof(*segment), "segment", &json, &copy);
        if (!segment)
                return error_origin(-ENOMEM);
        segment->fd = -EBADF;
        segment->info.json = json;
        r = segment_read(segment, &copy, acquire->access, &has_fd);
        if (r)
                return error_trace(r);
        /* One that is missing was lost, and what is there may be another one's. */
        if (has_fd && !connection->truncated) {
                int fd = fd_queue_pop(&connection->fds);

                if (fd < 0)
                        return error_origin(-EPROTO);
                r = segment_take_fd(segment, fd);
                if (r)
                        return error_trace(r);
        }
        acquire->segment = steal_ptr(segment);
        return 0;
}

/* What is left of the time to wait; it began with the first try. */
static void acquire_again(Request *request) {
        Acquire *acquire = request->userdata;
        uint64_t now;

        if (acquire->wait_end == DEADLINE_NEVER)
                return;
        now = deadline_after(0);
        acquire->parameters.wait_usec = (int64_t) (acquire->wait_end - MIN(now, acquire->wait_end));
}

/* How much more time the call may take, because it may wait. */
static uint64_t acquire_wait(const AcquireParameters *parameters) {
        if (!GIVEN(parameters, ACQUIRE_WAIT))
                return 0;
        return parameters->wait_usec < 0 ? SHMBROKER_FOREVER : (uint64_t) parameters->wait_usec;
}

static bool acquire_is_private(const AcquireParameters *parameters) {
        return !parameters->name && !GIVEN(parameters, ACQUIRE_ID);
}

static int acquire_call(struct shmbroker *connection, Acquire *acquire) {
        AcquireParameters *parameters = &acquire->parameters;
        uint64_t wait = acquire_wait(parameters);
        Request request = {
                .method = METHOD_ACQUIRE,
                .parameters = parameters,
                .name = parameters->name,
                .id = GIVEN(parameters, ACQUIRE_ID) ? &parameters->id : NULL,
                .free_text = GIVEN(parameters, ACQUIRE_POSIX_NAME) ? "posixName" : NULL,
                .deadline = request_deadline(connection, wait),
                .repeatable = parameters->create == CREATE_OPEN && !acquire_is_private(parameters),
                .answer = acquire_answer,
                .again = wait ? acquire_again : NULL,
                .userdata = acquire,
        };

        acquire->wait_end = wait ? deadline_after(wait) : 0;
        acquire->access = GIVEN(parameters, ACQUIRE_ACCESS) ? (int) parameters->access
                                                            : SHMBROKER_ACCESS_READ_WRITE;
        return error_trace(call_run(connection, &request));
}

/* Whole pages, as large as those behind the segment: munmap(2) of huge ones takes nothing less. */
static int mapped_length(const SegmentInfo *info, size_t *ret) {
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE), length;

        if (info->page_bytes > (int64_t) page && !(info->page_bytes & (info->page_bytes - 1)))
                page = (uint64_t) info->page_bytes;
        length = ((uint64_t) info->size_bytes + page - 1) & ~(page - 1);
        if (length > SIZE_MAX || length > (uint64_t) PTRDIFF_MAX)
                return error_origin(-EOVERFLOW);
        *ret = (size_t) length;
        return 0;
}

static int segment_map(struct shmbroker_segment *segment) {
        bool writable = segment->access == SHMBROKER_ACCESS_READ_WRITE;
        size_t length = 0;
        void *data;
        int r;

        r = mapped_length(&segment->info.values, &length);
        if (r || length == 0)
                return error_trace(r);
        data = mmap(NULL, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                    segment->fd, 0);
        if (data == MAP_FAILED)
                return error_origin(-errno);
        segment->data = data;
        segment->mapped = length;
        return 0;
}

static int segment_populate(struct shmbroker_segment *segment) {
        bool writable = segment->access == SHMBROKER_ACCESS_READ_WRITE;
        int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

        if (!segment->data || madvise(segment->data, segment->mapped, advice) == 0)
                return 0;
        /* Nothing else in the call can be wrong: the kernel does not know the advice. */
        return error_origin(errno == EINVAL ? -EOPNOTSUPP : -errno);
}

static int segment_finish(struct shmbroker_segment *segment, bool truncated,
                          const struct shmbroker_options *options) {
        int r;

        if (segment->fd < 0)
                return error_origin(truncated ? -EMFILE : -EOPNOTSUPP);
        if (options && options->no_map)
                return 0;
        r = segment_map(segment);
        if (r)
                return error_trace(r);
        if (options && options->populate)
                r = segment_populate(segment);
        return error_trace(r);
}

/* Nobody will ever ask for a private segment that its creator did not get. */
static int acquire_failed(struct shmbroker *connection, const Acquire *acquire, int r) {
        const struct shmbroker_segment *segment = acquire->segment;
        Request request = { .name = acquire->parameters.name, .id = &segment->info.values.id };

        if (segment->created && acquire_is_private(&acquire->parameters))
                (void) shmbroker_remove(connection, NULL, segment->info.values.id, NULL, NULL);
        detail_clear(connection);
        return detail_local(connection, &request, r);
}

int shmbroker_acquire(struct shmbroker *connection, const char *name,
                      const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        Acquire acquire = {};
        int r;

        detail_clear(connection);
        r = call_check_name(connection, name);
        if (r)
                return error_trace(r);
        if (options) {
                r = options_check(connection, options);
                if (r)
                        return error_trace(r);
                options_apply(options, &acquire.parameters);
        }
        if (name)
                GIVE_VALUE(&acquire.parameters, ACQUIRE_NAME, name, name);
        r = acquire_call(connection, &acquire);
        segment = acquire.segment;
        if (r)
                return error_trace(r);
        r = segment_finish(segment, connection->truncated, options);
        if (r)
                return error_trace(acquire_failed(connection, &acquire, r));
        *ret = steal_ptr(segment);
        return 0;
}

void *shmbroker_segment_data(const struct shmbroker_segment *segment) {
        return segment->data;
}

uint64_t shmbroker_segment_size(const struct shmbroker_segment *segment) {
        return (uint64_t) segment->info.values.size_bytes;
}

size_t shmbroker_segment_mapped(const struct shmbroker_segment *segment) {
        return segment->mapped;
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
        return &segment->info;
}
