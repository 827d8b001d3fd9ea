/* SPDX-License-Identifier: MIT */
/*
 * A call and its answers, from the first byte to the last, and once more where the broker went away
 * in the middle. What a method's answers mean is for who asked.
 */

#include "client/lib/call.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "proto/error.h"
#include "proto/name.h"
#include "proto/scan.h"
#include "proto/util.h"

/* So many answers are still taken after the deadline, if they are there: a process that was stopped
 * meanwhile gets its list, and one whose peer never ends an end. */
#define LATE_ANSWERS 64

/* request_deadline() - when a call has to be done: the connection's time, and @more_usec on top */
uint64_t request_deadline(const struct shmbroker *connection, uint64_t more_usec) {
        uint64_t usec;

        if (__builtin_add_overflow(connection->timeout_usec, more_usec, &usec))
                usec = SHMBROKER_FOREVER;
        return deadline_after(usec);
}

/* call_check_name() - a name that no segment can have is not sent: it could break the message */
int call_check_name(struct shmbroker *connection, const char *name) {
        if (!name || name_valid(name))
                return 0;
        return detail_parameter(
                connection, "name",
                "no segment can have this name: letters, digits and ._+:@- are possible, none of +:@- "
                "first, with single slashes between them");
}

static int call_write_down(struct shmbroker *connection, Request *request) {
        Writer writer = WRITER_INIT(connection->out, sizeof(connection->out));

        call_write(&writer, request->method, request->parameters);
        if (writer.overflow)
                return error_origin(-EMSGSIZE);
        /* The broker hangs up on what is not UTF-8. */
        if (request->free_text && scan_text(writer.data, writer.n_data - 1)) {
                request->noted = true;
                return detail_parameter(connection, request->free_text, "the text is not UTF-8");
        }
        connection->n_out = writer.n_data;
        connection->n_sent = 0;
        connection->refused = false;
        connection->truncated = false;
        return 0;
}

/* One message. Return: CALL_DONE if it was the last one, CALL_ANSWER if not, a negative errno. */
static int call_answer(struct shmbroker *connection, Request *request, char *text, size_t n_text) {
        Reply reply;
        int r;

        r = reply_parse(text, n_text, &reply);
        if (r > 0)
                return error_origin(-EPROTO);
        if (r)
                return error_trace(r);
        if (reply.error) {
                detail_clear(connection);
                r = detail_fault(connection, request, &reply);
                request->noted = connection->error.code == r;
                return error_trace(r);
        }
        /* An answer to what was not received whole, or one too many. */
        if (connection->refused || (reply.continues && !method_rows[request->method].more))
                return error_origin(-EPROTO);
        r = request->answer(connection, request, &reply);
        if (r)
                return error_trace(r);
        return reply.continues ? CALL_ANSWER : CALL_DONE;
}

static int call_receive(struct shmbroker *connection, Request *request) {
        bool takes_fds = method_rows[request->method].n_fds_out > 0;
        size_t n_text;
        char *text;
        int r;

        for (;;)
                switch (frames_next(&connection->frames, &text, &n_text)) {
                case FRAMES_MESSAGE:
                        return error_trace(call_answer(connection, request, text, n_text));
                case FRAMES_WAIT:
                        r = connection_receive(connection, takes_fds);
                        if (r <= 0)
                                return error_trace(r);
                        break;
                default:
                        return error_origin(-EPROTO);
                }
}

static int call_connect(struct shmbroker *connection, Request *request) {
        int r;

        r = connection_connect(connection);
        request->unconnected = r < 0;
        if (r <= 0)
                return error_trace(r);
        r = call_write_down(connection, request);
        if (r)
                return error_trace(r);
        request->state = REQUEST_SENDING;
        return 1;
}

/* As far as it goes without waiting, or to the next answer. */
static int call_advance(struct shmbroker *connection, Request *request) {
        int r;

        if (request->state == REQUEST_CONNECTING) {
                r = call_connect(connection, request);
                if (r <= 0)
                        return error_trace(r);
        } else {
                r = connection_check(connection);
                if (r)
                        return error_trace(r);
        }
        if (request->state == REQUEST_SENDING) {
                r = connection_send(connection, request->passed_fd);
                if (r <= 0)
                        return error_trace(r);
                /* No answer can be there yet, so wait for it before looking. */
                request->state = REQUEST_RECEIVING;
                return CALL_WAIT;
        }
        return error_trace(call_receive(connection, request));
}

/*
 * Where the broker had gone away before, nothing of the call was taken, and it is made on a new
 * connection. Where it was taken and cut off, it is repeated once if that does no harm.
 */
static bool call_again(struct shmbroker *connection, Request *request, int r) {
        if (request->noted || request->repeated)
                return false;
        if (r != -EPIPE && (r != -ECONNRESET || !request->repeatable))
                return false;
        connection_drop(connection);
        request->repeated = true;
        request->state = REQUEST_CONNECTING;
        if (request->again)
                request->again(request);
        return true;
}

/* Whatever is left behind would be taken for the answer to the next call. */
static bool connection_is_clean(const struct shmbroker *connection) {
        return connection->frames.begin == connection->frames.end && connection->fds.n_fds == 0 &&
               !connection->refused && !connection->truncated;
}

/* Did connect(2) fail because of who is there, and not for want of something here? */
static bool is_unreachable(const Request *request, int r) {
        if (!request->unconnected)
                return false;
        switch (r) {
        case -EMFILE:
        case -ENFILE:
        case -ENOBUFS:
        case -ENOMEM:
                return false;
        default:
                return true;
        }
}

static int call_end(struct shmbroker *connection, Request *request, int r) {
        /* An error that the broker replied leaves the connection as good as it was, unless it
         * closes it: another call could still be sent, and would be cut off. */
        if ((r < 0 && !request->noted) || !connection_is_clean(connection) ||
            (request->noted && detail_is_refusal(connection)))
                connection_drop(connection);
        frames_settle(&connection->frames, &connection->spare);
        connection->request = NULL;
        if (r == CALL_DONE)
                detail_clear(connection);
        else if (is_unreachable(request, r))
                r = detail_unreachable(connection, r);
        else if (!request->noted)
                r = detail_errno(connection, r == -EPIPE ? -ECONNRESET : r);
        return error_trace(r);
}

/**
 * call_begin() - begin a call
 * @connection: the connection
 * @request:    the call, which has to stay until it is done
 *
 * Nothing is done yet: call_step() does.
 *
 * Return: 0, or -ECHILD or -EALREADY, whose detail is noted.
 */
int call_begin(struct shmbroker *connection, Request *request) {
        if (connection->pid != getpid())
                return detail_errno(connection, -ECHILD);
        if (connection->request)
                return detail_errno(connection, -EALREADY);
        request->state = REQUEST_CONNECTING;
        connection->request = request;
        return 0;
}

/**
 * call_step() - go on with a call that was begun, without waiting
 * @connection: the connection
 *
 * Return: CALL_DONE; CALL_ANSWER if an answer came that is not the last one, and the next may be
 *         there; CALL_WAIT for call_events() or call_until(); or a negative errno, whose detail is
 *         noted. With it, and with CALL_DONE, the call is over.
 */
int call_step(struct shmbroker *connection) {
        Request *request = connection->request;
        bool late = deadline_passed(request->deadline);
        int r;

        do
                r = connection->pid == getpid() ? call_advance(connection, request)
                                                : error_origin(-ECHILD);
        while (r < 0 && call_again(connection, request, r));
        if (late && (r == CALL_WAIT || (r == CALL_ANSWER && ++request->n_late > LATE_ANSWERS)))
                r = error_origin(-ETIMEDOUT);
        if (r == CALL_WAIT || r == CALL_ANSWER)
                return r;
        return error_trace(call_end(connection, request, r));
}

/* call_events() - what the call that was begun waits for at the socket: as for poll(2), or 0 */
short call_events(const struct shmbroker *connection) {
        _assume_(connection->request != NULL);
        switch (connection->request->state) {
        case REQUEST_SENDING:
                return POLLOUT;
        case REQUEST_RECEIVING:
                return POLLIN;
        default:
                return 0;
        }
}

/* call_until() - the moment at which it has to go on, whatever is at the socket */
uint64_t call_until(const struct shmbroker *connection) {
        const Request *request = connection->request;

        return request->state == REQUEST_CONNECTING ? MIN(request->deadline, connection->retry_at)
                                                    : request->deadline;
}

/* call_wait() - wait until call_step() may get further. Return: 0, or a negative errno. */
int call_wait(const struct shmbroker *connection, uint64_t until) {
        short events = call_events(connection);
        int r;

        r = deadline_poll(events ? connection->fd : -EBADF, events,
                          MIN(call_until(connection), until));
        return r < 0 ? error_trace(r) : 0;
}

/* call_abandon() - forget the call that was begun; its answer would be taken for the next one's */
void call_abandon(struct shmbroker *connection) {
        connection->request = NULL;
        connection_drop(connection);
        frames_settle(&connection->frames, &connection->spare);
}

/**
 * call_run() - make a call and wait for its end
 * @connection: the connection
 * @request:    the call
 *
 * Return: 0, or a negative errno, whose detail is noted.
 */
int call_run(struct shmbroker *connection, Request *request) {
        int r;

        r = call_begin(connection, request);
        if (r)
                return error_trace(r);
        while ((r = call_step(connection)) != CALL_DONE) {
                if (r < 0)
                        return error_trace(r);
                if (r == CALL_ANSWER)
                        continue;
                r = call_wait(connection, DEADLINE_NEVER);
                if (r) {
                        call_abandon(connection);
                        return detail_errno(connection, r);
                }
        }
        return 0;
}
