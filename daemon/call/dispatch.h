/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_DISPATCH_H
#define SHMBROKER_DAEMON_CALL_DISPATCH_H

/* From the text of a call to the text of its reply. Sockets are not known here. */

#include <stddef.h>

#include "daemon/call/answer.h"
#include "proto/writer.h"

enum {
        _DISPATCH_E_SUCCESS,
        /* Who sends that is not worth an answer */
        DISPATCH_E_BROKEN,
};

int dispatch_call(Service *service, Client *client, char *text, size_t n_text, Writer *writer,
                  Answer *answer);
void dispatch_pending(Service *service, Client *client, Pending *pending, Writer *writer,
                      Answer *answer);
void dispatch_limit(Writer *writer, const LimitReached *reached);

#endif
