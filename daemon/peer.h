#ifndef SHMBROKER_DAEMON_PEER_H
#define SHMBROKER_DAEMON_PEER_H

/* One connection: bytes in, calls one after the other, bytes and descriptors out. */

typedef struct Broker Broker;
typedef struct Peer Peer;

void peer_accept(Broker *broker, int fd);
Peer *peer_free(Peer *peer);

#endif
