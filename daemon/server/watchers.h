/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_WATCHERS_H
#define SHMBROKER_DAEMON_SERVER_WATCHERS_H

/*
 * The turn of the peers that called Watch: a timer, and a queue in which each is served a piece at
 * a time. All of them together get a bounded share of the broker's time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/life/events.h"
#include "daemon/server/loop.h"

struct event;
struct event_base;

typedef struct Watcher Watcher;
typedef struct Watchers Watchers;

/* Embedded in whoever watches. */
struct Watcher {
        Watcher *prev;
        Watcher *next;
};

/* Tells a watcher a piece of what it does not know yet, until clock_boottime_usec() is @end_usec.
 * Returns whether nothing is left, or nothing more can be sent to it now. The watcher may be gone
 * afterwards. */
typedef bool (*WatchersTellFn)(Watcher *watcher, uint64_t end_usec);

struct Watchers {
        const Events *events;
        WatchersTellFn tell;
        LoopChangedFn changed;
        void *userdata;
        struct event *timer;
        /* The next one to be served first */
        Watcher *first;
        /* The timer is running */
        bool due;
        /* CLOCK_BOOTTIME, when the next turn may begin */
        uint64_t next_usec;
        /* Somebody can be told more, whether or not anything happened since */
        bool behind;
        uint64_t n_told;
};

int watchers_init(Watchers *watchers, struct event_base *base, const Events *events,
                  WatchersTellFn tell, LoopChangedFn changed, void *userdata);
void watchers_deinit(Watchers *watchers);

void watchers_add(Watchers *watchers, Watcher *watcher);
void watchers_remove(Watchers *watchers, Watcher *watcher);
void watchers_set_behind(Watchers *watchers);
void watchers_update(Watchers *watchers);

#endif
