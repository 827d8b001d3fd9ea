/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_CONNECTION_H
#define SHMBROKER_CLIENT_LIB_CONNECTION_H

/*
 * A connection to a broker: its socket, what is under way on it, and what is done. None of these
 * functions blocks: where one cannot go on, it says so, and the caller waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/lib/call.h"
#include "client/lib/error.h"
#include "client/lib/poller.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"
#include "proto/util.h"

struct shmbroker {
        char *address;
        pid_t pid;
        uint64_t timeout_usec;
        /* Programs close descriptors they do not know, so the socket is known by its inode too */
        int fd;
        dev_t device;
        ino_t inode;
        Frames frames;
        FrameSpare spare;
        FdQueue fds;
        /* So many descriptors came that could not be taken in, before those in fds */
        size_t n_lost_fds;
        /* The other end took no more; what it sent before may still be read */
        bool refused;
        /* The socket is full */
        bool full;
        /* It is to be dropped as soon as nothing is under way on it */
        bool stale;
        /* More may be there without waiting */
        bool more;
        /* Between two tries to connect: how long, and until when */
        uint64_t pause;
        uint64_t retry_at;
        /* Under way, in order: some sent, the others not yet or not wholly */
        CallList calls;
        unsigned int n_answers;
        struct shmbroker_call *unsent;
        /* What was sent and is not answered */
        size_t n_ahead_bytes;
        size_t n_ahead_fds;
        /* Done, and not told yet; told, and not freed */
        CallList done;
        CallList told;
        /* Who made the call that has this connection to itself, NULL if it is a program's; and the
         * list of those */
        struct shmbroker *owner;
        struct shmbroker *waiting;
        /* For event loops, and what it waits for at the socket */
        Poller poller;
        short polled;
        struct shmbroker_error error;
};

int connection_new(const char *address, struct shmbroker **ret);
struct shmbroker *connection_free(struct shmbroker *connection);
int connection_connect(struct shmbroker *connection);
bool connection_is_ours(const struct shmbroker *connection);
void connection_drop(struct shmbroker *connection);
void connection_poll(struct shmbroker *connection, short events);
int connection_send(struct shmbroker *connection, const void *data, size_t n_data, int passed_fd,
                    size_t *ret_n_sent);
int connection_receive(struct shmbroker *connection, bool takes_fds);
int connection_take_fd(struct shmbroker *connection);

DEFINE_CLEANUP(struct shmbroker, connection_free)

#endif
