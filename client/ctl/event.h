/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_EVENT_H
#define SHMBROKER_CLIENT_CTL_EVENT_H

/* Waiting for events of a watch, with a time limit, signals, and an eye on who reads the output. */

#include "client/ctl/ctl.h"

typedef struct EventLoop EventLoop;

/* What a handler returns to see more events; else it is the exit code. */
#define EVENT_GO_ON (-1)
/* What events_run() returns when the time is over. */
#define EVENT_TIMEOUT (-2)

typedef int EventHandler(const struct shmbroker_event *event, void *userdata);

struct EventLoop {
        EventHandler *handler;
        void *userdata;
        /* How long at most, or SHMBROKER_FOREVER */
        uint64_t timeout_usec;
        /* It ends when nobody reads what is printed any more */
        bool prints;
        /* It is well if the segment that is watched is gone already */
        bool missing_is_well;
};

void events_stop_on_signals(void);
int events_run(struct shmbroker_watch *watch, const EventLoop *loop);

DEFINE_CLEANUP(struct shmbroker_watch, shmbroker_watch_free)
DEFINE_CLEANUP(struct shmbroker_event, shmbroker_event_free)

#endif
