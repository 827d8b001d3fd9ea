/* SPDX-License-Identifier: MIT */
#include "daemon/model/reserved-names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/table.h"
#include "daemon/model/name-pattern.h"
#include "proto/error.h"
#include "proto/util.h"

struct ReservedName {
        char *pattern;
        bool for_group;
        /* Of the user or group */
        id_t id;
        ReservedName *prev;
        ReservedName *next;
};

/**
 * reserved_names_add() - reserve the names that a pattern matches
 * @names:      takes it, behind those that there are
 * @pattern:    the pattern; copied
 * @for_group:  whether they are for a group
 * @id:         that group, or the user
 *
 * Return: 0 or -ENOMEM.
 */
int reserved_names_add(ReservedNames *names, const char *pattern, bool for_group, id_t id) {
        ReservedName *reserved = calloc(1, sizeof(*reserved));

        if (!reserved)
                return error_origin(-ENOMEM);
        reserved->pattern = strdup(pattern);
        if (!reserved->pattern) {
                free(reserved);
                return error_origin(-ENOMEM);
        }
        reserved->for_group = for_group;
        reserved->id = id;
        DL_APPEND(names->first, reserved);
        return 0;
}

/* reserved_names_join() - move all of @more behind those of @names */
void reserved_names_join(ReservedNames *names, ReservedNames *more) {
        DL_CONCAT(names->first, more->first);
        *more = (ReservedNames) RESERVED_NAMES_NULL;
}

void reserved_names_deinit(ReservedNames *names) {
        ReservedName *reserved, *next;

        DL_FOREACH_SAFE(names->first, reserved, next) {
                free(reserved->pattern);
                free(reserved);
        }
        *names = (ReservedNames) RESERVED_NAMES_NULL;
}

/* The last one decides, so that one name of many can be another user's. */
static const ReservedName *find_last(const ReservedNames *names, const char *name) {
        const ReservedName *reserved, *last = NULL;

        DL_FOREACH(names->first, reserved)
                if (name_pattern_matches(reserved->pattern, name))
                        last = reserved;
        return last;
}

/**
 * reserved_names_allow() - may somebody give this name to a segment?
 * @names:      what is reserved
 * @name:       the name, which is valid
 * @credentials: who asks
 */
bool reserved_names_allow(const ReservedNames *names, const char *name,
                          const Credentials *credentials) {
        const ReservedName *reserved = find_last(names, name);

        if (!reserved || credentials->privileged)
                return true;
        if (reserved->for_group)
                return credentials_in_group(credentials, reserved->id);
        return !credentials->unmapped && credentials->uid == reserved->id;
}
