/* SPDX-License-Identifier: MIT */
#include "daemon/server/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/life/report.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"

/*
 * Descriptors that a client has not taken yet count against the broker's own user (unix(7),
 * ETOOMANYREFS), so a client gets only so many ahead of its reading.
 */
#define UNREAD_FDS_MAX 8

static const char *const state_names[_OUTPUT_N] = {
        [OUTPUT_IDLE] = "idle",
        [OUTPUT_WRITING] = "writing",
        [OUTPUT_PARKED] = "parked",
};

static void set_state(Output *output, OutputState state) {
        if (output->state == state)
                return;
        log_debug("Output of connection %d: %s -> %s.", output->fd, state_names[output->state],
                  state_names[state]);
        output->state = state;
}

void output_init(Output *output, int fd, const Client *client) {
        *output = (Output) OUTPUT_NULL;
        output->fd = fd;
        output->client = client;
}

static void output_forget(Output *output) {
        free(steal_ptr(output->data));
        output->passed_fd = fd_close(output->passed_fd);
        charge_give_back(&output->kept);
}

/* output_deinit() - forget what was not sent; before the socket is closed */
void output_deinit(Output *output) {
        output_forget(output);
        charge_give_back(&output->unread);
}

/* output_pending() - is there a reply that was not sent, or not all of it? */
bool output_pending(const Output *output) {
        return output->data;
}

/* output_must_look() - can there be anything unread that a descriptor must not follow? */
bool output_must_look(const Output *output) {
        return output->plain_unread || output->unread.amount >= UNREAD_FDS_MAX;
}

/* output_look() - ask the kernel whether the client has read everything */
void output_look(Output *output) {
        size_t n_unread = 0;

        if (!output->plain_unread && output->unread.amount == 0)
                return;
        if (socket_unread(output->fd, &n_unread) < 0 || n_unread > 0)
                return;
        output->plain_unread = false;
        charge_give_back(&output->unread);
}

/*
 * A descriptor must not follow bytes that were not read: the kernel would hand it out together with
 * them. Whether there are any is asked only if there can be.
 */
static int prepare_descriptor(Output *output, LimitReached *ret_reached) {
        Charge one = CHARGE_NULL;

        if (output_must_look(output))
                output_look(output);
        if (output_must_look(output)) {
                set_state(output, OUTPUT_PARKED);
                return SOCKET_E_AGAIN;
        }
        if (client_charge(output->client, &one, output->client->user, LIMIT_UNREAD, 1, ret_reached))
                return OUTPUT_E_UNREAD;
        charge_join(&output->unread, &one);
        return 0;
}

/* One descriptor fewer is under way than prepare_descriptor() thought. */
static void unprepare_descriptor(Output *output) {
        charge_reduce(&output->unread, 1);
}

static int output_sent(Output *output, int r, bool with_fd) {
        switch (r) {
        case 0:
                output->plain_unread |= !with_fd;
                set_state(output, OUTPUT_IDLE);
                return 0;
        case SOCKET_E_AGAIN:
                set_state(output, OUTPUT_WRITING);
                return 0;
        case SOCKET_E_LIMIT:
                set_state(output, OUTPUT_PARKED);
                return with_fd ? OUTPUT_E_DESCRIPTORS : 0;
        default:
                return OUTPUT_E_GONE;
        }
}

/* One attempt; how it went shows in the state and in how much was sent. */
static int output_try(Output *output, const char *data, size_t n_data, int passed_fd,
                      size_t *ret_n_sent, LimitReached *ret_reached) {
        bool with_fd = passed_fd >= 0;
        int r;

        *ret_n_sent = 0;
        if (with_fd) {
                r = prepare_descriptor(output, ret_reached);
                if (r)
                        return r == SOCKET_E_AGAIN ? 0 : r;
        }
        r = socket_send(output->fd, data, n_data, passed_fd, ret_n_sent);
        if (r && with_fd)
                unprepare_descriptor(output);
        return output_sent(output, r, with_fd);
}

/* Keeps what could not be sent, and the descriptor if that was not either. */
static int output_keep(Output *output, const char *data, size_t n_data, int passed_fd) {
        User *user = output->client->user;
        LimitReached reached;

        if (client_charge(output->client, &output->kept, user, LIMIT_OUTPUT, n_data, &reached)) {
                report_limit(user, 0, reached.name, "a connection is closed");
                return OUTPUT_E_GONE;
        }
        output->data = malloc(n_data);
        if (!output->data) {
                charge_give_back(&output->kept);
                return OUTPUT_E_GONE;
        }
        memcpy(output->data, data, n_data);
        output->n_data = n_data;
        output->n_sent = 0;
        output->passed_fd = passed_fd;
        return 0;
}

/**
 * output_send() - send a reply, or keep what the socket does not take
 * @output:     nothing is pending
 * @data:       the reply
 * @n_data:     its length, more than 0
 * @passed_fd:  goes with its first byte; negative for none. The output's after success, and the
 *              caller's still after a failure.
 * @ret_reached: with OUTPUT_E_UNREAD, the limit
 *
 * Return: 0, OUTPUT_E_GONE, OUTPUT_E_DESCRIPTORS or OUTPUT_E_UNREAD.
 */
int output_send(Output *output, const char *data, size_t n_data, int passed_fd,
                LimitReached *ret_reached) {
        size_t n_sent;
        int r;

        r = output_try(output, data, n_data, passed_fd, &n_sent, ret_reached);
        if (r)
                return r;
        if (n_sent == 0)
                return output_keep(output, data, n_data, passed_fd);
        fd_close(passed_fd);
        if (n_sent == n_data)
                return 0;
        set_state(output, OUTPUT_WRITING);
        return output_keep(output, data + n_sent, n_data - n_sent, -EBADF);
}

/* output_flush() - send what was kept, as far as the socket takes it; 0 or OUTPUT_E_GONE */
int output_flush(Output *output) {
        LimitReached reached;
        size_t n_sent;
        int r;

        if (!output_pending(output))
                return 0;
        r = output_try(output, output->data + output->n_sent, output->n_data - output->n_sent,
                       output->passed_fd, &n_sent, &reached);
        if (r == OUTPUT_E_GONE)
                return r;
        /* Limits pass. */
        if (r)
                set_state(output, OUTPUT_PARKED);
        if (n_sent == 0)
                return 0;
        output->passed_fd = fd_close(output->passed_fd);
        output->n_sent += n_sent;
        if (output->n_sent == output->n_data)
                output_forget(output);
        else
                set_state(output, OUTPUT_WRITING);
        return 0;
}
