/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_FAILURE_H
#define SHMBROKER_DAEMON_CALL_FAILURE_H

/* How calls fail; how that is told to the client is dispatch.c's business. */

#include "daemon/base/log.h"
#include "daemon/call/service.h"
#include "daemon/kind/kind.h"
#include "daemon/model/client.h"
#include "proto/field.h"

typedef struct CallFailure CallFailure;

enum {
        _CALL_E_SUCCESS,
        CALL_E_INVALID_PARAMETER,
        CALL_E_NO_INTERFACE,
        CALL_E_NO_SUCH_SEGMENT,
        CALL_E_EXISTS,
        CALL_E_DENIED,
        /* Its owner or creator is not trusted by who asks */
        CALL_E_FOREIGN,
        CALL_E_WRONG_SIZE,
        CALL_E_LIMIT,
        /* The limit descriptors, which is the kernel's and passes: what has ended meanwhile may
         * have lifted it already */
        CALL_E_NO_DESCRIPTORS,
        CALL_E_NOT_SUPPORTED,
        /* Its object cannot be opened at the moment */
        CALL_E_UNAVAILABLE,
        CALL_E_BUSY,
        CALL_E_NO_DESCRIPTOR,
        /* No answer yet */
        CALL_E_WAIT,
        _CALL_E_N,
};

#define SIZE_UNKNOWN (-1)

/* The details of a code, which the error reply contains. */
struct CallFailure {
        union {
                /* INVALID_PARAMETER: a string constant; NO_INTERFACE: text of the call */
                const char *text;
                /* NOT_SUPPORTED: a word of the interface and a sentence, which stay */
                struct {
                        const char *reason_cause;
                        const char *reason;
                };
                /* EXISTS; 0 if what is there is not the broker's */
                int64_t id;
                /* BUSY */
                /* Negative if it is not known */
                int64_t attach_count;
                /* UNAVAILABLE; strings that stay */
                struct {
                        int64_t unavailable_id;
                        const char *cause;
                        const char *message;
                };
                /* FOREIGN */
                struct {
                        int64_t foreign_id;
                        uid_t owner_uid;
                        uid_t creator_uid;
                };
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

/* What these return is visible to each caller, as in proto/error.h. */
static inline int call_invalid(CallFailure *failure, const char *parameter) {
        failure->text = parameter;
        return CALL_E_INVALID_PARAMETER;
}

static inline int call_not_supported(CallFailure *failure, const char *cause, const char *reason) {
        failure->reason_cause = cause;
        failure->reason = reason;
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

static inline int call_unavailable(const Segment *segment, CallFailure *failure) {
        failure->unavailable_id = segment->id;
        failure->cause = segment->unavailable.cause;
        failure->message = segment->unavailable.message;
        return CALL_E_UNAVAILABLE;
}

/* What could not be written down would be lost, and numbers given away might come again. */
static inline int call_no_state(CallFailure *failure) {
        log_error("The call is refused: the state directory cannot be written to.");
        return call_not_supported(failure, "directory",
                                  "the broker cannot write to its state directory");
}

int call_check_trusted(const Client *client, const Segment *segment, bool given,
                       const Numbers *trusted_uids, CallFailure *failure);
int call_kind_failure(int code, const KindFailure *kind_failure, CallFailure *failure);
int call_take_charge(Service *service, const Client *client, Charge *charge, User *user, Limit what,
                     uint64_t amount, CallFailure *failure);

#endif
