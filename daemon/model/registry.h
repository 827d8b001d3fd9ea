/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_REGISTRY_H
#define SHMBROKER_DAEMON_MODEL_REGISTRY_H

/*
 * All segments, by id, by name (those of tenants are found at the tenant) and by watch, in
 * the order of their ids.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/model/segment.h"
#include "daemon/model/tenant.h"

typedef struct Registry Registry;

enum {
        _REGISTRY_E_SUCCESS,
        REGISTRY_E_EXISTS,
};

struct Registry {
        Segment *by_id;
        Segment *by_name;
        Segment *by_wd;
        Segment *first;
        size_t n_segments;
        /* Those whose object cannot be opened, the one that was looked for last at the end */
        Segment *unavailable;
        size_t n_unavailable;
        /* Sum of their sizes */
        uint64_t n_bytes;
};

#define REGISTRY_NULL                                                                              \
        {}

void registry_deinit(Registry *registry);

int registry_add(Registry *registry, Segment *segment);
void registry_remove(Registry *registry, Segment *segment);
void registry_unname(Registry *registry, Segment *segment);
int registry_set_name(Registry *registry, Segment *segment, const char *name, Segment *replaced);
void registry_return_name(Registry *registry, Segment *segment, Segment *replaced);
void registry_resize(Registry *registry, Segment *segment, uint64_t size_bytes);
int registry_set_wd(Registry *registry, Segment *segment, int wd);

Segment *registry_turn(Registry *registry);
void registry_set_available(Registry *registry, Segment *segment);

Segment *registry_find(Registry *registry, int64_t id);
Segment *registry_find_name(Registry *registry, Tenant *tenant, const char *name);
Segment *registry_find_wd(Registry *registry, int wd);
Segment *registry_next(Registry *registry, int64_t after_id);

#endif
