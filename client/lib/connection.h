/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_CONNECTION_H
#define SHMBROKER_CLIENT_LIB_CONNECTION_H

/*
 * A connection to a broker. None of these functions blocks: where one cannot go on, it says so, and
 * the caller waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/lib/error.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"
#include "proto/util.h"

/* The longest call: every parameter of Acquire, or a pattern whose every byte is escaped. */
#define CALL_MAX 4096

typedef struct Acquire Acquire;
typedef struct Request Request;

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
        /* The other end took no more; what it sent before may still be read */
        bool refused;
        /* Between two tries to connect: how long, and until when */
        uint64_t pause;
        uint64_t retry_at;
        /* A descriptor came that could not be taken in */
        bool truncated;
        size_t n_out;
        size_t n_sent;
        char out[CALL_MAX];
        /* The call under way, or NULL */
        Request *request;
        /* What shmbroker_acquire_start() began, or NULL */
        Acquire *acquire;
        struct shmbroker_error error;
};

int connection_new(const char *address, struct shmbroker **ret);
struct shmbroker *connection_free(struct shmbroker *connection);
int connection_connect(struct shmbroker *connection);
int connection_check(const struct shmbroker *connection);
void connection_drop(struct shmbroker *connection);
int connection_send(struct shmbroker *connection, const int *passed_fd);
int connection_receive(struct shmbroker *connection, bool takes_fds);

DEFINE_CLEANUP(struct shmbroker, connection_free)

#endif
