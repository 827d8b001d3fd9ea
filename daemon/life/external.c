/* SPDX-License-Identifier: MIT */
#include "daemon/life/external.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/kind/kinds.h"
#include "daemon/model/reservation.h"
#include "proto/util.h"

/* What is there is paid for, whether or not there is a limit in the way: it is there already. */
static void charge_size(Segment *segment) {
        charge_force(&segment->bytes_charge, segment_charged_bytes(segment));
}

/* What was promised holds no longer: the size is what there is. */
static bool notice_size(const LifeContext *context, Segment *segment, uint64_t object_bytes) {
        /* A sparse file may have any size; what is told stays within what a double can hold. */
        uint64_t size_bytes = MIN(object_bytes, (uint64_t) NUMBER_MAX);

        if (object_bytes == segment->object_bytes)
                return false;
        log_warning("Segment %lld was %s from outside, from %llu to %llu bytes.",
                    (long long) segment->id,
                    object_bytes < segment->object_bytes ? "truncated" : "enlarged",
                    (unsigned long long) segment->object_bytes, (unsigned long long) object_bytes);
        if (segment->maximum_bytes > 0) {
                segment->maximum_bytes = MAX(size_bytes, 1U);
                size_bytes = MIN(segment->size_bytes, size_bytes);
        }
        segment->object_bytes = object_bytes;
        registry_resize(context->registry, segment, size_bytes);
        charge_size(segment);
        segment->change_usec = clock_realtime_usec();
        return true;
}

static bool notice_permission(Segment *segment, const ObjectState *state) {
        Permission *permission = &segment->permission;

        if (!state->has_permission)
                return false;
        if (permission->owner_uid == state->uid && permission->owner_gid == state->gid &&
            permission->mode == state->mode)
                return false;
        permission->owner_uid = state->uid;
        permission->owner_gid = state->gid;
        permission->mode = state->mode;
        segment->change_usec = MAX(segment->change_usec, state->change_usec);
        return true;
}

static void notice_times(Segment *segment, const ObjectState *state) {
        /* Also of who came and went between two looks. */
        segment->armed = segment->armed || state->attach_usec > 0;
        segment->attach_usec = MAX(segment->attach_usec, state->attach_usec);
        segment->detach_usec = MAX(segment->detach_usec, state->detach_usec);
        if (state->has_last_pid)
                segment->last_pid = state->last_pid;
}

static void end_oldest_reservation(Segment *segment) {
        if (segment->reservations)
                reservation_free(segment->reservations);
}

/* Equal numbers of those who came and went meanwhile cancel out, as everywhere. */
static void notice_natives(Segment *segment, size_t n_native, ExternalChange *ret) {
        if (n_native > segment->n_native)
                ret->n_attached = n_native - segment->n_native;
        else
                ret->n_detached = segment->n_native - n_native;
        if (n_native > 0)
                segment->armed = true;
        else if (ret->n_detached > 0)
                segment->idle_usec = clock_boottime_usec();
        for (size_t i = 0; i < ret->n_attached; ++i)
                end_oldest_reservation(segment);
        segment->n_native = n_native;
}

static bool notice_lock(Segment *segment, const ObjectState *state) {
        bool changed = segment->sysv.locked != state->locked;

        segment->sysv.locked = state->locked;
        if (segment->traits->lock_lasts && !state->locked)
                charge_give_back(&segment->locked_charge);
        return changed;
}

static bool notice_removal(const LifeContext *context, Segment *segment, const ObjectState *state) {
        if (!state->unlinked || segment->removed)
                return false;
        log_notice("Segment %lld was removed from outside.", (long long) segment->id);
        segment_set_removed(segment, CAUSE_OUTSIDE, clock_realtime_usec());
        /* Whoever gave it another name keeps that: it is not looked for any more. */
        segment->directory = (Identity){};
        registry_unname(context->registry, segment);
        return true;
}

/**
 * external_look() - see what others did to a segment, and set it right
 * @context:    where the segment is found, kept and told of
 * @segment:    the segment; it stays
 * @ret:        what external_tell() is to tell when it is known who is attached
 *
 * Return: whether there is anything.
 */
bool external_look(const LifeContext *context, Segment *segment, ExternalChange *ret) {
        const KindRow *row = kind_rows[segment->kind];
        ObjectState state;

        *ret = (ExternalChange) EXTERNAL_CHANGE_NULL;
        if (segment_is_unavailable(segment) || !row->look ||
            !row->look(context->host, segment, &state))
                return false;
        segment->allocated_bytes = state.allocated_bytes;
        ret->changed = notice_size(context, segment, state.object_bytes);
        ret->changed |= notice_permission(segment, &state);
        ret->changed |= notice_lock(segment, &state);
        notice_times(segment, &state);
        notice_natives(segment, state.n_native, ret);
        persist_attach_time(segment);
        ret->removed = notice_removal(context, segment, &state);
        if ((ret->changed || ret->removed) && context->persist)
                persist_change(context->persist, segment);
        return ret->changed || ret->removed || ret->n_attached > 0 || ret->n_detached > 0;
}

/* external_tell() - tell of it, once */
void external_tell(const LifeContext *context, Segment *segment, ExternalChange *change) {
        for (; change->n_attached > 0; --change->n_attached)
                events_post(context->events, EVENT_ATTACHED, segment);
        for (; change->n_detached > 0; --change->n_detached)
                events_post(context->events, EVENT_DETACHED, segment);
        if (change->changed)
                events_post(context->events, EVENT_CHANGED, segment);
        if (change->removed)
                events_post_end(context->events, EVENT_REMOVED, segment, segment->removal_cause);
        *change = (ExternalChange) EXTERNAL_CHANGE_NULL;
}
