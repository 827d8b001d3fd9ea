/* SPDX-License-Identifier: MIT */
#include "daemon/model/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* As many groups are not charged. */
#define GROUPS_FREE 256U

/* What stays when the client is gone; of the rest, a call of the administrator's needs some. */
static bool limit_is_lasting(Limit limit) {
        return limit == LIMIT_SEGMENTS || limit == LIMIT_BYTES || limit == LIMIT_LOCKED ||
               limit == LIMIT_HUGE;
}

/**
 * client_charge() - charge somebody for what a client asks for
 * @client:     the client, on whose way here it depends which limits hold
 * @charge:     beside the thing; nothing is on it yet
 * @user:       who pays, which is mostly the client's user
 * @limit:      for what
 * @amount:     how much
 * @ret_reached: which limit is in the way
 *
 * Whatever users have taken, and roots of containers have the administrator's own uid, it must be
 * able to act: what its calls need is counted and never refused, and of what lasts it may have all
 * that is left.
 *
 * Return: 0, or CHARGE_E_LIMIT, and then nothing was charged.
 */
int client_charge(const Client *client, Charge *charge, User *user, Limit limit, uint64_t amount,
                  LimitReached *ret_reached) {
        if (!client->credentials.privileged)
                return charge_take(charge, user, limit, amount, ret_reached);
        if (limit_is_lasting(limit))
                return charge_take_unshared(charge, user, limit, amount, ret_reached);
        charge_anyway(charge, user, limit, amount);
        return 0;
}

/* Groups that are not mapped grant nothing, for they are all the same here. */
static int client_read_groups(Client *client, const Overflow *overflow, int fd,
                              LimitReached *ret_reached) {
        Credentials *credentials = &client->credentials;
        int r;

        credentials->unmapped = overflow->has_uid && credentials->uid == overflow->uid;
        credentials->group_unmapped = overflow->has_gid && credentials->gid == overflow->gid;
        r = groups_read(fd, overflow->has_gid ? &overflow->gid : NULL, &client->groups);
        if (r)
                return error_trace(r);
        groups_share(&client->groups, client->user);
        if (client->groups->n > GROUPS_FREE && client->groups->charge.amount == 0 &&
            client_charge(client, &client->groups->charge, client->user, LIMIT_INPUT,
                          client->groups->n * sizeof(gid_t), ret_reached))
                return CLIENT_E_LIMIT;
        credentials->groups = client->groups->gids;
        credentials->n_groups = client->groups->n;
        return 0;
}

/**
 * client_init() - find out who has connected
 * @client:     the object, CLIENT_NULL before
 * @accounts:   where the user is looked up; nothing is charged yet
 * @tenant:     whose accounts these are and whose socket it is; NULL is the host
 * @overflow:   what users and groups look like that are not mapped here
 * @fd:         the connected socket
 * @by_admin:   whether it is the administrator's: then only root and the broker's own user may
 * @ret_reached: with CLIENT_E_LIMIT, which one
 *
 * The credentials are those at connect(2), and stay so whatever the peer does (unix(7)).
 *
 * Return: 0, CLIENT_E_DENIED, CLIENT_E_LIMIT or a negative errno. client_deinit() is due in any
 * case.
 */
int client_init(Client *client, Accounts *accounts, Tenant *tenant, const Overflow *overflow,
                int fd, bool by_admin, LimitReached *ret_reached) {
        struct ucred credentials;
        socklen_t n = sizeof(credentials);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &n) < 0)
                return error_origin(-errno);
        /* Whoever may open the socket: its descriptor may have come to somebody else. */
        if (by_admin && credentials.uid != 0 && credentials.uid != geteuid()) {
                log_warning("User %u is not served at the administrator's socket.",
                            (unsigned int) credentials.uid);
                return CLIENT_E_DENIED;
        }
        client->credentials.tenant = tenant;
        client->credentials.privileged = by_admin;
        client->credentials.uid = credentials.uid;
        client->credentials.gid = credentials.gid;
        client->credentials.pid = credentials.pid;
        process_identify(&client->process, credentials.pid, fd);
        client->user = accounts_user(accounts, credentials.uid);
        if (!client->user)
                return error_origin(-ENOMEM);
        return client_read_groups(client, overflow, fd, ret_reached);
}

void client_deinit(Client *client) {
        assert(!client->reservations);
        assert(client->passed_fd < 0 && client->spent_fd < 0);
        charge_give_back(&client->connection);
        client->groups = groups_unref(client->groups);
        client->user = user_unref(client->user);
        *client = (Client) CLIENT_NULL;
}
