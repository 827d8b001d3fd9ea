/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_PEER_H
#define SHMBROKER_DAEMON_SERVER_PEER_H

/* Connections: bytes in, calls one after the other, bytes and descriptors out. */

#include "daemon/call/service.h"
#include "daemon/server/input.h"
#include "daemon/server/loop.h"
#include "daemon/server/turns.h"
#include "daemon/server/watchers.h"

struct event_base;

typedef struct Peer Peer;
typedef struct Peers Peers;

/* Replies are made here; the longest one is an interface's description. */
#define PEERS_SCRATCH_BYTES (64U * 1024)

struct Peers {
        struct event_base *base;
        Service *service;
        LoopChangedFn changed;
        void *userdata;
        Peer *first;
        Turns turns;
        Watchers watchers;

        /* Shared by all peers, one of which is served at a time */
        InputShared input;
        char scratch[PEERS_SCRATCH_BYTES];
};

int peers_init(Peers *peers, struct event_base *base, Service *service, LoopChangedFn changed,
               void *userdata);
void peers_deinit(Peers *peers);

void peers_accept(Peers *peers, int fd, Tenant *tenant, bool by_admin);
void peers_end_tenant(Peers *peers, const Tenant *tenant);
void peers_look_again(Peers *peers, const Tenant *tenant);
void peers_update(Peers *peers);

#endif
