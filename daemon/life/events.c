/* SPDX-License-Identifier: MIT */
#include "daemon/life/events.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/table.h"
#include "daemon/life/describe.h"
#include "daemon/model/tenant.h"
#include "proto/error.h"
#include "proto/util.h"

struct Event {
        EventKind kind;
        uint64_t time_usec;
        /* State afterwards, and its name, now or before it was removed; empty if it never had one
         */
        SegmentInfo info;
        Permission permission;
        char name[NAME_LENGTH_MAX + 1];
        char tenant[TENANT_NAME_MAX + 1];
        char device[DEVICE_NAME_MAX + 1];
        SharedPath *object_name;
        /* Which attachment began or ended, and whose it is, which is not looked into: its tenant
         * may be gone by now */
        bool has_attachment;
        AttachmentInfo attachment;
        const Tenant *attachment_tenant;
        char attachment_tenant_name[TENANT_NAME_MAX + 1];
        /* Why it was removed or destroyed: one of CAUSE_..., or NULL */
        const char *cause;
        /* Number of the one before it about the same segment, 0 if there is none */
        uint64_t before;
};

static void free_ring(Events *events) {
        if (!events->ring)
                return;
        for (size_t i = 0; i < EVENTS_KEPT; ++i)
                shared_path_unref(events->ring[i].object_name);
        free(steal_ptr(events->ring));
}

/* events_deinit() - nobody may be watching any more */
void events_deinit(Events *events) {
        assert(!events_watched(events));
        free_ring(events);
        *events = (Events) EVENTS_NULL;
}

static Event *event_at(const Events *events, uint64_t number) {
        return &events->ring[number % EVENTS_KEPT];
}

static bool is_known(const Watch *watch, uint64_t number) {
        size_t i = number % EVENTS_KEPT;

        return watch->known[i / 64] >> (i % 64) & 1U;
}

static void set_known(Watch *watch, uint64_t number) {
        size_t i = number % EVENTS_KEPT;

        if (is_known(watch, number))
                return;
        watch->known[i / 64] |= UINT64_C(1) << (i % 64);
        ++watch->n_known;
}

/* True if it was. */
static bool unset_known(Watch *watch, uint64_t number) {
        size_t i = number % EVENTS_KEPT;

        if (watch->n_known == 0 || !is_known(watch, number))
                return false;
        watch->known[i / 64] &= ~(UINT64_C(1) << (i % 64));
        --watch->n_known;
        return true;
}

static bool events_matches(const Watch *watch, const Candidate *candidate,
                           const Permission *permission) {
        return selection_matches(&watch->selection, candidate) &&
               tenant_grants(watch->credentials, permission, candidate->name, false);
}

/* That it was removed, and is gone, is told of all that were there before. */
static bool ends_segment(EventKind kind) {
        return kind == EVENT_REMOVED || kind == EVENT_DESTROYED;
}

static bool wants_event(const Watch *watch, const Event *event) {
        const Candidate candidate = {
                .id = event->info.id,
                .kind = (Kind) event->info.kind,
                .name = event->name[0] ? event->name : NULL,
                .tenant = event->info.tenant,
                .owner_uid = event->permission.owner_uid,
                .removed = event->info.removed && !ends_segment(event->kind),
        };

        return watch->kinds >> event->kind & 1U &&
               events_matches(watch, &candidate, &event->permission);
}

/* watch_wants() - is a segment, as it is now, one that is watched? */
bool watch_wants(const Watch *watch, const Segment *segment) {
        const Candidate candidate = candidate_of(segment);

        return events_matches(watch, &candidate, &segment->permission);
}

/* Steps over one event; true if it is one of this watch's own. */
static bool events_step(const Events *events, Watch *watch) {
        uint64_t number = watch->next++;

        return !unset_known(watch, number) && wants_event(watch, event_at(events, number));
}

static void events_lose(Events *events, Watch *watch, uint64_t n) {
        watch->sequence += (int64_t) n;
        watch->n_lost += n;
        events->n_dropped += n;
}

static void fall_asleep(Events *events, Watch *watch) {
        DL_DELETE2(events->watches, watch, prev_watch, next_watch);
        DL_APPEND2(events->asleep, watch, prev_watch, next_watch);
        watch->sleeps = true;
        memset(watch->known, 0, sizeof(watch->known));
        watch->n_known = 0;
}

/* It reads again: what was overwritten meanwhile is lost, all of it. */
static void wake_up(Watch *watch) {
        Events *events = watch->events;
        uint64_t oldest = events->n_posted + 1 - EVENTS_KEPT;

        if (!watch->sleeps)
                return;
        events_lose(events, watch, oldest - watch->next);
        watch->next = oldest;
        watch->sleeps = false;
        DL_DELETE2(events->asleep, watch, prev_watch, next_watch);
        assert(events->watches != watch);
        DL_APPEND2(events->watches, watch, prev_watch, next_watch);
}

/* The oldest event is about to make room; who has not got as far loses it. */
static void lose_oldest(Events *events) {
        uint64_t oldest = events->n_posted + 1 - EVENTS_KEPT;
        Watch *watch, *next;

        if (events->n_posted < EVENTS_KEPT)
                return;
        DL_FOREACH_SAFE2(events->watches, watch, next, next_watch) {
                if (watch->next > oldest)
                        continue;
                /* What a pattern costs, others would wait for. */
                if (watch->selection.has_pattern) {
                        fall_asleep(events, watch);
                        continue;
                }
                if (events_step(events, watch))
                        events_lose(events, watch, 1);
                if (watch->n_lost >= EVENTS_KEPT)
                        fall_asleep(events, watch);
        }
}

/* What a watch will be told of a segment, or never need be, contains all that happened to it. */
static void know_all(Watch *watch, uint64_t last) {
        const Events *events = watch->events;

        while (last >= watch->next && last + EVENTS_KEPT > events->n_posted) {
                set_known(watch, last);
                last = event_at(events, last)->before;
        }
}

/* One that is gone before it was told of as existing was never there, for that watch. */
static void forget_unlisted(Events *events, const Segment *segment) {
        Watch *watch;

        DL_FOREACH2(events->watches, watch, next_watch)
                if (watch->listing && segment->id > watch->listed_id &&
                    segment->id <= watch->last_id)
                        know_all(watch, segment->last_event);
}

static Event *write_event(Events *events, EventKind kind, Segment *segment) {
        const char *name = segment_called(segment);
        uint64_t number = events->n_posted + 1;
        Event *event = event_at(events, number);

        shared_path_unref(event->object_name);
        *event = (Event){
                .kind = kind,
                .time_usec = clock_realtime_usec(),
                .object_name = shared_path_ref(segment->object_name),
        };
        describe_segment(segment, LOOK_ALL, &event->info);
        event->permission = segment->permission;
        event->before = segment->last_event;
        if (name)
                (void) strncpy(event->name, name, sizeof(event->name) - 1);
        if (GIVEN(&event->info, INFO_NAME))
                event->info.name = event->name;
        if (GIVEN(&event->info, INFO_TENANT)) {
                (void) strcpy(event->tenant, event->info.tenant);
                event->info.tenant = event->tenant;
        }
        if (GIVEN(&event->info, INFO_DEVICE)) {
                (void) strcpy(event->device, event->info.device);
                event->info.device = event->device;
        }
        segment->last_event = number;
        events->n_posted = number;
        return event;
}

/* The event, or NULL if nobody watches. */
static Event *events_add(Events *events, EventKind kind, Segment *segment) {
        if (!events_watched(events))
                return NULL;
        lose_oldest(events);
        return write_event(events, kind, segment);
}

/**
 * events_post() - tell of something that happened
 * @events:     the object
 * @kind:       what it was
 * @segment:    the segment, as it is afterwards
 */
void events_post(Events *events, EventKind kind, Segment *segment) {
        (void) events_add(events, kind, segment);
}

/* events_post_attachment() - the same, of the beginning or end of an attachment */
void events_post_attachment(Events *events, EventKind kind, Segment *segment,
                            const Attachment *attachment) {
        Event *event = events_add(events, kind, segment);

        if (!event)
                return;
        event->has_attachment = true;
        event->attachment_tenant = attachment_tenant(attachment);
        describe_attachment(attachment, &event->attachment);
        if (GIVEN(&event->attachment, ATTACHMENT_TENANT)) {
                (void) strcpy(event->attachment_tenant_name, event->attachment.tenant);
                event->attachment.tenant = event->attachment_tenant_name;
        }
}

/* events_post_end() - the same, of a segment that was removed or destroyed, for one of CAUSE_...,
 * or NULL if it is not known why */
void events_post_end(Events *events, EventKind kind, Segment *segment, const char *cause) {
        Event *event = events_add(events, kind, segment);

        if (!event)
                return;
        event->cause = cause;
        if (kind == EVENT_DESTROYED)
                forget_unlisted(events, segment);
}

/**
 * watch_begin() - begin to watch
 * @watch:      the object; what is watched is set
 * @events:     what is watched
 * @credentials: who watches; they stay where they are as long as the watch
 * @last_id:    the highest id of those that are to be told of as existing, 0 for none
 *
 * Return: 0, or -ENOMEM.
 */
int watch_begin(Watch *watch, Events *events, const Credentials *credentials, int64_t last_id) {
        if (!events->ring) {
                events->ring = calloc(EVENTS_KEPT, sizeof(*events->ring));
                if (!events->ring)
                        return error_origin(-ENOMEM);
        }
        watch->events = events;
        watch->credentials = credentials;
        watch->listing = true;
        watch->last_id = last_id;
        watch->next = events->n_posted + 1;
        DL_APPEND2(events->watches, watch, prev_watch, next_watch);
        return 0;
}

/* watch_end() - watch no more; nothing happens if it never began */
void watch_end(Watch *watch) {
        Events *events = watch->events;

        if (!events)
                return;
        wake_up(watch);
        DL_DELETE2(events->watches, watch, prev_watch, next_watch);
        watch->events = NULL;
        if (!events_watched(events))
                free_ring(events);
}

/* watch_listed() - a segment is told of, or passed over, as existing: with all until now */
void watch_listed(Watch *watch, const Segment *segment) {
        watch->listed_id = segment->id;
        wake_up(watch);
        know_all(watch, segment->last_event);
}

/* watch_pending() - is there anything that watch_next() has not looked at? */
bool watch_pending(const Watch *watch) {
        return watch->n_lost > 0 || watch->next <= watch->events->n_posted;
}

static void tell_event(Watch *watch, const Event *event, WatchReply *ret) {
        ret->event = event->kind;
        ret->sequence = watch->sequence++;
        ret->time_usec = (int64_t) event->time_usec;
        GIVE_VALUE(ret, WATCH_REPLY_SEGMENT, segment, event->info);
        describe_hide(watch->credentials, &event->permission, &ret->segment);
        if (event->has_attachment && tenant_sees_attachment(watch->credentials, &event->permission,
                                                            event->attachment_tenant))
                GIVE_VALUE(ret, WATCH_REPLY_ATTACHMENT, attachment, event->attachment);
        if (event->cause)
                GIVE_VALUE(ret, WATCH_REPLY_CAUSE, cause, event->cause);
}

/**
 * watch_next() - the next event
 * @watch:      a watch that has been told what exists
 * @end_usec:   clock_boottime_usec() when it is enough, for what is not wanted takes time as well
 * @ret:        the event; strings are of use until something else happens
 *
 * Return: whether one was found; if not, watch_pending() says whether there may be more.
 */
bool watch_next(Watch *watch, uint64_t end_usec, WatchReply *ret) {
        const Events *events = watch->events;
        const Event *event;

        *ret = (WatchReply){};
        wake_up(watch);
        if (watch->n_lost > 0) {
                watch->n_lost = 0;
                ret->event = EVENT_OVERFLOW;
                ret->sequence = watch->sequence - 1;
                ret->time_usec = (int64_t) clock_realtime_usec();
                return true;
        }
        while (watch->next <= events->n_posted && clock_boottime_usec() < end_usec) {
                event = event_at(events, watch->next);
                if (!events_step(events, watch))
                        continue;
                tell_event(watch, event, ret);
                return true;
        }
        return false;
}
