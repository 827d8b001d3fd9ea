/* SPDX-License-Identifier: MIT */
#include "daemon/model/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/error.h"
#include "proto/util.h"

static int compare_gids(const void *left, const void *right) {
        gid_t a = *(const gid_t *) left, b = *(const gid_t *) right;

        return (a > b) - (a < b);
}

/* The kernel has them sorted, but by what they are in the initial user namespace. */
static void sort_gids(Groups *groups) {
        for (size_t i = 1; i < groups->n; ++i)
                if (groups->gids[i - 1] > groups->gids[i]) {
                        qsort(groups->gids, groups->n, sizeof(gid_t), compare_gids);
                        return;
                }
}

static void leave_out(Groups *groups, gid_t left_out) {
        size_t n = 0;

        for (size_t i = 0; i < groups->n; ++i)
                if (groups->gids[i] != left_out)
                        groups->gids[n++] = groups->gids[i];
        groups->n = n;
}

/**
 * groups_read() - the groups of a connected peer (socket(7), SO_PEERGROUPS)
 * @fd:         the socket
 * @left_out:   what groups look like that are not mapped here, all alike, or NULL
 * @ret:        the groups, the caller's, of nobody yet
 *
 * Return: 0, or a negative errno.
 */
int groups_read(int fd, const gid_t *left_out, Groups **ret) {
        socklen_t n = 0;
        Groups *groups;

        /* ERANGE tells how much room it takes. */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &n) < 0 && errno != ERANGE)
                return error_origin(-errno);
        groups = malloc(sizeof(*groups) + n);
        if (!groups)
                return error_origin(-ENOMEM);
        *groups = (Groups){ .n_references = 1 };
        if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups->gids, &n) < 0) {
                free(groups);
                return error_origin(-errno);
        }
        groups->n = n / sizeof(gid_t);
        if (left_out)
                leave_out(groups, *left_out);
        sort_gids(groups);
        *ret = groups;
        return 0;
}

static bool is_same(const Groups *one, const Groups *other) {
        return one->n == other->n &&
               (one->n == 0 || memcmp(one->gids, other->gids, one->n * sizeof(gid_t)) == 0);
}

/**
 * groups_share() - use the groups that another connection of a user has, if they are the same
 * @groups:     just read; those that are used afterwards
 * @user:       the peer's user
 */
void groups_share(Groups **groups, User *user) {
        Groups *known = user->groups;

        if (known && is_same(known, *groups)) {
                groups_unref(*groups);
                ++known->n_references;
                *groups = known;
                return;
        }
        (*groups)->user = user;
        user->groups = *groups;
}

Groups *groups_unref(Groups *groups) {
        if (!groups || --groups->n_references > 0)
                return NULL;
        if (groups->user && groups->user->groups == groups)
                groups->user->groups = NULL;
        charge_give_back(&groups->charge);
        free(groups);
        return NULL;
}

/* groups_have() - is a group among sorted ones? */
bool groups_have(const gid_t *gids, size_t n_gids, gid_t gid) {
        return n_gids > 0 && bsearch(&gid, gids, n_gids, sizeof(gid_t), compare_gids);
}
