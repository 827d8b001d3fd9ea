/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_REMOTE_H
#define SHMBROKER_CLIENT_LIB_REMOTE_H

/* Calls about one segment, given by its name or its id. */

#include <stdbool.h>
#include <stdint.h>

struct shmbroker;

typedef struct Request Request;

/* Says in the parameters of a call which segment it is about. */
#define MEAN_SEGMENT(parameters, wanted_name, wanted_id)                                           \
        do {                                                                                       \
                if (wanted_name)                                                                   \
                        GIVE_VALUE((parameters), SEGMENT_NAME, name, (wanted_name));               \
                else                                                                               \
                        GIVE_VALUE((parameters), SEGMENT_ID, id, (wanted_id));                     \
        } while (false)

int segment_call(struct shmbroker *connection, Request *request, const char *name, int64_t id);

#endif
