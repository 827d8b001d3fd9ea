/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_PENDING_H
#define SHMBROKER_DAEMON_CALL_PENDING_H

/*
 * A call that cannot be answered yet: an Acquire that waits for a name, a call whose work is done
 * by the worker, or one whose answer is held until it is on the disk. Whoever made it keeps it
 * until it is ready, or until its time is over.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/failure.h"
#include "daemon/model/waits.h"
#include "proto/method.h"
#include "proto/util.h"

typedef struct Pending Pending;

struct Pending {
        Method method;
        /* Worth another look */
        bool ready;
        /* CLOCK_BOOTTIME, when the time is over, or USEC_INFINITY */
        uint64_t deadline_usec;
        /* Called once it is ready. Set by who keeps the call. */
        void (*wake)(void *userdata);
        void *userdata;
        Charge charge;

        /* Acquire: the call, with a name of its own */
        AcquireParameters acquire;
        char name[NAME_LENGTH_MAX + 1];
        Waits *waits;
        Wait wait;

        /* Where the work that is under way for it finds it, which is set to NULL when the call is
         * forgotten; NULL if there is none. And what came of it. */
        Pending **found_at;
        int code;
        CallFailure failure;
        int64_t segment_id;

        /* An answer that is held until what it tells is on the disk: the text, and the attachment
         * with its descriptor. Whether the segment was made or adopted by this call, and goes if it
         * did not get there. */
        Sync *sync;
        SyncWait sync_wait;
        char *text;
        size_t n_text;
        int fd;
        int64_t attachment_id;
        bool is_birth;
};

int pending_new(Service *service, Client *client, Method method, Pending **ret,
                CallFailure *failure);
Pending *pending_free(Pending *pending);

int pending_wait(Pending *pending, Service *service, const Client *client,
                 const AcquireParameters *parameters, CallFailure *failure);
int pending_wait_on(Pending *pending, Service *service, const Client *client, CallFailure *failure);
void pending_ready(Pending *pending);
bool pending_over(const Pending *pending);

DEFINE_CLEANUP(Pending, pending_free)

#endif
