/* SPDX-License-Identifier: MIT */
#include "daemon/life/reaper.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/kernel/lease.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* Up to here it is done at once: some tens of microseconds. */
#define SMALL_BYTES (UINT64_C(1) << 20)

typedef struct ReaperJob ReaperJob;

struct ReaperJob {
        WorkerJob job;
        Reaper *reaper;
        Remains remains;
};

static void let_go(const Remains *remains) {
        bool kept = remains->anchor && remains->release(remains->anchor, remains->shmid);

        if (remains->locked_at)
                (void) munmap(remains->locked_at, (size_t) remains->size_bytes);
        /* Who has opened it meanwhile, as the broker's user or root can, waits for the lease. */
        if (remains->punch && !kept && lease_is_whole(remains->fd))
                remains->punch(remains->fd, remains->size_bytes);
        fd_close(remains->fd);
}

/* It is the memory that takes time, and not the size; what is quick gives the charge back at once,
 * so that whoever removes one can make another. */
static bool is_small(const Remains *remains) {
        struct stat st;

        if (remains->size_bytes <= SMALL_BYTES)
                return true;
        if (remains->fd < 0 || remains->anchor || remains->locked_at)
                return false;
        return fstat(remains->fd, &st) == 0 && (uint64_t) st.st_blocks * 512 <= SMALL_BYTES;
}

static void give_back(Remains *remains) {
        charge_give_back(&remains->bytes_charge);
        charge_give_back(&remains->huge_charge);
        charge_give_back(&remains->locked_charge);
}

static void reaper_work(WorkerJob *job) {
        let_go(&CONTAINER_OF(job, ReaperJob, job)->remains);
}

static void reaper_done(WorkerJob *job) {
        ReaperJob *reaper_job = CONTAINER_OF(job, ReaperJob, job);

        --reaper_job->reaper->n_under_way;
        give_back(&reaper_job->remains);
        free(reaper_job);
}

/* reaper_init() - begin, with a thread that has nothing to do; 0 or a negative errno.
 * reaper_deinit() is due in any case. */
int reaper_init(Reaper *reaper) {
        return error_trace(worker_init(&reaper->worker, 1));
}

/* reaper_deinit() - wait until everything is let go of */
void reaper_deinit(Reaper *reaper) {
        worker_deinit(&reaper->worker);
}

/* reaper_take() - let go of what was behind a segment; descriptor and charges are the reaper's from
 * now on */
void reaper_take(Reaper *reaper, const Remains *remains) {
        Remains small = *remains;
        ReaperJob *job = NULL;

        if (!is_small(remains) && reaper->worker.running)
                job = malloc(sizeof(*job));
        if (!job) {
                let_go(&small);
                give_back(&small);
                return;
        }
        *job = (ReaperJob){ .job = { .work = reaper_work, .done = reaper_done },
                            .reaper = reaper,
                            .remains = *remains };
        ++reaper->n_under_way;
        worker_take(&reaper->worker, NULL, &job->job);
}

/* reaper_collect() - give back what is paid for and gone by now; no system call if there is nothing
 * to wait for */
void reaper_collect(Reaper *reaper) {
        if (reaper->n_under_way > 0)
                worker_collect(&reaper->worker);
}
