/* SPDX-License-Identifier: MIT */
#include "daemon/model/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "proto/error.h"
#include "proto/util.h"

/* Each tenant has names of its own. */
static Segment **names_of(Registry *registry, Tenant *tenant) {
        return tenant ? &tenant->by_name : &registry->by_name;
}

static Segment *find_in(Segment *by_name, const char *name) {
        Segment *segment;

        HASH_FIND(by_name, by_name, name, strlen(name), segment);
        return segment;
}

void registry_deinit(_unused_ Registry *registry) {
        assert(!registry->first && registry->n_segments == 0 && registry->n_bytes == 0);
}

/**
 * registry_add() - make a segment known, whole
 * @registry:   the registry
 * @segment:    the segment, with an id higher than all before, and with a name or none
 *
 * Return: 0, REGISTRY_E_EXISTS if the name is taken, or -ENOMEM; then nothing has changed.
 */
int registry_add(Registry *registry, Segment *segment) {
        Segment **names = names_of(registry, segment->permission.tenant);

        if (segment->name && find_in(*names, segment->name))
                return REGISTRY_E_EXISTS;
        HASH_ADD(by_id, registry->by_id, id, sizeof(segment->id), segment);
        if (!TABLE_HOLDS(segment, by_id))
                return error_origin(-ENOMEM);
        if (segment->name) {
                HASH_ADD_KEYPTR(by_name, *names, segment->name, strlen(segment->name), segment);
                if (!TABLE_HOLDS(segment, by_name)) {
                        HASH_DELETE(by_id, registry->by_id, segment);
                        return error_origin(-ENOMEM);
                }
        }
        assert(!registry->first || registry->first->prev->id < segment->id);
        DL_APPEND(registry->first, segment);
        ++registry->n_segments;
        registry->n_bytes += segment->size_bytes;
        if (segment_is_unavailable(segment)) {
                DL_APPEND2(registry->unavailable, segment, unavailable_prev, unavailable_next);
                ++registry->n_unavailable;
        }
        return 0;
}

/* registry_set_available() - the object of a segment can be opened again, if it could not be */
void registry_set_available(Registry *registry, Segment *segment) {
        if (!segment_is_unavailable(segment))
                return;
        DL_DELETE2(registry->unavailable, segment, unavailable_prev, unavailable_next);
        --registry->n_unavailable;
        segment->unavailable = (Unavailability){};
}

/* registry_turn() - the unavailable segment whose turn it is, or NULL; it is the last one then */
Segment *registry_turn(Registry *registry) {
        Segment *segment = registry->unavailable;

        if (!segment)
                return NULL;
        DL_DELETE2(registry->unavailable, segment, unavailable_prev, unavailable_next);
        DL_APPEND2(registry->unavailable, segment, unavailable_prev, unavailable_next);
        return segment;
}

/* registry_unname() - free the name for another segment; what it was is kept in former_name */
void registry_unname(Registry *registry, Segment *segment) {
        Segment **names = names_of(registry, segment->permission.tenant);

        if (!segment->name)
                return;
        HASH_DELETE(by_name, *names, segment);
        segment->former_name = steal_ptr(segment->name);
}

/**
 * registry_set_name() - give a name to a segment that never had one
 * @registry:   the registry
 * @segment:    the segment
 * @name:       the name; copied
 * @replaced:   the segment that has that name, and loses it, or NULL
 *
 * Return: 0, or -ENOMEM; then nothing has changed.
 */
int registry_set_name(Registry *registry, Segment *segment, const char *name, Segment *replaced) {
        Segment **names = names_of(registry, segment->permission.tenant);

        segment->name = strdup(name);
        if (!segment->name)
                return error_origin(-ENOMEM);
        /* For a moment there are two of that name: taking the old one out cannot fail. */
        HASH_ADD_KEYPTR(by_name, *names, segment->name, strlen(segment->name), segment);
        if (!TABLE_HOLDS(segment, by_name)) {
                free(steal_ptr(segment->name));
                return error_origin(-ENOMEM);
        }
        if (replaced)
                registry_unname(registry, replaced);
        return 0;
}

/* registry_return_name() - undo registry_set_name(); for want of memory nobody has the name then */
void registry_return_name(Registry *registry, Segment *segment, Segment *replaced) {
        Segment **names = names_of(registry, segment->permission.tenant);

        HASH_DELETE(by_name, *names, segment);
        replaced->name = steal_ptr(segment->name);
        free(steal_ptr(replaced->former_name));
        HASH_ADD_KEYPTR(by_name, *names, replaced->name, strlen(replaced->name), replaced);
        if (!TABLE_HOLDS(replaced, by_name))
                replaced->former_name = steal_ptr(replaced->name);
}

/* registry_resize() - change the size of a segment, and the sum of them */
void registry_resize(Registry *registry, Segment *segment, uint64_t size_bytes) {
        registry->n_bytes += size_bytes - segment->size_bytes;
        segment->size_bytes = size_bytes;
}

/* registry_set_wd() - say by which watch a segment is found, negative for none; 0 or -ENOMEM */
int registry_set_wd(Registry *registry, Segment *segment, int wd) {
        if (segment->wd >= 0)
                HASH_DELETE(by_wd, registry->by_wd, segment);
        segment->wd = wd;
        if (wd < 0)
                return 0;
        HASH_ADD(by_wd, registry->by_wd, wd, sizeof(segment->wd), segment);
        if (TABLE_HOLDS(segment, by_wd))
                return 0;
        segment->wd = -1;
        return error_origin(-ENOMEM);
}

/* registry_remove() - forget a segment; it is the caller's from now on */
void registry_remove(Registry *registry, Segment *segment) {
        registry_unname(registry, segment);
        registry_set_available(registry, segment);
        (void) registry_set_wd(registry, segment, -1);
        HASH_DELETE(by_id, registry->by_id, segment);
        DL_DELETE(registry->first, segment);
        --registry->n_segments;
        registry->n_bytes -= segment->size_bytes;
}

Segment *registry_find(Registry *registry, int64_t id) {
        Segment *segment;

        HASH_FIND(by_id, registry->by_id, &id, sizeof(id), segment);
        return segment;
}

/**
 * registry_find_name() - the segment that has a name
 * @registry:   the registry
 * @tenant:     for whom; what is exported to a tenant is the host's
 * @name:       the name
 */
Segment *registry_find_name(Registry *registry, Tenant *tenant, const char *name) {
        return find_in(*names_of(registry, tenant_imports(tenant, name) ? NULL : tenant), name);
}

Segment *registry_find_wd(Registry *registry, int wd) {
        Segment *segment;

        HASH_FIND(by_wd, registry->by_wd, &wd, sizeof(wd), segment);
        return segment;
}

/**
 * registry_next() - the segment that follows in the order of ids
 * @registry:   the registry
 * @after_id:   id of the one before, which may be gone by now; 0 to begin
 */
Segment *registry_next(Registry *registry, int64_t after_id) {
        Segment *segment = registry_find(registry, after_id);

        if (segment)
                return segment->next;
        DL_FOREACH(registry->first, segment)
                if (segment->id > after_id)
                        return segment;
        return NULL;
}
