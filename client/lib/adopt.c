/* SPDX-License-Identifier: MIT */
/* Adopting: what exists outside is put under the broker's care. A descriptor goes with the call. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/attributes.h"
#include "client/lib/connection.h"
#include "client/lib/detail.h"
#include "client/lib/native.h"
#include "client/lib/remote.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/* "POSIX object '/x'", whose name has 255 bytes */
#define OUTSIDE_MAX 288

/* How long it is to live, and nothing else. */
static int set_life(struct shmbroker_error *error, AdoptParameters *parameters,
                    const struct shmbroker_attributes *attributes) {
        const SetAttributesParameters *given = &attributes->parameters;
        int r;

        r = attributes_check(error, attributes, ATTRIBUTES_LIFE);
        if (r)
                return error_trace(r);
        if (GIVEN(given, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH))
                GIVE_VALUE(parameters, ADOPT_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           given->remove_on_last_detach);
        if (GIVEN(given, SET_ATTRIBUTES_LINGER_USEC) && given->linger_usec != LINGER_NEVER)
                GIVE_VALUE(parameters, ADOPT_LINGER_USEC, linger_usec, given->linger_usec);
        return 0;
}

/* The detail of what was wrong before is noted. It is never made a second time: the first one may
 * have been heard, and the second would meet what it made. */
static int adopt_object(struct shmbroker *connection, AdoptParameters *parameters,
                        const char *outside, const int *fd, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_call **ret) {
        const Request request = {
                .method = METHOD_ADOPT,
                .parameters = parameters,
                .outside = outside,
                .name = name,
                .free_text = GIVEN(parameters, ADOPT_POSIX_NAME) ? "posixName" : NULL,
                .passed_fd = fd,
        };
        int r;

        r = attributes ? set_life(&connection->error, parameters, attributes) : 0;
        if (r)
                return error_trace(r);
        if (name)
                GIVE_VALUE(parameters, ADOPT_NAME, name, name);
        return error_trace(info_begin(connection, &request, ret));
}

/* A number of System V means something in one IPC namespace only. */
static int adopt_number(struct shmbroker *connection, AdoptParameters *parameters,
                        const char *outside, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_call **ret) {
        int64_t namespace;

        if (native_namespace(&namespace))
                GIVE_VALUE(parameters, ADOPT_IPC_NAMESPACE, ipc_namespace, namespace);
        return error_trace(
                adopt_object(connection, parameters, outside, NULL, name, attributes, ret));
}

int shmbroker_adopt_sysv_start(struct shmbroker *connection, int shmid, const char *name,
                               const struct shmbroker_attributes *attributes,
                               struct shmbroker_call **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        error_clear(&connection->error);
        GIVE_VALUE(&parameters, ADOPT_SHMID, shmid, shmid);
        (void) snprintf(outside, sizeof(outside), "System V segment with the shmid %d", shmid);
        return error_trace(adopt_number(connection, &parameters, outside, name, attributes, ret));
}

int shmbroker_adopt_sysv(struct shmbroker *connection, int shmid, const char *name,
                         const struct shmbroker_attributes *attributes,
                         struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_adopt_sysv_start(connection, shmid, name, attributes, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_adopt_key_start(struct shmbroker *connection, uint32_t key, const char *name,
                              const struct shmbroker_attributes *attributes,
                              struct shmbroker_call **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        error_clear(&connection->error);
        GIVE_VALUE(&parameters, ADOPT_KEY, key, key);
        (void) snprintf(outside, sizeof(outside), "System V segment with the key 0x%08" PRIx32,
                        key);
        return error_trace(adopt_number(connection, &parameters, outside, name, attributes, ret));
}

int shmbroker_adopt_key(struct shmbroker *connection, uint32_t key, const char *name,
                        const struct shmbroker_attributes *attributes,
                        struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_adopt_key_start(connection, key, name, attributes, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_adopt_posix_start(struct shmbroker *connection, const char *posix_name,
                                const char *name, const struct shmbroker_attributes *attributes,
                                struct shmbroker_call **ret) {
        AdoptParameters parameters = {};
        char outside[OUTSIDE_MAX];

        error_clear(&connection->error);
        if (strlen(posix_name) > POSIX_NAME_MAX)
                return detail_parameter(&connection->error, "posixName",
                                        "no POSIX object has a name of more than 255 bytes");
        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, posix_name);
        (void) snprintf(outside, sizeof(outside), "POSIX object '%s'", posix_name);
        return error_trace(
                adopt_object(connection, &parameters, outside, NULL, name, attributes, ret));
}

int shmbroker_adopt_posix(struct shmbroker *connection, const char *posix_name, const char *name,
                          const struct shmbroker_attributes *attributes,
                          struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_adopt_posix_start(connection, posix_name, name, attributes, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_adopt_fd_start(struct shmbroker *connection, int fd, const char *name,
                             const struct shmbroker_attributes *attributes,
                             struct shmbroker_call **ret) {
        AdoptParameters parameters = {};

        error_clear(&connection->error);
        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        return error_trace(adopt_object(connection, &parameters, "object of the descriptor", &fd,
                                        name, attributes, ret));
}

int shmbroker_adopt_fd(struct shmbroker *connection, int fd, const char *name,
                       const struct shmbroker_attributes *attributes, struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_adopt_fd_start(connection, fd, name, attributes, &call);
        return error_trace(info_finish(r, call, ret));
}
