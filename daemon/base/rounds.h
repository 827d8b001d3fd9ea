/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_ROUNDS_H
#define SHMBROKER_DAEMON_BASE_ROUNDS_H

/*
 * A queue that goes round by party, and within a party by item: whoever has many items in it waits
 * for them, and others do not.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct RoundParty RoundParty;
typedef struct RoundItem RoundItem;
typedef struct Rounds Rounds;

/* Embedded in what is queued. */
struct RoundItem {
        RoundItem *prev;
        RoundItem *next;
        /* In whose part of the queue it is; NULL if it is in none */
        RoundParty *party;
};

/* Embedded in those who take turns; it has to stay as long as it has items. */
struct RoundParty {
        RoundItem *first;
        RoundParty *prev;
        RoundParty *next;
};

/* All 0 without items. */
struct Rounds {
        RoundParty *first;
};

void rounds_add(Rounds *rounds, RoundParty *party, RoundItem *item);
void rounds_remove(Rounds *rounds, RoundItem *item);
RoundItem *rounds_take(Rounds *rounds);

#endif
