/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_LISTENER_H
#define SHMBROKER_DAEMON_SERVER_LISTENER_H

/* Where clients connect: a socket of the broker's own, or one that systemd passed. What it passed
 * besides by names of the store is the store's (daemon/state/store.h), which takes it before. */

#include <stdbool.h>

struct event;
struct event_base;

typedef struct Listener Listener;

/* Takes over a client's socket. */
typedef void (*ListenerAcceptedFn)(int fd, void *userdata);

enum {
        _LISTENER_E_SUCCESS,
        /* Another broker listens there */
        LISTENER_E_BUSY,
        /* What systemd passed is not one listening stream socket */
        LISTENER_E_PASSED,
};

struct Listener {
        ListenerAcceptedFn accepted;
        void *userdata;
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

int listener_open(Listener *listener, struct event_base *base, const char *path,
                  ListenerAcceptedFn accepted, void *userdata);
void listener_close(Listener *listener);

#endif
