/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_EVENTS_H
#define SHMBROKER_DAEMON_LIFE_EVENTS_H

/*
 * What happens to segments, for those who watch. The last events are kept once for all watchers, in
 * a ring; each watcher has its own place in it, and decides when it comes to an event, or when the
 * event is about to be lost to it, whether that is one of its own. One that does not read at all is
 * let be after a while: then every event counts as one of its own, and it costs nothing. While
 * nobody watches, nothing is kept, and telling of an event costs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/permission.h"
#include "daemon/model/segment.h"
#include "daemon/model/selection.h"
#include "proto/types.h"

#define EVENTS_KEPT 4096U

typedef struct Event Event;
typedef struct Events Events;
typedef struct Watch Watch;

/* Numbers of events begin with 1; the place of one in the ring is its number modulo EVENTS_KEPT. */
struct Events {
        Event *ring;
        uint64_t n_posted;
        uint64_t n_dropped;
        Watch *watches;
        /* Those that have lost as many events as are kept, and are not looked at any more */
        Watch *asleep;
};

#define EVENTS_NULL                                                                                \
        {}

/* What is looked at for each event that a watch loses stands first, and together. */
struct Watch {
        Watch *prev_watch;
        Watch *next_watch;
        /* Number of the next event to look at */
        uint64_t next;
        /* Events of this watch so far, and those lost since the last one that was told */
        int64_t sequence;
        uint64_t n_lost;
        const Credentials *credentials;
        /* Which events, a bit for each of EventKind, and of which segments */
        unsigned int kinds;
        bool sleeps;
        Selection selection;
        /* The ones that exist: ids up to last_id, of which those up to listed_id were told */
        bool listing;
        /* Events that it knows the effect of, by their place in the ring */
        unsigned int n_known;
        uint64_t known[EVENTS_KEPT / 64];
        int64_t listed_id;
        int64_t last_id;
        Events *events;
};

/* All events of all segments */
#define WATCH_NULL                                                                                 \
        { .kinds = ~0U, .selection.include_removed = true }

/* Is there anybody whom it could be told? */
static inline bool events_watched(const Events *events) {
        return events->watches || events->asleep;
}

void events_deinit(Events *events);
void events_post(Events *events, EventKind kind, Segment *segment);
void events_post_attachment(Events *events, EventKind kind, Segment *segment,
                            const Attachment *attachment);
void events_post_end(Events *events, EventKind kind, Segment *segment, const char *cause);

int watch_begin(Watch *watch, Events *events, const Credentials *credentials, int64_t last_id);
void watch_end(Watch *watch);

bool watch_wants(const Watch *watch, const Segment *segment);
void watch_listed(Watch *watch, const Segment *segment);
bool watch_pending(const Watch *watch);
bool watch_next(Watch *watch, uint64_t end_usec, WatchReply *ret);

#endif
