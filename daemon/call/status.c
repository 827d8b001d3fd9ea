/* SPDX-License-Identifier: MIT */
#include "daemon/call/status.h"

#include "daemon/life/describe.h"
#include "daemon/model/client.h"
#include "proto/util.h"

static void map_add(Map *map, const char *key, uint64_t value) {
        map->entries[map->n_entries++] = (MapEntry){
                .key = key,
                .value = (int64_t) MIN(value, (uint64_t) INT64_MAX),
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
        map_add(ret, "segmentsStored", service->persist.store.n_stored);
        map_add(ret, "segmentsUnavailable", service->registry.n_unavailable);
        map_add(ret, "segmentsUnwatched", service->life.n_unsubscribed);
}

static int64_t allocated_bytes(const Registry *registry) {
        int64_t bytes = 0;
        Segment *segment;

        DL_FOREACH(registry->first, segment) {
                int64_t allocated = describe_memory(segment);

                bytes += MAX(allocated, 0);
        }
        return bytes;
}

/* status_describe_user() - what a user has, and may have */
void status_describe_user(const User *user, UserUsage *ret) {
        *ret = (UserUsage){
                .uid = user->uid,
                .segment_count = (int64_t) user->used[LIMIT_SEGMENTS],
                .charged_bytes = (int64_t) user->used[LIMIT_BYTES],
                .attachment_count = (int64_t) user->used[LIMIT_ATTACHMENTS],
                .connection_count = (int64_t) user->used[LIMIT_CONNECTIONS],
        };
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                const char *name = limit_user_name((Limit) i);

                add_limit(&ret->limits, name, user->accounts->user_maximum[i]);
                add_limit(&ret->shares, name, user_share(user, (Limit) i));
        }
        GIVE(ret, USER_USAGE_SHARES);
}

static unsigned int describe_features(const Features *features) {
        return (features->leases ? 1U << FEATURE_LEASES : 0) |
               (features->marks ? 1U << FEATURE_LOCKS : 0) |
               (features->closings ? 1U << FEATURE_CLOSINGS : 0);
}

void status_describe(Service *service, const Client *client, StatusReply *ret) {
        *ret = (StatusReply){
                .version = PACKAGE_VERSION,
                .start_time_usec = (int64_t) service->start_usec,
                .generation = service->persist.state_file.numbers.generation -
                              service->persist.state_file.first_generation,
                .segment_count = (int64_t) service->registry.n_segments,
                .attachment_count = (int64_t) service->life.census.attachments.n_used,
                .connection_count = (int64_t) service->accounts.total_used[LIMIT_CONNECTIONS],
                .total_bytes = (int64_t) service->registry.n_bytes,
                .allocated_bytes = allocated_bytes(&service->registry),
        };
        GIVE_VALUE(ret, STATUS_REPLY_UID, uid, service->host.uid);
        GIVE_VALUE(ret, STATUS_REPLY_CHARGED_BYTES, charged_bytes,
                   (int64_t) service->accounts.total_used[LIMIT_BYTES]);
        GIVE_VALUE(ret, STATUS_REPLY_REGISTRY_ID, registry_id,
                   service->persist.state_file.registry_id);
        GIVE_VALUE(ret, STATUS_REPLY_FEATURES, features,
                   describe_features(&service->life.census.features));
        if (service->host.pid_namespace > 0)
                GIVE_VALUE(ret, STATUS_REPLY_PID_NAMESPACE, pid_namespace,
                           (int64_t) service->host.pid_namespace);
        ret->caller = (Caller){
                .uid = client->credentials.uid,
                .gid = client->credentials.gid,
                .privileged = client->credentials.privileged,
        };
        GIVE(ret, STATUS_REPLY_CALLER);
        describe_limits(&service->accounts, &ret->limits);
        describe_counters(service, &ret->counters);
}
