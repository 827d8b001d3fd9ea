/* SPDX-License-Identifier: MIT */
#include "daemon/base/rounds.h"

#include "daemon/base/table.h"

/* rounds_add() - have an item wait for its turn, behind those of its party; once is enough */
void rounds_add(Rounds *rounds, RoundParty *party, RoundItem *item) {
        if (item->party)
                return;
        if (!party->first)
                DL_APPEND(rounds->first, party);
        DL_APPEND(party->first, item);
        item->party = party;
}

/* rounds_remove() - an item waits no more, if it did */
void rounds_remove(Rounds *rounds, RoundItem *item) {
        RoundParty *party = item->party;

        if (!party)
                return;
        DL_DELETE(party->first, item);
        if (!party->first)
                DL_DELETE(rounds->first, party);
        item->party = NULL;
}

/* rounds_take() - whose turn it is, which waits no more; NULL if nobody waits */
RoundItem *rounds_take(Rounds *rounds) {
        RoundParty *party = rounds->first;
        RoundItem *item = party ? party->first : NULL;

        if (!item)
                return NULL;
        rounds_remove(rounds, item);
        if (party->first) {
                DL_DELETE(rounds->first, party);
                DL_APPEND(rounds->first, party);
        }
        return item;
}
