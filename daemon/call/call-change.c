/* SPDX-License-Identifier: MIT */
/* SetAttributes, Resize, Seal and Publish: for owner, creator and root. */

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/call/background.h"
#include "daemon/call/calls.h"
#include "daemon/call/change.h"
#include "daemon/call/recover.h"
#include "daemon/kind/kinds.h"
#include "daemon/kind/object-name.h"
#include "daemon/life/describe.h"
#include "proto/name.h"
#include "proto/util.h"

/* What is asked of the object, and not of the broker alone? */
static bool says_object(const SetAttributesParameters *parameters) {
        return GIVEN(parameters, SET_ATTRIBUTES_OWNER_UID) ||
               GIVEN(parameters, SET_ATTRIBUTES_OWNER_GID) ||
               GIVEN(parameters, SET_ATTRIBUTES_MODE) || GIVEN(parameters, SET_ATTRIBUTES_LOCKED);
}

static bool says_something(const SetAttributesParameters *parameters) {
        return parameters->given >> SET_ATTRIBUTES_OWNER_UID != 0;
}

/*
 * As chown(2) has it: the object of one of kind posix or file is found without the broker, and what
 * belongs to somebody there is taken for made by that user. Only who is privileged gives it to
 * another one, and everybody else to groups of its own. A tenant's object is not given to anybody.
 */
static int check_given(const Client *client, const Segment *segment,
                       const SetAttributesParameters *parameters) {
        const Credentials *credentials = &client->credentials;
        const Permission *permission = &segment->permission;
        FoundBy found_by = segment->traits->found_by;

        if (credentials->privileged || permission->tenant ||
            (found_by != FOUND_BY_POSIX_NAME && found_by != FOUND_BY_FILE_NAME))
                return 0;
        if (GIVEN(parameters, SET_ATTRIBUTES_OWNER_UID) &&
            parameters->owner_uid != permission->owner_uid)
                return CALL_E_DENIED;
        if (GIVEN(parameters, SET_ATTRIBUTES_OWNER_GID) &&
            parameters->owner_gid != permission->owner_gid &&
            !credentials_in_group(credentials, (gid_t) parameters->owner_gid))
                return CALL_E_DENIED;
        return 0;
}

/**
 * call_set_attributes() - change owner, group, mode (IPC_SET), life or lock (SHM_LOCK)
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @ret:        with CALL_E_WAIT, the call
 * @failure:    details
 *
 * The charge stays with the creator whoever is owner. Nothing is changed if anything fails.
 *
 * Return: 0; CALL_E_WAIT while the memory is being locked; CALL_E_UNAVAILABLE; what
 *         call_find_controlled(), change_attributes() and background_lock() return.
 */
int call_set_attributes(Service *service, Client *client, const SetAttributesParameters *parameters,
                        SegmentReply *reply, Pending **ret, CallFailure *failure) {
        Segment *segment;
        int r;

        r = call_find_controlled(service, client, SEGMENT_MEANT(parameters), &segment, failure);
        if (r)
                return r;
        r = check_given(client, segment, parameters);
        if (r)
                return r;
        if (says_object(parameters) && segment_is_unavailable(segment))
                return call_unavailable(segment, failure);
        if (GIVEN(parameters, SET_ATTRIBUTES_LOCKED) && parameters->locked &&
            !segment_is_locked(segment))
                return background_lock(service, client, segment, parameters, ret, failure);
        if (says_something(parameters)) {
                r = change_attributes(service, segment, parameters, failure);
                if (r)
                        return r;
        }
        if (GIVEN(parameters, SET_ATTRIBUTES_LOCKED) && !parameters->locked) {
                background_unlock(service, segment);
                persist_change(&service->persist, segment);
        }
        describe_segment(segment, LOOK_ALL, &reply->segment);
        return 0;
}

/**
 * call_resize() - raise the size that is promised
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @failure:    details
 *
 * What is behind the segment has its maximum from the beginning, sealed and charged: whoever has
 * mapped all of it may use more of it from now on.
 *
 * Return: 0, CALL_E_WRONG_SIZE, or what call_find_available() returns.
 */
int call_resize(Service *service, Client *client, const ResizeParameters *parameters,
                SegmentReply *reply, CallFailure *failure) {
        Segment *segment;
        uint64_t maximum;
        int r;

        r = call_find_available(service, client, SEGMENT_MEANT(parameters), &segment, failure);
        if (r)
                return r;
        maximum = MAX(segment->size_bytes, segment->maximum_bytes);
        if (parameters->size_bytes < 0 || (uint64_t) parameters->size_bytes < segment->size_bytes ||
            (uint64_t) parameters->size_bytes > maximum)
                return call_wrong_size(failure, (int64_t) segment->size_bytes,
                                       (int64_t) segment->size_bytes, (int64_t) maximum);
        if ((uint64_t) parameters->size_bytes > segment->size_bytes) {
                registry_resize(&service->registry, segment, (uint64_t) parameters->size_bytes);
                change_done(service, segment, EVENT_CHANGED);
        }
        describe_segment(segment, LOOK_ALL, &reply->segment);
        return 0;
}

static int check_sealable(const Segment *segment, CallFailure *failure) {
        if (!kind_rows[segment->kind]->seal)
                return call_not_supported(failure, "kind",
                                          "segments of that kind cannot be sealed");
        if (!segment->sealable)
                return call_not_supported(failure, "notSealable",
                                          "its seals are fixed: it was not created sealable");
        return 0;
}

/**
 * call_seal() - add seals to a sealable segment
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @ret:        with CALL_E_WAIT, the call
 * @failure:    details
 *
 * Return: 0; CALL_E_WAIT while it is being sealed against writing; CALL_E_INVALID_PARAMETER,
 *         CALL_E_NOT_SUPPORTED, CALL_E_BUSY, or what call_find_available() and background_seal()
 *         return.
 */
int call_seal(Service *service, Client *client, const SealParameters *parameters,
              SegmentReply *reply, Pending **ret, CallFailure *failure) {
        Segment *segment;
        int r;

        if (parameters->seals == 0)
                return call_invalid(failure, "seals");
        r = call_find_available(service, client, SEGMENT_MEANT(parameters), &segment, failure);
        if (r)
                return r;
        r = check_sealable(segment, failure);
        if (r)
                return r;
        if (parameters->seals & 1U << SEAL_WRITE)
                return background_seal(service, client, segment, parameters->seals, ret, failure);
        r = kind_rows[segment->kind]->seal(segment->master_fd, parameters->seals);
        r = change_sealed(service, segment, parameters->seals, r, failure);
        if (r)
                return r;
        describe_segment(segment, LOOK_ALL, &reply->segment);
        return 0;
}

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

/* What is outside first: that may fail, and can be taken back. */
static int take_name(Service *service, Segment *segment, const char *name, Segment *replaced,
                     CallFailure *failure) {
        _cleanup_(shared_path_unrefp) SharedPath *before = shared_path_ref(segment->object_name);
        const KindRow *row = kind_rows[segment->kind];
        char object_name[OBJECT_NAME_BYTES];
        KindFailure kind_failure = {};
        int r = 0;

        if (!object_file_name(segment_tenant_name(segment), name, segment->id, object_name))
                return call_not_supported(failure, "name",
                                          "the name is too long for the file of a tenant");
        if (replaced && kind_rows[replaced->kind]->unlink)
                persist_prepare(&service->persist, replaced);
        if (row->rename)
                r = row->rename(&service->host, segment, object_name, replaced, &kind_failure);
        if (r)
                return call_kind_failure(r, &kind_failure, failure);
        if (replaced && kind_rows[replaced->kind]->unlink)
                r = kind_rows[replaced->kind]->unlink(&service->host, replaced, &kind_failure);
        r = call_kind_failure(r, &kind_failure, failure);
        if (r == 0 && registry_set_name(&service->registry, segment, name, replaced))
                r = call_no_memory(failure);
        if (r && row->rename && before)
                (void) row->rename(&service->host, segment, shared_path_name(before), NULL,
                                   &kind_failure);
        return r;
}

/* The mode is changed before anybody can find the segment, and changed back if nobody will. */
static int take_name_and_mode(Service *service, Segment *segment,
                              const PublishParameters *parameters, Segment *replaced,
                              CallFailure *failure) {
        SetAttributesParameters mode = {}, before = {};
        CallFailure ignored = {};
        int r;

        if (!GIVEN(parameters, PUBLISH_MODE))
                return take_name(service, segment, parameters->name, replaced, failure);
        GIVE_VALUE(&mode, SET_ATTRIBUTES_MODE, mode, parameters->mode);
        GIVE_VALUE(&before, SET_ATTRIBUTES_MODE, mode, segment->permission.mode);
        r = change_values(service, segment, &mode, failure);
        if (r)
                return r;
        r = take_name(service, segment, parameters->name, replaced, failure);
        if (r)
                (void) change_values(service, segment, &before, &ignored);
        return r;
}

static void set_life(Service *service, Segment *segment, const PublishParameters *parameters) {
        SetAttributesParameters life = {};
        CallFailure ignored = {};

        if (GIVEN(parameters, PUBLISH_REMOVE_ON_LAST_DETACH))
                GIVE_VALUE(&life, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           parameters->remove_on_last_detach);
        if (GIVEN(parameters, PUBLISH_LINGER_USEC))
                GIVE_VALUE(&life, SET_ATTRIBUTES_LINGER_USEC, linger_usec, parameters->linger_usec);
        (void) change_values(service, segment, &life, &ignored);
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
        KindFailure kind_failure = {};
        bool destroyed;
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
        r = take_name_and_mode(service, segment, parameters, replaced, failure);
        if (r)
                return r;
        set_life(service, segment, parameters);
        *reply = (PublishReply){};
        if (replaced) {
                /* First, so that a crash leaves the name with one of them: restore.c. */
                segment->change_usec = clock_realtime_usec();
                persist_change(&service->persist, segment);
                GIVE_VALUE(reply, PUBLISH_REPLY_REPLACED_ID, replaced_id, replaced->id);
                ++service->counters.n_removed;
                /* Its name is free already, here and outside. */
                (void) life_remove(&service->life, replaced, &kind_failure, &destroyed);
        }
        change_done(service, segment, EVENT_PUBLISHED);
        waits_tell(service_waits(service, segment->permission.tenant, segment->name),
                   segment->name);
        describe_segment(segment, LOOK_ALL, &reply->segment);
        return 0;
}
