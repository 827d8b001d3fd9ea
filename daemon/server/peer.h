/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_PEER_H
#define SHMBROKER_DAEMON_SERVER_PEER_H

/* One connection: bytes in, calls one after the other, bytes and descriptors out. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Broker Broker;
typedef struct Peer Peer;

void peer_accept(Broker *broker, int fd);
bool peer_tell_watchers(Broker *broker, uint64_t end_usec);
Peer *peer_free(Peer *peer);

#endif
