/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_WORKER_H
#define SHMBROKER_DAEMON_BASE_WORKER_H

/*
 * Threads for what takes long: its time grows with the size of a segment, and nobody else should
 * have to wait for it. Jobs of a party are done one after the other, and know nothing of the broker
 * while they are; those of other parties are done meanwhile, as far as there are threads. What
 * follows from them is done by the loop's thread, in worker_collect().
 */

#include <pthread.h>
#include <stdbool.h>

typedef struct Worker Worker;
typedef struct WorkerJob WorkerJob;
typedef struct WorkerParty WorkerParty;

#define WORKER_THREADS_MAX 16

/* The first member of something larger. */
struct WorkerJob {
        /* In the worker's thread. Without a done() it frees the job. */
        void (*work)(WorkerJob *job);
        /* In the loop's thread; frees the job. NULL if nothing follows. */
        void (*done)(WorkerJob *job);
        WorkerJob *prev;
        WorkerJob *next;
};

/* All 0 at first. It stays as long as it has jobs that were not collected, or that free themselves.
 */
struct WorkerParty {
        WorkerJob *jobs;
        /* One of them is being done */
        bool busy;
        WorkerParty *prev;
        WorkerParty *next;
};

struct Worker {
        pthread_t threads[WORKER_THREADS_MAX];
        unsigned int n_threads;
        unsigned int n_threads_max;
        unsigned int n_idle;
        pthread_mutex_t mutex;
        pthread_cond_t wakeup;
        /* Those that have jobs, and none that is being done */
        WorkerParty *ready;
        unsigned int n_ready;
        /* For jobs that are nobody's */
        WorkerParty own;
        WorkerJob *finished;
        /* An eventfd(2), readable when worker_collect() has something to do */
        int fd;
        bool running;
        bool ending;
};

#define WORKER_NULL                                                                                \
        { .fd = -EBADF }

int worker_init(Worker *worker, unsigned int n_threads_max);
void worker_deinit(Worker *worker);

void worker_take(Worker *worker, WorkerParty *party, WorkerJob *job);
void worker_collect(Worker *worker);

#endif
