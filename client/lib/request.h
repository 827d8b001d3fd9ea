/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_REQUEST_H
#define SHMBROKER_CLIENT_LIB_REQUEST_H

/* A call, as the module that makes it describes it, and how far it is. */

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/method.h"

struct shmbroker;

typedef struct Request Request;
typedef enum RequestState RequestState;

enum RequestState {
        REQUEST_CONNECTING,
        REQUEST_SENDING,
        REQUEST_RECEIVING,
};

struct Request {
        Method method;
        const void *parameters;
        /* What it is about, for messages; both may be missing */
        const char *name;
        const int64_t *id;
        /* What it is about instead, if that is no segment yet */
        const char *outside;
        /* A name that it shall get, which others may have */
        const char *new_name;
        /* The parameter that is text which nobody has looked at yet, NULL if there is none */
        const char *free_text;
        /* A descriptor that goes with its first byte, NULL if there is none */
        const int *passed_fd;
        uint64_t deadline;
        /* It creates and destroys nothing that it would not the second time */
        bool repeatable;
        /*
         * Is given each answer. Return: 0, or a negative errno, which ends the connection too, for
         * the answer was not what it has to be.
         */
        int (*answer)(struct shmbroker *connection, Request *request, const Reply *reply);
        /* The call begins anew: forget the answers so far. May be NULL. */
        void (*again)(Request *request);
        void *userdata;

        /* How far it is; all of it begins as zero */
        RequestState state;
        /* It was made again already */
        bool repeated;
        /* The last try to connect failed */
        bool unconnected;
        /* The detail of its failure is noted */
        bool noted;
        unsigned int n_late;
};

#endif
