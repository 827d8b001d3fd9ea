/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_TURNS_H
#define SHMBROKER_DAEMON_SERVER_TURNS_H

/*
 * Connections that have something to do have turns, which go round by user and then by connection.
 * A turn is a time: whoever asks much, or what takes long, is put off for those who ask little.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/rounds.h"

struct event;
struct event_base;

typedef struct Turns Turns;

/* Does what there is to do until clock_boottime_usec() is @end_usec. Returns whether there is more
 * to do at once; the item may be gone afterwards if not. */
typedef bool (*TurnFn)(RoundItem *item, uint64_t end_usec);

struct Turns {
        struct event_base *base;
        TurnFn take;
        Rounds rounds;
        /* After those that are ready already; and after others were looked for */
        struct event *soon;
        struct event *later;
};

int turns_init(Turns *turns, struct event_base *base, TurnFn take);
void turns_deinit(Turns *turns);

void turns_want(Turns *turns, RoundParty *party, RoundItem *item);
void turns_remove(Turns *turns, RoundItem *item);

#endif
