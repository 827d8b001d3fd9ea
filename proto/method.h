/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_METHOD_H
#define SHMBROKER_PROTO_METHOD_H

/* The methods of the two interfaces, one row each. Who handles them is not said here. */

#include <stdbool.h>

#include "proto/interface.h"

typedef struct MethodRow MethodRow;

enum {
        _METHOD_E_SUCCESS,
        METHOD_E_NO_INTERFACE,
        METHOD_E_NO_METHOD,
};

struct MethodRow {
        /* With its interface */
        const char *name;
        /* Must be called with the 'more' flag, for it replies more than once */
        bool more;
        /* Descriptors that come with a call, and with its reply */
        unsigned int n_fds_in;
        unsigned int n_fds_out;
        const Type *parameters;
        const Type *reply;
};

/* Made: see interface.awk */
extern const MethodRow method_rows[_METHOD_N];

int method_find(const char *name, Method *ret);

#endif
