/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_OUTPUT_H
#define SHMBROKER_DAEMON_SERVER_OUTPUT_H

/*
 * What goes out of one connection, in order: replies, with or without a descriptor. What the socket
 * does not take is kept, one reply at most; nobody is asked for another one before it is gone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/model/client.h"

typedef enum OutputState OutputState;
typedef struct Output Output;

enum OutputState {
        /* Everything has been sent */
        OUTPUT_IDLE,
        /* The socket takes no more for now */
        OUTPUT_WRITING,
        /* The client has to read before a descriptor can follow */
        OUTPUT_PARKED,
        _OUTPUT_N,
};

enum {
        _OUTPUT_E_SUCCESS,
        /* There is nobody left to send to, or no room to keep what could not be sent */
        OUTPUT_E_GONE,
        /* The kernel takes no descriptor now */
        OUTPUT_E_DESCRIPTORS,
        /* The user has not read so many descriptors, as far as is known: output_look() may help */
        OUTPUT_E_UNREAD,
};

struct Output {
        /* The socket and the client who pays, both of which belong to the peer */
        int fd;
        const Client *client;
        OutputState state;

        char *data;
        size_t n_data;
        size_t n_sent;
        int passed_fd;
        Charge kept;

        /* Something without a descriptor was sent, and descriptors were, since it was last known
         * that everything had been read */
        bool plain_unread;
        Charge unread;
};

#define OUTPUT_NULL                                                                                \
        { .fd = -EBADF, .passed_fd = -EBADF }

void output_init(Output *output, int fd, const Client *client);
void output_deinit(Output *output);

int output_send(Output *output, const char *data, size_t n_data, int passed_fd,
                LimitReached *ret_reached);
int output_flush(Output *output);
bool output_pending(const Output *output);
bool output_must_look(const Output *output);
void output_look(Output *output);

#endif
