/* SPDX-License-Identifier: MIT */
/* Adopting: what exists outside is put under the broker's care. A descriptor goes with the call. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/attributes.h"
#include "client/lib/call.h"
#include "client/lib/detail.h"
#include "client/lib/info.h"
#include "client/lib/native.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/* "POSIX object '/x'", whose name has 255 bytes */
#define OUTSIDE_MAX 288

/* How long it is to live, and nothing else. */
static int set_life(struct shmbroker *connection, AdoptParameters *parameters,
                    const struct shmbroker_attributes *attributes) {
        const SetAttributesParameters *given = &attributes->parameters;
        int r;

        r = attributes_check(connection, attributes, ATTRIBUTES_LIFE);
        if (r)
                return error_trace(r);
        if (GIVEN(given, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH))
                GIVE_VALUE(parameters, ADOPT_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           given->remove_on_last_detach);
        if (GIVEN(given, SET_ATTRIBUTES_LINGER_USEC) && given->linger_usec != LINGER_NEVER)
                GIVE_VALUE(parameters, ADOPT_LINGER_USEC, linger_usec, given->linger_usec);
        return 0;
}

static int adopt_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        SegmentReply values;

        (void) connection;
        return error_trace(
                info_read(reply, &segment_reply_type, REPLY_ITEM, &values, request->userdata));
}

/* The detail of what was wrong before is noted. It is never made a second time: the first one may
 * have been heard, and the second would meet what it made. */
static int adopt_object(struct shmbroker *connection, AdoptParameters *parameters,
                        const char *outside, const int *fd, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_info **ret) {
        _cleanup_(freep) struct shmbroker_info *info = NULL;
        Request request = {
                .method = METHOD_ADOPT,
                .parameters = parameters,
                .outside = outside,
                .name = name,
                .free_text = GIVEN(parameters, ADOPT_POSIX_NAME) ? "posixName" : NULL,
                .passed_fd = fd,
                .answer = adopt_answer,
                .userdata = &info,
        };
        int r;

        r = call_check_name(connection, name);
        if (r)
                return error_trace(r);
        if (name)
                GIVE_VALUE(parameters, ADOPT_NAME, name, name);
        r = attributes ? set_life(connection, parameters, attributes) : 0;
        if (r)
                return error_trace(r);
        request.deadline = request_deadline(connection, 0);
        r = call_run(connection, &request);
        if (r)
                return error_trace(r);
        if (ret)
                *ret = steal_ptr(info);
        return 0;
}

/* A number of System V means something in one IPC namespace only. */
static int adopt_number(struct shmbroker *connection, AdoptParameters *parameters,
                        const char *outside, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_info **ret) {
        int64_t namespace;

        if (native_namespace(&namespace))
                GIVE_VALUE(parameters, ADOPT_IPC_NAMESPACE, ipc_namespace, namespace);
        return error_trace(
                adopt_object(connection, parameters, outside, NULL, name, attributes, ret));
}

int shmbroker_adopt_sysv(struct shmbroker *connection, int shmid, const char *name,
                         const struct shmbroker_attributes *attributes,
                         struct shmbroker_info **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        detail_clear(connection);
        GIVE_VALUE(&parameters, ADOPT_SHMID, shmid, shmid);
        (void) snprintf(outside, sizeof(outside), "System V segment with the shmid %d", shmid);
        return error_trace(adopt_number(connection, &parameters, outside, name, attributes, ret));
}

int shmbroker_adopt_key(struct shmbroker *connection, uint32_t key, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_info **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        detail_clear(connection);
        GIVE_VALUE(&parameters, ADOPT_KEY, key, key);
        (void) snprintf(outside, sizeof(outside), "System V segment with the key 0x%08" PRIx32,
                        key);
        return error_trace(adopt_number(connection, &parameters, outside, name, attributes, ret));
}

int shmbroker_adopt_posix(struct shmbroker *connection, const char *posix_name, const char *name,
                          const struct shmbroker_attributes *attributes,
                          struct shmbroker_info **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        detail_clear(connection);
        if (strlen(posix_name) > POSIX_NAME_MAX)
                return detail_parameter(connection, "posixName",
                                        "no POSIX object has a name of more than 255 bytes");
        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, posix_name);
        (void) snprintf(outside, sizeof(outside), "POSIX object '%s'", posix_name);
        return error_trace(
                adopt_object(connection, &parameters, outside, NULL, name, attributes, ret));
}

int shmbroker_adopt_fd(struct shmbroker *connection, int fd, const char *name,
                       const struct shmbroker_attributes *attributes, struct shmbroker_info **ret) {
        AdoptParameters parameters = {};

        detail_clear(connection);
        if (fcntl(fd, F_GETFD) < 0)
                return detail_errno(connection, -EBADF);
        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        return error_trace(adopt_object(connection, &parameters, "object of the descriptor", &fd,
                                        name, attributes, ret));
}
