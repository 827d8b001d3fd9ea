/* SPDX-License-Identifier: MIT */
#include "daemon/base/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/table.h"
#include "daemon/base/thread.h"
#include "proto/error.h"
#include "proto/fd.h"

/* The job is somebody else's afterwards. */
static void worker_finish(Worker *worker, WorkerJob *job) {
        const uint64_t one = 1;

        DL_APPEND(worker->finished, job);
        (void) !write(worker->fd, &one, sizeof(one));
}

/* Called with the mutex. */
static void set_ready(Worker *worker, WorkerParty *party) {
        DL_APPEND(worker->ready, party);
        ++worker->n_ready;
        pthread_cond_signal(&worker->wakeup);
}

/* One job of who has waited longest, without the mutex while it is done. */
static void work_once(Worker *worker) {
        WorkerParty *party = worker->ready;
        WorkerJob *job = party->jobs;
        bool told = job->done;

        DL_DELETE(worker->ready, party);
        --worker->n_ready;
        DL_DELETE(party->jobs, job);
        party->busy = true;
        pthread_mutex_unlock(&worker->mutex);
        job->work(job);
        pthread_mutex_lock(&worker->mutex);
        party->busy = false;
        if (party->jobs)
                set_ready(worker, party);
        if (told)
                worker_finish(worker, job);
}

static void *worker_run(void *userdata) {
        Worker *worker = userdata;

        pthread_mutex_lock(&worker->mutex);
        for (;;) {
                if (worker->ready) {
                        work_once(worker);
                } else if (worker->ending) {
                        break;
                } else {
                        ++worker->n_idle;
                        pthread_cond_wait(&worker->wakeup, &worker->mutex);
                        --worker->n_idle;
                }
        }
        pthread_mutex_unlock(&worker->mutex);
        return NULL;
}

static int start_thread(Worker *worker) {
        int r = thread_start(&worker->threads[worker->n_threads], worker_run, worker);

        if (r)
                return error_trace(r);
        ++worker->n_threads;
        return 0;
}

/**
 * worker_init() - start a thread, with all signals left to the caller's
 * @worker:     the object, WORKER_NULL before
 * @n_threads_max: how many there may be when several parties have jobs
 *
 * Return: 0, or a negative errno. worker_deinit() is due in any case.
 */
int worker_init(Worker *worker, unsigned int n_threads_max) {
        int r;

        worker->n_threads_max = n_threads_max;
        worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->fd < 0)
                return error_origin(-errno);
        (void) pthread_mutex_init(&worker->mutex, NULL);
        (void) pthread_cond_init(&worker->wakeup, NULL);
        r = start_thread(worker);
        if (r)
                return error_trace(r);
        worker->running = true;
        return 0;
}

/* worker_deinit() - wait until everything is done, and end the threads */
void worker_deinit(Worker *worker) {
        if (worker->running) {
                pthread_mutex_lock(&worker->mutex);
                worker->ending = true;
                pthread_cond_broadcast(&worker->wakeup);
                pthread_mutex_unlock(&worker->mutex);
                while (worker->n_threads > 0)
                        (void) pthread_join(worker->threads[--worker->n_threads], NULL);
                worker_collect(worker);
                (void) pthread_cond_destroy(&worker->wakeup);
                (void) pthread_mutex_destroy(&worker->mutex);
                worker->running = false;
        }
        worker->fd = fd_close(worker->fd);
}

/**
 * worker_take() - have a job done
 * @worker:     the worker, whose the job is from now on
 * @party:      whose jobs before it have to be done first; NULL for the worker's own
 * @job:        the job
 */
void worker_take(Worker *worker, WorkerParty *party, WorkerJob *job) {
        bool more;

        if (!party)
                party = &worker->own;
        pthread_mutex_lock(&worker->mutex);
        if (!party->jobs && !party->busy)
                set_ready(worker, party);
        DL_APPEND(party->jobs, job);
        /* Those that are idle may have been told of others that they have not come to yet. */
        more = worker->n_ready > worker->n_idle && worker->n_threads < worker->n_threads_max;
        pthread_mutex_unlock(&worker->mutex);
        /* Without another thread it is done later. */
        if (more)
                (void) start_thread(worker);
}

/* worker_collect() - do what follows from the jobs that are done by now */
void worker_collect(Worker *worker) {
        WorkerJob *jobs, *job, *next;
        uint64_t n;

        pthread_mutex_lock(&worker->mutex);
        (void) !read(worker->fd, &n, sizeof(n));
        jobs = worker->finished;
        worker->finished = NULL;
        pthread_mutex_unlock(&worker->mutex);
        DL_FOREACH_SAFE(jobs, job, next)
                job->done(job);
}
