/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_LIFE_H
#define SHMBROKER_DAEMON_LIFE_LIFE_H

/*
 * When a segment goes. Takes in what the kernel tells, asks when there is reason to, and destroys
 * what is to go once nobody has it: after Remove, at the last detach, or when it lingered long
 * enough. Never what somebody has.
 *
 * What each verb asks of the kernel, whether the segment may be gone (freed) afterwards, and what
 * has to come before:
 *
 *     verb            asks                          may free      before
 *     life_ask        lease, if it goes when free;  yes: NULL     -
 *                     object, where others can
 *                     change it; and if they did,
 *                     inotify and marks
 *     life_settle,    object, lease, marks          yes: NULL     life_drain, once for each request
 *     life_find
 *     life_remove     object, lease, marks          yes: a flag   life_drain
 *     life_forget     nothing                       yes           -
 *     life_withdraw   inotify, object, lease,       yes           -
 *                     marks
 *     life_attach     nothing; if anybody watches,  no            -
 *                     as life_settle
 *     life_begin      an inotify watch              no            registry_add
 *     life_restore    marks, a part of them         no            -
 *     life_meet       lease; without leases, marks  no            -
 *     life_doubt,     nothing                       no            -
 *     life_linger,
 *     life_reserve,
 *     life_end_reservations
 *     life_drain      inotify                       no            -
 *     life_catch_up,  inotify, and of each suspect  yes, any      -
 *     life_tick       as life_settle
 *
 * A segment whose object is unavailable counts as held, and nothing is asked or done about it until
 * it begins (recover.h), but for life_remove and life_forget.
 *
 * What life_drain takes in is what has ended meanwhile. A segment of which nobody was told yet, as
 * when its creation is undone, needs none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/kernel/closings.h"
#include "daemon/kind/kind.h"
#include "daemon/life/census.h"
#include "daemon/life/events.h"
#include "daemon/life/external.h"
#include "daemon/life/reaper.h"
#include "daemon/life/search.h"
#include "daemon/model/registry.h"
#include "daemon/state/persist.h"

typedef struct Client Client;
typedef struct Life Life;

struct Life {
        LifeContext context;
        Events events;
        Census census;
        Searches searches;
        /* On whose behalf the kernel is asked */
        Asker asker;
        /* Up to here life_catch_up() has come with those that are polled */
        int64_t caught_up_id;
        /* What counting costs that no client asks for, and so that watchers can be told */
        Budget own;
        Budget watched;
        Closings closings;
        Reaper reaper;
        /* Segments that are asked again, a queue for each stage, first due first */
        Segment *suspects[SUSPICION_STAGES];
        /* Segments that linger and are idle, first due first */
        Segment *lingering;
        /* Segments to which inotify could not be subscribed, and those that are attached natively,
         * of which the kernel does not tell everything; and where the round of both goes on */
        size_t n_unsubscribed;
        size_t n_native;
        int64_t polled_after_id;
        uint64_t polled_due_usec;

        uint64_t n_destroyed;
        uint64_t n_attached;
        uint64_t n_overflows;
};

#define LIFE_NULL                                                                                  \
        { .closings = CLOSINGS_NULL, .reaper = REAPER_NULL }

int life_init(Life *life, Registry *registry, const Host *host, Persist *persist);
void life_deinit(Life *life);

void life_serve(Life *life, User *user, uint64_t since_usec);
void life_serve_nobody(Life *life);

void life_begin(Life *life, Segment *segment);
void life_restore(Life *life, Segment *segment, int64_t end_id);
void life_meet(Life *life, Segment *segment);
void life_doubt(Life *life, Segment *segment);
void life_linger(Life *life, Segment *segment, bool lingers, uint64_t linger_usec);
void life_attach(Life *life, Segment *segment, Attachment *attachment);
void life_withdraw(Life *life, Segment *segment, Attachment *attachment, int fd);
void life_forget(Life *life, Segment *segment, const char *cause);
int life_remove(Life *life, Segment *segment, KindFailure *failure, bool *ret_destroyed);
void life_reserve(Life *life, Segment *segment, Reservation *reservation);
void life_end_reservations(Life *life, Client *client);

Segment *life_ask(Life *life, Segment *segment);
Segment *life_settle(Life *life, Segment *segment);
Segment *life_find(Life *life, int64_t id);
void life_drain(Life *life);
/* What a call may take for it, which others wait for; and what the end of the broker may. */
#define LIFE_CATCH_UP_USEC 400U
#define LIFE_FOREVER_USEC UINT64_C(3600000000)

void life_catch_up(Life *life, uint64_t limit_usec);
bool life_yield(Life *life, const User *user);

uint64_t life_due(const Life *life);
void life_tick(Life *life);

#endif
