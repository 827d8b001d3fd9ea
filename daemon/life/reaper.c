/* SPDX-License-Identifier: MIT */
#include "daemon/life/reaper.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "daemon/kernel/lease.h"
#include "proto/fd.h"

/* Up to here it is done at once: some tens of microseconds. */
#define SMALL_BYTES (UINT64_C(1) << 20)

typedef struct ReaperJob ReaperJob;

struct ReaperJob {
        WorkerJob job;
        Remains remains;
};

static void let_go(const Remains *remains) {
        bool kept = remains->anchor && remains->release(remains->anchor, remains->shmid);

        if (remains->locked_at)
                (void) munmap(remains->locked_at, (size_t) remains->size_bytes);
        /* Who has opened it before its name went waits, and is to find what was in it. */
        if (remains->punch && !kept && lease_is_whole(remains->fd))
                remains->punch(remains->fd, remains->size_bytes);
        fd_close(remains->fd);
}

static void reaper_work(WorkerJob *job) {
        ReaperJob *reaper_job = (ReaperJob *) job;

        let_go(&reaper_job->remains);
        free(reaper_job);
}

/* reaper_take() - let go of what was behind a segment; the descriptor is the reaper's from now on
 */
void reaper_take(Worker *worker, const Remains *remains) {
        ReaperJob *job = NULL;

        if (remains->size_bytes > SMALL_BYTES && worker->running)
                job = malloc(sizeof(*job));
        if (!job) {
                let_go(remains);
                return;
        }
        *job = (ReaperJob){ .job = { .work = reaper_work }, .remains = *remains };
        worker_take(worker, NULL, &job->job);
}
