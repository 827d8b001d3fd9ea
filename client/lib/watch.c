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

#include "client/lib/call.h"
#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "client/lib/info.h"
#include "client/lib/value.h"
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
        const char *registry_id;
        const char *json;
};

struct shmbroker_watch {
        struct shmbroker *connection;
        char *match_name;
        WatchParameters parameters;
        Request request;
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
        connection_free(watch->connection);
        shmbroker_event_free(watch->event);
        free(watch->match_name);
        free(watch);
        return NULL;
}

int shmbroker_watch_set_id(struct shmbroker_watch *watch, int64_t id) {
        if (watch->begun)
                return error_origin(-EALREADY);
        GIVE_VALUE(&watch->parameters, WATCH_ID, id, id);
        return 0;
}

int shmbroker_watch_set_match(struct shmbroker_watch *watch, const char *pattern) {
        if (watch->begun)
                return error_origin(-EALREADY);
        return error_trace(text_set(&watch->match_name, pattern, PATTERN_MAX));
}

int shmbroker_watch_set_changes_only(struct shmbroker_watch *watch, int changes_only) {
        if (watch->begun)
                return error_origin(-EALREADY);
        GIVE_VALUE(&watch->parameters, WATCH_CHANGES_ONLY, changes_only, changes_only);
        return 0;
}

static int watch_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(shmbroker_event_freep) struct shmbroker_event *event = NULL;
        struct shmbroker_watch *watch = request->userdata;
        WatchReply values;
        const char *json;
        Reply copy;
        int r;

        (void) connection;
        event = reply_keep(reply, sizeof(*event), NULL, &json, &copy);
        if (!event)
                return error_origin(-ENOMEM);
        r = info_read(reply, &watch_reply_type, WATCH_REPLY_SEGMENT, &values, &event->info);
        if (r)
                return error_trace(r);
        if (values.sequence < 0 || values.time_usec < 0)
                return error_origin(-EPROTO);
        /* Texts are read once more, for what was read is the segment's, and there may be none. */
        if ((values.event == _EVENT_N || GIVEN(&values, WATCH_REPLY_REGISTRY_ID)) &&
            reply_read(&copy, &watch_reply_type, &values))
                return error_origin(-EPROTO);
        event->kind = values.event < _EVENT_N ? (int) values.event : SHMBROKER_EVENT_UNKNOWN;
        event->kind_name =
                values.event < _EVENT_N ? event_names.names[values.event] : values.event_word;
        event->registry_id = values.registry_id;
        event->sequence = (uint64_t) values.sequence;
        event->time_usec = (uint64_t) values.time_usec;
        event->json = json;
        watch->event = steal_ptr(event);
        return 0;
}

static int watch_begin(struct shmbroker_watch *watch) {
        if (watch->match_name)
                GIVE_VALUE(&watch->parameters, WATCH_MATCH_NAME, match_name, watch->match_name);
        watch->request = (Request){
                .method = METHOD_WATCH,
                .parameters = &watch->parameters,
                .id = GIVEN(&watch->parameters, WATCH_ID) ? &watch->parameters.id : NULL,
                .free_text = "matchName",
                .deadline = DEADLINE_NEVER,
                .answer = watch_answer,
                .userdata = watch,
        };
        watch->begun = true;
        return error_trace(call_begin(watch->connection, &watch->request));
}

/* A limit that keeps a watch from beginning anew may pass, as what broke it did. */
static bool watch_is_refused(const struct shmbroker_watch *watch) {
        bool passes = watch->connection->error.fault.code == FAULT_LIMIT_REACHED;

        return watch->request.noted && !(passes && watch->lost);
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
        detail_clear(watch->connection);
        *ret = steal_ptr(watch->event);
        return 1;
}

static int watch_step(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        int r;

        if (!watch->connection->request) {
                if (!deadline_passed(watch->retry_at))
                        return 0;
                r = watch_begin(watch);
                if (r)
                        return error_trace(r);
        }
        r = call_step(watch->connection);
        if (r == CALL_ANSWER)
                return watch_event(watch, ret);
        if (r == CALL_WAIT)
                return 0;
        if (r == CALL_DONE) {
                /* It ended what has no end. */
                watch->event = shmbroker_event_free(watch->event);
                connection_drop(watch->connection);
                r = detail_errno(watch->connection, -EPROTO);
        }
        return error_trace(watch_failed(watch, r));
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
                        ",\"segment\":null,\"registryId\":null}",
                        event->time_usec);
        watch->untold = false;
        *ret = event;
        return 1;
}

int shmbroker_watch_next(struct shmbroker_watch *watch, struct shmbroker_event **ret) {
        int r;

        if (watch->connection->pid != getpid())
                return detail_errno(watch->connection, -ECHILD);
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

static short watch_wanted(const struct shmbroker_watch *watch) {
        return watch->connection->request ? call_events(watch->connection) : 0;
}

/* The moment at which it has to go on in any case. */
static uint64_t watch_until(const struct shmbroker_watch *watch) {
        if (watch->refused)
                return DEADLINE_NEVER;
        if (watch->more || watch->untold)
                return 0;
        return watch->connection->request ? call_until(watch->connection) : watch->retry_at;
}

int shmbroker_watch_wait(struct shmbroker_watch *watch, uint64_t timeout_usec,
                         struct shmbroker_event **ret) {
        uint64_t deadline = deadline_after(timeout_usec);
        bool late;
        int r;

        do {
                late = deadline_passed(deadline);
                r = shmbroker_watch_next(watch, ret);
                if (r || late)
                        return error_trace(r);
                r = deadline_poll(shmbroker_watch_fd(watch), watch_wanted(watch),
                                  MIN(watch_until(watch), deadline));
        } while (r >= 0);
        return detail_errno(watch->connection, r);
}

int shmbroker_watch_fd(const struct shmbroker_watch *watch) {
        return watch_wanted(watch) ? watch->connection->fd : -EBADF;
}

int shmbroker_watch_events(const struct shmbroker_watch *watch) {
        return watch_wanted(watch);
}

uint64_t shmbroker_watch_timeout(const struct shmbroker_watch *watch) {
        return deadline_left(watch_until(watch));
}

const struct shmbroker_error *shmbroker_watch_error(const struct shmbroker_watch *watch) {
        return &watch->connection->error;
}

struct shmbroker_event *shmbroker_event_free(struct shmbroker_event *event) {
        if (!event)
                return NULL;
        free(event->info);
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

const char *shmbroker_event_registry_id(const struct shmbroker_event *event) {
        return event->registry_id;
}

const char *shmbroker_event_json(const struct shmbroker_event *event) {
        return event->json;
}
