/* SPDX-License-Identifier: MIT */
#include "daemon/call/watch.h"

#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/life/describe.h"
#include "proto/message.h"
#include "proto/util.h"

struct WatchStream {
        Watch watch;
        Service *service;
        Charge charge;
};

WatchStream *watch_stream_free(WatchStream *stream) {
        if (!stream)
                return NULL;
        watch_end(&stream->watch);
        charge_give_back(&stream->charge);
        free(stream);
        return NULL;
}

DEFINE_CLEANUP(WatchStream, watch_stream_free)

/* Which segments, and which events of them. */
static int watch_select(Watch *watch, const WatchParameters *parameters, CallFailure *failure) {
        Selection *selection = &watch->selection;

        if (GIVEN(parameters, WATCH_MATCH_NAME) &&
            !selection_set_pattern(selection, parameters->match_name))
                return call_invalid(failure, "matchName");
        if (GIVEN(parameters, WATCH_TENANT) && !selection_set_tenant(selection, parameters->tenant))
                return call_invalid(failure, "tenant");
        if (GIVEN(parameters, WATCH_EVENTS) && parameters->events == 0)
                return call_invalid(failure, "events");
        if (GIVEN(parameters, WATCH_EVENTS))
                watch->kinds = parameters->events;
        if (GIVEN(parameters, WATCH_INCLUDE_REMOVED))
                selection->include_removed = parameters->include_removed;
        selection->only_id = GIVEN(parameters, WATCH_ID) ? parameters->id : 0;
        selection->has_kind = GIVEN(parameters, WATCH_KIND);
        selection->kind = (Kind) parameters->kind;
        selection->has_owner = GIVEN(parameters, WATCH_OWNER_UID);
        selection->owner_uid = parameters->owner_uid;
        return 0;
}

static int check_segment(Service *service, Client *client, const WatchParameters *parameters,
                         CallFailure *failure) {
        SegmentParameters reference = {};
        Segment *segment;

        if (!GIVEN(parameters, WATCH_ID))
                return 0;
        GIVE_VALUE(&reference, SEGMENT_ID, id, parameters->id);
        return call_find_readable(service, client, &reference, &segment, failure);
}

/* The highest id of those that are to be told of as existing. */
static int64_t last_id(const Service *service, const WatchParameters *parameters) {
        const Segment *first = service->registry.first;

        if (parameters->changes_only || !first)
                return 0;
        if (GIVEN(parameters, WATCH_EVENTS) && !(parameters->events & 1U << EVENT_EXISTING))
                return 0;
        return GIVEN(parameters, WATCH_ID) ? parameters->id : first->prev->id;
}

/**
 * watch_stream_new() - begin to watch
 * @service:    the service
 * @client:     who watches; it stays as long as the stream
 * @parameters: as the interface says
 * @ret:        the stream
 * @failure:    details
 *
 * Return: 0, CALL_E_INVALID_PARAMETER, CALL_E_LIMIT, or what call_find_readable() returns.
 */
int watch_stream_new(Service *service, Client *client, const WatchParameters *parameters,
                     WatchStream **ret, CallFailure *failure) {
        _cleanup_(watch_stream_freep) WatchStream *watch = NULL;
        int r;

        r = check_segment(service, client, parameters, failure);
        if (r)
                return r;
        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return call_no_memory(failure);
        watch->watch = (Watch) WATCH_NULL;
        r = watch_select(&watch->watch, parameters, failure);
        if (r)
                return r;
        r = call_take_charge(service, client, &watch->charge, client->user, LIMIT_WATCHES, 1,
                             failure);
        if (r)
                return r;
        watch->service = service;
        /* One segment is one step; the others need not be passed over first. */
        watch->watch.listed_id = MAX(watch->watch.selection.only_id - 1, 0);
        if (watch_begin(&watch->watch, &service->life.events, &client->credentials,
                        last_id(service, parameters)) < 0)
                return call_no_memory(failure);
        *ret = steal_ptr(watch);
        return 0;
}

static bool has_room(const Writer *writer) {
        return writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX;
}

static void write_existing(WatchStream *stream, Segment *segment, Writer *writer) {
        Watch *watch = &stream->watch;
        WatchReply reply = {
                .event = EVENT_EXISTING,
                .sequence = watch->sequence++,
                .time_usec = (int64_t) clock_realtime_usec(),
        };

        describe_segment(segment, LOOK_ALL, &reply.segment);
        describe_hide(watch->credentials, &segment->permission, &reply.segment);
        GIVE(&reply, WATCH_REPLY_SEGMENT);
        reply_write(writer, &watch_reply_type, &reply, true);
}

/* Goes on with what exists, as far as there is room and time; true if that was all. What is not
 * wanted takes time as well. */
static bool write_some(WatchStream *stream, uint64_t end_usec, Writer *writer) {
        Life *life = &stream->service->life;
        Watch *watch = &stream->watch;
        Segment *segment = registry_next(&stream->service->registry, watch->listed_id), *next;

        for (; segment && segment->id <= watch->last_id; segment = next) {
                if (!has_room(writer) || clock_boottime_usec() >= end_usec)
                        return false;
                next = segment->next;
                if (watch_wants(watch, segment)) {
                        segment = life_settle(life, segment);
                        if (!segment)
                                continue;
                        write_existing(stream, segment, writer);
                }
                watch_listed(watch, segment);
        }
        return has_room(writer);
}

/* What exists, and then that this was all. */
static void write_listing(WatchStream *stream, uint64_t end_usec, Writer *writer) {
        Watch *watch = &stream->watch;
        WatchReply reply;

        life_drain(&stream->service->life);
        if (!write_some(stream, end_usec, writer))
                return;
        watch->listing = false;
        reply = (WatchReply){ .event = EVENT_SYNCHRONIZED,
                              .sequence = watch->sequence++,
                              .time_usec = (int64_t) clock_realtime_usec() };
        GIVE_VALUE(&reply, WATCH_REPLY_REGISTRY_ID, registry_id,
                   stream->service->persist.state_file.registry_id);
        reply_write(writer, &watch_reply_type, &reply, true);
}

/* watch_stream_idle() - has everything been sent that has happened until now? */
bool watch_stream_idle(const WatchStream *stream) {
        return !stream->watch.listing && !watch_pending(&stream->watch);
}

/* watch_stream_write() - the next events, as many as there is room and time for; maybe none */
void watch_stream_write(WatchStream *stream, uint64_t end_usec, Writer *writer) {
        WatchReply reply;

        if (stream->watch.listing)
                write_listing(stream, end_usec, writer);
        while (!stream->watch.listing && has_room(writer) &&
               watch_next(&stream->watch, end_usec, &reply))
                reply_write(writer, &watch_reply_type, &reply, true);
}
