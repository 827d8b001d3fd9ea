/* SPDX-License-Identifier: MIT */
/*
 * Acquiring: a call, which may wait, and mapping what it brings. A second message follows if that
 * fails, since nobody will ever ask for a private segment that its creator did not get; and if
 * there was no descriptor.
 */

#include <errno.h>
#include <stdlib.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "client/lib/loop.h"
#include "client/lib/map.h"
#include "client/lib/native.h"
#include "client/lib/options.h"
#include "client/lib/pipeline.h"
#include "client/lib/release.h"
#include "client/lib/segment.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/* So many calls are begun ahead where many segments are acquired: more makes nothing faster. */
#define CALLS_AHEAD 64

typedef struct Acquire Acquire;

struct Acquire {
        AcquireParameters parameters;
        char *posix_name;
        MapOptions map;
        /* When the time to wait for the segment is over, DEADLINE_NEVER where it is not limited */
        uint64_t wait_end;
        struct shmbroker_segment *segment;
        /* None was sent */
        bool native;
        /* Why it is of no use: a negative errno, or what of it cannot be mapped */
        int failed;
        /* The second message is under way, of which nothing is expected: to remove the segment
         * again, or to have the broker look at it */
        bool follows;
};

static Acquire *acquire_free(Acquire *acquire) {
        if (!acquire)
                return NULL;
        shmbroker_release(acquire->segment);
        free(acquire->posix_name);
        free(acquire);
        return NULL;
}

DEFINE_CLEANUP(Acquire, acquire_free)

static void acquire_free_object(void *object) {
        acquire_free(object);
}

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

/* One whose descriptor did not fit in here is of no use, but there. */
static int acquire_take_fd(struct shmbroker_call *call, struct shmbroker_segment *segment) {
        Acquire *acquire = call->object;
        int fd;

        fd = connection_take_fd(call->connection);
        if (fd == -EMFILE) {
                acquire->failed = fd;
                return 0;
        }
        return fd < 0 ? error_trace(fd) : error_trace(segment_take_fd(segment, fd));
}

static int acquire_answer(struct shmbroker_call *call, const Reply *reply) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        Acquire *acquire = call->object;
        const char *json;
        Reply copy;
        bool has_fd = false;
        int r;

        if (acquire->follows)
                return 0;
        segment = reply_keep(reply, sizeof(*segment), "segment", &json, &copy);
        if (!segment)
                return error_origin(-ENOMEM);
        segment->fd = -EBADF;
        segment->info.json = json;
        r = segment_read(acquire, segment, &copy, &has_fd);
        if (r)
                return error_trace(r);
        acquire->native = !has_fd;
        r = has_fd ? acquire_take_fd(call, segment) : 0;
        if (r)
                return error_trace(r);
        acquire->segment = steal_ptr(segment);
        return 0;
}

/* What is left of the time to wait; it began with the first try. */
static void acquire_again(struct shmbroker_call *call) {
        Acquire *acquire = call->object;
        uint64_t now;

        if (acquire->follows || !GIVEN(&acquire->parameters, ACQUIRE_WAIT_USEC) ||
            acquire->wait_end == DEADLINE_NEVER)
                return;
        now = deadline_after(0);
        acquire->parameters.wait_usec = (int64_t) (acquire->wait_end - MIN(now, acquire->wait_end));
        call_rewrite(call, METHOD_ACQUIRE, &acquire->parameters);
}

static bool acquire_is_private(const AcquireParameters *parameters) {
        return !parameters->name && !GIVEN(parameters, ACQUIRE_ID);
}

/* What the broker keeps for who attaches natively it keeps only so long: that comes first. */
static int acquire_map(Acquire *acquire) {
        struct shmbroker_segment *segment = acquire->segment;
        int r;

        segment->options = acquire->map;
        if (acquire->failed)
                return error_trace(acquire->failed);
        if (acquire->native) {
                r = native_attach(segment);
                if (r)
                        return error_trace(r);
        }
        if (acquire->map.no_map)
                return 0;
        return error_trace(map_segment(segment, &acquire->map));
}

static int acquire_follow(struct shmbroker_call *call, Method method) {
        Acquire *acquire = call->object;
        SegmentParameters meant = {};

        GIVE_VALUE(&meant, SEGMENT_ID, id, acquire->segment->id);
        call_rewrite(call, method, &meant);
        call->request.repeatable = true;
        call->repeated = false;
        call->deadline = deadline_after(call->owner->timeout_usec);
        acquire->follows = true;
        return CALL_GOES_ON;
}

/* Nobody will ever ask for a private segment, and who wanted all the memory at once did not want
 * one that has less. */
static bool acquire_takes_back(const Acquire *acquire) {
        return acquire->segment->created && (acquire_is_private(&acquire->parameters) ||
                                             (acquire->map.populate && acquire->failed < 0));
}

static int acquire_fail(struct shmbroker_call *call) {
        Acquire *acquire = call->object;
        const Request about = { .name = call->request.name, .id = &acquire->segment->id };
        int r;

        /* The broker waits for somebody to attach it for as long as there is a connection. */
        if (acquire->native)
                pipeline_end_soon(call->connection);
        r = detail_local(&call->error, &about, acquire->failed, acquire->map.locked);
        acquire->segment = shmbroker_release(acquire->segment);
        return error_trace(r);
}

/* The segment is here. */
static int acquire_settle_segment(struct shmbroker_call *call) {
        Acquire *acquire = call->object;

        acquire->failed = call->abandoned ? -ECANCELED : acquire_map(acquire);
        if (acquire->failed) {
                /* If nobody has it when it is removed, its memory is free at once. */
                segment_close(acquire->segment);
                return acquire_takes_back(acquire) ? acquire_follow(call, METHOD_REMOVE)
                                                   : acquire_fail(call);
        }
        /* It counts what is attached natively when it looks, which it does for who asks: what ends
         * at once would never have been there. */
        return acquire->native ? acquire_follow(call, METHOD_STAT) : 0;
}

static int acquire_settle(struct shmbroker_call *call, int r) {
        Acquire *acquire = call->object;

        if (!acquire->segment)
                return r;
        /* It may be abandoned also when all is done. */
        if (!acquire->follows || (call->abandoned && !acquire->failed))
                return r ? r : acquire_settle_segment(call);
        if (acquire->failed)
                return acquire_fail(call);
        error_clear(&call->error);
        return 0;
}

static void *acquire_take(struct shmbroker_call *call) {
        Acquire *acquire = call->object;

        return steal_ptr(acquire->segment);
}

static const CallType acquire_type = {
        .brings = CALL_BRINGS_SEGMENT,
        .answer = acquire_answer,
        .again = acquire_again,
        .settle = acquire_settle,
        .take = acquire_take,
        .free_object = acquire_free_object,
};

/* How much more time the call may take, because it may wait. */
static uint64_t acquire_wait(const AcquireParameters *parameters) {
        if (!GIVEN(parameters, ACQUIRE_WAIT_USEC))
                return 0;
        return parameters->wait_usec < 0 ? SHMBROKER_FOREVER : (uint64_t) parameters->wait_usec;
}

/* A private segment that removes itself is gone with the answer that was lost. */
static bool acquire_is_repeatable(const AcquireParameters *parameters) {
        if (acquire_is_private(parameters))
                return GIVEN(parameters, ACQUIRE_REMOVE_ON_LAST_DETACH) &&
                       parameters->remove_on_last_detach;
        return parameters->create == CREATE_OPEN;
}

static int acquire_new(const char *name, const int64_t *id, const struct shmbroker_options *options,
                       Acquire **ret) {
        _cleanup_(acquire_freep) Acquire *acquire = calloc(1, sizeof(*acquire));
        AcquireParameters *parameters;
        int r;

        if (!acquire)
                return error_origin(-ENOMEM);
        parameters = &acquire->parameters;
        if (options) {
                options_apply(options, parameters);
                acquire->map = options->map;
                r = text_set(&acquire->posix_name, options->posix_name, POSIX_NAME_MAX);
                if (r)
                        return error_trace(r);
                parameters->posix_name = acquire->posix_name;
        }
        if (name)
                GIVE_VALUE(parameters, ACQUIRE_NAME, name, name);
        if (id)
                GIVE_VALUE(parameters, ACQUIRE_ID, id, *id);
        acquire->wait_end = deadline_after(acquire_wait(parameters));
        *ret = steal_ptr(acquire);
        return 0;
}

static int acquire_begin(struct shmbroker *connection, const char *name, const int64_t *id,
                         const struct shmbroker_options *options, bool blocking,
                         struct shmbroker_call **ret) {
        _cleanup_(acquire_freep) Acquire *acquire = NULL;
        Request request = { .method = METHOD_ACQUIRE, .name = name, .id = id };
        struct shmbroker_error *error = &connection->error;
        int r;

        error_clear(error);
        r = call_check_name(error, name);
        if (r)
                return error_trace(r);
        r = options ? options_check(error, options) : 0;
        if (r)
                return error_trace(r);
        if (acquire_new(name, id, options, &acquire))
                return detail_errno(error, -ENOMEM);
        _assume_(acquire != NULL);
        request.parameters = &acquire->parameters;
        if (GIVEN(&acquire->parameters, ACQUIRE_CREATE))
                request.create = (CreateMode) acquire->parameters.create;
        else if (acquire_is_private(&acquire->parameters))
                request.create = CREATE_NEW;
        request.free_text = acquire->posix_name ? "posixName" : NULL;
        /* Nobody else makes a private one. */
        if (!acquire_is_private(&acquire->parameters))
                request.wait_usec = acquire_wait(&acquire->parameters);
        request.repeatable = acquire_is_repeatable(&acquire->parameters);
        request.blocking = blocking;
        r = call_begin(connection, &acquire_type, &request, ret);
        if (r)
                return error_trace(r);
        acquire->parameters.name = (*ret)->request.name;
        (*ret)->object = steal_ptr(acquire);
        return 0;
}

static int acquire_run(struct shmbroker *connection, const char *name, const int64_t *id,
                       const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        struct shmbroker_call *call;
        int r;

        r = acquire_begin(connection, name, id, options, true, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_SEGMENT, ret));
}

int shmbroker_acquire(struct shmbroker *connection, const char *name,
                      const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        return error_trace(acquire_run(connection, name, NULL, options, ret));
}

int shmbroker_acquire_id(struct shmbroker *connection, int64_t id,
                         const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        return error_trace(acquire_run(connection, NULL, &id, options, ret));
}

int shmbroker_acquire_start(struct shmbroker *connection, const char *name,
                            const struct shmbroker_options *options, struct shmbroker_call **ret) {
        return error_trace(acquire_begin(connection, name, NULL, options, false, ret));
}

int shmbroker_acquire_id_start(struct shmbroker *connection, int64_t id,
                               const struct shmbroker_options *options,
                               struct shmbroker_call **ret) {
        return error_trace(acquire_begin(connection, NULL, &id, options, false, ret));
}

int shmbroker_call_take_segment(struct shmbroker_call *call, struct shmbroker_segment **ret) {
        return call_take(call, CALL_BRINGS_SEGMENT, ret);
}

typedef struct Many Many;

/* Many segments: one call of each, so many of them ahead of the answers. */
struct Many {
        struct shmbroker *connection;
        size_t n_ahead;
        size_t n_begun;
        size_t n_done;
        struct shmbroker_call *calls[CALLS_AHEAD];
};

static int many_begin(Many *many, size_t n, const char *const names[],
                      const struct shmbroker_options *options) {
        while (many->n_begun < n && many->n_begun - many->n_done < many->n_ahead) {
                int r;

                r = acquire_begin(many->connection, names[many->n_begun], NULL, options, true,
                                  &many->calls[many->n_begun % CALLS_AHEAD]);
                if (r)
                        return error_trace(r);
                ++many->n_begun;
        }
        return 0;
}

static int many_run(Many *many, size_t n, const char *const names[],
                    const struct shmbroker_options *options, struct shmbroker_segment *segments[]) {
        while (many->n_done < n) {
                size_t i = many->n_done;
                int r;

                r = many_begin(many, n, names, options);
                if (r)
                        return error_trace(r);
                ++many->n_done;
                r = call_finish(many->calls[i % CALLS_AHEAD], CALL_BRINGS_SEGMENT, &segments[i]);
                if (r)
                        return error_trace(r);
        }
        return 0;
}

/* All or none: those that were made for it are removed again. */
static void many_take_back(Many *many, size_t n, struct shmbroker_segment *segments[]) {
        struct shmbroker_error error = many->connection->error;

        many->connection->error = (struct shmbroker_error){ .address = error.address };
        for (size_t i = 0; i < n; ++i) {
                bool created = segments[i] && segments[i]->created;
                int64_t id = created ? segments[i]->id : 0;

                shmbroker_release(segments[i]);
                if (created)
                        (void) shmbroker_remove(many->connection, NULL, id, 0, NULL);
        }
        error_clear(&many->connection->error);
        many->connection->error = error;
}

int shmbroker_acquire_many(struct shmbroker *connection, size_t n, const char *const names[],
                           const struct shmbroker_options *options,
                           struct shmbroker_segment *ret[]) {
        _cleanup_(freep) struct shmbroker_segment **segments = calloc(n + 1, sizeof(*segments));
        Many many = { .connection = connection, .n_ahead = CALLS_AHEAD };
        int r;

        if (!segments)
                return detail_errno(&connection->error, -ENOMEM);
        /* Who waits takes one after the other, and no connection of its own for each. */
        if (options && GIVEN(&options->acquire, ACQUIRE_WAIT_USEC))
                many.n_ahead = 1;
        r = many_run(&many, n, names, options, segments);
        for (; many.n_done < many.n_begun; ++many.n_done)
                shmbroker_call_free(many.calls[many.n_done % CALLS_AHEAD]);
        if (r) {
                many_take_back(&many, n, segments);
                return error_trace(r);
        }
        for (size_t i = 0; i < n; ++i)
                ret[i] = segments[i];
        return 0;
}
