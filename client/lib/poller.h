/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_POLLER_H
#define SHMBROKER_CLIENT_LIB_POLLER_H

/*
 * One descriptor that can be read when something is to be done, whatever that waits for: sockets
 * that come and go, and a moment. Nothing is made of it before somebody asks for the descriptor.
 */

#include <stdint.h>

#include "client/lib/deadline.h"

typedef struct Poller Poller;

struct Poller {
        int epoll_fd;
        int timer_fd;
        /* What the timer is set to */
        uint64_t until;
};

#define POLLER_NULL                                                                                \
        { .epoll_fd = -EBADF, .timer_fd = -EBADF, .until = DEADLINE_NEVER }

void poller_deinit(Poller *poller);
int poller_open(Poller *poller);
int poller_set(const Poller *poller, int fd, short old_events, short events);
int poller_arm(Poller *poller, uint64_t until);

#endif
