/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_SELECTION_H
#define SHMBROKER_DAEMON_MODEL_SELECTION_H

/* Which segments a client asks for, as List and Watch take it. Whether it may see them is another
 * question. */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/segment.h"
#include "daemon/model/tenant.h"
#include "proto/name.h"
#include "proto/types.h"

typedef struct Candidate Candidate;
typedef struct Selection Selection;

/* A segment as it is, or as it was; strings are somebody else's. */
struct Candidate {
        int64_t id;
        Kind kind;
        /* What it is or was called, NULL if it never had a name */
        const char *name;
        /* NULL is the host */
        const char *tenant;
        uid_t owner_uid;
        bool removed;
};

/* Without anything set, all of them are meant but those that are removed. */
struct Selection {
        /* 0 is any */
        int64_t only_id;
        bool include_removed;
        bool has_kind;
        bool has_owner;
        bool has_tenant;
        bool has_pattern;
        Kind kind;
        int64_t owner_uid;
        /* Empty is the host */
        char tenant[TENANT_NAME_MAX + 1];
        char pattern[NAME_LENGTH_MAX + 1];
};

bool selection_set_tenant(Selection *selection, const char *tenant);
bool selection_set_pattern(Selection *selection, const char *pattern);

Candidate candidate_of(const Segment *segment);
bool selection_matches(const Selection *selection, const Candidate *candidate);

#endif
