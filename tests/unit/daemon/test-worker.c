/* SPDX-License-Identifier: MIT */
/* Jobs are done in order, by a thread of its own; what follows is done by who collects. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/worker.h"
#include "proto/util.h"
#include "tests/support/unit.h"

typedef struct Step Step;

struct Step {
        WorkerJob job;
        int number;
        pthread_t worked_by;
};

static Worker worker = WORKER_NULL;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int worked[100], n_worked, done_[100], n_done;

static void setup(void) {
        unit_fds_begin();
        n_worked = n_done = 0;
        worker = (Worker) WORKER_NULL;
        ck_assert_int_eq(worker_init(&worker, 1), 0);
}

static void teardown(void) {
        worker_deinit(&worker);
        worker_deinit(&worker);
        unit_fds_end();
}

static void work(WorkerJob *job) {
        Step *step = CONTAINER_OF(job, Step, job);

        pthread_mutex_lock(&gate);
        step->worked_by = pthread_self();
        worked[n_worked++] = step->number;
        pthread_mutex_unlock(&gate);
        if (!job->done)
                free(step);
}

static void done(WorkerJob *job) {
        Step *step = CONTAINER_OF(job, Step, job);

        ck_assert(!pthread_equal(step->worked_by, pthread_self()));
        done_[n_done++] = step->number;
        free(step);
}

static void take(int number, bool follows) {
        Step *step = calloc(1, sizeof(*step));

        ck_assert_ptr_nonnull(step);
        step->number = number;
        step->job = (WorkerJob){ .work = work, .done = follows ? done : NULL };
        worker_take(&worker, NULL, &step->job);
}

static void collect(int n) {
        struct pollfd poller = { .fd = worker.fd, .events = POLLIN };

        while (n_done < n) {
                ck_assert_int_eq(poll(&poller, 1, 20000), 1);
                worker_collect(&worker);
        }
        ck_assert_int_eq(poll(&poller, 1, 0), 0);
}

SUITE("worker");
CASE("worker", .setup = setup, .teardown = teardown);

TEST(in_order) {
        for (int i = 0; i < 100; ++i)
                take(i, true);
        collect(100);
        for (int i = 0; i < 100; ++i) {
                ck_assert_int_eq(worked[i], i);
                ck_assert_int_eq(done_[i], i);
        }
}

/* Nothing follows before somebody collects, and what has nothing to follow is not collected. */
TEST(collected) {
        struct pollfd poller = { .fd = worker.fd, .events = POLLIN };

        take(1, false);
        take(2, true);
        ck_assert_int_eq(poll(&poller, 1, 20000), 1);
        ck_assert_int_eq(n_done, 0);
        collect(1);
        ck_assert_int_eq(done_[0], 2);
        ck_assert_int_eq(n_worked, 2);
        worker_collect(&worker);
        ck_assert_int_eq(n_done, 1);
}

static pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;

/* As what takes long. */
static void work_behind_barrier(WorkerJob *job) {
        pthread_mutex_lock(&barrier);
        pthread_mutex_unlock(&barrier);
        work(job);
}

static void take_for(WorkerParty *party, int number, void (*what)(WorkerJob *job)) {
        Step *step = calloc(1, sizeof(*step));

        ck_assert_ptr_nonnull(step);
        step->number = number;
        step->job = (WorkerJob){ .work = what, .done = done };
        worker_take(&worker, party, &step->job);
}

/* Whoever has what takes long waits for it, and others do not, as far as there are threads. */
TEST(parties) {
        WorkerParty one = {}, other = {}, third = {};

        worker_deinit(&worker);
        worker = (Worker) WORKER_NULL;
        ck_assert_int_eq(worker_init(&worker, 2), 0);
        pthread_mutex_lock(&barrier);
        take_for(&one, 1, work_behind_barrier);
        take_for(&one, 2, work);
        take_for(&other, 3, work);
        take_for(&other, 4, work);
        take_for(&third, 5, work);
        collect(3);
        ck_assert_int_eq(done_[0], 3);
        ck_assert_int_eq(worker.n_threads, 2);
        pthread_mutex_unlock(&barrier);
        collect(5);
        ck_assert_int_eq(done_[3], 1);
        ck_assert_int_eq(done_[4], 2);
}

/* The end waits for everything, and leaves nothing out. */
TEST(end) {
        pthread_mutex_lock(&gate);
        for (int i = 0; i < 50; ++i)
                take(i, i % 2);
        pthread_mutex_unlock(&gate);
        worker_deinit(&worker);
        ck_assert_int_eq(n_worked, 50);
        ck_assert_int_eq(n_done, 25);
}
