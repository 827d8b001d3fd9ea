/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_INPUT_H
#define SHMBROKER_DAEMON_SERVER_INPUT_H

/*
 * What comes in by one connection: messages, and the descriptor that comes with one. They are taken
 * as long as there is room, also while those before them wait to be answered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/call/service.h"
#include "daemon/model/client.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"

typedef struct Input Input;
typedef struct InputShared InputShared;

enum {
        _INPUT_E_SUCCESS,
        /* There is nobody left to serve */
        INPUT_E_GONE,
        /* More is there than may be kept */
        INPUT_E_LIMIT,
};

/* Of all connections, one of which is served at a time. */
struct InputShared {
        FrameSpare spare;
        FdQueue fds;
};

struct Input {
        /* The socket and the client who pays, both of which belong to the peer */
        int fd;
        Client *client;
        Service *service;
        InputShared *shared;
        Frames frames;
        /* For what is kept in frames while the peer is not being served; and whether more of it was
         * refused */
        Charge charge;
        bool refused;
        /* A descriptor that came, or -EBADF; whether something else came in its place; and where
         * the message begins, in the whole stream, that it came with */
        int passed_fd;
        bool passed_other;
        uint64_t passed_place;
        /* Nothing more is received; and the other end said so itself, so that nothing is unread */
        bool ended;
        bool heard_end;
};

#define INPUT_NULL                                                                                 \
        { .fd = -EBADF, .passed_fd = -EBADF }

void input_init(Input *input, int fd, Client *client, Service *service, InputShared *shared);
void input_deinit(Input *input);

int input_receive(Input *input);
int input_receive_ahead(Input *input, size_t maximum, bool *ret_again);
bool input_full(const Input *input, size_t maximum);
int input_next(Input *input, char **ret_text, size_t *ret_n_text);
void input_answered(Input *input);
int input_settle(Input *input, bool waits, LimitReached *ret_reached);
void input_end(Input *input);

#endif
