/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_ANSWER_H
#define SHMBROKER_DAEMON_CALL_ANSWER_H

/* What a dispatched call comes to, beside the text of its reply. */

#include "daemon/call/calls.h"
#include "daemon/call/pending.h"
#include "daemon/call/streams.h"

typedef struct Answer Answer;

/* What goes out besides the text: nothing, an attachment, or more replies; or there is no text yet.
 */
struct Answer {
        Acquired acquired;
        Stream stream;
        Pending *pending;
        /* It may go out when this sync is over (sync.h); 0 for at once */
        uint64_t sync_number;
        /* The segment that it tells of was made or adopted by the call, or 0 */
        int64_t born_id;
};

#define ANSWER_NULL                                                                                \
        {                                                                                          \
                .acquired = {.fd = -EBADF }                                                        \
        }

#endif
