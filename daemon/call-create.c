/* The part of Acquire that makes a segment: whole, charged, and only then to be found. */

#include <stdio.h>
#include <string.h>

#include "daemon/calls.h"
#include "daemon/clock.h"
#include "daemon/hugepages.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "proto/util.h"

#define MODE_DEFAULT 0600

/* The size that is promised at first, and the one up to which it may be raised. */
static int check_size(const AcquireParameters *parameters, CallFailure *failure) {
        bool grows = GIVEN(parameters, ACQUIRE_MAXIMUM_BYTES);
        int64_t minimum = grows ? 0 : 1;

        if (grows && (parameters->maximum_bytes < 1 || parameters->maximum_bytes > NUMBER_MAX))
                return call_wrong_size(failure, SIZE_UNKNOWN, 1, NUMBER_MAX);
        if (parameters->size_bytes < minimum)
                return call_wrong_size(failure, SIZE_UNKNOWN, minimum, NUMBER_MAX);
        if (grows && parameters->size_bytes > parameters->maximum_bytes)
                return call_wrong_size(failure, SIZE_UNKNOWN, minimum, parameters->maximum_bytes);
        return 0;
}

/* What the kind cannot do is an error, never left out in silence. */
static int check_creation(const AcquireParameters *parameters, CallFailure *failure) {
        Kind kind = GIVEN(parameters, ACQUIRE_KIND) ? (Kind) parameters->kind : KIND_MEMFD;

        if (!GIVEN(parameters, ACQUIRE_SIZE_BYTES))
                return call_invalid(failure, "sizeBytes");
        if (!kind_rows[kind])
                return call_not_supported(failure, "this broker makes segments of kind memfd only");
        if (GIVEN(parameters, ACQUIRE_KEY))
                return call_invalid(failure, "key");
        if (GIVEN(parameters, ACQUIRE_POSIX_NAME))
                return call_invalid(failure, "posixName");
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES) &&
            (parameters->page_bytes & (parameters->page_bytes - 1)) != 0)
                return call_invalid(failure, "pageBytes");
        return check_size(parameters, failure);
}

static void fill_segment(Segment *segment, Client *client, const AcquireParameters *parameters) {
        const Credentials *credentials = &client->credentials;

        segment->kind = KIND_MEMFD;
        segment->size_bytes = (uint64_t) parameters->size_bytes;
        segment->maximum_bytes = (uint64_t) parameters->maximum_bytes;
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES))
                segment->page_bytes = (uint64_t) parameters->page_bytes;
        segment->sealable = parameters->sealable;
        segment->permission = (Permission){
                .owner_uid = credentials->uid,
                .owner_gid = credentials->gid,
                .creator_uid = credentials->uid,
                .creator_gid = credentials->gid,
                .mode = GIVEN(parameters, ACQUIRE_MODE) ? (mode_t) parameters->mode : MODE_DEFAULT,
        };
        segment->change_usec = clock_realtime_usec();
        segment->creator_pid = credentials->pid;
        segment->remove_on_last_detach = parameters->remove_on_last_detach;
        segment->lingers = GIVEN(parameters, ACQUIRE_LINGER);
        segment->linger_usec = (uint64_t) parameters->linger_usec;
}

static int charge_segment(Service *service, Segment *segment, User *user, CallFailure *failure) {
        int r;

        r = call_take_charge(service, &segment->segment_charge, user, LIMIT_SEGMENTS, 1, failure);
        if (r)
                return r;
        r = call_take_charge(service, &segment->bytes_charge, user, LIMIT_BYTES,
                             segment_capacity(segment), failure);
        if (r || !segment_has_huge_pages(segment))
                return r;
        return call_take_charge(service, &segment->huge_charge, user, LIMIT_HUGE,
                                segment_capacity(segment), failure);
}

static int make_memory(Segment *segment, CallFailure *failure) {
        switch (kind_rows[segment->kind]->create(segment)) {
        case 0:
                return 0;
        case KIND_E_NO_DESCRIPTORS:
                return call_limit(failure, call_no_descriptors);
        default:
                return call_limit(failure, "memory");
        }
}

DEFINE_CLEANUP(Segment, segment_free)

/**
 * call_create_segment() - make a segment, whole, before anybody can find it
 * @service:    the service
 * @client:     who asks, who pays, and who will be creator and owner
 * @parameters: as the interface says; its name, if any, is valid and free
 * @ret:        the segment, the registry's
 * @failure:    details
 *
 * Return: 0, or a code, and then nothing was made.
 */
int call_create_segment(Service *service, Client *client, const AcquireParameters *parameters,
                        Segment **ret, CallFailure *failure) {
        _cleanup_(segment_freep) Segment *segment = NULL;
        int r;

        r = check_creation(parameters, failure);
        if (r)
                return r;
        segment = segment_new();
        if (!segment)
                return call_limit(failure, "memory");
        fill_segment(segment, client, parameters);
        if (segment_has_huge_pages(segment) && !hugepages_exist(segment->page_bytes))
                return call_not_supported(failure,
                                          "this host has no pages of that size; its sizes are in "
                                          "/sys/kernel/mm/hugepages");
        r = charge_segment(service, segment, client->user, failure);
        if (r)
                return r;
        if (GIVEN(parameters, ACQUIRE_NAME)) {
                segment->name = strdup(parameters->name);
                if (!segment->name)
                        return call_limit(failure, "memory");
        }
        r = make_memory(segment, failure);
        if (r)
                return r;
        (void) snprintf(segment->master_name, sizeof(segment->master_name), "%d",
                        segment->master_fd);
        if (state_segment_id(&service->state, &segment->id))
                return call_no_ids(failure);
        if (registry_add(&service->registry, segment))
                return call_limit(failure, "memory");
        life_begin(&service->life, segment);
        ++service->counters.n_created;
        events_post(&service->life.events, EVENT_CREATED, segment);
        if (segment->name)
                waits_tell(&service->waits, segment->name);
        *ret = steal_ptr(segment);
        return 0;
}
