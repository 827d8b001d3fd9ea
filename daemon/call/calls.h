/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_CALLS_H
#define SHMBROKER_DAEMON_CALL_CALLS_H

/*
 * What the methods do. Structures in, structures out, and a code of failure.h if they fail.
 */

#include "daemon/call/failure.h"
#include "daemon/call/service.h"
#include "daemon/model/client.h"
#include "proto/types.h"

typedef struct Acquired Acquired;
typedef struct Pending Pending;

/* No reply of a method that replies more than once is longer; it goes on only while there is so
 * much room left. */
#define STREAM_REPLY_MAX 8192U

/* What has to be handed out together with the reply, or taken back: an attachment, or only the
 * promise to keep the segment. */
struct Acquired {
        Segment *segment;
        Attachment *attachment;
        Reservation *reservation;
        int fd;
        /* The segment was made by this call */
        bool created;
};

int call_acquire(Service *service, Client *client, const AcquireParameters *parameters,
                 AcquireReply *reply, Acquired *ret, CallFailure *failure);
int call_create_segment(Service *service, Client *client, const AcquireParameters *parameters,
                        Segment **ret, CallFailure *failure);
void call_acquire_undo(Service *service, Acquired *acquired);
int call_remove(Service *service, Client *client, const SegmentParameters *parameters,
                RemoveReply *reply, CallFailure *failure);
int call_adopt(Service *service, Client *client, const AdoptParameters *parameters,
               SegmentReply *reply, CallFailure *failure);
int call_stat(Service *service, Client *client, const SegmentParameters *parameters,
              SegmentReply *reply, CallFailure *failure);
void call_get_status(Service *service, const Client *client, StatusReply *reply);

int call_set_attributes(Service *service, Client *client, const SetAttributesParameters *parameters,
                        SegmentReply *reply, Pending **ret, CallFailure *failure);
int call_resize(Service *service, Client *client, const ResizeParameters *parameters,
                SegmentReply *reply, CallFailure *failure);
int call_seal(Service *service, Client *client, const SealParameters *parameters,
              SegmentReply *reply, Pending **ret, CallFailure *failure);
int call_publish(Service *service, Client *client, const PublishParameters *parameters,
                 PublishReply *reply, CallFailure *failure);

bool call_sees(const Client *client, const Segment *segment);
bool call_may_name(const Service *service, const Client *client, const Tenant *tenant,
                   const char *name);
int call_find_controlled(Service *service, Client *client, const SegmentParameters *parameters,
                         Segment **ret, CallFailure *failure);
int call_find_available(Service *service, Client *client, const SegmentParameters *parameters,
                        Segment **ret, CallFailure *failure);
int call_find_readable(Service *service, Client *client, const SegmentParameters *parameters,
                       Segment **ret, CallFailure *failure);

#endif
