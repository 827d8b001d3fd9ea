/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_PERMISSION_H
#define SHMBROKER_DAEMON_MODEL_PERMISSION_H

/* Who may: ipcperms() of the kernel, with the credentials that the peer had at connect(2) and the
 * socket that it came by. Uid 0 is a user like any other. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct Credentials Credentials;
typedef struct Permission Permission;
typedef struct Tenant Tenant;

struct Permission {
        /* Whose users and groups these are; NULL is the host */
        Tenant *tenant;
        uid_t owner_uid;
        gid_t owner_gid;
        uid_t creator_uid;
        gid_t creator_gid;
        mode_t mode;
};

struct Credentials {
        /* Whose socket the peer came by; NULL is the host's */
        Tenant *tenant;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        /* Of a user who is not mapped in the broker's user namespace, which is nobody in
         * particular: owns nothing; and of such a group, which grants nothing */
        bool unmapped;
        bool group_unmapped;
        /* Came by the administrator's socket: what the broker's own privileges allow, it may */
        bool privileged;
        /* Supplementary, sorted */
        const gid_t *groups;
        size_t n_groups;
};

bool credentials_in_group(const Credentials *credentials, gid_t gid);

bool permission_grants(const Permission *permission, const Credentials *credentials, bool write);
bool permission_controls(const Permission *permission, const Credentials *credentials);

#endif
