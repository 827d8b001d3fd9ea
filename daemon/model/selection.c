/* SPDX-License-Identifier: MIT */
#include "daemon/model/selection.h"

#include <string.h>

#include "daemon/model/name-pattern.h"

/* selection_set_tenant() - only segments of a tenant, or with an empty name the host's; false if
 * there cannot be such a tenant. It is copied. */
bool selection_set_tenant(Selection *selection, const char *tenant) {
        if (tenant[0] && !tenant_name_valid(tenant))
                return false;
        (void) strcpy(selection->tenant, tenant);
        selection->has_tenant = true;
        return true;
}

/* selection_set_pattern() - only segments of such names; false if the pattern is longer than a
 * name, which bounds what fnmatch(3) has to do. It is copied. */
bool selection_set_pattern(Selection *selection, const char *pattern) {
        if (strlen(pattern) > NAME_LENGTH_MAX)
                return false;
        (void) strcpy(selection->pattern, pattern);
        selection->has_pattern = true;
        return true;
}

/* candidate_of() - a segment as it is now */
Candidate candidate_of(const Segment *segment) {
        return (Candidate){
                .id = segment->id,
                .kind = segment->kind,
                .name = segment_called(segment),
                .tenant = segment_tenant_name(segment),
                .owner_uid = segment->permission.owner_uid,
                .removed = segment->removed,
        };
}

/* selection_matches() - is a segment one of those that are asked for? */
bool selection_matches(const Selection *selection, const Candidate *candidate) {
        const char *tenant = candidate->tenant ? candidate->tenant : "";

        if (selection->only_id > 0 && selection->only_id != candidate->id)
                return false;
        if (candidate->removed && !selection->include_removed)
                return false;
        if (selection->has_kind && selection->kind != candidate->kind)
                return false;
        if (selection->has_owner && selection->owner_uid != candidate->owner_uid)
                return false;
        if (selection->has_tenant && strcmp(selection->tenant, tenant) != 0)
                return false;
        return !selection->has_pattern ||
               (candidate->name && name_pattern_matches(selection->pattern, candidate->name));
}
