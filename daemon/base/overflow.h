/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_OVERFLOW_H
#define SHMBROKER_DAEMON_BASE_OVERFLOW_H

/*
 * Users and groups of other user namespaces that are not mapped in ours: the kernel shows all of
 * them as the same one (user_namespaces(7)), so that it is nobody in particular.
 */

#include <stdbool.h>
#include <sys/types.h>

typedef struct Overflow Overflow;

struct Overflow {
        /* There can be such users, and groups, here, and this is what they are shown as */
        bool has_uid;
        bool has_gid;
        uid_t uid;
        gid_t gid;
};

Overflow overflow_find(void);

#endif
