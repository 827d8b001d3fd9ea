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

static void *worker_run(void *userdata) {
        Worker *worker = userdata;
        WorkerJob *job;
        bool told;

        pthread_mutex_lock(&worker->mutex);
        for (;;) {
                job = worker->jobs;
                if (job) {
                        DL_DELETE(worker->jobs, job);
                        pthread_mutex_unlock(&worker->mutex);
                        told = job->done;
                        job->work(job);
                        pthread_mutex_lock(&worker->mutex);
                        if (told)
                                worker_finish(worker, job);
                } else if (worker->ending) {
                        break;
                } else {
                        pthread_cond_wait(&worker->wakeup, &worker->mutex);
                }
        }
        pthread_mutex_unlock(&worker->mutex);
        return NULL;
}

/**
 * worker_init() - start the thread, with all signals left to the caller's
 * @worker:     the object, WORKER_NULL before
 *
 * Return: 0, or a negative errno. worker_deinit() is due in any case.
 */
int worker_init(Worker *worker) {
        int r;

        worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->fd < 0)
                return error_origin(-errno);
        (void) pthread_mutex_init(&worker->mutex, NULL);
        (void) pthread_cond_init(&worker->wakeup, NULL);
        r = thread_start(&worker->thread, worker_run, worker);
        if (r)
                return error_trace(r);
        worker->running = true;
        return 0;
}

/* worker_deinit() - wait until everything is done, and end the thread */
void worker_deinit(Worker *worker) {
        if (worker->running) {
                pthread_mutex_lock(&worker->mutex);
                worker->ending = true;
                pthread_cond_signal(&worker->wakeup);
                pthread_mutex_unlock(&worker->mutex);
                (void) pthread_join(worker->thread, NULL);
                worker_collect(worker);
                (void) pthread_cond_destroy(&worker->wakeup);
                (void) pthread_mutex_destroy(&worker->mutex);
                worker->running = false;
        }
        worker->fd = fd_close(worker->fd);
}

/* worker_take() - have a job done; it is the worker's from now on */
void worker_take(Worker *worker, WorkerJob *job) {
        pthread_mutex_lock(&worker->mutex);
        DL_APPEND(worker->jobs, job);
        pthread_cond_signal(&worker->wakeup);
        pthread_mutex_unlock(&worker->mutex);
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
