/* SPDX-License-Identifier: MIT */
#include "daemon/server/turns.h"

#include <errno.h>

#include <event2/event.h>

#include "daemon/base/clock.h"
#include "daemon/server/loop.h"
#include "proto/error.h"

/* How long one is served before others have their turn, and before the kernel is asked who else
 * has something to do. */
#define TURN_USEC 100U

/* One turn after the other. Who is not at the end of it goes to the end of the queue. */
static void turns_go(Turns *turns) {
        uint64_t begin = clock_boottime_usec(), now = begin;
        const struct timeval at_once = {};
        RoundItem *item;
        RoundParty *party;

        while (now < begin + TURN_USEC && turns->rounds.first) {
                party = turns->rounds.first;
                item = rounds_take(&turns->rounds);
                if (turns->take(item, now + TURN_USEC))
                        rounds_add(&turns->rounds, party, item);
                now = clock_boottime_usec();
        }
        if (turns->rounds.first)
                (void) event_add(turns->later, &at_once);
}

static void turns_on_event(evutil_socket_t fd, short what, void *userdata) {
        (void) fd;
        (void) what;
        turns_go(userdata);
}

/**
 * turns_init() - begin with nobody
 * @turns:      the object
 * @base:       the loop
 * @take:       takes a turn
 *
 * Return: 0, or -ENOMEM. turns_deinit() is due in any case.
 */
int turns_init(Turns *turns, struct event_base *base, TurnFn take) {
        *turns = (Turns){
                .base = base,
                .take = take,
                .soon = event_new(base, -1, 0, turns_on_event, turns),
                .later = evtimer_new(base, turns_on_event, turns),
        };
        if (!turns->soon || !turns->later)
                return error_origin(-ENOMEM);
        (void) event_priority_set(turns->soon, LOOP_PRIORITY_PEERS);
        (void) event_priority_set(turns->later, LOOP_PRIORITY_PEERS);
        return 0;
}

void turns_deinit(Turns *turns) {
        if (turns->soon)
                event_free(turns->soon);
        if (turns->later)
                event_free(turns->later);
        *turns = (Turns){};
}

/**
 * turns_want() - have a turn
 * @turns:      the object
 * @party:      with whom it shares its turns
 * @item:       who wants it, from a callback of the loop
 *
 * If nobody else is ready that is now, and no system call is made for it. Else all who are ready
 * are queued before anybody is served.
 */
void turns_want(Turns *turns, RoundParty *party, RoundItem *item) {
        rounds_add(&turns->rounds, party, item);
        if (event_base_get_num_events(turns->base, EVENT_BASE_COUNT_ACTIVE) == 0 &&
            !evtimer_pending(turns->later, NULL))
                turns_go(turns);
        else
                event_active(turns->soon, 0, 0);
}

/* turns_remove() - want no turn any more */
void turns_remove(Turns *turns, RoundItem *item) {
        rounds_remove(&turns->rounds, item);
}
