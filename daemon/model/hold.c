/* SPDX-License-Identifier: MIT */
#include "daemon/model/hold.h"

#include <stdlib.h>

#include "proto/util.h"

/* hold_new() - a hold that the client has, and life_hold() gives to the segment; NULL if there is
 * no memory. @charge is the hold's then. */
Hold *hold_new(Client *client, Segment *segment, Charge *charge) {
        Hold *hold = calloc(1, sizeof(*hold));

        if (!hold)
                return NULL;
        hold->segment = segment;
        hold->client = client;
        hold->charge = steal_charge(charge);
        DL_APPEND2(client->holds, hold, client_prev, client_next);
        return hold;
}

/* hold_free() - end a hold; whether the segment stays is to be asked afterwards */
Hold *hold_free(Hold *hold) {
        if (!hold)
                return NULL;
        DL_DELETE2(hold->client->holds, hold, client_prev, client_next);
        if (hold->segment_prev)
                DL_DELETE2(hold->segment->holds, hold, segment_prev, segment_next);
        charge_give_back(&hold->charge);
        free(hold);
        return NULL;
}
