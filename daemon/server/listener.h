/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_LISTENER_H
#define SHMBROKER_DAEMON_SERVER_LISTENER_H

/* Where clients connect: a socket of the broker's own, or one that systemd passed. What it passed
 * besides by names of the store is the store's (daemon/state/store.h), which takes it before. */

#include <stdbool.h>

typedef struct Broker Broker;
typedef struct Listener Listener;

struct event;

enum {
        _LISTENER_E_SUCCESS,
        /* Another broker listens there */
        LISTENER_E_BUSY,
        /* What systemd passed is not one listening stream socket */
        LISTENER_E_PASSED,
};

struct Listener {
        Broker *broker;
        int fd;
        /* Of a socket of the broker's own */
        char *path;
        char *lock_path;
        int lock_fd;
        bool locked;
        struct event *event;
        /* Looks again when descriptors had run out */
        struct event *pause;
};

#define LISTENER_NULL                                                                              \
        { .fd = -EBADF, .lock_fd = -EBADF }

int listener_open(Listener *listener, Broker *broker, const char *path);
void listener_close(Listener *listener);

#endif
