/* SPDX-License-Identifier: MIT */
#include "daemon/server/input.h"

#include <sys/stat.h>

#include "daemon/life/report.h"
#include "daemon/server/disposal.h"
#include "proto/fd.h"
#include "proto/socket.h"

/* So many pieces are taken at once. */
#define PIECES_AT_ONCE 16

void input_init(Input *input, int fd, Client *client, Service *service, InputShared *shared) {
        input->fd = fd;
        input->client = client;
        input->service = service;
        input->shared = shared;
}

/* input_deinit() - forget what came; before the socket is closed. Harmless if it never began. */
void input_deinit(Input *input) {
        frames_deinit(&input->frames);
        charge_give_back(&input->charge);
        if (input->service)
                (void) disposal_close(input->service, input->client, steal_fd(&input->passed_fd));
}

/* input_end() - receive no more, and forget what came */
void input_end(Input *input) {
        frames_deinit(&input->frames);
        input->ended = true;
}

/* Who has passed more than can be closed in time is received from no more. */
static void dispose_of(Input *input, int fd) {
        if (disposal_close(input->service, input->client, fd) || input->ended)
                return;
        report_limit(input->client->user, input->client->credentials.pid,
                     limit_user_name(LIMIT_DISCARDED), "a connection is closed");
        ++input->service->counters.n_limits_reached;
        input_end(input);
}

static void dispose_of_passed(Input *input) {
        input->passed_other = false;
        dispose_of(input, steal_fd(&input->passed_fd));
}

/* Of other things no method knows what to do; and a socket could keep itself open so. */
static bool is_regular(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* They belong to the last message that any of has come: no further bytes are received with them.
 * One can be waited for; of more, nobody could tell which is meant. */
static void take_passed(Input *input) {
        FdQueue *fds = &input->shared->fds;
        bool one = fds->n_fds == 1 && input->passed_fd < 0 && !input->passed_other;

        if (fds->n_fds == 0)
                return;
        if (!one)
                dispose_of_passed(input);
        input->passed_place = frames_last(&input->frames);
        while (fds->n_fds > 0) {
                int fd = fd_queue_pop(fds);

                if (one && is_regular(fd)) {
                        input->passed_fd = fd;
                } else {
                        input->passed_other = one;
                        dispose_of(input, fd);
                }
        }
}

static int receive(Input *input, bool *ret_received) {
        size_t n_space, n_received = 0;
        char *space;
        int r;

        *ret_received = false;
        if (frames_reserve(&input->frames, &input->shared->spare, &space, &n_space) < 0)
                return INPUT_E_GONE;
        r = socket_receive(input->fd, space, n_space, &input->shared->fds, &n_received);
        frames_added(&input->frames, n_received);
        take_passed(input);
        if (input->ended)
                return 0;
        switch (r) {
        case 0:
        case SOCKET_E_TRUNCATED:
                *ret_received = true;
                return 0;
        case SOCKET_E_AGAIN:
                return 0;
        case SOCKET_E_GONE:
                input->ended = input->heard_end = true;
                return 0;
        default:
                return INPUT_E_GONE;
        }
}

/* input_receive() - take one piece of what has come; 0 or INPUT_E_GONE */
int input_receive(Input *input) {
        bool received;

        return receive(input, &received);
}

/**
 * input_full() - is nothing more taken until something was answered?
 * @input:      the object
 * @maximum:    how many bytes may be kept
 *
 * A descriptor waits for its call, and has no place for another one meanwhile.
 */
bool input_full(const Input *input, size_t maximum) {
        bool passed = input->passed_fd >= 0 || input->passed_other;

        return input->refused || frames_kept(&input->frames) >= maximum ||
               (passed && frames_complete(&input->frames, input->passed_place));
}

/**
 * input_receive_ahead() - take what has come while calls wait to be answered
 * @input:      the object
 * @maximum:    how many bytes may be kept
 * @ret_again:  set if there may be more
 *
 * A client may send many calls, and what it has passed must not stay in the socket, which might be
 * its own other end.
 *
 * Return: 0, or INPUT_E_GONE.
 */
int input_receive_ahead(Input *input, size_t maximum, bool *ret_again) {
        bool received = true;
        int r = 0;

        for (int i = 0; r == 0 && received && !input->ended && !input_full(input, maximum); ++i) {
                if (i == PIECES_AT_ONCE) {
                        *ret_again = true;
                        break;
                }
                r = receive(input, &received);
        }
        return r == 0 && input->heard_end && socket_hung_up(input->fd) ? INPUT_E_GONE : r;
}

/* input_next() - the next message, as frames_next(); the client has the descriptor that came with
 * it until input_answered() */
int input_next(Input *input, char **ret_text, size_t *ret_n_text) {
        int r = frames_next(&input->frames, ret_text, ret_n_text);

        if (r == FRAMES_MESSAGE && input->frames.n_taken > input->passed_place) {
                input->client->passed_fd = steal_fd(&input->passed_fd);
                input->client->passed_other = input->passed_other;
                input->passed_other = false;
        }
        return r;
}

/* input_answered() - the message was dealt with; a descriptor that nobody took is closed */
void input_answered(Input *input) {
        input->refused = false;
        input->client->passed_other = false;
        dispose_of(input, steal_fd(&input->client->passed_fd));
        dispose_of(input, steal_fd(&input->client->spent_fd));
}

/**
 * input_settle() - charge for what has come and is kept; mostly that is nothing
 * @input:      the object
 * @waits:      whether it waits for something to be answered, and then goes on afterwards
 * @ret_reached: the limit
 *
 * What is there already stays, however little there is left for this user by now.
 *
 * Return: 0, or INPUT_E_LIMIT, and the connection cannot go on.
 */
int input_settle(Input *input, bool waits, LimitReached *ret_reached) {
        User *user = input->client->user;
        uint64_t before = input->charge.amount, now;
        Charge more = CHARGE_NULL;

        frames_settle(&input->frames, &input->shared->spare);
        now = input->frames.n_allocated;
        if (now < before)
                charge_reduce(&input->charge, before - now);
        if (now <= before)
                return 0;
        if (client_charge(input->client, &more, user, LIMIT_INPUT, now - before, ret_reached)) {
                if (!waits)
                        return INPUT_E_LIMIT;
                charge_anyway(&more, user, LIMIT_INPUT, now - before);
                input->refused = true;
        }
        charge_join(&input->charge, &more);
        return 0;
}
