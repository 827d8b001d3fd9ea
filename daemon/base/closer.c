/* SPDX-License-Identifier: MIT */
#include "daemon/base/closer.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/table.h"
#include "daemon/base/thread.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

#define THREADS_MAX 64U
#define THREADS_PER_ORIGIN 2U

/* How long the end of the broker waits for descriptors that are being closed. */
#define END_SECONDS 1

/* What the threads have in common. It outlives the closer if one of them hangs. */
struct CloserThreads {
        pthread_mutex_t mutex;
        pthread_cond_t wakeup;
        pthread_cond_t finished_one;
        /* Origins of which a thread may take something, the next one first */
        DiscardOrigin *ready;
        unsigned int n_ready;
        /* Those that a thread has, and those that are closed */
        Discarded *under_way;
        Discarded *finished;
        int event_fd;
        unsigned int n_threads;
        unsigned int n_idle;
        bool ending;
        /* The closer is gone, and so is everything that waited or is under way */
        bool abandoned;
};

static void set_ready(CloserThreads *threads, DiscardOrigin *origin) {
        bool ready = origin->waiting && origin->n_under_way < THREADS_PER_ORIGIN;

        if (ready == origin->ready)
                return;
        if (ready)
                DL_APPEND(threads->ready, origin);
        else
                DL_DELETE(threads->ready, origin);
        threads->n_ready += ready ? 1 : -1U;
        origin->ready = ready;
}

static Discarded *take_next(CloserThreads *threads) {
        DiscardOrigin *origin = threads->ready;
        Discarded *item;

        if (!origin)
                return NULL;
        item = origin->waiting;
        DL_DELETE(origin->waiting, item);
        DL_APPEND(threads->under_way, item);
        ++origin->n_under_way;
        set_ready(threads, origin);
        /* Behind the others, if it has more. */
        if (origin->ready) {
                DL_DELETE(threads->ready, origin);
                DL_APPEND(threads->ready, origin);
        }
        return item;
}

static void finish(CloserThreads *threads, Discarded *item) {
        const uint64_t one = 1;

        DL_DELETE(threads->under_way, item);
        DL_APPEND(threads->finished, item);
        --item->origin->n_under_way;
        set_ready(threads, item->origin);
        (void) !write(threads->event_fd, &one, sizeof(one));
        pthread_cond_signal(&threads->finished_one);
}

static void *closer_run(void *userdata);

/* One more. Nobody waits for its end: it may hang. */
static int start_thread(CloserThreads *threads) {
        pthread_t thread;
        int r;

        r = thread_start(&thread, closer_run, threads);
        if (r)
                return error_trace(r);
        (void) pthread_detach(thread);
        ++threads->n_threads;
        return 0;
}

/* Where none is idle for an origin, those that are there may hang. If there is no other one to be
 * had, they come to it. */
static void add_thread(CloserThreads *threads) {
        if (threads->n_ready > threads->n_idle && threads->n_threads < THREADS_MAX)
                (void) start_thread(threads);
}

static void *closer_run(void *userdata) {
        CloserThreads *threads = userdata;

        pthread_mutex_lock(&threads->mutex);
        while (!threads->abandoned) {
                Discarded *item = take_next(threads);

                if (item) {
                        add_thread(threads);
                        pthread_mutex_unlock(&threads->mutex);
                        fd_close(item->fd);
                        pthread_mutex_lock(&threads->mutex);
                        if (!threads->abandoned)
                                finish(threads, item);
                } else if (threads->ending) {
                        break;
                } else {
                        ++threads->n_idle;
                        pthread_cond_wait(&threads->wakeup, &threads->mutex);
                        --threads->n_idle;
                }
        }
        --threads->n_threads;
        pthread_cond_signal(&threads->finished_one);
        pthread_mutex_unlock(&threads->mutex);
        return NULL;
}

/**
 * closer_init() - be ready to close; one thread is there from now on, more come as they are needed
 * @closer:     the object, CLOSER_NULL before
 *
 * Return: 0, or a negative errno. closer_deinit() is due in any case.
 */
int closer_init(Closer *closer) {
        closer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (closer->fd < 0)
                return error_origin(-errno);
        closer->threads = calloc(1, sizeof(*closer->threads));
        if (!closer->threads)
                return error_origin(-ENOMEM);
        closer->threads->event_fd = closer->fd;
        (void) pthread_mutex_init(&closer->threads->mutex, NULL);
        (void) pthread_cond_init(&closer->threads->wakeup, NULL);
        (void) pthread_cond_init(&closer->threads->finished_one, NULL);
        return error_trace(start_thread(closer->threads));
}

/* Until everything is closed and the threads are gone, or the time is over; the mutex is held. */
static void wait_for_threads(CloserThreads *threads) {
        struct timespec end;
        int r = 0;

        (void) clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += END_SECONDS;
        while (r == 0 && threads->n_threads > 0)
                r = pthread_cond_timedwait(&threads->finished_one, &threads->mutex, &end);
}

static void give_up(Discarded *discarded) {
        Discarded *item, *next;

        DL_FOREACH_SAFE(discarded, item, next)
                item->done(item);
}

/* What nobody closes any more, the end of the process does. */
static void abandon(CloserThreads *threads) {
        DiscardOrigin *origin, *next;
        Discarded *under_way = threads->under_way;

        threads->abandoned = true;
        threads->under_way = NULL;
        DL_FOREACH_SAFE(threads->ready, origin, next) {
                DL_CONCAT(under_way, origin->waiting);
                origin->waiting = NULL;
        }
        /* Those whose threads all hang have more that waits. */
        for (Discarded *item = under_way; item; item = item->next) {
                origin = item->origin;
                if (origin->waiting) {
                        DL_CONCAT(under_way, origin->waiting);
                        origin->waiting = NULL;
                }
        }
        threads->ready = NULL;
        give_up(under_way);
}

/* closer_deinit() - close what there is, and give up what hangs */
void closer_deinit(Closer *closer) {
        CloserThreads *threads = steal_ptr(closer->threads);
        bool hangs;

        if (threads) {
                pthread_mutex_lock(&threads->mutex);
                threads->ending = true;
                pthread_cond_broadcast(&threads->wakeup);
                wait_for_threads(threads);
                give_up(steal_ptr(threads->finished));
                hangs = threads->n_threads > 0;
                if (hangs)
                        abandon(threads);
                pthread_mutex_unlock(&threads->mutex);
                if (!hangs) {
                        (void) pthread_cond_destroy(&threads->finished_one);
                        (void) pthread_cond_destroy(&threads->wakeup);
                        (void) pthread_mutex_destroy(&threads->mutex);
                        free(threads);
                }
        }
        closer->fd = fd_close(closer->fd);
}

/* closer_take() - have a descriptor closed; it is the closer's from now on */
void closer_take(Closer *closer, Discarded *item) {
        CloserThreads *threads = closer->threads;

        pthread_mutex_lock(&threads->mutex);
        DL_APPEND(item->origin->waiting, item);
        set_ready(threads, item->origin);
        add_thread(threads);
        pthread_cond_signal(&threads->wakeup);
        pthread_mutex_unlock(&threads->mutex);
}

/* closer_collect() - do what follows from what is closed by now */
void closer_collect(Closer *closer) {
        CloserThreads *threads = closer->threads;
        Discarded *finished;
        uint64_t n;

        pthread_mutex_lock(&threads->mutex);
        (void) !read(closer->fd, &n, sizeof(n));
        finished = steal_ptr(threads->finished);
        pthread_mutex_unlock(&threads->mutex);
        give_up(finished);
}
