/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_REQUEST_H
#define SHMBROKER_CLIENT_LIB_REQUEST_H

/* What is asked, as the module that asks describes it. */

#include <stdbool.h>
#include <stdint.h>

#include "proto/method.h"

typedef struct Request Request;

struct Request {
        Method method;
        /* Written down when the call begins, and not needed afterwards */
        const void *parameters;
        /* What it is about, for messages; both may be missing */
        const char *name;
        const int64_t *id;
        /* What it is about instead, if that is no segment yet */
        const char *outside;
        /* Of an Acquire: what it does if there is none, or if there is one */
        CreateMode create;
        /* A name that it shall get, which others may have */
        const char *new_name;
        /* The parameter that is text which nobody has looked at yet, NULL if there is none */
        const char *free_text;
        /* A descriptor that goes with its first byte, NULL if there is none */
        const int *passed_fd;
        /* The broker may take so much more time for it than for other calls: it may wait */
        uint64_t wait_usec;
        /* It has no deadline */
        bool endless;
        /* It creates and destroys nothing that it would not the second time */
        bool repeatable;
        /* Whoever asks waits for its end */
        bool blocking;
};

#endif
