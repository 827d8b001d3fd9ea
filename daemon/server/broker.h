/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_BROKER_H
#define SHMBROKER_DAEMON_SERVER_BROKER_H

/* The daemon: a service, a loop, and the peers between them. */

#include <stdint.h>
#include <sys/time.h>

#include "daemon/call/service.h"
#include "daemon/server/listener.h"
#include "daemon/server/options.h"
#include "daemon/server/peer.h"
#include "daemon/server/settings.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"

struct event;
struct event_base;

/* Replies are made here; the longest one is an interface's description. */
#define SCRATCH_BYTES (64U * 1024)

struct Broker {
        const Options *options;
        struct event_base *base;
        Service service;
        Listener listener;
        Peer *peers;
        /* Those that watch, the next one to be served first */
        Peer *watchers;
        struct event *tell;
        bool watchers_due;
        uint64_t watchers_usec;
        bool watchers_behind;
        uint64_t n_events_told;

        /* As the host allows, where the configuration does not say */
        Settings defaults;

        struct event *signals[3];
        struct event *closings;
        struct event *closings_pause;
        struct event *worker;
        struct event *store;
        struct event *tick;
        uint64_t tick_usec;
        struct event *watchdog;
        struct event *status;
        uint64_t n_status_segments;
        uint64_t n_status_attachments;
        bool status_due;

        /* Shared by all peers, one of which is served at a time */
        FrameSpare spare;
        FdQueue fds;
        char scratch[SCRATCH_BYTES];
};

/* What the kernel tells comes before what clients ask: see life.h. */
enum {
        BROKER_PRIORITY_KERNEL,
        BROKER_PRIORITY_PEERS,
        _BROKER_PRIORITY_N,
};

int broker_run(const Options *options);
void broker_update(Broker *broker);
struct timeval broker_until(uint64_t due);

#endif
