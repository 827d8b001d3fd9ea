/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_STREAMS_H
#define SHMBROKER_DAEMON_CALL_STREAMS_H

/*
 * Methods that reply more than once. What they send is made piece by piece as the client reads:
 * only the place is kept, as an id, so that a long list costs nothing and may change on the way.
 */

#include <stdbool.h>

#include "daemon/call/calls.h"
#include "daemon/call/watch.h"
#include "daemon/model/selection.h"
#include "proto/types.h"
#include "proto/writer.h"

typedef struct Stream Stream;
typedef enum StreamKind StreamKind;

enum StreamKind {
        STREAM_NONE,
        STREAM_SEGMENTS,
        STREAM_ATTACHMENTS,
        STREAM_USERS,
        STREAM_TENANTS,
        STREAM_WATCH,
};

struct Stream {
        StreamKind kind;
        /* The one that is to be sent next, 0 before the first; of users, see user_place() */
        int64_t pending_id;
        /* STREAM_ATTACHMENTS: of this segment */
        int64_t segment_id;
        /* STREAM_SEGMENTS: those that match; up to where they were looked at, and whether that was
         * all */
        Selection selection;
        int64_t looked_at_id;
        bool looked_at_all;
        /* STREAM_WATCH */
        WatchStream *watch;
};

#define STREAM_NULL                                                                                \
        {}

int stream_list(Stream *stream, const ListParameters *parameters, CallFailure *failure);
int stream_list_attachments(Stream *stream, Service *service, Client *client,
                            const SegmentParameters *parameters, CallFailure *failure);
int stream_list_users(Stream *stream);
int stream_list_tenants(Stream *stream);
int stream_watch(Stream *stream, Service *service, Client *client,
                 const WatchParameters *parameters, CallFailure *failure);
void stream_end(Stream *stream);

bool stream_idle(const Stream *stream);
void stream_write(Stream *stream, Service *service, Client *client, uint64_t end_usec,
                  Writer *writer);

#endif
