/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_CALLS_H
#define SHMBROKER_DAEMON_CALL_CALLS_H

/*
 * What the methods do. Structures in, structures out, and a code if they fail; how a code is told
 * to the client is dispatch.c's business.
 */

#include "daemon/base/log.h"
#include "daemon/call/service.h"
#include "daemon/kind/kind.h"
#include "daemon/model/client.h"
#include "proto/types.h"

typedef struct Acquired Acquired;
typedef struct CallFailure CallFailure;
typedef struct Pending Pending;

enum {
        _CALL_E_SUCCESS,
        CALL_E_INVALID_PARAMETER,
        CALL_E_NO_INTERFACE,
        CALL_E_NO_SUCH_SEGMENT,
        CALL_E_EXISTS,
        CALL_E_DENIED,
        CALL_E_WRONG_SIZE,
        CALL_E_LIMIT,
        /* The limit descriptors, which is the kernel's and passes: what has ended meanwhile may
         * have lifted it already */
        CALL_E_NO_DESCRIPTORS,
        CALL_E_NOT_SUPPORTED,
        CALL_E_BUSY,
        CALL_E_NO_DESCRIPTOR,
        /* No answer yet */
        CALL_E_WAIT,
        _CALL_E_N,
};

#define SIZE_UNKNOWN (-1)

/* No reply of a method that replies more than once is longer; it goes on only while there is so
 * much room left. */
#define STREAM_REPLY_MAX 8192U

/* What there is to say about a code. */
struct CallFailure {
        union {
                /* INVALID_PARAMETER, NOT_SUPPORTED: a string constant; NO_INTERFACE: text of the
                 * call */
                const char *text;
                /* EXISTS; 0 if what is there is not the broker's */
                int64_t id;
                /* BUSY */
                size_t attach_count;
                /* LIMIT, NO_DESCRIPTORS; a maximum of LIMIT_NONE is not known */
                LimitReached limit;
                /* WRONG_SIZE; size_bytes is SIZE_UNKNOWN where there is no segment */
                struct {
                        int64_t size_bytes;
                        int64_t minimum_bytes;
                        int64_t maximum_bytes;
                };
        };
};

/* What has to be handed out together with the reply, or taken back: an attachment, or only the
 * promise to keep the segment. */
struct Acquired {
        Segment *segment;
        Attachment *attachment;
        Reservation *reservation;
        int fd;
};

/* How calls fail. What these return is visible to each caller, as in proto/error.h. */
static inline int call_invalid(CallFailure *failure, const char *parameter) {
        failure->text = parameter;
        return CALL_E_INVALID_PARAMETER;
}

static inline int call_not_supported(CallFailure *failure, const char *reason) {
        failure->text = reason;
        return CALL_E_NOT_SUPPORTED;
}

static inline int call_no_memory(CallFailure *failure) {
        failure->limit = (LimitReached){ .name = LIMIT_NAME_MEMORY, .maximum = LIMIT_NONE };
        return CALL_E_LIMIT;
}

static inline int call_no_descriptors(CallFailure *failure) {
        failure->limit = (LimitReached){ .name = LIMIT_NAME_DESCRIPTORS, .maximum = LIMIT_NONE };
        return CALL_E_NO_DESCRIPTORS;
}

static inline int call_wrong_size(CallFailure *failure, int64_t size_bytes, int64_t minimum_bytes,
                                  int64_t maximum_bytes) {
        failure->size_bytes = size_bytes;
        failure->minimum_bytes = minimum_bytes;
        failure->maximum_bytes = maximum_bytes;
        return CALL_E_WRONG_SIZE;
}

/* What could not be written down would be lost, and numbers given away might come again. */
static inline int call_no_state(CallFailure *failure) {
        log_error("The call is refused: the state directory cannot be written to.");
        return call_not_supported(failure, "the broker cannot write to its state directory");
}

int call_kind_failure(int code, const KindFailure *kind_failure, CallFailure *failure);
int call_take_charge(Service *service, Charge *charge, User *user, Limit what, uint64_t amount,
                     CallFailure *failure);

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
void call_get_status(Service *service, StatusReply *reply);

int call_set_attributes(Service *service, Client *client, const SetAttributesParameters *parameters,
                        SegmentReply *reply, Pending **ret, CallFailure *failure);
int call_resize(Service *service, Client *client, const ResizeParameters *parameters,
                SegmentReply *reply, CallFailure *failure);
int call_seal(Service *service, Client *client, const SealParameters *parameters,
              SegmentReply *reply, Pending **ret, CallFailure *failure);
int call_publish(Service *service, Client *client, const PublishParameters *parameters,
                 PublishReply *reply, CallFailure *failure);

int call_find_controlled(Service *service, Client *client, const SegmentParameters *parameters,
                         Segment **ret, CallFailure *failure);
int call_find_readable(Service *service, Client *client, const SegmentParameters *parameters,
                       Segment **ret, CallFailure *failure);

#endif
