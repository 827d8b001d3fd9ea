/* SPDX-License-Identifier: MIT */
#include "daemon/model/permission.h"

#include "daemon/model/groups.h"

/* The three bits of a mode, as one digit of its octal number. */
#define BIT_READ 4U
#define BIT_WRITE 2U

/* credentials_in_group() - is it the effective group, or one of the others? */
bool credentials_in_group(const Credentials *credentials, gid_t gid) {
        if (credentials->gid == gid && !credentials->group_unmapped)
                return true;
        return groups_have(credentials->groups, credentials->n_groups, gid);
}

/* A uid of a tenant is nobody's elsewhere. */
static bool is_owner(const Permission *permission, const Credentials *credentials) {
        return !credentials->unmapped && permission->tenant == credentials->tenant &&
               (credentials->uid == permission->owner_uid ||
                credentials->uid == permission->creator_uid);
}

/**
 * permission_grants() - may somebody attach a segment?
 * @permission: of the segment
 * @credentials: of the peer
 * @write:      whether for writing as well as reading
 *
 * The first class that fits decides, as natively: owner and creator, then their groups, then
 * everyone else.
 */
bool permission_grants(const Permission *permission, const Credentials *credentials, bool write) {
        unsigned int wanted = write ? BIT_READ | BIT_WRITE : BIT_READ, shift;

        if (credentials->privileged)
                return true;
        if (permission->tenant != credentials->tenant)
                return false;
        if (is_owner(permission, credentials))
                shift = 6;
        else if (credentials_in_group(credentials, permission->owner_gid) ||
                 credentials_in_group(credentials, permission->creator_gid))
                shift = 3;
        else
                shift = 0;
        return (permission->mode >> shift & wanted) == wanted;
}

/* permission_controls() - may somebody remove a segment, or change it? Owner and creator. */
bool permission_controls(const Permission *permission, const Credentials *credentials) {
        return credentials->privileged || is_owner(permission, credentials);
}
