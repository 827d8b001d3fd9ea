/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_GROUPS_H
#define SHMBROKER_DAEMON_MODEL_GROUPS_H

/*
 * The supplementary groups of a peer. A process may have 65536 of them, and with subordinate ones
 * (subgid(5)) everybody's may: connections of a user that have the same share them, what is more
 * is charged, and one is found without looking at all.
 */

#include "daemon/model/limits.h"

typedef struct Groups Groups;

struct Groups {
        size_t n_references;
        /* Whose connections have them */
        User *user;
        /* What its user pays for many */
        Charge charge;
        size_t n;
        /* Sorted */
        gid_t gids[];
};

int groups_read(int fd, const gid_t *left_out, Groups **ret);
void groups_share(Groups **groups, User *user);
Groups *groups_unref(Groups *groups);
bool groups_have(const gid_t *gids, size_t n_gids, gid_t gid);

#endif
