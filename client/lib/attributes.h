/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_ATTRIBUTES_H
#define SHMBROKER_CLIENT_LIB_ATTRIBUTES_H

/* What is to become of a segment. */

#include <stdint.h>

#include "client/include/shmbroker.h"
#include "proto/types.h"

#define ATTRIBUTES_MODE (UINT64_C(1) << SET_ATTRIBUTES_MODE)
#define ATTRIBUTES_LIFE                                                                            \
        (UINT64_C(1) << SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH |                                     \
         UINT64_C(1) << SET_ATTRIBUTES_LINGER_USEC)

/* Beside the rows of SetAttributes: whose the segments of Publish have to be */
#define ATTRIBUTES_TRUSTED_UIDS (UINT64_C(1) << 63)

struct shmbroker_attributes {
        SetAttributesParameters parameters;
        Numbers trusted_uids;
};

int attributes_check(struct shmbroker_error *error, const struct shmbroker_attributes *attributes,
                     uint64_t taken);

#endif
