/* SPDX-License-Identifier: MIT */
/* Publish: a private segment gets a name, and takes it from another one if need be. */

#include "daemon/base/clock.h"
#include "daemon/call/calls.h"
#include "daemon/call/change.h"
#include "daemon/call/recover.h"
#include "daemon/kind/kinds.h"
#include "daemon/kind/object-name.h"
#include "daemon/life/describe.h"
#include "proto/name.h"
#include "proto/util.h"

/* Only what has no name, and is not on its way out, can be given one. */
static int find_private(Service *service, Client *client, const PublishParameters *parameters,
                        Segment **ret, CallFailure *failure) {
        SegmentParameters reference = {};
        int r;

        GIVE_VALUE(&reference, SEGMENT_ID, id, parameters->id);
        r = call_find_available(service, client, &reference, ret, failure);
        if (r)
                return r;
        r = call_check_trusted(client, *ret, GIVEN(parameters, PUBLISH_TRUSTED_UIDS),
                               &parameters->trusted_uids, failure);
        if (r)
                return r;
        if ((*ret)->removed)
                return call_not_supported(failure, "removed", "the segment is removed");
        if ((*ret)->name)
                return call_not_supported(failure, "named", "the segment has a name already");
        return 0;
}

/* Who has the name now, where the segment gets it: somebody whom the client may replace, or nobody.
 * What is unavailable would stay, with its name outside. */
static int find_replaced(Service *service, Client *client, Tenant *tenant,
                         const PublishParameters *parameters, Segment **ret, CallFailure *failure) {
        Segment *segment = recover_settle_name(service, tenant, parameters->name);
        int r;

        *ret = NULL;
        if (!segment)
                return 0;
        if (!parameters->replace) {
                failure->id = segment->id;
                return CALL_E_EXISTS;
        }
        if (!permission_controls(&segment->permission, &client->credentials))
                return CALL_E_DENIED;
        r = call_check_trusted(client, segment, GIVEN(parameters, PUBLISH_TRUSTED_UIDS),
                               &parameters->trusted_uids, failure);
        if (r)
                return r;
        if (segment_is_unavailable(segment))
                return call_unavailable(segment, failure);
        *ret = segment;
        return 0;
}

/* Outside first: that may fail, and can be taken back. */
static int set_name(Service *service, Segment *segment, const char *name, Segment *replaced,
                    CallFailure *failure) {
        _cleanup_(shared_path_unrefp) SharedPath *before = shared_path_ref(segment->object_name);
        const KindRow *row = kind_rows[segment->kind];
        char object_name[OBJECT_NAME_BYTES];
        KindFailure kind_failure = {};
        int r = 0;

        if (!object_file_name(segment_tenant_name(segment), name, segment->id, object_name))
                return call_not_supported(failure, "name",
                                          "the name is too long for the file of a tenant");
        if (row->rename)
                r = row->rename(&service->host, segment, object_name, replaced, &kind_failure);
        if (r)
                return call_kind_failure(r, &kind_failure, failure);
        if (registry_set_name(&service->registry, segment, name, replaced) == 0)
                return 0;
        if (row->rename && before)
                (void) row->rename(&service->host, segment, shared_path_name(before), replaced,
                                   &kind_failure);
        return call_no_memory(failure);
}

/* What set_name() has done, should the object of the replaced one not go. */
static void return_name(Service *service, Segment *segment, SharedPath *before, Segment *replaced) {
        const KindRow *row = kind_rows[segment->kind];
        KindFailure failure = {};

        registry_return_name(&service->registry, segment, replaced);
        if (row->rename && before)
                (void) row->rename(&service->host, segment, shared_path_name(before), replaced,
                                   &failure);
}

/* The new name is written down before the old object goes, so that a crash leaves the name with one
 * of them: restore.c goes by who changed last. */
static int take_name(Service *service, Segment *segment, const char *name, Segment *replaced,
                     CallFailure *failure) {
        _cleanup_(shared_path_unrefp) SharedPath *before = shared_path_ref(segment->object_name);
        uint64_t change_usec = segment->change_usec;
        KindFailure kind_failure = {};
        bool destroyed;
        int r;

        r = set_name(service, segment, name, replaced, failure);
        if (r || !replaced)
                return r;
        segment->change_usec = MAX(clock_realtime_usec(), replaced->change_usec + 1);
        persist_change(&service->persist, segment);
        r = life_remove(&service->life, replaced, &kind_failure, &destroyed);
        if (r == 0) {
                ++service->counters.n_removed;
                return 0;
        }
        return_name(service, segment, before, replaced);
        segment->change_usec = change_usec;
        persist_change(&service->persist, segment);
        return call_kind_failure(r, &kind_failure, failure);
}

/* What Publish says of mode and life, and what they are until then. */
static void read_attributes(const Segment *segment, const PublishParameters *parameters,
                            SetAttributesParameters *ret, SetAttributesParameters *ret_before) {
        const Permission *permission = &segment->permission;

        if (GIVEN(parameters, PUBLISH_MODE)) {
                GIVE_VALUE(ret, SET_ATTRIBUTES_MODE, mode, parameters->mode);
                GIVE_VALUE(ret_before, SET_ATTRIBUTES_MODE, mode, permission->mode);
        }
        if (GIVEN(parameters, PUBLISH_REMOVE_ON_LAST_DETACH)) {
                GIVE_VALUE(ret, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           parameters->remove_on_last_detach);
                GIVE_VALUE(ret_before, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           segment->remove_on_last_detach);
        }
        if (GIVEN(parameters, PUBLISH_LINGER_USEC)) {
                GIVE_VALUE(ret, SET_ATTRIBUTES_LINGER_USEC, linger_usec, parameters->linger_usec);
                GIVE_VALUE(ret_before, SET_ATTRIBUTES_LINGER_USEC, linger_usec,
                           segment->lingers ? (int64_t) segment->linger_usec : LINGER_NEVER);
        }
}

/* Mode and life are changed before anybody can find the segment, and changed back if nobody will.
 */
static int take_name_and_attributes(Service *service, Segment *segment,
                                    const PublishParameters *parameters, Segment *replaced,
                                    CallFailure *failure) {
        SetAttributesParameters attributes = {}, before = {};
        CallFailure ignored = {};
        int r;

        read_attributes(segment, parameters, &attributes, &before);
        r = change_values(service, segment, &attributes, failure);
        if (r)
                return r;
        r = take_name(service, segment, parameters->name, replaced, failure);
        if (r)
                (void) change_values(service, segment, &before, &ignored);
        return r;
}

/**
 * call_publish() - give a private segment a name, from whoever has it if need be
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @failure:    details
 *
 * Nobody sees the name without a segment in between. Who has the replaced one keeps it.
 *
 * Return: 0, CALL_E_INVALID_PARAMETER, CALL_E_EXISTS, CALL_E_DENIED, CALL_E_FOREIGN,
 *         CALL_E_NO_SUCH_SEGMENT, CALL_E_NOT_SUPPORTED, CALL_E_UNAVAILABLE or CALL_E_LIMIT.
 */
int call_publish(Service *service, Client *client, const PublishParameters *parameters,
                 PublishReply *reply, CallFailure *failure) {
        Segment *segment, *replaced;
        int64_t replaced_id;
        int r;

        if (!name_valid(parameters->name))
                return call_invalid(failure, "name");
        r = find_private(service, client, parameters, &segment, failure);
        if (r)
                return r;
        if (!call_may_name(service, client, segment->permission.tenant, parameters->name))
                return CALL_E_DENIED;
        r = find_replaced(service, client, segment->permission.tenant, parameters, &replaced,
                          failure);
        if (r)
                return r;
        replaced_id = replaced ? replaced->id : 0;
        r = take_name_and_attributes(service, segment, parameters, replaced, failure);
        if (r)
                return r;
        *reply = (PublishReply){};
        if (replaced)
                GIVE_VALUE(reply, PUBLISH_REPLY_REPLACED_ID, replaced_id, replaced_id);
        change_done(service, segment, EVENT_PUBLISHED);
        waits_tell(service_waits(service, segment->permission.tenant, segment->name),
                   segment->name);
        describe_segment(segment, LOOK_ALL, &reply->segment);
        return 0;
}
