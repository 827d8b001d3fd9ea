/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_CLIENT_H
#define SHMBROKER_DAEMON_MODEL_CLIENT_H

/* Who is at the other end of a connection: what the kernel said of the peer when it connected. */

#include <errno.h>
#include <stdbool.h>

#include "daemon/base/overflow.h"
#include "daemon/base/process.h"
#include "daemon/model/groups.h"
#include "daemon/model/limits.h"
#include "daemon/model/permission.h"

typedef struct Client Client;
typedef struct Reservation Reservation;

enum {
        _CLIENT_E_SUCCESS,
        /* Neither root nor the broker itself, at the administrator's socket */
        CLIENT_E_DENIED,
        CLIENT_E_LIMIT,
};

struct Client {
        Credentials credentials;
        User *user;
        /* Those of the credentials */
        Groups *groups;
        Charge connection;
        Process process;
        /* Before a descriptor can follow, the kernel has to be asked whether the client has read */
        bool must_look;
        /* A descriptor that came with what is being read, or -EBADF; and one that a call was about,
         * and that is to be closed */
        int passed_fd;
        int spent_fd;
        /* One came in its place that is no file, and was closed */
        bool passed_other;
        /* Segments that it was told the shmid of and has not attached, see reservation.h */
        Reservation *reservations;
};

#define CLIENT_NULL                                                                                \
        { .passed_fd = -EBADF, .spent_fd = -EBADF }

int client_charge(const Client *client, Charge *charge, User *user, Limit limit, uint64_t amount,
                  LimitReached *ret_reached);

int client_init(Client *client, Accounts *accounts, Tenant *tenant, const Overflow *overflow,
                int fd, bool by_admin, LimitReached *ret_reached);
void client_deinit(Client *client);

#endif
