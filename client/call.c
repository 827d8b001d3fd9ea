/*
 * A call and its answers, from the first byte to the last, and once more where the broker went away
 * in the middle. What a method's answers mean is for who asked.
 */

#include <errno.h>
#include <string.h>

#include "client/internal.h"
#include "proto/error.h"
#include "proto/name.h"
#include "proto/scan.h"

/* After so many answers the deadline is looked at, however fast they come. */
#define ANSWERS_PER_STEP 64

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
                "no segment can have this name: letters, digits and ._+:@- are possible, with "
                "single slashes between them");
}

static int call_begin(struct shmbroker *connection, const Request *request) {
        Writer writer = WRITER_INIT(connection->out, sizeof(connection->out));

        call_write(&writer, request->method, request->parameters);
        if (writer.overflow)
                return error_origin(-EMSGSIZE);
        /* The broker hangs up on what is not UTF-8. */
        if (request->free_text && scan_text(writer.data, writer.n_data - 1))
                return detail_parameter(connection, request->free_text, "the text is not UTF-8");
        connection->n_out = writer.n_data;
        connection->n_sent = 0;
        connection->refused = false;
        connection->truncated = false;
        return 0;
}

/* One message. Return: 1 if it was the last one, 0 if more follow, or a negative errno. */
static int call_answer(struct shmbroker *connection, Request *request, char *text, size_t n_text) {
        Reply reply;
        int r;

        r = reply_parse(text, n_text, &reply);
        if (r > 0)
                return error_origin(-EPROTO);
        if (r)
                return error_trace(r);
        if (reply.error)
                return detail_fault(connection, request, &reply);
        /* An answer to what was not received whole, or one too many. */
        if (connection->refused || (reply.continues && !method_rows[request->method].more))
                return error_origin(-EPROTO);
        r = request->answer(connection, request, &reply);
        if (r)
                return error_trace(r);
        return !reply.continues;
}

/**
 * call_process() - go on as far as it goes without waiting
 * @connection: the connection
 * @request:    the call
 *
 * Return: 1 if the call is done, 0 to wait, or a negative errno.
 */
static int call_process(struct shmbroker *connection, Request *request) {
        bool takes_fds = method_rows[request->method].n_fds_out > 0;
        unsigned int n_answers = 0;
        size_t n_text;
        char *text;
        int r;

        if (connection->n_sent < connection->n_out && !connection->refused) {
                /* No answer can be there yet, so wait for it before looking. */
                r = connection_send(connection);
                return r < 0 ? error_trace(r) : 0;
        }
        while (n_answers < ANSWERS_PER_STEP) {
                switch (frames_next(&connection->frames, &text, &n_text)) {
                case FRAMES_MESSAGE:
                        ++n_answers;
                        r = call_answer(connection, request, text, n_text);
                        if (r)
                                return error_trace(r);
                        break;
                case FRAMES_WAIT:
                        r = connection_receive(connection, takes_fds);
                        if (r <= 0)
                                return error_trace(r);
                        break;
                default:
                        return error_origin(-EPROTO);
                }
        }
        return 0;
}

/* Whatever is left behind would be taken for the answer to the next call. */
static bool connection_is_clean(const struct shmbroker *connection) {
        return connection->frames.begin == connection->frames.end && connection->fds.n_fds == 0 &&
               !connection->refused && !connection->truncated;
}

static int call_attempt(struct shmbroker *connection, Request *request) {
        bool late = false;
        int r;

        r = connection_open(connection, request->deadline);
        if (r)
                return error_trace(r);
        r = call_begin(connection, request);
        if (r)
                return error_trace(r);
        while ((r = call_process(connection, request)) == 0) {
                r = connection_wait(connection, request->deadline, &late);
                if (r)
                        break;
        }
        /* An error that the broker replied leaves the connection as good as it was, unless it
         * closes it: another call could still be sent, and would be cut off. */
        if ((r < 0 && connection->error.code == 0) || !connection_is_clean(connection) ||
            detail_is_refusal(connection))
                connection_drop(connection);
        frames_settle(&connection->frames, &connection->spare);
        return r < 0 ? error_trace(r) : 0;
}

/**
 * call_run() - make a call and wait for its end
 * @connection: the connection
 * @request:    the call
 *
 * Where the broker had gone away before, nothing of the call was taken, and it is made on a new
 * connection. Where it was taken and cut off, it is repeated once if that does no harm.
 *
 * Return: 0, or a negative errno, whose detail is noted.
 */
int call_run(struct shmbroker *connection, Request *request) {
        int r;

        r = call_attempt(connection, request);
        if (connection->error.code == 0 &&
            (r == -EPIPE || (r == -ECONNRESET && request->repeatable))) {
                if (request->again)
                        request->again(request);
                r = call_attempt(connection, request);
        }
        if (r == -EPIPE)
                r = -ECONNRESET;
        if (r && connection->error.code == 0)
                return detail_errno(connection, r);
        return error_trace(r);
}
