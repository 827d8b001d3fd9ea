/* SPDX-License-Identifier: MIT */
/* SetAttributes, Resize and Seal: for owner, creator and root. */

#include "daemon/call/background.h"
#include "daemon/call/calls.h"
#include "daemon/call/change.h"
#include "daemon/kind/kinds.h"
#include "daemon/life/describe.h"
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
