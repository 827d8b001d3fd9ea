/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_WATCH_H
#define SHMBROKER_DAEMON_CALL_WATCH_H

/* The replies of one Watch(): what exists, that this was all, and then what happens. */

#include <stdbool.h>

#include "daemon/call/calls.h"
#include "proto/writer.h"

typedef struct WatchStream WatchStream;

int watch_stream_new(Service *service, Client *client, const WatchParameters *parameters,
                     WatchStream **ret, CallFailure *failure);
WatchStream *watch_stream_free(WatchStream *stream);
bool watch_stream_idle(const WatchStream *stream);
void watch_stream_write(WatchStream *stream, uint64_t end_usec, Writer *writer);

#endif
