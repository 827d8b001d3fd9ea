/* SPDX-License-Identifier: MIT */
#include "daemon/call/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"

/**
 * pending_new() - make a call wait
 * @service:    the service
 * @client:     whose call it is, and who is charged for it
 * @method:     the method
 * @ret:        the call, with no end to its time
 * @failure:    details
 *
 * Return: 0, or CALL_E_LIMIT.
 */
int pending_new(Service *service, Client *client, Method method, Pending **ret,
                CallFailure *failure) {
        _cleanup_(pending_freep) Pending *pending = calloc(1, sizeof(*pending));
        int r;

        if (!pending)
                return call_no_memory(failure);
        pending->method = method;
        pending->deadline_usec = USEC_INFINITY;
        pending->fd = -EBADF;
        r = call_take_charge(service, client, &pending->charge, client->user, LIMIT_WAITING, 1,
                             failure);
        if (r)
                return r;
        *ret = steal_ptr(pending);
        return 0;
}

/* pending_free() - forget a call; work that is under way for it is finished all the same */
Pending *pending_free(Pending *pending) {
        if (!pending)
                return NULL;
        if (pending->waits)
                waits_remove(pending->waits, &pending->wait);
        if (pending->found_at)
                *pending->found_at = NULL;
        if (pending->sync)
                sync_wait_no_more(pending->sync, &pending->sync_wait);
        fd_close(pending->fd);
        free(pending->text);
        charge_give_back(&pending->charge);
        free(pending);
        return NULL;
}

static void pending_appeared(Wait *wait) {
        pending_ready(CONTAINER_OF(wait, Pending, wait));
}

/* -1 is for ever, and so is what is longer than the clock can tell. */
static uint64_t pending_deadline(int64_t wait_usec) {
        uint64_t end;

        if (wait_usec < 0 ||
            __builtin_add_overflow(clock_boottime_usec(), (uint64_t) wait_usec, &end))
                return USEC_INFINITY;
        return end;
}

/**
 * pending_wait() - let an Acquire wait for its name
 * @pending:    the call, as pending_new() made it
 * @service:    the service
 * @client:     who waits
 * @parameters: what was asked; copied
 * @failure:    details
 *
 * Return: 0, or CALL_E_LIMIT.
 */
int pending_wait(Pending *pending, Service *service, const Client *client,
                 const AcquireParameters *parameters, CallFailure *failure) {
        pending->deadline_usec = pending_deadline(parameters->wait_usec);
        pending->acquire = *parameters;
        (void) strncpy(pending->name, parameters->name, sizeof(pending->name) - 1);
        pending->acquire.name = pending->name;
        /* Of no use to who only opens, and not to be kept. */
        pending->acquire.given &= ~(UINT64_C(1) << ACQUIRE_POSIX_NAME);
        pending->acquire.posix_name = NULL;
        pending->wait.appeared = pending_appeared;
        return pending_wait_on(pending, service, client, failure);
}

/* pending_wait_on() - let it wait where its name is looked for now, which is another place when
 * what is exported to a tenant changes; 0, or CALL_E_LIMIT */
int pending_wait_on(Pending *pending, Service *service, const Client *client,
                    CallFailure *failure) {
        Waits *waits = service_waits(service, client->credentials.tenant, pending->name);

        if (waits == pending->waits)
                return 0;
        if (pending->waits)
                waits_remove(pending->waits, &pending->wait);
        pending->waits = NULL;
        if (waits_add(waits, &pending->wait, pending->name) < 0)
                return call_no_memory(failure);
        pending->waits = waits;
        return 0;
}

/* pending_ready() - say that the call is worth another look */
void pending_ready(Pending *pending) {
        pending->ready = true;
        if (pending->wake)
                pending->wake(pending->userdata);
}

/* pending_over() - is its time over? */
bool pending_over(const Pending *pending) {
        return pending->deadline_usec != USEC_INFINITY &&
               clock_boottime_usec() >= pending->deadline_usec;
}
