/* SPDX-License-Identifier: MIT */
#include "daemon/call/change.h"

#include "daemon/base/clock.h"
#include "daemon/kind/kinds.h"

/* change_done() - note that a segment has changed just now, and tell who watches of this @event */
void change_done(Service *service, Segment *segment, EventKind event) {
        segment->change_usec = clock_realtime_usec();
        persist_change(&service->persist, segment);
        events_post(&service->life.events, event, segment);
}

/* Armed by the first attachment, as ever: one that ended before it was asked for does not count.
 * Who has it without the broker is one. */
static void set_remove_on_last_detach(Segment *segment, bool remove) {
        if (remove && !segment->remove_on_last_detach && segment->n_attachments == 0 &&
            !segment->held)
                segment->armed = false;
        segment->remove_on_last_detach = remove;
}

static bool says_permission(const SetAttributesParameters *parameters) {
        return GIVEN(parameters, SET_ATTRIBUTES_OWNER_UID) ||
               GIVEN(parameters, SET_ATTRIBUTES_OWNER_GID) ||
               GIVEN(parameters, SET_ATTRIBUTES_MODE);
}

/* IPC_SET: the object first, where it has an owner and a mode of its own. */
static int change_permission(Service *service, Segment *segment,
                             const SetAttributesParameters *parameters, CallFailure *failure) {
        const KindRow *row = kind_rows[segment->kind];
        Permission permission = segment->permission;
        KindFailure kind_failure = {};
        int r;

        if (GIVEN(parameters, SET_ATTRIBUTES_OWNER_UID))
                permission.owner_uid = (uid_t) parameters->owner_uid;
        if (GIVEN(parameters, SET_ATTRIBUTES_OWNER_GID))
                permission.owner_gid = (gid_t) parameters->owner_gid;
        if (GIVEN(parameters, SET_ATTRIBUTES_MODE))
                permission.mode = (mode_t) parameters->mode;
        if (row->set_permission) {
                r = persist_object(&service->persist, segment);
                if (r)
                        return r == PERSIST_E_NO_DESCRIPTORS ? call_no_descriptors(failure)
                                                             : call_no_memory(failure);
                r = row->set_permission(&service->host, segment, &permission, &kind_failure);
                if (r)
                        return call_kind_failure(r, &kind_failure, failure);
        }
        segment->permission = permission;
        return 0;
}

/* change_values() - change what SetAttributes() says, without a note of it, except that what is
 * locked stays so; 0, or what call_kind_failure() returns, and then nothing has changed */
int change_values(Service *service, Segment *segment, const SetAttributesParameters *parameters,
                  CallFailure *failure) {
        int r;

        if (says_permission(parameters)) {
                r = change_permission(service, segment, parameters, failure);
                if (r)
                        return r;
        }
        if (GIVEN(parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH))
                set_remove_on_last_detach(segment, parameters->remove_on_last_detach);
        if (GIVEN(parameters, SET_ATTRIBUTES_LINGER_USEC))
                life_linger(&service->life, segment, parameters->linger_usec != LINGER_NEVER,
                            (uint64_t) parameters->linger_usec);
        return 0;
}

/* change_attributes() - the same, noted; returns what change_values() does */
int change_attributes(Service *service, Segment *segment, const SetAttributesParameters *parameters,
                      CallFailure *failure) {
        int r;

        r = change_values(service, segment, parameters, failure);
        if (r)
                return r;
        change_done(service, segment, EVENT_CHANGED);
        return 0;
}

/* change_sealed() - what came of sealing a segment: 0 with the seals noted, CALL_E_BUSY or
 * CALL_E_NOT_SUPPORTED */
int change_sealed(Service *service, Segment *segment, unsigned int seals, int result,
                  CallFailure *failure) {
        switch (result) {
        case 0:
                segment->seals |= seals;
                change_done(service, segment, EVENT_CHANGED);
                return 0;
        case KIND_E_IN_USE:
                failure->attach_count =
                        segment_count_known(segment) ? (int64_t) segment_attach_count(segment) : -1;
                return CALL_E_BUSY;
        case KIND_E_SEALED:
                return call_not_supported(failure, "sealed",
                                          "its seals are fixed: it was sealed with seal");
        default:
                return call_not_supported(failure, "host", "this kernel does not have such a seal");
        }
}
