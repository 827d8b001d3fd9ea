/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_RESERVED_NAMES_H
#define SHMBROKER_DAEMON_MODEL_RESERVED_NAMES_H

/*
 * Names that only some may give to a segment, as the configuration says: so nobody else can be
 * there first. What has such a name already keeps it.
 */

#include <stdbool.h>

#include "daemon/model/permission.h"

typedef struct ReservedName ReservedName;
typedef struct ReservedNames ReservedNames;

/* In the order in which they were read */
struct ReservedNames {
        ReservedName *first;
};

#define RESERVED_NAMES_NULL                                                                        \
        {}

int reserved_names_add(ReservedNames *names, const char *pattern, bool for_group, id_t id);
void reserved_names_join(ReservedNames *names, ReservedNames *more);
void reserved_names_deinit(ReservedNames *names);

bool reserved_names_allow(const ReservedNames *names, const char *name,
                          const Credentials *credentials);

#endif
