/* SPDX-License-Identifier: MIT */
#include "daemon/call/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/base/log.h"
#include "daemon/call/change.h"
#include "daemon/kind/kinds.h"
#include "daemon/model/permission.h"
#include "proto/fd.h"
#include "proto/util.h"

static void job_free(BackgroundJob *job) {
        if (job->lock.locked_at)
                (void) munmap(job->lock.locked_at, (size_t) job->lock.size_bytes);
        charge_give_back(&job->charge);
        user_unref(job->user);
        fd_close(job->lock.fd);
        free(job);
}

static int job_new(Service *service, const Segment *segment, BackgroundJob **ret,
                   CallFailure *failure) {
        BackgroundJob *job = calloc(1, sizeof(*job));

        if (!job)
                return call_no_memory(failure);
        job->row = kind_rows[segment->kind];
        job->lock = (KindLock){
                .fd = -EBADF,
                .anchor = segment->sysv.anchor,
                .shmid = segment->sysv.shmid,
                .size_bytes = segment_capacity(segment),
        };
        if (!segment->traits->lock_lasts) {
                job->lock.fd = fcntl(segment->master_fd, F_DUPFD_CLOEXEC, 0);
                if (job->lock.fd < 0) {
                        job_free(job);
                        return call_no_descriptors(failure);
                }
        }
        job->service = service;
        job->segment_id = segment->id;
        *ret = job;
        return 0;
}

/* A job that a call waits for. */
static int job_new_awaited(Service *service, Client *client, const Segment *segment, Method method,
                           BackgroundJob **ret, Pending **ret_pending, CallFailure *failure) {
        _cleanup_(pending_freep) Pending *pending = NULL;
        BackgroundJob *job = NULL;
        int r;

        r = pending_new(service, client, method, &pending, failure);
        if (r)
                return r;
        r = job_new(service, segment, &job, failure);
        if (r)
                return r;
        job->user = user_ref(client->user);
        job->pending = pending;
        pending->found_at = &job->pending;
        pending->segment_id = segment->id;
        *ret = job;
        *ret_pending = steal_ptr(pending);
        return 0;
}

/* Tells who waits, if anybody does, and ends the job. */
static void job_end(BackgroundJob *job, int code, const CallFailure *failure) {
        Pending *pending = job->pending;

        if (pending) {
                pending->found_at = NULL;
                pending->code = code;
                pending->failure = *failure;
                pending_ready(pending);
        }
        job_free(job);
}

static void work_seal(WorkerJob *worker_job) {
        BackgroundJob *job = CONTAINER_OF(worker_job, BackgroundJob, job);

        job->result = job->row->seal(job->lock.fd, job->seals);
}

static void done_seal(WorkerJob *worker_job) {
        BackgroundJob *job = CONTAINER_OF(worker_job, BackgroundJob, job);
        Segment *segment = registry_find(&job->service->registry, job->segment_id);
        CallFailure failure = {};
        int code;

        code = segment ? change_sealed(job->service, segment, job->seals, job->result, &failure)
                       : CALL_E_NO_SUCH_SEGMENT;
        job_end(job, code, &failure);
}

/**
 * background_seal() - begin to seal a segment against writing
 * @service:    the service
 * @client:     who asked
 * @segment:    the segment, of a kind that has seals
 * @seals:      seals to be added
 * @ret:        the call that waits for it
 * @failure:    details
 *
 * Return: CALL_E_WAIT; or CALL_E_LIMIT or CALL_E_NO_DESCRIPTORS, and then nothing was begun.
 */
int background_seal(Service *service, Client *client, Segment *segment, unsigned int seals,
                    Pending **ret, CallFailure *failure) {
        BackgroundJob *job = NULL;
        int r;

        r = job_new_awaited(service, client, segment, METHOD_SEAL, &job, ret, failure);
        if (r)
                return r;
        job->job = (WorkerJob){ .work = work_seal, .done = done_seal };
        job->seals = seals;
        worker_take(&service->worker, &client->user->work, &job->job);
        return CALL_E_WAIT;
}

static void work_lock(WorkerJob *worker_job) {
        BackgroundJob *job = CONTAINER_OF(worker_job, BackgroundJob, job);

        job->result = job->row->lock(&job->lock);
}

static void log_not_locked(const Segment *segment, int error) {
        log_warning("Segment %lld was locked in memory, and is not any more: %s.",
                    (long long) segment->id, strerror(error));
}

static int lock_code(int error, CallFailure *failure) {
        switch (error) {
        case 0:
                return 0;
        case EPERM:
                return call_not_supported(failure, "unprivileged",
                                          "the broker may not lock memory (RLIMIT_MEMLOCK and "
                                          "CAP_IPC_LOCK), or the segment is sealed");
        default:
                return call_no_memory(failure);
        }
}

/* The owner may have changed meanwhile: what is somebody else's now is left alone. */
static int done_lock_code(const BackgroundJob *job, const Segment *segment, CallFailure *failure) {
        const Credentials credentials = { .uid = job->uid,
                                          .tenant = job->tenant,
                                          .privileged = job->privileged };

        if (!segment)
                return CALL_E_NO_SUCH_SEGMENT;
        if (!permission_controls(&segment->permission, &credentials))
                return CALL_E_DENIED;
        return lock_code(job->result, failure);
}

/* The lock is the segment's from now on, unless another call was quicker; else it goes with the
 * job. */
static bool keep_lock(BackgroundJob *job, Segment *segment) {
        if (segment->locked_charge.user)
                return false;
        segment->locked_at = steal_ptr(job->lock.locked_at);
        segment->locked_charge = steal_charge(&job->charge);
        segment->sysv.locked = segment->traits->lock_lasts;
        return true;
}

static void done_lock(WorkerJob *worker_job) {
        BackgroundJob *job = CONTAINER_OF(worker_job, BackgroundJob, job);
        Segment *segment = registry_find(&job->service->registry, job->segment_id);
        CallFailure failure = {};
        bool kept;
        int code;

        code = done_lock_code(job, segment, &failure);
        if (segment && job->result == 0) {
                kept = keep_lock(job, segment);
                if (code == 0)
                        code = change_attributes(job->service, segment, &job->attributes, &failure);
                /* What is refused does not stay. */
                if (code && kept)
                        background_unlock(job->service, segment);
        }
        job_end(job, code, &failure);
}

/**
 * background_lock() - begin to lock a segment in memory, and set its attributes when it is
 * @service:    the service
 * @client:     who asked
 * @segment:    the segment
 * @parameters: its attributes, without strings that have to be kept
 * @ret:        the call that waits for it
 * @failure:    details
 *
 * Return: CALL_E_WAIT; or CALL_E_LIMIT or CALL_E_NO_DESCRIPTORS, and then nothing was begun.
 */
int background_lock(Service *service, Client *client, Segment *segment,
                    const SetAttributesParameters *parameters, Pending **ret,
                    CallFailure *failure) {
        _cleanup_(charge_give_back) Charge charge = CHARGE_NULL;
        uint64_t size_bytes = segment_capacity(segment);
        BackgroundJob *job = NULL;
        int r;

        r = call_take_charge(service, client, &charge, client->user, LIMIT_LOCKED, size_bytes,
                             failure);
        if (r)
                return r;
        r = job_new_awaited(service, client, segment, METHOD_SET_ATTRIBUTES, &job, ret, failure);
        if (r)
                return r;
        job->job = (WorkerJob){ .work = work_lock, .done = done_lock };
        job->attributes = *parameters;
        job->uid = client->credentials.uid;
        job->privileged = client->credentials.privileged;
        job->tenant = client->credentials.tenant;
        job->charge = steal_charge(&charge);
        worker_take(&service->worker, &client->user->work, &job->job);
        return CALL_E_WAIT;
}

/* It may have been unlocked meanwhile, or be gone. */
static void done_lock_again(WorkerJob *worker_job) {
        BackgroundJob *job = CONTAINER_OF(worker_job, BackgroundJob, job);
        Segment *segment = registry_find(&job->service->registry, job->segment_id);

        if (segment && segment->lock_again) {
                segment->lock_again = false;
                if (job->result == 0) {
                        segment->locked_at = steal_ptr(job->lock.locked_at);
                        segment->locked_charge = steal_charge(&job->charge);
                } else
                        log_not_locked(segment, job->result);
        }
        job_free(job);
}

/**
 * background_lock_again() - begin to lock a segment in memory that an earlier broker had locked
 * @service:    the service
 * @segment:    the segment, with its descriptor and charges
 *
 * A lock of mlock(2) ends with the process; one that lasts needs nothing. Who asked for it is not
 * known any more, so who pays for the segment pays, whatever the limit is by now. A failure is
 * logged.
 */
void background_lock_again(Service *service, Segment *segment) {
        CallFailure failure = {};
        BackgroundJob *job = NULL;

        if (job_new(service, segment, &job, &failure)) {
                segment->lock_again = false;
                log_not_locked(segment, ENOMEM);
                return;
        }
        job->job = (WorkerJob){ .work = work_lock, .done = done_lock_again };
        charge_anyway(&job->charge, segment->segment_charge.user, LIMIT_LOCKED,
                      job->lock.size_bytes);
        segment->lock_again = true;
        worker_take(&service->worker, NULL, &job->job);
}

/* background_unlock() - lock a segment in memory no more */
void background_unlock(Service *service, Segment *segment) {
        segment->lock_again = false;
        if (kind_rows[segment->kind]->unlock)
                kind_rows[segment->kind]->unlock(segment);
        /* The same as what is left of a segment, but that the memory stays. */
        reaper_take(&service->life.reaper,
                    &(Remains){ .fd = -EBADF,
                                .size_bytes = segment->locked_at ? segment_capacity(segment) : 0,
                                .locked_at = steal_ptr(segment->locked_at),
                                .locked_charge = steal_charge(&segment->locked_charge) });
}
