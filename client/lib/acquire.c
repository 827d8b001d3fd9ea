/* SPDX-License-Identifier: MIT */
/*
 * Acquiring: a call, which may wait, and mapping what it brings. A second call follows if that
 * fails, since nobody will ever ask for a private segment that its creator did not get; and if
 * there was no descriptor.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/call.h"
#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "client/lib/map.h"
#include "client/lib/native.h"
#include "client/lib/options.h"
#include "client/lib/release.h"
#include "client/lib/segment.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

struct Acquire {
        Request request;
        AcquireParameters parameters;
        char *name;
        char *posix_name;
        MapOptions map;
        /* When the time to wait for the segment is over, DEADLINE_NEVER where it is not limited */
        uint64_t wait_end;
        /* The descriptor did not fit in here */
        bool truncated;
        struct shmbroker_segment *segment;
        /* None was sent */
        bool native;
        /* Why it is of no use, while it is removed again */
        int failed;
        /* The second call, which has begun, and of which nothing is expected: to remove the segment
         * again, or to have the broker look at it */
        bool follows;
        Request second;
        SegmentParameters meant;
        /* It is over, and this is what it came to: 0 or a negative errno */
        bool done;
        int result;
};

static Acquire *acquire_free(Acquire *acquire) {
        if (!acquire)
                return NULL;
        shmbroker_release(acquire->segment);
        free(acquire->name);
        free(acquire->posix_name);
        free(acquire);
        return NULL;
}

DEFINE_CLEANUP(Acquire, acquire_free)

static int segment_read(Acquire *acquire, struct shmbroker_segment *segment, const Reply *copy,
                        bool *ret_has_fd) {
        int access = GIVEN(&acquire->parameters, ACQUIRE_ACCESS) ? (int) acquire->parameters.access
                                                                 : SHMBROKER_ACCESS_READ_WRITE;
        AcquireReply reply;
        int r;

        if (reply_read(copy, &acquire_reply_type, &reply) || (int) reply.access != access)
                return error_origin(-EPROTO);
        r = info_check(&reply.segment);
        if (r)
                return error_trace(r);
        *ret_has_fd = GIVEN(&reply, ACQUIRE_REPLY_FILE_DESCRIPTOR_INDEX);
        if (*ret_has_fd && reply.file_descriptor_index != 0)
                return error_origin(-EPROTO);
        segment->info.values = reply.segment;
        segment->has_info = true;
        segment_take_info(segment, &segment->info.values);
        segment->created = reply.created;
        segment->access = access;
        segment->ipc_namespace = reply.ipc_namespace;
        segment->attachment_id = reply.attachment_id;
        segment->has_attachment_id = GIVEN(&reply, ACQUIRE_REPLY_ATTACHMENT_ID);
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
        r = segment_read(acquire, segment, &copy, &has_fd);
        if (r)
                return error_trace(r);
        /* One that is missing was lost, and what is there may be another one's. */
        acquire->truncated = has_fd && connection->truncated;
        if (has_fd && !acquire->truncated) {
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
        if (!GIVEN(parameters, ACQUIRE_WAIT_USEC))
                return 0;
        return parameters->wait_usec < 0 ? SHMBROKER_FOREVER : (uint64_t) parameters->wait_usec;
}

static bool acquire_is_private(const AcquireParameters *parameters) {
        return !parameters->name && !GIVEN(parameters, ACQUIRE_ID);
}

static void acquire_prepare(const struct shmbroker *connection, Acquire *acquire) {
        AcquireParameters *parameters = &acquire->parameters;
        uint64_t wait = acquire_wait(parameters);

        acquire->wait_end = deadline_after(wait);
        acquire->request = (Request){
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
}

/* What is given to start may be gone before the call is made. */
static int acquire_copy(Acquire *acquire, const char *name, const int64_t *id,
                        const struct shmbroker_options *options) {
        AcquireParameters *parameters = &acquire->parameters;
        int r;

        if (options) {
                options_apply(options, parameters);
                acquire->map = options->map;
                r = text_set(&acquire->posix_name, options->posix_name, POSIX_NAME_MAX);
                if (r)
                        return error_trace(r);
                parameters->posix_name = acquire->posix_name;
        }
        r = text_set(&acquire->name, name, SIZE_MAX);
        if (r)
                return error_trace(r);
        if (name)
                GIVE_VALUE(parameters, ACQUIRE_NAME, name, acquire->name);
        if (id)
                GIVE_VALUE(parameters, ACQUIRE_ID, id, *id);
        return 0;
}

static int acquire_begin(struct shmbroker *connection, const char *name, const int64_t *id,
                         const struct shmbroker_options *options, Acquire **ret) {
        _cleanup_(acquire_freep) Acquire *acquire = NULL;
        int r;

        detail_clear(connection);
        r = call_check_name(connection, name);
        if (r)
                return error_trace(r);
        r = options ? options_check(connection, options) : 0;
        if (r)
                return error_trace(r);
        acquire = calloc(1, sizeof(*acquire));
        if (!acquire || acquire_copy(acquire, name, id, options))
                return detail_errno(connection, -ENOMEM);
        acquire_prepare(connection, acquire);
        r = call_begin(connection, &acquire->request);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(acquire);
        return 0;
}

/* What the broker keeps for who attaches natively it keeps only so long: that comes first. */
static int acquire_map(Acquire *acquire) {
        struct shmbroker_segment *segment = acquire->segment;
        int r;

        segment->options = acquire->map;
        if (acquire->truncated)
                return error_origin(-EMFILE);
        acquire->native = segment->fd < 0;
        if (acquire->native) {
                r = native_attach(segment);
                if (r)
                        return error_trace(r);
        }
        if (acquire->map.no_map)
                return 0;
        return error_trace(map_segment(segment, &acquire->map));
}

static int second_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        (void) connection;
        (void) request;
        (void) reply;
        return 0;
}

static bool acquire_follow(struct shmbroker *connection, Acquire *acquire, Method method) {
        GIVE_VALUE(&acquire->meant, SEGMENT_ID, id, acquire->segment->id);
        acquire->second = (Request){
                .method = method,
                .parameters = &acquire->meant,
                .deadline = request_deadline(connection, 0),
                .repeatable = true,
                .answer = second_answer,
        };
        acquire->follows = call_begin(connection, &acquire->second) == 0;
        return acquire->follows;
}

/* Nobody will ever ask for a private segment, and who wanted all the memory at once did not want
 * one that has less. */
static bool acquire_takes_back(const Acquire *acquire) {
        return acquire->segment->created && (acquire_is_private(&acquire->parameters) ||
                                             (acquire->map.populate && acquire->failed < 0));
}

/* The segment is here. Return: whether a second call began. */
static bool acquire_take(struct shmbroker *connection, Acquire *acquire) {
        acquire->failed = acquire_map(acquire);
        if (acquire->failed) {
                /* If nobody has it when it is removed, its memory is free at once. */
                segment_close(acquire->segment);
                return acquire_takes_back(acquire) &&
                       acquire_follow(connection, acquire, METHOD_REMOVE);
        }
        /* It counts what is attached natively when it looks, which it does for who asks: what ends
         * at once would never have been there. */
        return acquire->native && acquire_follow(connection, acquire, METHOD_STAT);
}

static void acquire_fail(struct shmbroker *connection, Acquire *acquire) {
        const Request request = { .name = acquire->name, .id = &acquire->segment->id };

        /* The broker waits for somebody to attach it for as long as there is a connection. */
        if (acquire->native)
                connection_drop(connection);
        acquire->result = detail_local(connection, &request, acquire->failed, acquire->map.locked);
        acquire->segment = shmbroker_release(acquire->segment);
}

/* The call, or the second one, is over. */
static void acquire_next(struct shmbroker *connection, Acquire *acquire, int r) {
        if (!acquire->follows) {
                acquire->result = r;
                if (r == 0 && acquire_take(connection, acquire))
                        return;
        }
        if (acquire->failed)
                acquire_fail(connection, acquire);
        else if (acquire->follows)
                detail_clear(connection);
        acquire->done = true;
}

/* As far as it goes without waiting. Return: 1 when it is done, 0 to wait. */
static int acquire_process(struct shmbroker *connection, Acquire *acquire) {
        while (!acquire->done) {
                int r = call_step(connection);

                if (r == CALL_WAIT)
                        return 0;
                acquire_next(connection, acquire, r < 0 ? r : 0);
        }
        return 1;
}

static void acquire_abandon(struct shmbroker *connection, Acquire *acquire) {
        if (!acquire->done)
                call_abandon(connection);
        acquire->done = true;
}

static int acquire_run(struct shmbroker *connection, const char *name, const int64_t *id,
                       const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        _cleanup_(acquire_freep) Acquire *acquire = NULL;
        int r;

        r = acquire_begin(connection, name, id, options, &acquire);
        if (r)
                return error_trace(r);
        _assume_(acquire != NULL);
        while (acquire_process(connection, acquire) == 0) {
                r = call_wait(connection, DEADLINE_NEVER);
                if (r) {
                        acquire_abandon(connection, acquire);
                        return detail_errno(connection, r);
                }
        }
        if (acquire->result)
                return error_trace(acquire->result);
        *ret = steal_ptr(acquire->segment);
        return 0;
}

int shmbroker_acquire(struct shmbroker *connection, const char *name,
                      const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        return error_trace(acquire_run(connection, name, NULL, options, ret));
}

int shmbroker_acquire_id(struct shmbroker *connection, int64_t id,
                         const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        return error_trace(acquire_run(connection, NULL, &id, options, ret));
}

int shmbroker_acquire_id_start(struct shmbroker *connection, int64_t id,
                               const struct shmbroker_options *options) {
        if (connection->acquire)
                return detail_errno(connection, -EALREADY);
        return error_trace(acquire_begin(connection, NULL, &id, options, &connection->acquire));
}

int shmbroker_acquire_start(struct shmbroker *connection, const char *name,
                            const struct shmbroker_options *options) {
        if (connection->acquire)
                return detail_errno(connection, -EALREADY);
        return error_trace(acquire_begin(connection, name, NULL, options, &connection->acquire));
}

int shmbroker_process(struct shmbroker *connection) {
        Acquire *acquire = connection->acquire;

        if (!acquire)
                return detail_errno(connection, -ENODATA);
        if (acquire_process(connection, acquire) == 0)
                return 0;
        return acquire->result ? error_trace(acquire->result) : 1;
}

int shmbroker_acquire_finish(struct shmbroker *connection, struct shmbroker_segment **ret) {
        _cleanup_(acquire_freep) Acquire *acquire = NULL;

        if (!connection->acquire)
                return detail_errno(connection, -ENODATA);
        if (!connection->acquire->done)
                return detail_errno(connection, -EINPROGRESS);
        acquire = steal_ptr(connection->acquire);
        if (acquire->result)
                return error_trace(acquire->result);
        *ret = steal_ptr(acquire->segment);
        return 0;
}

void shmbroker_cancel(struct shmbroker *connection) {
        if (connection->acquire)
                acquire_abandon(connection, connection->acquire);
        connection->acquire = acquire_free(connection->acquire);
}

static short wanted_events(const struct shmbroker *connection) {
        return connection->request ? call_events(connection) : 0;
}

int shmbroker_get_fd(const struct shmbroker *connection) {
        return wanted_events(connection) ? connection->fd : -EBADF;
}

int shmbroker_get_events(const struct shmbroker *connection) {
        return wanted_events(connection);
}

uint64_t shmbroker_get_timeout(const struct shmbroker *connection) {
        if (connection->request)
                return deadline_left(call_until(connection));
        return connection->acquire ? 0 : SHMBROKER_FOREVER;
}
