/* SPDX-License-Identifier: MIT */
/* Connections, as programs open and close them. */

#include <errno.h>

#include "client/lib/connection.h"
#include "client/lib/deadline.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/util.h"

static int open_new(const char *given, bool user, struct shmbroker **ret) {
        _cleanup_(freep) char *address = NULL;
        int r;

        r = address_find(given, user, &address);
        if (r == ADDRESS_E_INVALID)
                return error_origin(-EINVAL);
        if (r == ADDRESS_E_NO_RUNTIME_DIRECTORY)
                return error_origin(-ENXIO);
        if (r)
                return error_fold(r);
        return error_trace(connection_new(address, ret));
}

static int open_connect(const char *given, bool user, struct shmbroker **ret) {
        _cleanup_(connection_freep) struct shmbroker *connection = NULL;
        uint64_t deadline;
        int r;

        r = open_new(given, user, &connection);
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

int shmbroker_new(const char *address, struct shmbroker **ret) {
        return open_new(address, false, ret);
}

int shmbroker_new_user(struct shmbroker **ret) {
        return open_new(NULL, true, ret);
}

int shmbroker_connect(const char *address, struct shmbroker **ret) {
        return open_connect(address, false, ret);
}

int shmbroker_connect_user(struct shmbroker **ret) {
        return open_connect(NULL, true, ret);
}

struct shmbroker *shmbroker_close(struct shmbroker *connection) {
        if (!connection)
                return NULL;
        shmbroker_cancel(connection);
        return connection_free(connection);
}

void shmbroker_set_call_timeout(struct shmbroker *connection, uint64_t timeout_usec) {
        connection->timeout_usec = timeout_usec;
}

const char *shmbroker_get_address(const struct shmbroker *connection) {
        return connection->address;
}
