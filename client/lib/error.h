/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_ERROR_H
#define SHMBROKER_CLIENT_LIB_ERROR_H

/* The reason why a call failed: of each call its own, and of a connection that of the last one that
 * was waited for. */

#include "client/include/shmbroker.h"
#include "proto/fault.h"

struct shmbroker_error {
        /* Negative errno that was returned, 0 after success */
        int code;
        enum shmbroker_error_kind kind;
        /* The broker that was asked, for messages; the connection's */
        const char *address;
        /* What the broker said, its text in text; FAULT_NONE if it did not, or not that we know */
        Fault fault;
        char name[128];
        char text[256];
        char message[768];
};

#endif
