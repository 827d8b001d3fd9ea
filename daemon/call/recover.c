/* SPDX-License-Identifier: MIT */
#include "daemon/call/recover.h"

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/call/birth.h"
#include "daemon/kind/kinds.h"
#include "daemon/kind/object-name.h"
#include "daemon/life/report.h"
#include "proto/util.h"

/* However often it is used, a segment is looked for no more often than that. */
#define USE_USEC 100000U

/* Unasked, all of them are looked for after this time, and then after twice as long each time. */
#define ROUND_USEC 1000000U
#define ROUND_USEC_MAX 60000000U

/* A round is made in steps, which others do not wait for. */
#define STEP_SPENT_USEC 1000U
#define STEP_USEC 10000U

/* What the broker needs itself, and for a few clients, who may remove what takes up the rest. */
#define SPARE_DESCRIPTORS 48U

static bool has_room(const Service *service) {
        size_t n_open = service->registry.n_segments - service->registry.n_unavailable;
        uint64_t n = service->n_descriptors;

        if (service->host.read_only_path)
                n_open *= 2;
        return n_open < MAX(n / 4, n - MIN(n, SPARE_DESCRIPTORS));
}

static void set_unavailable(Segment *segment, const KindFailure *failure) {
        Unavailability *unavailable = &segment->unavailable;

        if (!unavailable->cause)
                unavailable->since_usec = (int64_t) clock_realtime_usec();
        unavailable->cause = failure->cause;
        unavailable->message = failure->reason;
        segment->held = true;
        segment->allocated_bytes = -1;
}

/**
 * recover_find() - find the object of a segment
 * @service:    the service
 * @segment:    as it was written down
 *
 * Return: 0, KIND_E_NONE if it is surely gone, or KIND_E_UNAVAILABLE, which is noted then.
 */
int recover_find(Service *service, Segment *segment) {
        const KindRow *row = kind_rows[segment->kind];
        const SharedPath *object_name = segment->object_name;
        Identity identity = segment->identity;
        KindFailure failure = {};
        int r;

        segment->tried_usec = clock_boottime_usec();
        if (!row->find)
                return KIND_E_NONE;
        if (has_room(service))
                r = row->find(&service->host, segment, &failure);
        else
                r = kind_unavailable(&failure, "limit", "the broker has too few descriptors");
        segment->identity = identity;
        segment->misnamed = !segment->name && segment->object_name != object_name;
        if (r == KIND_E_UNAVAILABLE)
                set_unavailable(segment, &failure);
        return r;
}

/* Whose object has that name, if it is not @segment's. */
static Segment *find_object_name(Service *service, const Segment *segment, const char *name) {
        Segment *other;

        DL_FOREACH(service->registry.first, other)
                if (other != segment && other->kind == segment->kind && other->object_name &&
                    strcmp(shared_path_name(other->object_name), name) == 0)
                        return other;
        return NULL;
}

/**
 * recover_name() - undo what a broker did that was killed in Publish
 * @service:    the service, which has found all objects that it can
 * @segment:    a segment without a name
 *
 * Its object has the public name already, for which there is no segment then; the one that was to
 * be replaced may have its private name. Nobody was answered.
 */
void recover_name(Service *service, Segment *segment) {
        char name[OBJECT_NAME_BYTES];
        KindFailure failure = {};
        Segment *other;

        if (!segment->misnamed)
                return;
        segment->misnamed = false;
        (void) object_file_name(segment_tenant_name(segment), NULL, segment->id, name);
        other = find_object_name(service, segment, name);
        if (kind_rows[segment->kind]->rename(&service->host, segment, name, other, &failure)) {
                log_warning("The file of segment %lld keeps the name %s, which no segment can have "
                            "meanwhile.",
                            (long long) segment->id, shared_path_name(segment->object_name));
                return;
        }
        persist_change(&service->persist, segment);
        if (other)
                persist_change(&service->persist, other);
}

/* recover_is_back() - was a file removed, and has a name again that was found just now? Then the
 * power failed before its directory was on the disk. */
bool recover_is_back(const Segment *segment, int r_find) {
        return r_find == 0 && segment->removed && segment->traits->found_by == FOUND_BY_FILE_NAME;
}

/* recover_remove_again() - take that name away */
void recover_remove_again(Service *service, Segment *segment) {
        KindFailure failure = {};

        if (kind_rows[segment->kind]->unlink(&service->host, segment, &failure))
                log_warning("Segment %lld goes, but not its object: %s.", (long long) segment->id,
                            failure.reason);
        segment->object_name = shared_path_unref(segment->object_name);
        segment->misnamed = false;
}

/* Looks for one once more; NULL if it is gone. */
static Segment *recover_again(Service *service, Segment *segment) {
        int r;

        r = recover_find(service, segment);
        if (recover_is_back(segment, r)) {
                recover_remove_again(service, segment);
                life_forget(&service->life, segment, CAUSE_CALL);
                return NULL;
        }
        switch (r) {
        case 0:
                registry_set_available(&service->registry, segment);
                birth_found(service, segment);
                recover_name(service, segment);
                report_available(segment);
                events_post(&service->life.events, EVENT_CHANGED, segment);
                return segment;
        case KIND_E_NONE:
                report_lost(segment, "its object no longer exists");
                (void) state_file_lost(&service->persist.state_file);
                life_forget(&service->life, segment, CAUSE_LOST);
                return NULL;
        default:
                return segment;
        }
}

/**
 * recover_try() - look for the object of a segment that is used, unless it was a moment ago
 * @service:    the service
 * @segment:    any segment, or NULL
 *
 * Return: the segment, or NULL if it turns out to be gone.
 */
Segment *recover_try(Service *service, Segment *segment) {
        if (!segment || !segment_is_unavailable(segment) ||
            clock_boottime_usec() < segment->tried_usec + USE_USEC)
                return segment;
        return recover_again(service, segment);
}

/* recover_settle() - the same, and find out how it is with the segment now: life_settle() */
Segment *recover_settle(Service *service, Segment *segment) {
        return life_settle(&service->life, recover_try(service, segment));
}

/* recover_settle_name() - the same with the segment that has this name for a tenant, or for the
 * host (NULL); NULL if there is none, also if it turns out that the name was removed from outside
 */
Segment *recover_settle_name(Service *service, Tenant *tenant, const char *name) {
        Segment *segment = registry_find_name(&service->registry, tenant, name);

        segment = recover_settle(service, segment);
        return segment && segment->name ? segment : NULL;
}

/* recover_begin() - begin to look for what is unavailable */
void recover_begin(Service *service) {
        service->recovery = (Recovery){ .due_usec = clock_boottime_usec() + ROUND_USEC,
                                        .pause_usec = ROUND_USEC };
}

/* recover_due() - when recover_tick() has something to do, on CLOCK_BOOTTIME, or USEC_INFINITY */
uint64_t recover_due(const Service *service) {
        return service->registry.unavailable ? service->recovery.due_usec : USEC_INFINITY;
}

/* recover_tick() - do what is due, or a part of it */
void recover_tick(Service *service) {
        Recovery *recovery = &service->recovery;
        uint64_t now = clock_boottime_usec();
        Segment *segment;

        if (now < recover_due(service))
                return;
        if (recovery->n_left == 0)
                recovery->n_left = service->registry.n_unavailable;
        while (recovery->n_left > 0) {
                segment = registry_turn(&service->registry);
                recovery->n_left = segment ? recovery->n_left - 1 : 0;
                if (segment)
                        (void) recover_again(service, segment);
                if (clock_boottime_usec() > now + STEP_SPENT_USEC)
                        break;
        }
        if (recovery->n_left > 0) {
                recovery->due_usec = now + STEP_USEC;
                return;
        }
        recovery->pause_usec = MIN(2 * recovery->pause_usec, ROUND_USEC_MAX);
        recovery->due_usec = now + recovery->pause_usec;
}
