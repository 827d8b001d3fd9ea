/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_MESSAGE_H
#define SHMBROKER_PROTO_MESSAGE_H

/*
 * Calls and replies (varlink.org, "Method Calls"): what is around the parameters. From text to
 * structure and back; how the text travels is not known here.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/fault.h"
#include "proto/method.h"
#include "proto/writer.h"

typedef struct Call Call;
typedef struct Reply Reply;

enum {
        _MESSAGE_E_SUCCESS,
        /* Not a call, or not a reply, at all */
        MESSAGE_E_BROKEN,
        /* The parameters are wrong; the key tells which */
        MESSAGE_E_INVALID_PARAMETER,
};

struct Call {
        const char *method;
        /* Text of the parameters, NULL if there are none */
        char *parameters;
        bool more;
        bool oneway;
        bool upgrade;
};

struct Reply {
        /* NULL in an answer */
        const char *error;
        char *parameters;
        bool continues;
};

int call_parse(char *text, size_t n_text, Call *ret);
int call_read(const Call *call, const Type *type, void *object, const char **ret_key);
void call_write(Writer *writer, Method method, const void *parameters);

int reply_parse(char *text, size_t n_text, Reply *ret);
int reply_read(const Reply *reply, const Type *type, void *object);
void reply_read_fault(const Reply *reply, Fault *fault);
void reply_write(Writer *writer, const Type *type, const void *object, bool continues);
void reply_write_fault(Writer *writer, const Fault *fault);

#endif
