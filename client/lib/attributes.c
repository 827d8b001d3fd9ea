/* SPDX-License-Identifier: MIT */
/* What is to become of a segment: of SetAttributes all of it, of Publish and Adopt some. */

#include "client/lib/attributes.h"

#include <errno.h>
#include <stdlib.h>

#include "client/lib/detail.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/**
 * attributes_check() - refuse attributes that a call does not take
 * @error:      where to note which one
 * @attributes: what was given
 * @taken:      those that it takes: ATTRIBUTES_*, or bits of the rows of SetAttributes
 *
 * Return: 0, or -EINVAL.
 */
int attributes_check(struct shmbroker_error *error, const struct shmbroker_attributes *attributes,
                     uint64_t taken) {
        const Type *type = &set_attributes_parameters_type;
        uint64_t others = attributes->parameters.given & ~taken;

        if (attributes->trusted_uids.n_values > 0 && !(taken & ATTRIBUTES_TRUSTED_UIDS))
                return detail_parameter(error, "trustedUids",
                                        "the call does not take this attribute");
        for (size_t row = 0; row < type->n_fields; ++row)
                if (others >> row & 1)
                        return detail_parameter(error, type->fields[row].key,
                                                "the call does not take this attribute");
        return 0;
}

int shmbroker_attributes_new(struct shmbroker_attributes **ret) {
        struct shmbroker_attributes *attributes = calloc(1, sizeof(*attributes));

        if (!attributes)
                return error_origin(-ENOMEM);
        *ret = attributes;
        return 0;
}

struct shmbroker_attributes *shmbroker_attributes_free(struct shmbroker_attributes *attributes) {
        free(attributes);
        return NULL;
}

void shmbroker_attributes_set_owner(struct shmbroker_attributes *attributes, uid_t uid) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, uid);
}

void shmbroker_attributes_set_group(struct shmbroker_attributes *attributes, gid_t gid) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_OWNER_GID, owner_gid, gid);
}

void shmbroker_attributes_set_mode(struct shmbroker_attributes *attributes, mode_t mode) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_MODE, mode, mode);
}

void shmbroker_attributes_set_remove_on_last_detach(struct shmbroker_attributes *attributes,
                                                    int remove) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH,
                   remove_on_last_detach, remove);
}

void shmbroker_attributes_set_linger(struct shmbroker_attributes *attributes,
                                     uint64_t linger_usec) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec,
                   linger_usec == SHMBROKER_FOREVER ? LINGER_NEVER : number_clamp(linger_usec));
}

void shmbroker_attributes_set_locked(struct shmbroker_attributes *attributes, int locked) {
        GIVE_VALUE(&attributes->parameters, SET_ATTRIBUTES_LOCKED, locked, locked);
}

int shmbroker_attributes_set_trusted_uids(struct shmbroker_attributes *attributes,
                                          const uid_t *uids, size_t n_uids) {
        if (uids)
                return error_trace(uids_set(&attributes->trusted_uids, uids, n_uids));
        attributes->trusted_uids.n_values = 0;
        return 0;
}
