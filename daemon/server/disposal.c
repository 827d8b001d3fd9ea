/* SPDX-License-Identifier: MIT */
#include "daemon/server/disposal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proto/fd.h"
#include "proto/util.h"

typedef struct Disposal Disposal;

struct Disposal {
        Discarded item;
        Charge charge;
};

static void disposal_done(Discarded *item) {
        Disposal *disposal = CONTAINER_OF(item, Disposal, item);

        charge_give_back(&disposal->charge);
        free(disposal);
}

/* What @charge is for is given back when the descriptor is closed. */
static void dispose(Service *service, const Client *client, int fd, Charge *charge) {
        Disposal *disposal = calloc(1, sizeof(*disposal));

        if (!disposal) {
                fd_close(fd);
                charge_give_back(charge);
                return;
        }
        disposal->item = (Discarded){
                .fd = fd,
                .origin = charge->user ? &client->user->discarded : &service->strangers,
                .done = disposal_done,
        };
        disposal->charge = steal_charge(charge);
        closer_take(&service->closer, &disposal->item);
}

/**
 * disposal_close() - close a descriptor that a client passed
 * @service:    the service
 * @client:     who passed it
 * @fd:         the descriptor, or -EBADF, and then nothing happens
 *
 * Return: whether this user may pass more; else so many are being closed that nothing more should
 *         be received.
 */
bool disposal_close(Service *service, Client *client, int fd) {
        Charge charge = CHARGE_NULL;
        LimitReached reached;
        bool more;

        if (fd < 0)
                return true;
        more = charge_take(&charge, client->user, LIMIT_DISCARDED, 1, &reached) == 0;
        /* It is there already. */
        if (!more)
                charge_anyway(&charge, client->user, LIMIT_DISCARDED, 1);
        dispose(service, client, fd, &charge);
        return more;
}

/* Nothing more can come, and nothing is there with which a descriptor could go. */
static bool is_empty(int fd) {
        int n_unread = 0;

        return shutdown(fd, SHUT_RDWR) == 0 && ioctl(fd, FIONREAD, &n_unread) == 0 && n_unread == 0;
}

/**
 * disposal_close_socket() - close a connection, and give back what is charged for it
 * @service:    the service
 * @client:     whose it is
 * @fd:         its socket
 * @ended:      the other end said that this is all, so nothing is unread
 *
 * Descriptors in it that nobody has received are closed with it, and that may take long. Until then
 * it counts as a connection.
 */
void disposal_close_socket(Service *service, Client *client, int fd, bool ended) {
        if (fd < 0)
                return;
        if (!ended && !is_empty(fd)) {
                dispose(service, client, fd, &client->connection);
                return;
        }
        fd_close(fd);
        charge_give_back(&client->connection);
}
