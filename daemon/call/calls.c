/* SPDX-License-Identifier: MIT */
#include "daemon/call/calls.h"

#include "daemon/call/recover.h"
#include "daemon/call/status.h"
#include "daemon/life/describe.h"
#include "proto/name.h"
#include "proto/util.h"

/* call_sees() - is a segment there, for a client? What is not is NoSuchSegment, and not denied. */
bool call_sees(const Client *client, const Segment *segment) {
        return tenant_sees(&client->credentials, &segment->permission, segment_called(segment));
}

/**
 * call_may_name() - may a client give a segment this name?
 * @service:    the service
 * @client:     the client
 * @tenant:     whose segment it is; NULL is the host's
 * @name:       a valid name
 *
 * Segments of the host get no name that is reserved for somebody else. Those of a tenant get none
 * that is exported to it, not even from the administrator: nobody there could find it.
 */
bool call_may_name(const Service *service, const Client *client, const Tenant *tenant,
                   const char *name) {
        if (tenant)
                return !tenant_imports(tenant, name);
        return reserved_names_allow(&service->reserved_names, name, &client->credentials);
}

/* Exactly one of name and id says which segment is meant. */
static int check_reference(const SegmentParameters *parameters, CallFailure *failure) {
        bool by_name = GIVEN(parameters, SEGMENT_NAME), by_id = GIVEN(parameters, SEGMENT_ID);

        if (by_name && by_id)
                return call_invalid(failure, "id");
        if (!by_name && !by_id)
                return call_invalid(failure, "name");
        if (by_name && !name_valid(parameters->name))
                return call_invalid(failure, "name");
        return 0;
}

/* The segment that is meant, as the kernel has it at this moment. */
static int find_settled(Service *service, const Client *client, const SegmentParameters *parameters,
                        Segment **ret, CallFailure *failure) {
        int r;

        r = check_reference(parameters, failure);
        if (r)
                return r;
        life_drain(&service->life);
        if (GIVEN(parameters, SEGMENT_NAME))
                *ret = recover_settle_name(service, client->credentials.tenant, parameters->name);
        else
                *ret = recover_settle(service, registry_find(&service->registry, parameters->id));
        return *ret && call_sees(client, *ret) ? 0 : CALL_E_NO_SUCH_SEGMENT;
}

/**
 * call_find_readable() - find a segment whose state the client may see
 * @service:    the service
 * @client:     the client
 * @parameters: which segment
 * @ret:        the segment, settled
 * @failure:    details
 *
 * Return: 0, CALL_E_INVALID_PARAMETER, CALL_E_NO_SUCH_SEGMENT or CALL_E_DENIED.
 */
int call_find_readable(Service *service, Client *client, const SegmentParameters *parameters,
                       Segment **ret, CallFailure *failure) {
        Segment *segment;
        int r;

        r = find_settled(service, client, parameters, &segment, failure);
        if (r)
                return r;
        if (!tenant_grants(&client->credentials, &segment->permission, segment_called(segment),
                           false))
                return CALL_E_DENIED;
        *ret = segment;
        return 0;
}

/* call_find_controlled() - find a segment that the client may change or remove; returns what
 * call_find_readable() does */
int call_find_controlled(Service *service, Client *client, const SegmentParameters *parameters,
                         Segment **ret, CallFailure *failure) {
        Segment *segment;
        int r;

        r = find_settled(service, client, parameters, &segment, failure);
        if (r)
                return r;
        if (!permission_controls(&segment->permission, &client->credentials))
                return CALL_E_DENIED;
        *ret = segment;
        return 0;
}

/* call_find_available() - the same, with its object; returns what call_find_controlled() does, or
 * CALL_E_UNAVAILABLE */
int call_find_available(Service *service, Client *client, const SegmentParameters *parameters,
                        Segment **ret, CallFailure *failure) {
        int r;

        r = call_find_controlled(service, client, parameters, ret, failure);
        if (r)
                return r;
        return segment_is_unavailable(*ret) ? call_unavailable(*ret, failure) : 0;
}

/* IPC_STAT */
int call_stat(Service *service, Client *client, const SegmentParameters *parameters,
              SegmentReply *reply, CallFailure *failure) {
        Segment *segment;
        int r;

        r = call_find_readable(service, client, parameters, &segment, failure);
        if (r)
                return r;
        describe_segment(segment, LOOK_ALL, &reply->segment);
        describe_hide(&client->credentials, &segment->permission, &reply->segment);
        return 0;
}

/* IPC_RMID */
int call_remove(Service *service, Client *client, const SegmentParameters *parameters,
                RemoveReply *reply, CallFailure *failure) {
        KindFailure kind_failure = {};
        bool removed, destroyed, known;
        Segment *segment;
        int r;

        r = call_find_controlled(service, client, parameters, &segment, failure);
        if (r)
                return r;
        removed = segment->removed;
        known = !segment_is_unavailable(segment);
        r = life_remove(&service->life, segment, &kind_failure, &destroyed);
        if (r)
                return call_kind_failure(r, &kind_failure, failure);
        service->counters.n_removed += !removed;
        *reply = (RemoveReply){ .destroyed = destroyed };
        if (!destroyed) {
                describe_segment(segment, LOOK_ALL, &reply->segment);
                reply->attach_count = reply->segment.attach_count;
                known = GIVEN(&reply->segment, INFO_ATTACH_COUNT);
                GIVE(reply, REMOVE_REPLY_SEGMENT);
        }
        if (known)
                GIVE(reply, REMOVE_REPLY_ATTACH_COUNT);
        return 0;
}

void call_get_status(Service *service, const Client *client, StatusReply *reply) {
        life_catch_up(&service->life, LIFE_CATCH_UP_USEC);
        status_describe(service, client, reply);
}
