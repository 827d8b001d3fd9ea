/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FDQUEUE_H
#define SHMBROKER_PROTO_FDQUEUE_H

/*
 * Descriptors that a connection received, first in, first out. The kernel does not say to which
 * message of a stream they belong: it hands plain bytes that were sent earlier out together with
 * the first bytes of a message that carries descriptors. So they wait here, and each message takes
 * the number that its method declares.
 */

#include <stddef.h>

/* What a single message can carry (SCM_MAX_FD); nobody who keeps the rules has more under way. */
#define FD_QUEUE_MAX 253

typedef struct FdQueue FdQueue;

enum {
        _FD_QUEUE_E_SUCCESS,
        FD_QUEUE_E_FULL,
};

struct FdQueue {
        size_t begin;
        size_t n_fds;
        int fds[FD_QUEUE_MAX];
};

#define FD_QUEUE_NULL                                                                              \
        {}

void fd_queue_deinit(FdQueue *queue);
int fd_queue_push(FdQueue *queue, int fd);
int fd_queue_pop(FdQueue *queue);

#endif
