/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_METHOD_H
#define SHMBROKER_PROTO_METHOD_H

/* The methods of the two interfaces, one row each. Who handles them is not said here. */

#include <stdbool.h>

#include "proto/field.h"

typedef enum Method Method;
typedef struct MethodRow MethodRow;

enum Method {
        METHOD_GET_INFO,
        METHOD_GET_INTERFACE_DESCRIPTION,
        METHOD_ACQUIRE,
        METHOD_REMOVE,
        METHOD_STAT,
        METHOD_LIST_ATTACHMENTS,
        METHOD_LIST,
        METHOD_SET_ATTRIBUTES,
        METHOD_RESIZE,
        METHOD_SEAL,
        METHOD_PUBLISH,
        METHOD_ADOPT,
        METHOD_WATCH,
        METHOD_LIST_USERS,
        METHOD_GET_STATUS,
        _METHOD_N,
};

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

extern const MethodRow method_rows[_METHOD_N];

int method_find(const char *name, Method *ret);

#endif
