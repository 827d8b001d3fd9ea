/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_OPTIONS_H
#define SHMBROKER_CLIENT_LIB_OPTIONS_H

/* The options of shmbroker_acquire(), and of functions that map a segment. */

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/mapping.h"
#include "proto/types.h"

struct shmbroker_error;

struct shmbroker_options {
        AcquireParameters acquire;
        char *posix_name;
        /* Enums as they were given, checked at use */
        int create;
        int access;
        int kind;
        MapOptions map;
};

int options_check(struct shmbroker_error *error, const struct shmbroker_options *options);
bool options_fit(const struct shmbroker_options *options, uint64_t taken);
void options_apply(const struct shmbroker_options *options, AcquireParameters *parameters);

#endif
