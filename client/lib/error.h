/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_ERROR_H
#define SHMBROKER_CLIENT_LIB_ERROR_H

/* The reason why a call failed: of each call its own, and of a connection that of the last one that
 * was waited for. */

#include <stddef.h>
#include <stdint.h>

#include "client/include/shmbroker.h"
#include "proto/fault.h"

/* More can only be of a broker that is newer: the text alone has them. */
#define ERROR_MEMBERS_MAX 8

typedef struct ErrorMember ErrorMember;

struct ErrorMember {
        const char *key;
        /* NULL for a number */
        const char *text;
        int64_t number;
};

struct shmbroker_error {
        /* Negative errno that was returned, 0 after success */
        int code;
        enum shmbroker_error_kind kind;
        /* The broker that was asked, for messages; the connection's */
        const char *address;
        /* What the broker said; FAULT_NONE if it did not, or not that we know */
        FaultCode fault;
        char name[128];
        char message[768];
        /* What it said with it, as it was sent, NULL if nothing; and behind it in the same memory,
         * taken apart */
        char *json;
        ErrorMember members[ERROR_MEMBERS_MAX];
        size_t n_members;
};

void error_clear(struct shmbroker_error *error);
void error_keep(struct shmbroker_error *error, const char *text);
void error_move(struct shmbroker_error *error, struct shmbroker_error *from);

#endif
