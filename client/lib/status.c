/* SPDX-License-Identifier: MIT */
/* The state of a broker, and what its users and tenants have. */

#include "client/lib/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/connection.h"
#include "client/lib/detail.h"
#include "client/lib/getter.h"
#include "client/lib/info.h"
#include "client/lib/loop.h"
#include "proto/error.h"
#include "proto/util.h"

struct shmbroker_status {
        StatusReply values;
        const char *json;
};

struct shmbroker_user {
        UserUsage values;
        const char *json;
};

struct shmbroker_tenant {
        TenantUsage values;
        const char *json;
};

static int status_answer(struct shmbroker_call *call, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_status *status = NULL;
        const char *json;
        Reply copy;

        status = reply_keep(reply, sizeof(*status), NULL, &json, &copy);
        if (!status)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &status_reply_type, &status->values))
                return error_origin(-EPROTO);
        if (GIVEN(&status->values, STATUS_REPLY_UID) &&
            (status->values.uid < 0 || status->values.uid > UINT32_MAX))
                return error_origin(-EPROTO);
        status->json = json;
        call->object = steal_ptr(status);
        return 0;
}

static const CallType status_type = {
        .brings = CALL_BRINGS_STATUS,
        .answer = status_answer,
        .free_object = free,
};

int shmbroker_get_status_start(struct shmbroker *connection, struct shmbroker_call **ret) {
        const NoParameters parameters = {};
        const Request request = {
                .method = METHOD_GET_STATUS,
                .parameters = &parameters,
                .repeatable = true,
        };

        error_clear(&connection->error);
        return error_trace(call_begin(connection, &status_type, &request, ret));
}

int shmbroker_call_take_status(struct shmbroker_call *call, struct shmbroker_status **ret) {
        return call_take(call, CALL_BRINGS_STATUS, ret);
}

int shmbroker_get_status(struct shmbroker *connection, struct shmbroker_status **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_get_status_start(connection, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_STATUS, ret));
}

struct shmbroker_status *shmbroker_status_free(struct shmbroker_status *status) {
        free(status);
        return NULL;
}

GETTER(shmbroker_status, const char *, shmbroker_status_version, version)
GETTER(shmbroker_status, uint64_t, shmbroker_status_start_time, start_time_usec)
GETTER(shmbroker_status, uint64_t, shmbroker_status_generation, generation)
GETTER(shmbroker_status, uint64_t, shmbroker_status_segment_count, segment_count)
GETTER(shmbroker_status, uint64_t, shmbroker_status_attachment_count, attachment_count)
GETTER(shmbroker_status, uint64_t, shmbroker_status_connection_count, connection_count)
GETTER(shmbroker_status, uint64_t, shmbroker_status_total_bytes, total_bytes)
NULLABLE_GETTER(shmbroker_status, uint64_t, shmbroker_status_charged_bytes,
                STATUS_REPLY_CHARGED_BYTES, charged_bytes)
GETTER(shmbroker_status, uint64_t, shmbroker_status_allocated_bytes, allocated_bytes)
GETTER(shmbroker_status, const char *, shmbroker_status_registry_id, registry_id)
NULLABLE_GETTER(shmbroker_status, uid_t, shmbroker_status_uid, STATUS_REPLY_UID, uid)
NULLABLE_GETTER(shmbroker_status, unsigned int, shmbroker_status_features, STATUS_REPLY_FEATURES,
                features)
NULLABLE_GETTER(shmbroker_status, uint64_t, shmbroker_status_pid_namespace,
                STATUS_REPLY_PID_NAMESPACE, pid_namespace)

int shmbroker_status_privileged(const struct shmbroker_status *status, int *ret) {
        if (!GIVEN(&status->values, STATUS_REPLY_CALLER))
                return -ENODATA;
        *ret = status->values.caller.privileged;
        return 0;
}

const char *shmbroker_status_tenant(const struct shmbroker_status *status) {
        return GIVEN(&status->values, STATUS_REPLY_CALLER) ? status->values.caller.tenant : NULL;
}

const char *shmbroker_status_json(const struct shmbroker_status *status) {
        return status->json;
}

/**
 * user_read() - make a user of an answer
 * @reply:      an answer to ListUsers
 * @ret:        the user, in one piece of memory; NULL if the answer has none
 *
 * Return: 0, -EPROTO, or -ENOMEM.
 */
int user_read(const Reply *reply, struct shmbroker_user **ret) {
        _cleanup_(freep) struct shmbroker_user *user = NULL;
        UserReply values;
        const char *json;
        Reply copy;

        user = reply_keep(reply, sizeof(*user), "user", &json, &copy);
        if (!user)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &user_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM)) {
                *ret = NULL;
                return 0;
        }
        if (values.user.uid < 0 || values.user.uid > UINT32_MAX)
                return error_origin(-EPROTO);
        user->values = values.user;
        user->json = json;
        *ret = steal_ptr(user);
        return 0;
}

GETTER(shmbroker_user, uid_t, shmbroker_user_uid, uid)
GETTER(shmbroker_user, const char *, shmbroker_user_tenant, tenant)
GETTER(shmbroker_user, uint64_t, shmbroker_user_segment_count, segment_count)
GETTER(shmbroker_user, uint64_t, shmbroker_user_charged_bytes, charged_bytes)
GETTER(shmbroker_user, uint64_t, shmbroker_user_attachment_count, attachment_count)
GETTER(shmbroker_user, uint64_t, shmbroker_user_connection_count, connection_count)

const char *shmbroker_user_json(const struct shmbroker_user *user) {
        return user->json;
}

/**
 * tenant_read() - make a tenant of an answer
 * @reply:      an answer to ListTenants
 * @ret:        the tenant, in one piece of memory; NULL if the answer has none
 *
 * Return: 0, -EPROTO, or -ENOMEM.
 */
int tenant_read(const Reply *reply, struct shmbroker_tenant **ret) {
        _cleanup_(freep) struct shmbroker_tenant *tenant = NULL;
        TenantReply values;
        const char *json;
        Reply copy;

        tenant = reply_keep(reply, sizeof(*tenant), "tenant", &json, &copy);
        if (!tenant)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &tenant_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM)) {
                *ret = NULL;
                return 0;
        }
        tenant->values = values.tenant;
        tenant->json = json;
        *ret = steal_ptr(tenant);
        return 0;
}

GETTER(shmbroker_tenant, const char *, shmbroker_tenant_name, name)
GETTER(shmbroker_tenant, const char *, shmbroker_tenant_address, address)
GETTER(shmbroker_tenant, const char *, shmbroker_tenant_problem, problem)
GETTER(shmbroker_tenant, const char *, shmbroker_tenant_exports, exports)
GETTER(shmbroker_tenant, uint64_t, shmbroker_tenant_segment_count, segment_count)
GETTER(shmbroker_tenant, uint64_t, shmbroker_tenant_charged_bytes, charged_bytes)
GETTER(shmbroker_tenant, uint64_t, shmbroker_tenant_attachment_count, attachment_count)
GETTER(shmbroker_tenant, uint64_t, shmbroker_tenant_connection_count, connection_count)

const char *shmbroker_tenant_json(const struct shmbroker_tenant *tenant) {
        return tenant->json;
}

static int map_get(const Map *map, size_t index, const char **ret_name, int64_t *ret_value) {
        MapEntry entry;

        if (!map_entry(map, index, &entry))
                return -ENODATA;
        *ret_name = entry.key;
        *ret_value = entry.value;
        return 0;
}

int shmbroker_status_limit(const struct shmbroker_status *status, size_t index,
                           const char **ret_name, int64_t *ret_value) {
        return map_get(&status->values.limits, index, ret_name, ret_value);
}

int shmbroker_status_counter(const struct shmbroker_status *status, size_t index,
                             const char **ret_name, int64_t *ret_value) {
        return map_get(&status->values.counters, index, ret_name, ret_value);
}

int shmbroker_user_limit(const struct shmbroker_user *user, size_t index, const char **ret_name,
                         int64_t *ret_value) {
        return map_get(&user->values.limits, index, ret_name, ret_value);
}

int shmbroker_tenant_limit(const struct shmbroker_tenant *tenant, size_t index,
                           const char **ret_name, int64_t *ret_value) {
        return map_get(&tenant->values.limits, index, ret_name, ret_value);
}

static int map_find(const Map *map, const char *name, int64_t *ret) {
        MapEntry entry;

        for (size_t i = 0; map_entry(map, i, &entry); ++i)
                if (strcmp(entry.key, name) == 0) {
                        *ret = entry.value;
                        return 0;
                }
        return -ENODATA;
}

int shmbroker_status_limit_by_name(const struct shmbroker_status *status, const char *name,
                                   int64_t *ret) {
        return map_find(&status->values.limits, name, ret);
}

int shmbroker_status_counter_by_name(const struct shmbroker_status *status, const char *name,
                                     int64_t *ret) {
        return map_find(&status->values.counters, name, ret);
}

int shmbroker_user_limit_by_name(const struct shmbroker_user *user, const char *name,
                                 int64_t *ret) {
        return map_find(&user->values.limits, name, ret);
}

int shmbroker_user_share(const struct shmbroker_user *user, size_t index, const char **ret_name,
                         int64_t *ret_value) {
        return map_get(&user->values.shares, index, ret_name, ret_value);
}

int shmbroker_user_share_by_name(const struct shmbroker_user *user, const char *name,
                                 int64_t *ret) {
        return map_find(&user->values.shares, name, ret);
}

int shmbroker_tenant_limit_by_name(const struct shmbroker_tenant *tenant, const char *name,
                                   int64_t *ret) {
        return map_find(&tenant->values.limits, name, ret);
}
