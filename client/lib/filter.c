/* SPDX-License-Identifier: MIT */
#include "client/lib/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/detail.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

struct shmbroker_filter {
        char *match_name;
        char *tenant;
        bool has_owner;
        uid_t owner_uid;
        bool has_kind;
        int kind;
        /* Lists and watches have different defaults */
        bool says_removed;
        bool include_removed;
};

DEFINE_CLEANUP(struct shmbroker_filter, shmbroker_filter_free)

int shmbroker_filter_new(struct shmbroker_filter **ret) {
        struct shmbroker_filter *filter = calloc(1, sizeof(*filter));

        if (!filter)
                return error_origin(-ENOMEM);
        *ret = filter;
        return 0;
}

struct shmbroker_filter *shmbroker_filter_free(struct shmbroker_filter *filter) {
        if (!filter)
                return NULL;
        free(filter->match_name);
        free(filter->tenant);
        free(filter);
        return NULL;
}

int shmbroker_filter_set_match(struct shmbroker_filter *filter, const char *pattern) {
        return error_trace(text_set(&filter->match_name, pattern, PATTERN_MAX));
}

void shmbroker_filter_set_owner(struct shmbroker_filter *filter, uid_t uid) {
        filter->has_owner = true;
        filter->owner_uid = uid;
}

void shmbroker_filter_set_kind(struct shmbroker_filter *filter, int kind) {
        filter->has_kind = true;
        filter->kind = kind;
}

void shmbroker_filter_set_include_removed(struct shmbroker_filter *filter, int removed) {
        filter->says_removed = true;
        filter->include_removed = removed;
}

int shmbroker_filter_set_tenant(struct shmbroker_filter *filter, const char *tenant) {
        /* What a tenant is called is not every text; this much of it the protocol needs. */
        for (const char *at = tenant; at && *at; ++at)
                if (*at <= ' ' || *at > '~')
                        return error_origin(-EINVAL);
        return error_trace(text_set(&filter->tenant, tenant, TENANT_MAX));
}

/* filter_copy() - a filter like another one; 0 or -ENOMEM */
int filter_copy(const struct shmbroker_filter *filter, struct shmbroker_filter **ret) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *copy = NULL;
        int r;

        r = shmbroker_filter_new(&copy);
        if (r)
                return error_trace(r);
        *copy = *filter;
        copy->match_name = copy->tenant = NULL;
        r = shmbroker_filter_set_match(copy, filter->match_name);
        if (r == 0)
                r = shmbroker_filter_set_tenant(copy, filter->tenant);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(copy);
        return 0;
}

/* filter_check() - can a filter be asked for? 0, or -EINVAL, which is noted */
int filter_check(const struct shmbroker_filter *filter, struct shmbroker_error *error) {
        if (filter->has_kind && (filter->kind < 0 || filter->kind >= _KIND_N))
                return detail_parameter(error, "kind", "there is no such kind of segment");
        return 0;
}

/* filter_list() - say in a call which segments are meant; texts stay the filter's */
void filter_list(const struct shmbroker_filter *filter, ListParameters *parameters) {
        if (filter->match_name)
                GIVE_VALUE(parameters, LIST_MATCH_NAME, match_name, filter->match_name);
        if (filter->tenant)
                GIVE_VALUE(parameters, LIST_TENANT, tenant, filter->tenant);
        if (filter->has_owner)
                GIVE_VALUE(parameters, LIST_OWNER_UID, owner_uid, filter->owner_uid);
        if (filter->has_kind)
                GIVE_VALUE(parameters, LIST_KIND, kind, (unsigned int) filter->kind);
        if (filter->says_removed)
                GIVE_VALUE(parameters, LIST_INCLUDE_REMOVED, include_removed,
                           filter->include_removed);
}

/* filter_watch() - the same for a watch */
void filter_watch(const struct shmbroker_filter *filter, WatchParameters *parameters) {
        if (filter->match_name)
                GIVE_VALUE(parameters, WATCH_MATCH_NAME, match_name, filter->match_name);
        if (filter->tenant)
                GIVE_VALUE(parameters, WATCH_TENANT, tenant, filter->tenant);
        if (filter->has_owner)
                GIVE_VALUE(parameters, WATCH_OWNER_UID, owner_uid, filter->owner_uid);
        if (filter->has_kind)
                GIVE_VALUE(parameters, WATCH_KIND, kind, (unsigned int) filter->kind);
        if (filter->says_removed)
                GIVE_VALUE(parameters, WATCH_INCLUDE_REMOVED, include_removed,
                           filter->include_removed);
}
