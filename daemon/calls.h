#ifndef SHMBROKER_DAEMON_CALLS_H
#define SHMBROKER_DAEMON_CALLS_H

/*
 * What the methods do. Structures in, structures out, and a code if they fail; how a code is told
 * to the client is dispatch.c's business.
 */

#include "daemon/client.h"
#include "daemon/service.h"
#include "proto/types.h"

typedef struct Acquired Acquired;
typedef struct CallFailure CallFailure;

enum {
        _CALL_E_SUCCESS,
        CALL_E_INVALID_PARAMETER,
        CALL_E_NO_INTERFACE,
        CALL_E_NO_SUCH_SEGMENT,
        CALL_E_EXISTS,
        CALL_E_DENIED,
        CALL_E_WRONG_SIZE,
        CALL_E_LIMIT,
        CALL_E_NOT_SUPPORTED,
        _CALL_E_N,
};

/* What there is to say about a code. */
struct CallFailure {
        union {
                /* INVALID_PARAMETER, NOT_SUPPORTED: a string constant; NO_INTERFACE: text of the
                 * call */
                const char *text;
                /* EXISTS */
                int64_t id;
                /* LIMIT; a maximum of 0 is not known */
                LimitReached limit;
                /* WRONG_SIZE; size_bytes is negative where there is no segment */
                struct {
                        int64_t size_bytes;
                        int64_t minimum_bytes;
                        int64_t maximum_bytes;
                };
        };
};

/* What has to be handed out together with the reply, or taken back. */
struct Acquired {
        Segment *segment;
        Attachment *attachment;
        int fd;
};

static inline int call_invalid(CallFailure *failure, const char *parameter) {
        failure->text = parameter;
        return CALL_E_INVALID_PARAMETER;
}

int call_acquire(Service *service, Client *client, const AcquireParameters *parameters,
                 AcquireReply *reply, Acquired *ret, CallFailure *failure);
void call_acquire_undo(Service *service, Acquired *acquired);
int call_remove(Service *service, Client *client, const SegmentParameters *parameters,
                RemoveReply *reply, CallFailure *failure);
int call_stat(Service *service, Client *client, const SegmentParameters *parameters,
              SegmentReply *reply, CallFailure *failure);
void call_get_status(Service *service, StatusReply *reply);

int call_find_readable(Service *service, Client *client, const SegmentParameters *parameters,
                       Segment **ret, CallFailure *failure);

#endif
