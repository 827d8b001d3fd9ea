/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_PARCEL_H
#define SHMBROKER_DAEMON_STATE_PARCEL_H

/*
 * A message that carries descriptors, and says what each of them is: the ids are its payload,
 * behind a magic and a version. It waits in a SOCK_SEQPACKET socket until somebody who may be
 * another process than the sender looks at it.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/fdqueue.h"

#define PARCEL_MAX FD_QUEUE_MAX

typedef struct Parcel Parcel;

enum {
        _PARCEL_E_SUCCESS,
        /* The queue takes no more */
        PARCEL_E_FULL,
        /* The kernel passes no more descriptors on for this user, or has no memory */
        PARCEL_E_LIMIT,
        /* There is no further message */
        PARCEL_E_END,
        /* It is a message, but none that this version made */
        PARCEL_E_INVALID,
        /* This process can open no more descriptors; the message has them still */
        PARCEL_E_DESCRIPTORS,
};

struct Parcel {
        size_t n_ids;
        int64_t ids[PARCEL_MAX];
        /* In the same order */
        FdQueue fds;
};

#define PARCEL_NULL                                                                                \
        {}

void parcel_deinit(Parcel *parcel);

int parcel_send(int socket_fd, const int64_t *ids, const int *fds, size_t n_ids);
int parcel_peek(int socket_fd, Parcel *parcel, size_t *offset);

#endif
