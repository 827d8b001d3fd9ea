/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_WORKER_H
#define SHMBROKER_DAEMON_BASE_WORKER_H

/*
 * A thread for what takes long: its time grows with the size of a segment, and nobody else should
 * have to wait for it. Jobs are done one after the other, and know nothing of the broker while they
 * are; what follows from them is done by the loop's thread, in worker_collect().
 */

#include <pthread.h>
#include <stdbool.h>

typedef struct Worker Worker;
typedef struct WorkerJob WorkerJob;

/* The first member of something larger. */
struct WorkerJob {
        /* In the worker's thread. Without a done() it frees the job. */
        void (*work)(WorkerJob *job);
        /* In the loop's thread; frees the job. NULL if nothing follows. */
        void (*done)(WorkerJob *job);
        WorkerJob *prev;
        WorkerJob *next;
};

struct Worker {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t wakeup;
        WorkerJob *jobs;
        WorkerJob *finished;
        /* An eventfd(2), readable when worker_collect() has something to do */
        int fd;
        bool running;
        bool ending;
};

#define WORKER_NULL                                                                                \
        { .fd = -EBADF }

int worker_init(Worker *worker);
void worker_deinit(Worker *worker);

void worker_take(Worker *worker, WorkerJob *job);
void worker_collect(Worker *worker);

#endif
