/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_REMOTE_H
#define SHMBROKER_CLIENT_LIB_REMOTE_H

/* Calls about one segment, given by its name or its id. */

#include "client/lib/loop.h"

/* Says in the parameters of a call, and in what is said of it, which segment it is about. */
#define MEAN_SEGMENT(asked, values, wanted_name, wanted_id)                                        \
        do {                                                                                       \
                (asked)->parameters = (values);                                                    \
                if (wanted_name) {                                                                 \
                        GIVE_VALUE((values), SEGMENT_NAME, name, (wanted_name));                   \
                        (asked)->name = (wanted_name);                                             \
                } else {                                                                           \
                        GIVE_VALUE((values), SEGMENT_ID, id, (wanted_id));                         \
                        (asked)->id = &(values)->id;                                               \
                }                                                                                  \
        } while (false)

int segment_begin(struct shmbroker *connection, const CallType *type, const Request *request,
                  struct shmbroker_call **ret);
int info_begin(struct shmbroker *connection, const Request *request, struct shmbroker_call **ret);
int info_finish(int r, struct shmbroker_call *call, struct shmbroker_info **ret);

#endif
