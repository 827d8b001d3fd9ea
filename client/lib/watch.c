/* SPDX-License-Identifier: MIT */
/*
 * Watching segments: a call that never ends, on a connection of its own, and made anew when that
 * broke.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "client/lib/filter.h"
#include "client/lib/info.h"
#include "client/lib/loop.h"
#include "client/lib/pipeline.h"
#include "proto/error.h"
#include "proto/util.h"

/* Between two tries to reach a broker that went away. */
#define PAUSE_FIRST UINT64_C(50000)
#define PAUSE_LAST UINT64_C(5000000)

#define LOST_MAX 128

struct shmbroker_event {
        int kind;
        /* As the broker calls it, or "lost" */
        const char *kind_name;
        uint64_t sequence;
        uint64_t time_usec;
        struct shmbroker_info *info;
        struct shmbroker_attachment *attachment;
        const char *cause;
        const char *registry_id;
        const char *json;
};

struct shmbroker_watch {
        struct shmbroker *connection;
        struct shmbroker_filter *filter;
        WatchParameters parameters;
        /* What is under way, NULL before the first and between two tries */
        struct shmbroker_call *call;
        /* What the last answer was */
        struct shmbroker_event *event;
        bool begun;
        /* More may be there without waiting */
        bool more;
        /* The broker went away, and has not been reached since; and this has to be told yet */
        bool lost;
        bool untold;
        uint64_t pause;
        uint64_t retry_at;
        /* The broker refused, with this errno, which ends the watch */
        int refused;
};

DEFINE_CLEANUP(struct shmbroker_event, shmbroker_event_free)
DEFINE_CLEANUP(struct shmbroker_watch, shmbroker_watch_free)

int shmbroker_watch_new(const struct shmbroker *connection, struct shmbroker_watch **ret) {
        _cleanup_(shmbroker_watch_freep) struct shmbroker_watch *watch = NULL;
        int r;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return error_origin(-ENOMEM);
        r = connection_new(connection->address, &watch->connection);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(watch);
        return 0;
}

struct shmbroker_watch *shmbroker_watch_free(struct shmbroker_watch *watch) {
        if (!watch)
                return NULL;
        shmbroker_close(watch->connection);
        call_delete(watch->call);
        shmbroker_event_free(watch->event);
        shmbroker_filter_free(watch->filter);
        free(watch);
        return NULL;
}

int shmbroker_watch_set_id(struct shmbroker_watch *watch, int64_t id) {
        if (watch->begun)
                return error_origin(-EALREADY);
        GIVE_VALUE(&watch->parameters, WATCH_ID, id, id);
        return 0;
}

int shmbroker_watch_set_filter(struct shmbroker_watch *watch,
                               const struct shmbroker_filter *filter) {
        struct shmbroker_filter *copy = NULL;
        int r;

        if (watch->begun)
                return error_origin(-EALREADY);
        if (filter) {
                r = filter_check(filter, &watch->connection->error);
                if (r)
                        return error_trace(r);
                r = filter_copy(filter, &copy);
                if (r)
                        return error_trace(r);
        }
        shmbroker_filter_free(watch->filter);
        watch->filter = copy;
        return 0;
}

int shmbroker_watch_add_event(struct shmbroker_watch *watch, int kind) {
        if (watch->begun)
                return error_origin(-EALREADY);
        if (kind < 0 || kind >= _EVENT_N)
                return error_origin(-EINVAL);
        watch->parameters.events |= 1U << kind;
        GIVE(&watch->parameters, WATCH_EVENTS);
        return 0;
}

int shmbroker_watch_set_changes_only(struct shmbroker_watch *watch, int changes_only) {
        if (watch->begun)
                return error_origin(-EALREADY);
        GIVE_VALUE(&watch->parameters, WATCH_CHANGES_ONLY, changes_only, changes_only);
        return 0;
}

static int watch_answer(struct shmbroker_call *call, const Reply *reply) {
        _cleanup_(shmbroker_event_freep) struct shmbroker_event *event = NULL;
        struct shmbroker_watch *watch = call->userdata;
        WatchReply values;
        const char *json;
        Reply copy;
        int r;

        event = reply_keep(reply, sizeof(*event), NULL, &json, &copy);
        if (!event)
                return error_origin(-ENOMEM);
        r = info_read(reply, &watch_reply_type, WATCH_REPLY_SEGMENT, &values, &event->info);
        if (r)
                return error_trace(r);
        if (values.sequence < 0 || values.time_usec < 0)
                return error_origin(-EPROTO);
        if (GIVEN(&values, WATCH_REPLY_ATTACHMENT)) {
                r = attachment_read(reply, &event->attachment);
                if (r)
                        return error_trace(r);
        }
        /* Texts are read once more, for what was read is the segment's, and there may be none. */
        if (reply_read(&copy, &watch_reply_type, &values))
                return error_origin(-EPROTO);
        event->kind = values.event < _EVENT_N ? (int) values.event : SHMBROKER_EVENT_UNKNOWN;
        event->kind_name =
                values.event < _EVENT_N ? event_names.names[values.event] : values.event_word;
        event->registry_id = values.registry_id;
        event->cause = values.cause;
        event->sequence = (uint64_t) values.sequence;
        event->time_usec = (uint64_t) values.time_usec;
        event->json = json;
        watch->event = steal_ptr(event);
        return 0;
}

static const CallType watch_type = {
        .brings = CALL_BRINGS_NOTHING,
        .answer = watch_answer,
};

static int watch_begin(struct shmbroker_watch *watch) {
        WatchParameters *parameters = &watch->parameters;
        const Request request = {
                .method = METHOD_WATCH,
                .parameters = parameters,
                .id = GIVEN(parameters, WATCH_ID) ? &parameters->id : NULL,
                .free_text = "matchName",
                .endless = true,
                .blocking = true,
        };
        int r;

        if (watch->filter)
                filter_watch(watch->filter, parameters);
        watch->begun = true;
        r = call_begin(watch->connection, &watch_type, &request, &watch->call);
        if (r)
                return error_trace(r);
        watch->call->userdata = watch;
        return 0;
}

/* A limit that keeps a watch from beginning anew may pass, as what broke it did. */
static bool watch_is_refused(const struct shmbroker_watch *watch) {
        const struct shmbroker_error *error = &watch->connection->error;
        bool passes = error->fault == FAULT_LIMIT_REACHED;

        return error->kind == SHMBROKER_ERROR_REPLIED && !(passes && watch->lost);
}

static int watch_failed(struct shmbroker_watch *watch, int r) {
        /* To begin anew helps against neither: the next answer would be as the last. */
        if (watch_is_refused(watch) || r == -EPROTO) {
                watch->refused = r;
                return error_trace(r);
        }
        watch->pause = watch->pause ? MIN(watch->pause * 2, PAUSE_LAST) : PAUSE_FIRST;
        watch->retry_at = deadline_after(watch->pause);
        watch->untold = watch->untold || !watch->lost;
        watch->lost = true;
        return 0;
}

static int watch_event(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        watch->lost = false;
        watch->pause = 0;
        watch->more = true;
        error_clear(&watch->connection->error);
        *ret = steal_ptr(watch->event);
        return 1;
}

/* It is at an end, which it should not be; a last event is not one that the broker meant. */
static int watch_ended(struct shmbroker_watch *watch) {
        struct shmbroker_error *error = &watch->connection->error;
        int r = watch->call->result;

        watch->event = shmbroker_event_free(watch->event);
        if (r)
                error_move(error, &watch->call->error);
        else
                r = detail_errno(error, -EPROTO);
        watch->call = call_delete(watch->call);
        return error_trace(watch_failed(watch, r));
}

static int watch_step(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        int r;

        if (!watch->call) {
                if (!deadline_passed(watch->retry_at))
                        return 0;
                r = watch_begin(watch);
                if (r)
                        return error_trace(r);
        }
        do {
                r = pipeline_step(watch->connection);
                if (watch->call->done)
                        return error_trace(watch_ended(watch));
                if (watch->event)
                        return watch_event(watch, ret);
        } while (r != PIPELINE_WAIT);
        return 0;
}

static uint64_t realtime_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int watch_tell_loss(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        struct shmbroker_event *event = calloc(1, sizeof(*event) + LOST_MAX);
        char *json;

        if (!event)
                return error_origin(-ENOMEM);
        json = (char *) (event + 1);
        event->kind = SHMBROKER_EVENT_LOST;
        event->kind_name = "lost";
        event->time_usec = realtime_usec();
        event->json = json;
        (void) snprintf(json, LOST_MAX,
                        "{\"event\":\"lost\",\"sequence\":0,\"timeUSec\":%" PRIu64
                        ",\"segment\":null,\"registryId\":null,\"attachment\":null,\"cause\":null}",
                        event->time_usec);
        watch->untold = false;
        *ret = event;
        return 1;
}

/* The moment at which it has to go on in any case, whatever the connection waits for. */
static uint64_t watch_until(const struct shmbroker_watch *watch) {
        if (watch->refused)
                return DEADLINE_NEVER;
        if (watch->more || watch->untold)
                return 0;
        return watch->call ? DEADLINE_NEVER : watch->retry_at;
}

static int watch_next(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        int r;

        if (watch->connection->pid != getpid())
                return detail_errno(&watch->connection->error, -ECHILD);
        if (watch->refused)
                return error_origin(watch->refused);
        watch->more = false;
        if (!watch->untold) {
                r = watch_step(watch, ret);
                if (r)
                        return error_trace(r);
        }
        return watch->untold ? error_trace(watch_tell_loss(watch, ret)) : 0;
}

int shmbroker_watch_next(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        int r;

        r = watch_next(watch, ret);
        if (r != -ECHILD)
                loop_update(watch->connection, watch_until(watch));
        return error_trace(r);
}

int shmbroker_watch_wait(struct shmbroker_watch *watch, uint64_t timeout_usec,
                         struct shmbroker_event **ret) {
        const struct shmbroker *connection = watch->connection;
        uint64_t deadline = deadline_after(timeout_usec);
        bool late;
        int r;

        do {
                uint64_t until;
                short events;

                late = deadline_passed(deadline);
                r = shmbroker_watch_next(watch, ret);
                if (r || late)
                        return error_trace(r);
                events = pipeline_events(connection);
                until = MIN(watch_until(watch), pipeline_until(connection));
                r = deadline_poll(events ? connection->fd : -EBADF, events, MIN(until, deadline));
        } while (r >= 0);
        return detail_errno(&watch->connection->error, r);
}

int shmbroker_watch_fd(struct shmbroker_watch *watch) {
        int r;

        r = loop_fd(watch->connection);
        if (r < 0)
                return detail_errno(&watch->connection->error, r);
        loop_update(watch->connection, watch_until(watch));
        return r;
}

const struct shmbroker_error *shmbroker_watch_error(const struct shmbroker_watch *watch) {
        return &watch->connection->error;
}

struct shmbroker_event *shmbroker_event_free(struct shmbroker_event *event) {
        if (!event)
                return NULL;
        free(event->info);
        free(event->attachment);
        free(event);
        return NULL;
}

int shmbroker_event_kind(const struct shmbroker_event *event) {
        return event->kind;
}

const char *shmbroker_event_kind_name(const struct shmbroker_event *event) {
        return event->kind_name;
}

uint64_t shmbroker_event_sequence(const struct shmbroker_event *event) {
        return event->sequence;
}

uint64_t shmbroker_event_time(const struct shmbroker_event *event) {
        return event->time_usec;
}

const struct shmbroker_info *shmbroker_event_info(const struct shmbroker_event *event) {
        return event->info;
}

const struct shmbroker_attachment *shmbroker_event_attachment(const struct shmbroker_event *event) {
        return event->attachment;
}

const char *shmbroker_event_cause(const struct shmbroker_event *event) {
        return event->cause;
}

const char *shmbroker_event_registry_id(const struct shmbroker_event *event) {
        return event->registry_id;
}

const char *shmbroker_event_json(const struct shmbroker_event *event) {
        return event->json;
}
