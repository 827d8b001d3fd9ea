#include "daemon/reaper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "daemon/table.h"
#include "proto/error.h"
#include "proto/fd.h"

/* Up to here it is done at once: some tens of microseconds. */
#define SMALL_BYTES (UINT64_C(1) << 20)

struct ReaperJob {
        int fd;
        uint64_t size_bytes;
        ReaperPunchFn punch;
        ReaperJob *prev;
        ReaperJob *next;
};

static void let_go(int fd, uint64_t size_bytes, ReaperPunchFn punch) {
        if (punch)
                punch(fd, size_bytes);
        fd_close(fd);
}

static void *reaper_run(void *userdata) {
        Reaper *reaper = userdata;
        ReaperJob *job;

        pthread_mutex_lock(&reaper->mutex);
        for (;;) {
                job = reaper->jobs;
                if (job) {
                        DL_DELETE(reaper->jobs, job);
                        pthread_mutex_unlock(&reaper->mutex);
                        let_go(job->fd, job->size_bytes, job->punch);
                        free(job);
                        pthread_mutex_lock(&reaper->mutex);
                } else if (reaper->ending) {
                        break;
                } else {
                        pthread_cond_wait(&reaper->wakeup, &reaper->mutex);
                }
        }
        pthread_mutex_unlock(&reaper->mutex);
        return NULL;
}

/* reaper_init() - start the thread, with all signals left to the caller's; 0 or a negative errno */
int reaper_init(Reaper *reaper) {
        sigset_t all, before;
        int r;

        *reaper = (Reaper){};
        (void) pthread_mutex_init(&reaper->mutex, NULL);
        (void) pthread_cond_init(&reaper->wakeup, NULL);
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&reaper->thread, NULL, reaper_run, reaper);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r)
                return error_origin(-r);
        reaper->running = true;
        return 0;
}

/* reaper_deinit() - wait until everything is let go, and end the thread */
void reaper_deinit(Reaper *reaper) {
        if (!reaper->running)
                return;
        pthread_mutex_lock(&reaper->mutex);
        reaper->ending = true;
        pthread_cond_signal(&reaper->wakeup);
        pthread_mutex_unlock(&reaper->mutex);
        (void) pthread_join(reaper->thread, NULL);
        (void) pthread_cond_destroy(&reaper->wakeup);
        (void) pthread_mutex_destroy(&reaper->mutex);
        reaper->running = false;
}

/**
 * reaper_take() - let go of what was behind a segment
 * @reaper:     the reaper
 * @fd:         the broker's descriptor, the reaper's from now on
 * @size_bytes: size of the segment
 * @punch:      gives the pages back first; NULL if somebody else may have the inode open
 */
void reaper_take(Reaper *reaper, int fd, uint64_t size_bytes, ReaperPunchFn punch) {
        ReaperJob *job = NULL;

        if (size_bytes > SMALL_BYTES && reaper->running)
                job = malloc(sizeof(*job));
        if (!job) {
                let_go(fd, size_bytes, punch);
                return;
        }
        *job = (ReaperJob){ .fd = fd, .size_bytes = size_bytes, .punch = punch };
        pthread_mutex_lock(&reaper->mutex);
        DL_APPEND(reaper->jobs, job);
        pthread_cond_signal(&reaper->wakeup);
        pthread_mutex_unlock(&reaper->mutex);
}
