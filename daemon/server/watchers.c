/* SPDX-License-Identifier: MIT */
#include "daemon/server/watchers.h"

#include <errno.h>

#include <event2/event.h>

#include "daemon/base/clock.h"
#include "daemon/base/table.h"
#include "proto/error.h"

/* How long watchers are served in one turn, and how many times that long others have their turn. */
#define TURN_USEC 300U
#define TURN_PAUSE 3U

/* Returns whether nothing is left to be told to those who read. */
static bool watchers_serve(Watchers *watchers, uint64_t end_usec) {
        Watcher *last = watchers->first ? watchers->first->prev : NULL, *watcher = NULL;
        bool all = true;

        while (watcher != last && clock_boottime_usec() < end_usec) {
                watcher = watchers->first;
                /* To the end of the queue first, for it may be gone afterwards. */
                DL_DELETE(watchers->first, watcher);
                DL_APPEND(watchers->first, watcher);
                all &= watchers->tell(watcher, end_usec);
        }
        return all && watcher == last;
}

/*
 * Watchers get a quarter of the time at most, however many there are and however much happens. A
 * watcher that cannot be told in time is told so (overflow).
 */
static void watchers_on_timer(evutil_socket_t fd, short what, void *userdata) {
        uint64_t begin = clock_boottime_usec(), end, n_posted;
        Watchers *watchers = userdata;

        (void) fd;
        (void) what;
        watchers->due = false;
        n_posted = watchers->events->n_posted;
        watchers->behind = !watchers_serve(watchers, begin + TURN_USEC);
        watchers->n_told = n_posted;
        end = clock_boottime_usec();
        watchers->next_usec = end + (end - begin) * TURN_PAUSE;
        watchers->changed(watchers->userdata);
}

/**
 * watchers_init() - begin without watchers
 * @watchers:   the object
 * @base:       the loop
 * @events:     what has happened; it stays
 * @tell:       tells one watcher
 * @changed:    called after each turn
 * @userdata:   passed to @changed
 *
 * Return: 0, or -ENOMEM.
 */
int watchers_init(Watchers *watchers, struct event_base *base, const Events *events,
                  WatchersTellFn tell, LoopChangedFn changed, void *userdata) {
        *watchers = (Watchers){
                .events = events,
                .tell = tell,
                .changed = changed,
                .userdata = userdata,
                .timer = evtimer_new(base, watchers_on_timer, watchers),
        };
        if (!watchers->timer)
                return error_origin(-ENOMEM);
        (void) event_priority_set(watchers->timer, LOOP_PRIORITY_PEERS);
        return 0;
}

void watchers_deinit(Watchers *watchers) {
        if (watchers->timer)
                event_free(watchers->timer);
        *watchers = (Watchers){};
}

/* watchers_add() - serve a watcher, which stays where it is */
void watchers_add(Watchers *watchers, Watcher *watcher) {
        DL_APPEND(watchers->first, watcher);
        watchers->behind = true;
}

/* watchers_remove() - serve a watcher that was added no more */
void watchers_remove(Watchers *watchers, Watcher *watcher) {
        DL_DELETE(watchers->first, watcher);
}

/* watchers_set_behind() - note that somebody who could not be told before can be told now */
void watchers_set_behind(Watchers *watchers) {
        watchers->behind = true;
}

/* watchers_update() - see to it that there is a turn if there is something to tell; no system call
 */
void watchers_update(Watchers *watchers) {
        struct timeval wait;

        if (!watchers->first || watchers->due)
                return;
        if (!watchers->behind && watchers->n_told == watchers->events->n_posted)
                return;
        wait = clock_until(watchers->next_usec);
        watchers->due = true;
        (void) event_add(watchers->timer, &wait);
}
