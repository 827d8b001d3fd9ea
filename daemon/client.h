#ifndef SHMBROKER_DAEMON_CLIENT_H
#define SHMBROKER_DAEMON_CLIENT_H

/* Who is at the other end of a connection: what the kernel said of the peer when it connected. */

#include <stdbool.h>

#include "daemon/limits.h"
#include "daemon/permission.h"
#include "daemon/process.h"

typedef struct Client Client;

struct Client {
        Credentials credentials;
        User *user;
        Charge connection;
        Process process;
        /* Before a descriptor can follow, the kernel has to be asked whether the client has read */
        bool must_look;
};

#define CLIENT_NULL                                                                                \
        {}

int client_init(Client *client, Accounts *accounts, int fd);
void client_deinit(Client *client);

#endif
