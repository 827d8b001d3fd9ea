/* SPDX-License-Identifier: MIT */
/* Connections, as programs open and close them. */

#include <errno.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/util.h"

int shmbroker_new(const char *given, struct shmbroker **ret) {
        _cleanup_(freep) char *address = NULL;
        int r;

        r = address_find(given, &address);
        if (r == ADDRESS_E_INVALID)
                return error_origin(-EINVAL);
        if (r == ADDRESS_E_NO_RUNTIME_DIRECTORY)
                return error_origin(-ENXIO);
        if (r)
                return error_fold(r);
        return error_trace(connection_new(address, ret));
}

int shmbroker_connect(const char *given, struct shmbroker **ret) {
        _cleanup_(connection_freep) struct shmbroker *connection = NULL;
        uint64_t deadline;
        int r;

        r = shmbroker_new(given, &connection);
        if (r)
                return error_trace(r);
        deadline = deadline_after(connection->timeout_usec);
        while ((r = connection_connect(connection)) == 0) {
                if (deadline_passed(deadline))
                        return error_origin(-ETIMEDOUT);
                r = deadline_poll(-EBADF, 0, MIN(connection->retry_at, deadline));
                if (r < 0)
                        return error_trace(r);
        }
        if (r < 0)
                return error_trace(r);
        *ret = steal_ptr(connection);
        return 0;
}

void shmbroker_set_call_timeout(struct shmbroker *connection, uint64_t timeout_usec) {
        connection->timeout_usec = timeout_usec;
}

const char *shmbroker_get_address(const struct shmbroker *connection) {
        return connection->address;
}

const struct shmbroker_error *shmbroker_get_error(const struct shmbroker *connection) {
        return &connection->error;
}
