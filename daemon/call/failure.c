/* SPDX-License-Identifier: MIT */
#include "daemon/call/failure.h"

#include <errno.h>
#include <string.h>

static bool is_among(const Numbers *numbers, uid_t uid) {
        for (size_t i = 0; i < numbers->n_values; ++i)
                if (numbers->values[i] == uid)
                        return true;
        return false;
}

/**
 * call_check_trusted() - is a segment of users whom the caller trusts?
 * @client:     the caller
 * @segment:    the segment
 * @given:      whether the caller said whom; everybody else trusts everybody
 * @trusted_uids: these users
 * @failure:    details
 *
 * The creator as well, who keeps the rights of an owner: somebody who made a segment to lay hands
 * on what is written there could give it away to whoever is trusted. Users of another tenant are
 * other ones, whatever their uids: the administrator, who sees them, means the host's.
 *
 * Return: 0, or CALL_E_FOREIGN.
 */
int call_check_trusted(const Client *client, const Segment *segment, bool given,
                       const Numbers *trusted_uids, CallFailure *failure) {
        const Permission *permission = &segment->permission;
        bool others = permission->tenant && permission->tenant != client->credentials.tenant;

        if (!given || (!others && is_among(trusted_uids, permission->owner_uid) &&
                       is_among(trusted_uids, permission->creator_uid)))
                return 0;
        failure->foreign_id = segment->id;
        failure->owner_uid = permission->owner_uid;
        failure->creator_uid = permission->creator_uid;
        return CALL_E_FOREIGN;
}

/* call_kind_failure() - what an error of a kind's means to who asked */
int call_kind_failure(int code, const KindFailure *kind_failure, CallFailure *failure) {
        const char *reason;

        switch (code) {
        case 0:
                return 0;
        case KIND_E_NO_DESCRIPTORS:
                return call_no_descriptors(failure);
        case KIND_E_EXISTS:
                failure->id = 0;
                return CALL_E_EXISTS;
        case KIND_E_NONE:
                return CALL_E_NO_SUCH_SEGMENT;
        case KIND_E_DENIED:
                return CALL_E_DENIED;
        case KIND_E_LIMIT:
                failure->limit = kind_failure->limit;
                return CALL_E_LIMIT;
        case KIND_E_NOT_SUPPORTED:
                return call_not_supported(failure, kind_failure->cause, kind_failure->reason);
        case KIND_E_TOO_LARGE:
                return call_not_supported(failure, "host",
                                          "nothing of that kind can be as large here");
        case KIND_E_NO_MEMORY:
        case -ENOMEM:
                return call_no_memory(failure);
        default:
                reason = code < 0 ? strerrordesc_np(-code) : NULL;
                return call_not_supported(failure, "error", reason ? reason : "it cannot be done");
        }
}

/* What may have ended meanwhile is given back before anybody is told of a limit. */
int call_take_charge(Service *service, const Client *client, Charge *charge, User *user, Limit what,
                     uint64_t amount, CallFailure *failure) {
        if (client_charge(client, charge, user, what, amount, &failure->limit) == 0)
                return 0;
        life_catch_up(&service->life, LIFE_CATCH_UP_USEC);
        if (client_charge(client, charge, user, what, amount, &failure->limit) == 0)
                return 0;
        if (what != LIMIT_ATTACHMENTS || !life_yield(&service->life, user))
                return CALL_E_LIMIT;
        return client_charge(client, charge, user, what, amount, &failure->limit) ? CALL_E_LIMIT
                                                                                  : 0;
}
