/* SPDX-License-Identifier: MIT */
#include "daemon/model/reservation.h"

#include <stdlib.h>

#include "proto/util.h"

/* reservation_new() - make a reservation of the client's, which life_reserve() gives to the
 * segment; NULL if there is no memory. It takes @charge over otherwise. */
Reservation *reservation_new(Client *client, Segment *segment, Charge *charge) {
        Reservation *reservation = calloc(1, sizeof(*reservation));

        if (!reservation)
                return NULL;
        reservation->segment = segment;
        reservation->client = client;
        reservation->charge = steal_charge(charge);
        DL_APPEND2(client->reservations, reservation, client_prev, client_next);
        return reservation;
}

/* reservation_free() - end a reservation; whether the segment stays is to be asked afterwards */
Reservation *reservation_free(Reservation *reservation) {
        if (!reservation)
                return NULL;
        DL_DELETE2(reservation->client->reservations, reservation, client_prev, client_next);
        if (reservation->segment_prev)
                DL_DELETE2(reservation->segment->reservations, reservation, segment_prev,
                           segment_next);
        charge_give_back(&reservation->charge);
        free(reservation);
        return NULL;
}
