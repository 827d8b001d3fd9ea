/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_LOOP_H
#define SHMBROKER_DAEMON_SERVER_LOOP_H

/* The order in which events that come together are handled. */

enum {
        /* What the kernel tells comes before what clients ask: see life.h. */
        LOOP_PRIORITY_KERNEL,
        LOOP_PRIORITY_PEERS,
        _LOOP_PRIORITY_N,
};

/* Called after anything has happened that may have made something due. */
typedef void (*LoopChangedFn)(void *userdata);

#endif
