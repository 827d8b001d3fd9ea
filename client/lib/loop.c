/* SPDX-License-Identifier: MIT */
/*
 * A call that may wait at the broker would keep those behind it from being answered, so it gets a
 * connection of its own. What event loops wait for is the same descriptor all the time.
 */

#include "client/lib/loop.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "client/lib/pipeline.h"
#include "proto/error.h"
#include "proto/util.h"

/* So many answers are taken in one go: other things in the same event loop have their turn. */
#define ANSWERS_AT_ONCE 64

/* Where epoll(7) does not take a socket in, it is looked at now and then. */
#define LOOK_USEC UINT64_C(10000)

/* What is waited for at one socket. Return: when to go on in any case. */
static uint64_t poll_socket(struct shmbroker *connection) {
        short events = pipeline_events(connection);
        uint64_t until = pipeline_until(connection);

        connection_poll(connection, events);
        return connection->polled == events ? until : MIN(until, deadline_after(LOOK_USEC));
}

/**
 * loop_update() - have the descriptor for event loops wait for what is to be waited for now
 * @connection: the connection of a program
 * @until:      can be read at this moment in any case, DEADLINE_NEVER where that does not matter
 */
void loop_update(struct shmbroker *connection, uint64_t until) {
        if (connection->poller.epoll_fd < 0)
                return;
        until = MIN(until, poll_socket(connection));
        for (struct shmbroker *own = connection->waiting; own; own = own->waiting)
                until = MIN(until, poll_socket(own));
        (void) poller_arm(&connection->poller, connection->done.first ? 0 : until);
}

/* loop_fd() - the descriptor for event loops, made at the first time, or a negative errno */
int loop_fd(struct shmbroker *connection) {
        int r;

        if (connection->pid != getpid())
                return error_origin(-ECHILD);
        r = poller_open(&connection->poller);
        return r ? error_trace(r) : connection->poller.epoll_fd;
}

/* A connection for a call alone; it is the program's only to be closed with it. */
static int own_new(struct shmbroker *owner, struct shmbroker **ret) {
        int r;

        r = connection_new(owner->address, ret);
        if (r)
                return error_trace(r);
        (*ret)->owner = owner;
        (*ret)->waiting = owner->waiting;
        owner->waiting = *ret;
        return 0;
}

static void own_free(struct shmbroker *owner, struct shmbroker *own) {
        struct shmbroker **at = &owner->waiting;

        while (*at != own)
                at = &(*at)->waiting;
        *at = own->waiting;
        connection_free(own);
}

/* When it has to be done: the connection's time, and the time that it may wait on top. */
static uint64_t call_deadline(const struct shmbroker *owner, const Request *request) {
        uint64_t usec;

        if (request->endless)
                return DEADLINE_NEVER;
        if (__builtin_add_overflow(owner->timeout_usec, request->wait_usec, &usec))
                usec = SHMBROKER_FOREVER;
        return deadline_after(usec);
}

/**
 * call_begin() - begin a call, without sending anything yet
 * @connection: the connection
 * @type:       what becomes of its answers
 * @request:    what is asked; nothing of it is needed afterwards
 * @ret:        the call, to be freed by shmbroker_call_free()
 *
 * Return: 0, or a negative errno, whose detail is noted on the connection.
 */
int call_begin(struct shmbroker *connection, const CallType *type, const Request *request,
               struct shmbroker_call **ret) {
        _cleanup_(call_deletep) struct shmbroker_call *call = NULL;
        struct shmbroker *carrier = connection;
        int r;

        if (connection->pid != getpid())
                return detail_errno(&connection->error, -ECHILD);
        r = call_new(&connection->error, type, request, &call);
        if (r)
                return error_trace(r);
        call->owner = connection;
        call->deadline = call_deadline(connection, request);
        if (request->wait_usec > 0 && (!request->blocking || connection->calls.first) &&
            own_new(connection, &carrier))
                return detail_errno(&connection->error, -ENOMEM);
        pipeline_append(carrier, call);
        loop_update(connection, DEADLINE_NEVER);
        *ret = steal_ptr(call);
        return 0;
}

/* What waits on a connection of its own is at an end with it. */
static void free_idle_own(struct shmbroker *connection) {
        struct shmbroker *own, *next;

        for (own = connection->waiting; own; own = next) {
                next = own->waiting;
                if (!own->calls.first)
                        own_free(connection, own);
        }
}

/* Until the call is done, whatever others come to meanwhile. Return: 0, or a negative errno. */
static int call_run(struct shmbroker_call *call) {
        int r;

        while (!call->done) {
                struct shmbroker *carrier = call->connection;
                short events;

                if (pipeline_step(carrier) != PIPELINE_WAIT || call->done)
                        continue;
                events = pipeline_events(carrier);
                r = deadline_poll(events ? carrier->fd : -EBADF, events, pipeline_until(carrier));
                if (r < 0)
                        return error_trace(r);
        }
        return 0;
}

/**
 * call_wait() - wait for the end of a call that was just begun
 * @call:       the call, which event loops are not told of
 *
 * Return: 0, or a negative errno, whose detail is noted on the connection.
 */
int call_wait(struct shmbroker_call *call) {
        struct shmbroker *owner = call->owner;
        int r;

        call->request.blocking = true;
        r = call_run(call);
        free_idle_own(owner);
        loop_update(owner, DEADLINE_NEVER);
        if (r)
                return detail_errno(&owner->error, r);
        if (call->result)
                error_move(&owner->error, &call->error);
        return error_trace(call->result);
}

/**
 * call_finish() - wait for the end of a call, and for what it brought
 * @call:       the call, which is freed
 * @brings:     what that is
 * @ret:        where a pointer to it goes, NULL if there is none; or NULL
 *
 * Return: 0, or a negative errno, whose detail is noted on the connection.
 */
int call_finish(struct shmbroker_call *call, CallBrings brings, void *ret) {
        _cleanup_(shmbroker_call_freep) struct shmbroker_call *ended = call;
        static void *const none;
        int r;

        r = call_wait(ended);
        if (r || !ret)
                return error_trace(r);
        r = call_take(ended, brings, ret);
        if (r == -ENODATA)
                memcpy(ret, &none, sizeof(none));
        else if (r)
                return detail_errno(&ended->owner->error, r);
        return 0;
}

/* A call that was sent is answered, whether somebody wants to know or not; one that waits ends with
 * its connection. */
static void call_abandon(struct shmbroker_call *call) {
        struct shmbroker *carrier = call->connection, *owner = call->owner;
        bool is_mine = carrier->pid == getpid();

        if (call->n_sent > 0 && is_mine && carrier == owner) {
                call->abandoned = true;
                return;
        }
        pipeline_withdraw(call);
        if (carrier != owner)
                own_free(owner, carrier);
        if (is_mine)
                loop_update(owner, DEADLINE_NEVER);
        call_delete(call);
}

/* One that is done ends once more, as one that nobody wants, with what was not taken. */
static void call_disown(struct shmbroker_call *call) {
        struct shmbroker *owner = call->owner;

        call_list_remove(call->told ? &owner->told : &owner->done, call);
        if (owner->pid != getpid()) {
                call_delete(call);
                return;
        }
        call->done = false;
        call->abandoned = true;
        call->connection = owner;
        pipeline_end(owner, call, call->result);
        loop_update(owner, DEADLINE_NEVER);
}

struct shmbroker_call *shmbroker_call_free(struct shmbroker_call *call) {
        if (!call)
                return NULL;
        if (!call->done)
                call_abandon(call);
        else if (call->owner && !call->request.blocking)
                call_disown(call);
        else
                call_delete(call);
        return NULL;
}

static void run_some(struct shmbroker *connection) {
        unsigned int n = 0;

        while (pipeline_step(connection) != PIPELINE_WAIT && n < ANSWERS_AT_ONCE)
                ++n;
}

int shmbroker_process(struct shmbroker *connection) {
        if (connection->pid != getpid())
                return detail_errno(&connection->error, -ECHILD);
        run_some(connection);
        for (struct shmbroker *own = connection->waiting; own; own = own->waiting)
                run_some(own);
        free_idle_own(connection);
        loop_update(connection, DEADLINE_NEVER);
        return connection->done.first ? 1 : 0;
}

struct shmbroker_call *shmbroker_next_done(struct shmbroker *connection) {
        struct shmbroker_call *call = connection->done.first;

        if (!call)
                return NULL;
        call_list_remove(&connection->done, call);
        call_list_append(&connection->told, call);
        call->told = true;
        if (!connection->done.first && connection->pid == getpid())
                loop_update(connection, DEADLINE_NEVER);
        return call;
}

int shmbroker_get_fd(struct shmbroker *connection) {
        int r;

        r = loop_fd(connection);
        if (r < 0)
                return detail_errno(&connection->error, r);
        loop_update(connection, DEADLINE_NEVER);
        return r;
}

/* Those that nobody wants to know of go; the others are told that they are over. */
static void end_all(struct shmbroker *connection) {
        struct shmbroker_call *call;

        while ((call = connection->calls.first)) {
                call_list_remove(&connection->calls, call);
                if (call->abandoned) {
                        call_delete(call);
                        continue;
                }
                call->owner = call->connection = NULL;
                call->done = true;
                call->result = detail_errno(&call->error, -ECANCELED);
        }
}

struct shmbroker *shmbroker_close(struct shmbroker *connection) {
        if (!connection)
                return NULL;
        while (connection->waiting) {
                end_all(connection->waiting);
                own_free(connection, connection->waiting);
        }
        end_all(connection);
        while (shmbroker_next_done(connection))
                ;
        for (struct shmbroker_call *call = connection->told.first; call; call = call->next)
                call->owner = NULL;
        return connection_free(connection);
}
