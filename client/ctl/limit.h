/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_LIMIT_H
#define SHMBROKER_CLIENT_CTL_LIMIT_H

/* What a broker allows, and how much of that is in use where it tells. */

#include "client/ctl/ctl.h"

#define LIMITS_MAX 64

typedef struct Limit Limit;
typedef struct LimitText LimitText;

struct LimitText {
        const char *name;
        /* Where it is among the amounts in use; SIZE_MAX if nobody tells how much is */
        size_t used;
        bool per_user;
        bool bytes;
        const char *meaning;
};

struct Limit {
        const char *name;
        uint64_t value;
        /* NULL if it is of a newer broker */
        const LimitText *text;
        bool has_used;
        uint64_t used;
        /* What the caller may have now, of a limit of each user */
        bool has_share;
        uint64_t share;
};

size_t limits_get(const struct shmbroker_status *status, const struct shmbroker_users *users,
                  Limit limits[static LIMITS_MAX]);
const struct shmbroker_user *limits_self(const struct shmbroker_users *users);

#endif
