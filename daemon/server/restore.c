/* SPDX-License-Identifier: MIT */
#include "daemon/server/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/call/birth.h"
#include "daemon/call/recover.h"
#include "daemon/kind/kinds.h"
#include "daemon/life/report.h"
#include "daemon/state/segment-record.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

typedef struct Found Found;
typedef struct Restoring Restoring;

struct Found {
        int64_t id;
        int fd;
};

struct Restoring {
        Service *service;
        /* Descriptors that systemd kept */
        Found *found;
        size_t n_found;
        size_t n_allocated;
        uint64_t now_usec;
        size_t n_restored;
        size_t n_lost;
};

DEFINE_CLEANUP(Segment, segment_free)

static int compare_found(const void *one, const void *other) {
        int64_t id_one = ((const Found *) one)->id, id_other = ((const Found *) other)->id;

        return (id_one > id_other) - (id_one < id_other);
}

/* The descriptor that systemd kept of a segment, which is the caller's then, or -EBADF. */
static int take_found(Restoring *restoring, int64_t id) {
        const Found key = { .id = id };
        Found *found;

        if (restoring->n_found == 0)
                return -EBADF;
        found = bsearch(&key, restoring->found, restoring->n_found, sizeof(key), compare_found);
        return found ? steal_fd(&found->fd) : -EBADF;
}

/* What an earlier broker had readOnly descriptors come from: see persist.c. Where there is a name,
 * it was found again by that. */
static void use_kept_read_only(Segment *segment, int fd) {
        if (fd < 0 || segment->read_only_fd >= 0 || !kind_is_same(segment, fd))
                fd_close(fd);
        else
                kind_set_read_only(segment, fd);
}

/* The description has to be the one that was kept: of two, each would hold the segment. */
static int use_kept(Segment *segment, int fd) {
        const KindRow *row = kind_rows[segment->kind];

        if (!kind_is_same(segment, fd)) {
                fd_close(fd);
                return KIND_E_NONE;
        }
        fd_close(segment->master_fd);
        kind_set_master(segment, fd);
        segment->stored = true;
        if (row->look_at_seals)
                segment->seals |= row->look_at_seals(fd);
        return 0;
}

/* Nobody was told of it before the broker was killed. Its attach times are not needed any more
 * then. */
static bool is_unanswered(Restoring *restoring, const Segment *segment) {
        AttachTimes *attach_times = &restoring->service->persist.attach_times;
        AttachTime *attach_time = attach_times_find(attach_times, segment->id, restoring->now_usec);
        bool attached;

        if (!attach_time)
                return false;
        attached = attach_time->attach_usec > 0 || segment->attach_usec > 0;
        attach_times_free(attach_times, attach_time);
        return !attached && !segment->adopted;
}

/* Was it on its way in or out, so that nothing is lost with it? */
static bool was_moving(Restoring *restoring, const Segment *segment) {
        if (segment->removed && segment->traits->found_by == FOUND_BY_FILE_NAME)
                return true;
        return segment->object_name && (segment->remove_on_last_detach || segment->lingers ||
                                        is_unanswered(restoring, segment));
}

/* Removed by an earlier broker that did not get to say so, or from outside. */
static void note_removed(Restoring *restoring, Segment *segment) {
        segment_set_removed(segment, NULL, restoring->now_usec);
        if (segment->name)
                segment->former_name = steal_ptr(segment->name);
}

/* 0 also of an object that cannot be opened at the moment: only what is surely gone is forgotten.
 */
static int find_object(Restoring *restoring, Segment *segment) {
        int kept_fd = take_found(restoring, segment->id), r, r_find;
        int kept_read_only_fd = take_found(restoring, -segment->id);

        r = r_find = recover_find(restoring->service, segment);
        if (recover_is_back(segment, r_find))
                recover_remove_again(restoring->service, segment);
        if (kept_fd >= 0)
                r = use_kept(segment, kept_fd);
        else if (recover_is_back(segment, r_find))
                r = KIND_E_NONE;
        use_kept_read_only(segment, kept_read_only_fd);
        switch (r) {
        case 0:
                segment->unavailable = (Unavailability){};
                if (r_find == KIND_E_NONE && !segment->removed &&
                    segment_is_reached_outside(segment))
                        note_removed(restoring, segment);
                return 0;
        case KIND_E_NONE:
                if (was_moving(restoring, segment))
                        return r;
                ++restoring->n_lost;
                report_lost(segment, "its object no longer exists");
                return r;
        default:
                report_unavailable(segment);
                return 0;
        }
}

/*
 * The name of two, of which one was about to take it from the other (Publish), is that of who
 * changed last. The other one is removed as soon as it is there.
 */
static Segment *find_loser(Restoring *restoring, Segment *segment) {
        Segment *rival = NULL;

        if (segment->name)
                rival = registry_find_name(&restoring->service->registry,
                                           segment->permission.tenant, segment->name);
        if (!rival)
                return NULL;
        if (rival->change_usec > segment->change_usec) {
                segment->former_name = steal_ptr(segment->name);
                return segment;
        }
        registry_unname(&restoring->service->registry, rival);
        return rival;
}

static void remove_loser(Life *life, Segment *loser) {
        KindFailure failure = {};
        bool destroyed;

        /* Its object would stay: the next broker comes to it again. */
        if (loser && segment_is_unavailable(loser))
                return;
        if (loser && life_remove(life, loser, &failure, &destroyed))
                log_warning("Segment %lld goes, but not its object: %s.", (long long) loser->id,
                            failure.reason);
}

static int restore_one(const SegmentRecord *record, void *userdata) {
        _cleanup_(segment_freep) Segment *segment = segment_new();
        Restoring *restoring = userdata;
        Service *service = restoring->service;
        Tenant *tenant = NULL;
        Segment *loser;
        int r = 0;

        if (!segment)
                return error_origin(-ENOMEM);
        kind_set(segment, record->kind);
        if (record->tenant)
                r = tenants_get(&service->tenants, record->tenant, &service->accounts, &tenant);
        if (r == 0)
                r = segment_record_fill(record, tenant, service->host.files_path, segment);
        if (r)
                return error_trace(r);
        if (find_object(restoring, segment)) {
                (void) state_file_write_gone(&service->persist.state_file, record->id);
                return 0;
        }
        loser = find_loser(restoring, segment);
        r = birth_again(service, segment, (uid_t) record->charged_uid,
                        (uint64_t) record->found_bytes, restoring->now_usec);
        if (r)
                return error_trace(r);
        if (segment->removed && !record->removed)
                persist_change(&service->persist, segment);
        restoring->n_restored += !segment_is_unavailable(segment);
        steal_ptr(segment);
        remove_loser(&service->life, loser);
        return 0;
}

/* Those that the state file knows; what was stored and never told of is nobody's. */
static int take_kept(int64_t id, int fd, void *userdata) {
        Restoring *restoring = userdata;
        Found *found;

        if (!state_file_has(&restoring->service->persist.state_file, id < 0 ? -id : id)) {
                fd_close(fd);
                return STORE_E_UNWANTED;
        }
        if (restoring->n_found == restoring->n_allocated) {
                restoring->n_allocated = MAX(restoring->n_allocated * 2, 64U);
                found = reallocarray(restoring->found, restoring->n_allocated, sizeof(*found));
                if (!found) {
                        fd_close(fd);
                        return error_origin(-ENOMEM);
                }
                restoring->found = found;
        }
        restoring->found[restoring->n_found++] = (Found){ .id = id, .fd = fd };
        return 0;
}

static int restore_all(Restoring *restoring) {
        Persist *persist = &restoring->service->persist;
        int r;

        r = store_visit(&persist->store, take_kept, restoring);
        if (r)
                return error_trace(r);
        if (restoring->n_found > 0)
                qsort(restoring->found, restoring->n_found, sizeof(*restoring->found),
                      compare_found);
        return error_trace(state_file_visit(&persist->state_file, restore_one, restoring));
}

static bool is_known(void *userdata, int64_t id) {
        Service *service = userdata;

        return registry_find(&service->registry, id);
}

/**
 * restore_segments() - have the segments back that an earlier broker had
 * @service:    with its limits set, and without segments
 *
 * A segment whose object no longer exists, or is another one, is logged and forgotten. What cannot
 * be opened at the moment is unavailable.
 *
 * Return: 0, or a negative errno.
 */
int restore_segments(Service *service) {
        Segment *segment;
        Restoring restoring = { .service = service, .now_usec = clock_realtime_usec() };
        int r;

        r = restore_all(&restoring);
        for (size_t i = 0; i < restoring.n_found; ++i)
                fd_close(restoring.found[i].fd);
        free(restoring.found);
        if (r)
                return error_trace(r);
        if (restoring.n_lost > 0)
                (void) state_file_lost(&service->persist.state_file);
        DL_FOREACH(service->registry.first, segment)
                recover_name(service, segment);
        /* Where records are missing, any file may be meant by one of them. */
        if (!service->persist.state_file.damaged)
                file_sweep(&service->host, is_known, service);
        attach_times_settle(&service->persist.attach_times);
        recover_begin(service);
        if (restoring.n_restored > 0)
                report_restored(restoring.n_restored, service->life.census.attachments.n_used);
        return 0;
}
