/* SPDX-License-Identifier: MIT */
#include "daemon/call/status.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/kernel/domain.h"
#include "daemon/life/describe.h"
#include "daemon/model/client.h"
#include "proto/util.h"

/* No number leaves that a double cannot hold. */
static int64_t told(uint64_t value) {
        return (int64_t) MIN(value, (uint64_t) NUMBER_MAX);
}

static void map_add(Map *map, const char *key, uint64_t value) {
        map->entries[map->n_entries++] = (MapEntry){
                .key = key,
                .value = told(value),
        };
}

static void add_limit(Map *map, const char *name, uint64_t maximum) {
        if (maximum != LIMIT_NONE)
                map_add(map, name, maximum);
}

static void describe_limits(const Accounts *accounts, Map *ret) {
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                add_limit(ret, limit_total_name((Limit) i), accounts->total_maximum[i]);
                add_limit(ret, limit_user_name((Limit) i), accounts->user_maximum[i]);
        }
}

/* How long one may look at what memory segments take, and how long at least; and how many times as
 * long that is paid off. */
#define MEMORY_SMALL_USEC 200U
static const BudgetRate memory_rate = { .at_once_usec = 10000, .pause = 100 };

/* Of some, systemd has two descriptors. */
static uint64_t count_stored(const Registry *registry) {
        const Segment *segment;
        uint64_t n = 0;

        DL_FOREACH(registry->first, segment)
                n += segment->stored;
        return n;
}

static void describe_counters(const Service *service, Map *ret) {
        map_add(ret, "calls", service->counters.n_calls);
        map_add(ret, "segmentsCreated", service->counters.n_created);
        map_add(ret, "segmentsAdopted", service->counters.n_adopted);
        map_add(ret, "segmentsRemoved", service->counters.n_removed);
        map_add(ret, "segmentsDestroyed", service->life.n_destroyed);
        map_add(ret, "attachments", service->life.n_attached);
        map_add(ret, "limitsReached", service->counters.n_limits_reached);
        map_add(ret, "peersBroken", service->counters.n_broken_peers);
        map_add(ret, "peersRefused", service->counters.n_refused_peers);
        map_add(ret, "closingsLost", service->life.n_overflows);
        map_add(ret, "eventsDropped", service->life.events.n_dropped);
        map_add(ret, "logEntriesDropped", log_dropped());
        map_add(ret, "segmentsStored", count_stored(&service->registry));
        map_add(ret, "segmentsUnavailable", service->registry.n_unavailable);
        map_add(ret, "segmentsUnwatched", service->life.n_unsubscribed);
}

static uint64_t total_bytes(const Registry *registry, const Tenant *tenant) {
        const Segment *segment;
        uint64_t bytes = 0;

        if (!tenant)
                return registry->n_bytes;
        DL_FOREACH(registry->first, segment)
                if (segment->permission.tenant == tenant)
                        bytes += segment->size_bytes;
        return bytes;
}

/* Each segment has to be asked for, which who asks all the time gets done a part of each time, from
 * where the last one stopped. */
static void look_at_memory(Service *service, User *user) {
        uint64_t begin = clock_boottime_usec(), spent = 0,
                 limit = MAX(budget_left(&user->looked, &memory_rate), MEMORY_SMALL_USEC);
        Segment *segment = registry_next(&service->registry, service->looked_at_id);

        for (size_t n = service->registry.n_segments; n > 0 && spent < limit; --n) {
                if (!segment)
                        segment = service->registry.first;
                (void) describe_memory(segment);
                service->looked_at_id = segment->id;
                segment = segment->next;
                spent = clock_boottime_usec() - begin;
        }
        if (spent > MEMORY_SMALL_USEC)
                budget_spend(&user->looked, &memory_rate, spent);
}

static int64_t allocated_bytes(const Registry *registry, const Tenant *tenant) {
        const Segment *segment;
        int64_t bytes = 0;

        DL_FOREACH(registry->first, segment)
                if (!tenant || segment->permission.tenant == tenant)
                        bytes += MAX(segment->allocated_bytes, 0);
        return bytes;
}

/* status_describe_user() - what a user has, and may have */
void status_describe_user(const User *user, UserUsage *ret) {
        *ret = (UserUsage){
                .uid = user->uid,
                .segment_count = told(user->used[LIMIT_SEGMENTS]),
                .charged_bytes = told(user->used[LIMIT_BYTES]),
                .attachment_count = told(user->used[LIMIT_ATTACHMENTS]),
                .connection_count = told(user->used[LIMIT_CONNECTIONS]),
        };
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                const char *name = limit_user_name((Limit) i);

                add_limit(&ret->limits, name, user->accounts->user_maximum[i]);
                add_limit(&ret->shares, name, user_share(user, (Limit) i));
        }
        GIVE(ret, USER_USAGE_SHARES);
        if (user->accounts->tenant)
                GIVE_VALUE(ret, USER_USAGE_TENANT, tenant, user->accounts->tenant->name);
}

/* status_describe_tenant() - what a tenant has, and may have */
void status_describe_tenant(const Tenant *tenant, TenantUsage *ret) {
        const uint64_t *used = tenant->accounts.total_used;

        *ret = (TenantUsage){
                .name = tenant->name,
                .segment_count = told(used[LIMIT_SEGMENTS]),
                .charged_bytes = told(used[LIMIT_BYTES]),
                .attachment_count = told(used[LIMIT_ATTACHMENTS]),
                .connection_count = told(used[LIMIT_CONNECTIONS]),
        };
        if (tenant->address)
                GIVE_VALUE(ret, TENANT_ADDRESS, address, tenant->address);
        if (tenant->problem)
                GIVE_VALUE(ret, TENANT_PROBLEM, problem, tenant->problem);
        if (tenant->exports)
                GIVE_VALUE(ret, TENANT_EXPORTS, exports, tenant->exports);
        describe_limits(&tenant->accounts, &ret->limits);
}

static unsigned int describe_features(const Service *service) {
        const Features *features = &service->life.census.features;

        return (features->leases ? 1U << FEATURE_LEASES : 0) |
               (features->closings ? 1U << FEATURE_CLOSINGS : 0) |
               (domain_entered() ? 1U << FEATURE_NO_TRUNCATE : 0) |
               (host_mounts_read_only(&service->host) ? 1U << FEATURE_READ_ONLY_MOUNTS : 0);
}

static void describe_caller(const Credentials *credentials, StatusReply *ret) {
        ret->caller = (Caller){
                .uid = credentials->uid,
                .gid = credentials->gid,
                .privileged = credentials->privileged,
        };
        if (credentials->tenant)
                GIVE_VALUE(&ret->caller, CALLER_TENANT, tenant, credentials->tenant->name);
        GIVE(ret, STATUS_REPLY_CALLER);
}

/* status_describe() - how the broker is; a tenant is told of itself alone */
void status_describe(Service *service, const Client *client, StatusReply *ret) {
        Tenant *tenant = client->credentials.tenant;
        const Accounts *accounts = service_accounts(service, tenant);

        *ret = (StatusReply){
                .version = PACKAGE_VERSION,
                .start_time_usec = (int64_t) service->start_usec,
                .generation = service->persist.state_file.numbers.generation -
                              service->persist.state_file.first_generation,
                .segment_count = (int64_t) service->registry.n_segments,
                .attachment_count = (int64_t) service->life.census.attachments.n_used,
                .connection_count = told(accounts->total_used[LIMIT_CONNECTIONS]),
        };
        if (tenant) {
                ret->segment_count = told(accounts->total_used[LIMIT_SEGMENTS]);
                ret->attachment_count = told(accounts->total_used[LIMIT_ATTACHMENTS]);
        }
        ret->total_bytes = told(total_bytes(&service->registry, tenant));
        look_at_memory(service, client->user);
        ret->allocated_bytes = allocated_bytes(&service->registry, tenant);
        GIVE_VALUE(ret, STATUS_REPLY_UID, uid, service->host.uid);
        GIVE_VALUE(ret, STATUS_REPLY_CHARGED_BYTES, charged_bytes,
                   told(accounts->total_used[LIMIT_BYTES]));
        GIVE_VALUE(ret, STATUS_REPLY_REGISTRY_ID, registry_id,
                   service->persist.state_file.registry_id);
        GIVE_VALUE(ret, STATUS_REPLY_FEATURES, features, describe_features(service));
        if (service->host.pid_namespace > 0)
                GIVE_VALUE(ret, STATUS_REPLY_PID_NAMESPACE, pid_namespace,
                           (int64_t) service->host.pid_namespace);
        describe_caller(&client->credentials, ret);
        describe_limits(accounts, &ret->limits);
        if (!tenant)
                describe_counters(service, &ret->counters);
}
