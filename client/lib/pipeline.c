/* SPDX-License-Identifier: MIT */
#include "client/lib/pipeline.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "client/lib/detail.h"
#include "proto/error.h"
#include "proto/util.h"

/* So much may be sent ahead of the answers. The broker has 8 descriptors under way to a connection,
 * and stops reading when more are asked for. */
#define AHEAD_FDS_MAX 8
#define AHEAD_BYTES_MAX (64U * 1024)

/* Messages are sent together up to so many bytes. */
#define AT_ONCE_MAX 4096

/* Calls that began together end together. */
#define NEARLY_USEC UINT64_C(10000)

/* So many answers are still taken after the deadline, if they are there: a process that was stopped
 * meanwhile gets its list, and one whose peer never ends an end. */
#define LATE_ANSWERS 64

/* pipeline_append() - put a call behind those that are under way; nothing is sent yet */
void pipeline_append(struct shmbroker *connection, struct shmbroker_call *call) {
        call->connection = connection;
        call_list_append(&connection->calls, call);
        if (!connection->unsent)
                connection->unsent = call;
}

static void count_ahead(struct shmbroker *connection, const struct shmbroker_call *call,
                        bool ahead) {
        if (ahead) {
                connection->n_ahead_bytes += call->n_message;
                connection->n_ahead_fds += call_takes_fd(call);
        } else {
                connection->n_ahead_bytes -= call->n_message;
                connection->n_ahead_fds -= call_takes_fd(call);
        }
}

/* pipeline_withdraw() - take a call out, whatever may come of it */
void pipeline_withdraw(struct shmbroker_call *call) {
        struct shmbroker *connection = call->connection;

        if (connection->unsent == call)
                connection->unsent = call->next;
        if (call->n_sent > 0)
                count_ahead(connection, call, false);
        call_list_remove(&connection->calls, call);
}

/**
 * pipeline_end() - a call that is in no list came to something
 * @connection: who carries it, if it goes on
 * @call:       the call, which is freed if it was abandoned
 * @r:          0 or a negative errno, whose detail is noted or is what the errno says
 */
void pipeline_end(struct shmbroker *connection, struct shmbroker_call *call, int r) {
        if (r < 0 && call->error.code != r)
                (void) detail_errno(&call->error, r);
        if (call->type->settle)
                r = call->type->settle(call, r);
        if (r == CALL_GOES_ON) {
                pipeline_append(connection, call);
                return;
        }
        if (call->abandoned) {
                call_delete(call);
                return;
        }
        call->connection = NULL;
        call->done = true;
        call->result = r;
        if (!call->request.blocking)
                call_list_append(&call->owner->done, call);
}

/* The connection is gone, and with it what was sent: nobody knows what became of that. */
static void call_cut_off(struct shmbroker *connection, struct shmbroker_call *call) {
        /* What nobody wants is still to be taken back. */
        bool wanted = !call->abandoned || call->request.method == METHOD_REMOVE;

        if (call->request.repeatable && !call->repeated && wanted) {
                call->repeated = true;
                call->n_sent = 0;
                if (call->type->again)
                        call->type->again(call);
                return;
        }
        call->n_sent = 0;
        pipeline_withdraw(call);
        pipeline_end(connection, call, -ECONNRESET);
}

/**
 * pipeline_break() - drop the connection; what was sent is sent again on a new one, or over
 * @connection: the connection
 */
void pipeline_break(struct shmbroker *connection) {
        struct shmbroker_call *last = connection->calls.last, *call, *next;

        connection_drop(connection);
        connection->n_ahead_bytes = connection->n_ahead_fds = 0;
        connection->unsent = connection->calls.first;
        for (call = connection->calls.first; call; call = next) {
                /* Those that go on in another way are appended meanwhile. */
                next = call == last ? NULL : call->next;
                if (call->n_sent > 0)
                        call_cut_off(connection, call);
        }
}

/* pipeline_end_soon() - drop the connection as soon as no answer is waited for on it */
void pipeline_end_soon(struct shmbroker *connection) {
        connection->stale = connection->fd >= 0;
        if (connection->n_ahead_bytes == 0 && connection->stale)
                pipeline_break(connection);
}

/* Of the first call nothing was taken, which can happen once: the broker had gone away before. */
static void head_was_refused(struct shmbroker *connection) {
        struct shmbroker_call *head = connection->calls.first;

        if (head->n_sent > 0)
                return;
        if (head->repeated) {
                pipeline_withdraw(head);
                pipeline_end(connection, head, -ECONNRESET);
        } else {
                head->repeated = true;
                if (head->type->again)
                        head->type->again(head);
        }
}

static void pipeline_fail(struct shmbroker *connection, struct shmbroker_call *call, int r) {
        if (r == -ECONNRESET) {
                head_was_refused(connection);
        } else {
                pipeline_withdraw(call);
                pipeline_end(connection, call, r);
        }
        pipeline_break(connection);
}

/* Did connect(2) fail because of who is there, and not for want of something here? */
static bool is_unreachable(int r) {
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

/* There is nobody to ask: the next one would not be answered either. */
static void pipeline_unreachable(struct shmbroker *connection, int r) {
        struct shmbroker_call *last = connection->calls.last, *call;
        bool at_end;

        do {
                call = connection->calls.first;
                at_end = call == last;
                pipeline_withdraw(call);
                pipeline_end(connection, call,
                             is_unreachable(r) ? detail_unreachable(&call->error, r) : r);
        } while (!at_end);
}

/* Those whose time is over, or as good as over, end, all at once: each drop of the connection costs
 * the others one. */
static void pipeline_time_out(struct shmbroker *connection) {
        struct shmbroker_call *last = connection->calls.last, *call, *next;
        uint64_t now = deadline_after(0);
        bool breaks = false;

        for (call = connection->calls.first; call; call = next) {
                next = call == last ? NULL : call->next;
                if (call->deadline > now + NEARLY_USEC)
                        continue;
                breaks = breaks || call->n_sent > 0;
                pipeline_withdraw(call);
                pipeline_end(connection, call, -ETIMEDOUT);
        }
        /* A late answer would be taken for the next one's. */
        if (breaks)
                pipeline_break(connection);
}

/* May it go with what is sent already, and so many bytes and descriptors more? */
static bool may_send(const struct shmbroker *connection, const struct shmbroker_call *call,
                     size_t n_bytes, size_t n_fds) {
        if (call->n_sent > 0)
                return true;
        n_bytes += connection->n_ahead_bytes;
        /* The kernel hands plain bytes out together with a descriptor that came later. */
        if (call->passed_fd >= 0)
                return n_bytes == 0;
        /* Half of them are asked for in one piece, and not one each time that one has come. */
        if (call_takes_fd(call) &&
            connection->n_ahead_fds + n_fds >= (n_fds > 0 ? AHEAD_FDS_MAX : AHEAD_FDS_MAX / 2 + 1))
                return false;
        return n_bytes == 0 || n_bytes + call->n_message <= AHEAD_BYTES_MAX;
}

static bool has_to_send(const struct shmbroker *connection) {
        return connection->unsent && may_send(connection, connection->unsent, 0, 0);
}

/* So many bytes of the first call, and then of those behind it, were taken. */
static void calls_sent(struct shmbroker *connection, size_t n_bytes) {
        while (n_bytes > 0) {
                struct shmbroker_call *call = connection->unsent;
                size_t n = MIN(n_bytes, call->n_message - call->n_sent);

                if (call->n_sent == 0)
                        count_ahead(connection, call, true);
                call->n_sent += n;
                n_bytes -= n;
                if (call->n_sent == call->n_message)
                        connection->unsent = call->next;
        }
}

/* What goes in one piece: the rest of the first message, and those behind it that fit in. */
static const char *gather_messages(const struct shmbroker *connection, char *space, size_t n_space,
                                   size_t *ret_n) {
        struct shmbroker_call *first = connection->unsent, *call;
        size_t n = first->n_message - first->n_sent, n_fds = call_takes_fd(first);
        const char *message = first->message + first->n_sent;

        *ret_n = n;
        for (call = first->next; call && first->passed_fd < 0; call = call->next) {
                if (n + call->n_message > n_space || !may_send(connection, call, n, n_fds))
                        break;
                if (n == *ret_n)
                        memcpy(space, message, n);
                memcpy(space + n, call->message, call->n_message);
                n += call->n_message;
                n_fds += call_takes_fd(call);
        }
        if (n > *ret_n)
                message = space;
        *ret_n = n;
        return message;
}

/* Return: 1 if all that may be sent is, 0 if the socket takes no more, or a negative errno. */
static int pipeline_send(struct shmbroker *connection) {
        char space[AT_ONCE_MAX];

        connection->full = false;
        while (has_to_send(connection)) {
                const struct shmbroker_call *call = connection->unsent;
                const char *message;
                size_t n;
                int r;

                message = gather_messages(connection, space, sizeof(space), &n);
                r = connection_send(connection, message, n,
                                    call->n_sent == 0 ? call->passed_fd : -EBADF, &n);
                if (r <= 0)
                        return error_trace(r);
                calls_sent(connection, n);
        }
        return 1;
}

/* Whatever is left behind would be taken for the answer to the next call. */
static bool connection_is_clean(const struct shmbroker *connection) {
        return connection->frames.begin == connection->frames.end && connection->fds.n_fds == 0 &&
               connection->n_lost_fds == 0;
}

/* A broker that refuses the connection has read nothing of what was sent behind. */
static void unsend_all(struct shmbroker *connection) {
        for (struct shmbroker_call *call = connection->calls.first; call; call = call->next)
                call->n_sent = 0;
        connection->n_ahead_bytes = connection->n_ahead_fds = 0;
}

static void call_answered(struct shmbroker *connection, struct shmbroker_call *call, int r) {
        bool refused = r < 0 && detail_is_refusal(&call->error);

        pipeline_withdraw(call);
        if (refused)
                unsend_all(connection);
        if (refused || connection->refused ||
            (connection->n_ahead_bytes == 0 &&
             (connection->stale || !connection_is_clean(connection))))
                pipeline_break(connection);
        frames_settle(&connection->frames, &connection->spare);
        pipeline_end(connection, call, r);
}

/* One message, which is the first call's. Return: 0, or a negative errno. */
static int pipeline_answer(struct shmbroker *connection, char *text, size_t n_text) {
        struct shmbroker_call *call = connection->calls.first;
        Reply reply;
        int r;

        r = reply_parse(text, n_text, &reply);
        if (r > 0)
                return error_origin(-EPROTO);
        if (r)
                return error_trace(r);
        if (reply.error) {
                r = detail_fault(&call->error, &call->request, &reply);
                if (call->error.code != r)
                        return error_trace(r);
                call_answered(connection, call, r);
                return 0;
        }
        /* An answer to what was not received whole, or one too many. */
        if (call->n_sent < call->n_message ||
            (reply.continues && !method_rows[call->request.method].more))
                return error_origin(-EPROTO);
        r = call->type->answer(call, &reply);
        if (r)
                return error_trace(r);
        if (!reply.continues)
                call_answered(connection, call, 0);
        return 0;
}

/* Up to the next message. Return: PIPELINE_WAIT, PIPELINE_MORE, or a negative errno. */
static int pipeline_receive(struct shmbroker *connection) {
        size_t n_text;
        char *text;
        int r;

        for (;;)
                switch (frames_next(&connection->frames, &text, &n_text)) {
                case FRAMES_MESSAGE:
                        r = pipeline_answer(connection, text, n_text);
                        return r ? error_trace(r) : PIPELINE_MORE;
                case FRAMES_WAIT:
                        r = connection_receive(connection, connection->n_ahead_fds > 0);
                        if (r < 0)
                                return error_trace(r);
                        if (r == 0)
                                return PIPELINE_WAIT;
                        break;
                default:
                        return error_origin(-EPROTO);
                }
}

static int pipeline_connect(struct shmbroker *connection) {
        int r;

        if (connection->n_ahead_bytes > 0 || connection->refused)
                return connection_is_ours(connection) ? 1 : error_origin(-ECONNRESET);
        r = connection_connect(connection);
        if (r < 0)
                pipeline_unreachable(connection, r);
        return r > 0;
}

/* As far as it goes without waiting, or to the next answer. */
static int pipeline_advance(struct shmbroker *connection) {
        bool idle = connection->n_ahead_bytes == 0;
        int r;

        r = pipeline_connect(connection);
        if (r <= 0)
                return error_trace(r);
        r = pipeline_send(connection);
        if (r < 0) {
                pipeline_fail(connection, connection->unsent, r);
                return PIPELINE_MORE;
        }
        /* No answer can be there yet, so wait for it before looking. */
        if (idle && !connection->refused)
                return PIPELINE_WAIT;
        return error_trace(pipeline_receive(connection));
}

/* When the first of them has to be done. */
static uint64_t find_first_due(const struct shmbroker *connection) {
        uint64_t due = DEADLINE_NEVER;

        for (const struct shmbroker_call *call = connection->calls.first; call; call = call->next)
                due = MIN(due, call->deadline);
        return due;
}

/* Answers come, but one is to end at last: that of which they are, or one behind. */
static bool is_too_late(struct shmbroker *connection) {
        return ++connection->n_answers % LATE_ANSWERS == 0 &&
               deadline_passed(find_first_due(connection));
}

/**
 * pipeline_step() - go on with what is under way, without waiting
 * @connection: the connection, which is not the parent process's
 *
 * Return: PIPELINE_MORE if something came, and more may be there; PIPELINE_WAIT for
 *         pipeline_events() or pipeline_until().
 */
int pipeline_step(struct shmbroker *connection) {
        int r;

        connection->more = false;
        if (!connection->calls.first)
                return PIPELINE_WAIT;
        r = pipeline_advance(connection);
        if (r < 0)
                pipeline_fail(connection, connection->calls.first, r);
        else if (r == PIPELINE_WAIT ? deadline_passed(find_first_due(connection))
                                    : is_too_late(connection))
                pipeline_time_out(connection);
        else
                connection->more = r == PIPELINE_MORE;
        return r == PIPELINE_WAIT ? PIPELINE_WAIT : PIPELINE_MORE;
}

/* pipeline_events() - what is waited for at the socket: as for poll(2), or 0 */
short pipeline_events(const struct shmbroker *connection) {
        bool receives = connection->n_ahead_bytes > 0 || connection->refused;

        if (connection->fd < 0 || !connection->calls.first)
                return 0;
        return (short) ((receives ? POLLIN : 0) | (connection->full ? POLLOUT : 0));
}

/* pipeline_until() - the moment at which it has to go on, whatever is at the socket */
uint64_t pipeline_until(const struct shmbroker *connection) {
        if (!connection->calls.first)
                return DEADLINE_NEVER;
        if (connection->more)
                return 0;
        if (connection->fd < 0)
                return MIN(find_first_due(connection), connection->retry_at);
        if (has_to_send(connection) && !connection->full && !connection->refused)
                return 0;
        return find_first_due(connection);
}
