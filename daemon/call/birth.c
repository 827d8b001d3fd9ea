/* SPDX-License-Identifier: MIT */
#include "daemon/call/birth.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/call/background.h"
#include "daemon/kind/kinds.h"
#include "daemon/life/report.h"
#include "proto/error.h"
#include "proto/util.h"

static int charge_part(Service *service, const Client *client, Charge *charge, User *user,
                       Limit what, uint64_t amount, CallFailure *failure) {
        if (client)
                return call_take_charge(service, client, charge, user, what, amount, failure);
        charge_anyway(charge, user, what, amount);
        return 0;
}

/**
 * birth_charge() - charge a user for a segment of known size
 * @service:    the service
 * @client:     who asks for it; NULL if it is there already, whatever the limits are by now
 * @segment:    the segment, which owns the charges
 * @user:       who pays
 * @failure:    details
 *
 * Return: 0, or CALL_E_LIMIT if there is a @client.
 */
int birth_charge(Service *service, const Client *client, Segment *segment, User *user,
                 CallFailure *failure) {
        int r;

        r = charge_part(service, client, &segment->segment_charge, user, LIMIT_SEGMENTS, 1,
                        failure);
        if (r)
                return r;
        r = charge_part(service, client, &segment->bytes_charge, user, LIMIT_BYTES,
                        segment_charged_bytes(segment), failure);
        if (r || !segment_has_huge_pages(segment))
                return r;
        return charge_part(service, client, &segment->huge_charge, user, LIMIT_HUGE,
                           segment_capacity(segment), failure);
}

/**
 * birth_find_rival() - which segment of the broker's has the key or name already
 * @registry:   the registry
 * @segment:    a segment whose key or name outside is in use
 *
 * Return: its id, or 0 if the object is somebody else's.
 */
int64_t birth_find_rival(const Registry *registry, const Segment *segment) {
        const Segment *other;

        DL_FOREACH(registry->first, other) {
                if (other->kind != segment->kind)
                        continue;
                if (segment->traits->found_by == FOUND_BY_SHMID &&
                    other->sysv.key == segment->sysv.key)
                        return other->id;
                if (segment->object_name && other->object_name &&
                    strcmp(segment->object_name->text, other->object_name->text) == 0)
                        return other->id;
        }
        return 0;
}

/* What was there before has its name. */
static int link_object(Service *service, Segment *segment, CallFailure *failure) {
        const KindRow *row = kind_rows[segment->kind];
        KindFailure kind_failure = {};
        int r;

        if (!row->link || segment->adopted)
                return 0;
        r = row->link(&service->host, segment, &kind_failure);
        r = call_kind_failure(r, &kind_failure, failure);
        if (r == CALL_E_EXISTS)
                failure->id = birth_find_rival(&service->registry, segment);
        return r;
}

static int begin_keeping(Service *service, Segment *segment, CallFailure *failure) {
        switch (persist_begin(&service->persist, segment)) {
        case 0:
                return 0;
        case PERSIST_E_NO_DESCRIPTORS:
                return call_no_descriptors(failure);
        case PERSIST_E_NO_MEMORY:
                return call_no_memory(failure);
        default:
                return call_no_state(failure);
        }
}

/**
 * birth_new() - let a segment that is whole be found
 * @service:    the service
 * @segment:    created or adopted, charged; the registry's if this returns 0
 * @failure:    details
 *
 * Return: 0, or CALL_E_NO_DESCRIPTORS, CALL_E_NOT_SUPPORTED, CALL_E_EXISTS, CALL_E_LIMIT or
 *         CALL_E_DENIED, and then nothing is kept of it.
 */
int birth_new(Service *service, Segment *segment, CallFailure *failure) {
        int r;

        segment->idle_usec = clock_boottime_usec();
        r = begin_keeping(service, segment, failure);
        if (r)
                return r;
        r = link_object(service, segment, failure);
        if (r == 0 && registry_add(&service->registry, segment))
                r = call_no_memory(failure);
        if (r) {
                persist_end(&service->persist, segment);
                return r;
        }
        life_begin(&service->life, segment);
        events_post(&service->life.events, EVENT_CREATED, segment);
        report_segment(REPORT_CREATED, segment);
        if (segment->name)
                waits_tell(service_waits(service, segment->permission.tenant, segment->name),
                           segment->name);
        return 0;
}

static int charge_again(Service *service, Segment *segment, uid_t uid, uint64_t found_bytes) {
        Accounts *accounts = service_accounts(service, segment->permission.tenant);
        uint64_t charged_bytes = segment_charged_bytes(segment);
        User *user = accounts_user(accounts, uid);
        CallFailure failure;

        if (!user)
                return error_origin(-ENOMEM);
        (void) birth_charge(service, NULL, segment, user, &failure);
        found_bytes = MIN(found_bytes, charged_bytes - 1);
        charge_reduce(&segment->bytes_charge, found_bytes);
        charge_force(&segment->bytes_charge, charged_bytes);
        user_unref(user);
        return 0;
}

/* birth_found() - look after a segment that an earlier broker had, whose object was found: the last
 * attachment may have ended while there was no broker, so the segment is asked again soon */
void birth_found(Service *service, Segment *segment) {
        if (segment->lock_again)
                background_lock_again(service, segment);
        life_restore(&service->life, segment, service->persist.state_file.first_attachment_id);
        life_meet(&service->life, segment);
        life_begin(&service->life, segment);
        life_doubt(&service->life, segment);
}

/**
 * birth_again() - let a segment be found that an earlier broker had
 * @service:    the service
 * @segment:    as it was written down, its object found again or unavailable; the registry's if
 * this returns 0
 * @charged_uid: who pays
 * @found_bytes: so much of what is paid was found after the fact
 * @now_usec:   CLOCK_REALTIME
 *
 * Nobody is told of it, for it has been there all the time.
 *
 * Return: 0, -EEXIST if its id or name is in use, or -ENOMEM.
 */
int birth_again(Service *service, Segment *segment, uid_t charged_uid, uint64_t found_bytes,
                uint64_t now_usec) {
        int r;

        r = charge_again(service, segment, charged_uid, found_bytes);
        if (r)
                return error_trace(r);
        persist_restored(&service->persist, segment, now_usec);
        r = registry_add(&service->registry, segment);
        if (r)
                return r < 0 ? error_trace(r) : error_origin(-EEXIST);
        if (!segment_is_unavailable(segment))
                birth_found(service, segment);
        return 0;
}
