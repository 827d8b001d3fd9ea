/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_ERROR_H
#define SHMBROKER_CLIENT_LIB_ERROR_H

/* The reason why the last call on a connection failed. */

#include "client/include/shmbroker.h"
#include "proto/fault.h"

struct shmbroker_error {
        /* Negative errno that was returned, 0 after success */
        int code;
        enum shmbroker_error_kind kind;
        /* What the broker said, its text in text; FAULT_NONE if it did not, or not that we know */
        Fault fault;
        char name[128];
        char text[256];
        char message[768];
};

#endif
