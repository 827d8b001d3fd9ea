/* SPDX-License-Identifier: MIT */
#include "daemon/state/store.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "daemon/state/parcel.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* How long store_add() waits for PID 1. */
#define WAIT_USEC 3000000U

/* When to try again what failed. */
#define AGAIN_USEC 500000U
#define AT_ONCE_USEC 1U

typedef struct Batch Batch;

enum {
        /* Of send_into(): that pair takes no more, another one may */
        SEND_E_OTHER = _STORE_E_N,
};

struct StoreEntry {
        int64_t id;
        /* Where it is; copies in other queues are dead, and without a pair it is not wanted */
        StorePair *pair;
        /* On its way into another queue */
        bool moving;
        UT_hash_handle by_id;
};

/* What is sent on in one message. */
struct Batch {
        size_t n_ids;
        int64_t ids[PARCEL_MAX];
        int fds[PARCEL_MAX];
};

/* --- ids */

static StoreEntry *find_entry(const Store *store, int64_t id) {
        StoreEntry *entry;

        HASH_FIND(by_id, store->entries, &id, sizeof(id), entry);
        return entry;
}

static int entry_new(Store *store, int64_t id, StoreEntry **ret) {
        _cleanup_(freep) StoreEntry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return error_origin(-ENOMEM);
        entry->id = id;
        HASH_ADD(by_id, store->entries, id, sizeof(id), entry);
        if (!TABLE_HOLDS(entry, by_id))
                return error_origin(-ENOMEM);
        *ret = steal_ptr(entry);
        return 0;
}

/* For one that was nowhere. */
static void entry_is_in(Store *store, StoreEntry *entry, StorePair *pair) {
        entry->pair = pair;
        ++pair->n_live;
        ++store->n_stored;
}

static void entry_free(Store *store, StoreEntry *entry) {
        HASH_DELETE(by_id, store->entries, entry);
        if (entry->pair)
                --store->n_stored;
        free(entry);
}

/* --- from one queue into others */

/* Sends all of it into that pair, or nothing. */
static int send_into(Store *store, StorePair *pair, const int64_t *ids, const int *fds, size_t n) {
        int r;

        r = parcel_send(pair->in_fd, ids, fds, n);
        if (r == PARCEL_E_FULL && !store_pair_is_empty(pair)) {
                pair->full = true;
                return SEND_E_OTHER;
        }
        if (r)
                return r < 0 ? error_trace(r) : STORE_E_FULL;
        store_pair_took(&store->pairs, pair, n);
        return 0;
}

static void batch_shift(Batch *batch, size_t n) {
        batch->n_ids -= n;
        memmove(batch->ids, batch->ids + n, batch->n_ids * sizeof(*batch->ids));
        memmove(batch->fds, batch->fds + n, batch->n_ids * sizeof(*batch->fds));
}

/* The first ones of the batch have a place now, or none. */
static void batch_settle(Store *store, Batch *batch, size_t n, StorePair *pair) {
        for (size_t i = 0; i < n; ++i) {
                StoreEntry *entry = find_entry(store, batch->ids[i]);

                entry->moving = false;
                if (pair) {
                        --entry->pair->n_live;
                        ++pair->n_live;
                        entry->pair = pair;
                }
                fd_close(batch->fds[i]);
        }
        batch_shift(batch, n);
}

static int batch_send(Store *store, Batch *batch, const StorePair *from) {
        StorePair *pair;
        size_t n;
        int r;

        while (batch->n_ids > 0) {
                pair = store_pairs_find_room(&store->pairs, from);
                if (!pair)
                        return STORE_E_FULL;
                n = MIN(batch->n_ids, store_pair_room(&store->pairs, pair));
                r = send_into(store, pair, batch->ids, batch->fds, n);
                if (r == SEND_E_OTHER)
                        continue;
                if (r)
                        return r;
                batch_settle(store, batch, n, pair);
        }
        return 0;
}

/* What is dead, or there a second time, is closed. */
static void batch_take(Store *store, Batch *batch, Parcel *parcel, const StorePair *from) {
        for (size_t i = 0; i < parcel->n_ids; ++i) {
                StoreEntry *entry = find_entry(store, parcel->ids[i]);
                int fd = fd_queue_pop(&parcel->fds);

                if (!entry || entry->pair != from || entry->moving) {
                        fd_close(fd);
                        continue;
                }
                entry->moving = true;
                batch->ids[batch->n_ids] = entry->id;
                batch->fds[batch->n_ids++] = fd;
        }
}

static int copy_all(Store *store, const StorePair *from, Batch *batch) {
        _cleanup_(parcel_deinit) Parcel parcel = PARCEL_NULL;
        size_t offset = 0;
        int r;

        for (;;) {
                r = parcel_peek(from->out_fd, &parcel, &offset);
                if (r == PARCEL_E_END)
                        return batch_send(store, batch, from);
                if (r == PARCEL_E_INVALID)
                        continue;
                if (r)
                        return r == PARCEL_E_DESCRIPTORS ? STORE_E_FULL : error_fold(r);
                if (batch->n_ids + parcel.n_ids > PARCEL_MAX) {
                        r = batch_send(store, batch, from);
                        if (r)
                                return r;
                }
                batch_take(store, batch, &parcel, from);
        }
}

static int pair_copy(Store *store, StorePair *pair) {
        Batch batch;
        int r;

        if (pair->n_live == 0)
                return 0;
        batch.n_ids = 0;
        r = copy_all(store, pair, &batch);
        batch_settle(store, &batch, batch.n_ids, NULL);
        if (r)
                return r;
        /* What was to be there is not: then nothing is taken from it. */
        return pair->n_live == 0 ? 0 : error_origin(-ENOTRECOVERABLE);
}

/* Writes a queue anew: what is not dead is in other ones then, and the pair is empty. */
static int store_rewrite(Store *store, StorePair *pair) {
        int r;

        r = pair_copy(store, pair);
        if (r)
                return r;
        return store_pair_drain(&store->pairs, pair) ? STORE_E_LATE : 0;
}

/* --- what is due */

static void store_arm(Store *store, uint64_t usec) {
        const struct itimerspec at = {
                .it_value = { .tv_sec = (time_t) (usec / 1000000),
                              .tv_nsec = (long) (usec % 1000000 * 1000) },
        };

        if (usec == 0 && !store->armed)
                return;
        store->armed = usec > 0;
        (void) timerfd_settime(store->timer_fd, 0, &at, NULL);
}

/* Has the loop call store_collect() when there is something to do. */
static void store_wake(Store *store, bool failed) {
        if (store_pairs_advance(&store->pairs) || failed)
                store_arm(store, AGAIN_USEC);
        else
                store_arm(store, store_pairs_find_due(&store->pairs) ? AT_ONCE_USEC : 0);
}

/**
 * store_collect() - do what is due, without waiting: Store.fd is readable
 * @store:      the store
 *
 * One queue is written anew at a time, so that others have their turn.
 */
void store_collect(Store *store) {
        StorePair *due;
        uint64_t n;

        (void) !read(store->timer_fd, &n, sizeof(n));
        (void) store_pairs_advance(&store->pairs);
        due = store_pairs_find_due(&store->pairs);
        store_wake(store, due && store_rewrite(store, due));
}

/* --- adding and dropping */

/* Waits for the pair that is under way, after it was sent on its way if there is none. */
static int wait_for_pair(StorePairs *pairs) {
        uint64_t now = clock_boottime_usec(), end = now + WAIT_USEC;

        for (;;) {
                if (store_pairs_advance(pairs) == STORE_PAIR_E_LIMIT)
                        return STORE_E_FULL;
                if (!store_pairs_grows(pairs))
                        return 0;
                if (pairs->stalled)
                        return STORE_E_LATE;
                now = clock_boottime_usec();
                if (now >= end) {
                        log_warning("systemd does not answer: what it should keep is not kept.");
                        pairs->stalled = true;
                        return STORE_E_LATE;
                }
                store_pairs_wait(pairs, end - now);
        }
}

/* Sees that there is more room than before. */
static int make_room(Store *store) {
        StorePairs *pairs = &store->pairs;
        StorePair *pair;

        if (pairs->n_fds < store->n_fds_max &&
            (store_pairs_grows(pairs) || pairs->n_pairs < pairs->n_pairs_max))
                return wait_for_pair(pairs);
        /* The places of dead ones. */
        pair = store_pairs_find_dead(pairs);
        if (pair)
                return store_rewrite(store, pair) ? STORE_E_FULL : 0;
        if (pairs->n_fds > store->n_stored && store_pairs_grows(pairs))
                return wait_for_pair(pairs);
        return STORE_E_FULL;
}

static int get_place(Store *store, StorePair **ret) {
        StorePair *pair = NULL;
        int r;

        for (;;) {
                if (store->pairs.n_fds < store->n_fds_max)
                        pair = store_pairs_find_place(&store->pairs);
                if (pair)
                        break;
                r = make_room(store);
                if (r)
                        return r;
        }
        *ret = pair;
        return 0;
}

static int store_put(Store *store, StoreEntry *entry, int fd) {
        StorePair *pair;
        int r;

        do {
                r = get_place(store, &pair);
                if (r)
                        return r;
                r = send_into(store, pair, &entry->id, &fd, 1);
        } while (r == SEND_E_OTHER);
        if (r)
                return r;
        entry_is_in(store, entry, pair);
        return 0;
}

/**
 * store_add() - have a descriptor outlive us
 * @store:      the store, visited before
 * @id:         what it is; never used for another one
 * @fd:         the descriptor, which stays the caller's
 *
 * Return: 0 and it is stored; STORE_E_NONE, STORE_E_FULL, STORE_E_LATE; or a negative errno:
 *         -EEXIST if the id is stored already.
 */
int store_add(Store *store, int64_t id, int fd) {
        StoreEntry *entry;
        int r;

        if (store->pairs.n_pairs_max == 0)
                return STORE_E_NONE;
        if (find_entry(store, id))
                return error_origin(-EEXIST);
        r = entry_new(store, id, &entry);
        if (r)
                return error_trace(r);
        r = store_put(store, entry, fd);
        if (r)
                entry_free(store, entry);
        store_wake(store, false);
        return r;
}

/**
 * store_drop() - an id is not needed any more
 * @store:      the store
 * @id:         the id; nothing happens if it is not stored
 * @now:        its memory is given back by nothing but the end of its descriptor, so that the next
 *              store_collect() sees to it, as soon as there is an empty pair
 */
void store_drop(Store *store, int64_t id, bool now) {
        StoreEntry *entry = find_entry(store, id);

        if (!entry)
                return;
        --entry->pair->n_live;
        entry->pair->urgent = entry->pair->urgent || now;
        entry_free(store, entry);
        store_wake(store, false);
}

/* --- coming back */

static int take_one(Store *store, const char *name, int fd) {
        int r;

        if (!store_pairs_has_name(name))
                return 0;
        r = store_pairs_take(&store->pairs, name, fd);
        if (r == STORE_PAIR_E_INVALID) {
                log_warning("systemd passed '%s', which this version did not store.", name);
                return 0;
        }
        return error_trace(r);
}

/* If the environment is wrong, it is the listener that says so. */
static int take_ends(Store *store) {
        char **names = NULL;
        int n, r = 0;

        n = sd_listen_fds_with_names(false, &names);
        if (n == -ENOMEM)
                return error_origin(n);
        for (int i = 0; i < n; ++i) {
                if (r == 0)
                        r = take_one(store, names[i], SD_LISTEN_FDS_START + i);
                free(names[i]);
        }
        free(names);
        return r;
}

/* The kernel counts what waits in all sockets of a user against the limit of who sends. */
static size_t waiting_max(void) {
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : (size_t) (limit.rlim_cur / 2);
}

static int open_epoll(Store *store) {
        struct epoll_event event = { .events = EPOLLIN };

        store->fd = epoll_create1(EPOLL_CLOEXEC);
        if (store->fd < 0)
                return error_origin(-errno);
        store->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (store->timer_fd < 0)
                return error_origin(-errno);
        if (epoll_ctl(store->fd, EPOLL_CTL_ADD, store->timer_fd, &event) < 0)
                return error_origin(-errno);
        return 0;
}

/**
 * store_init() - take the stored descriptors that systemd passed
 * @store:      the object, STORE_NULL before
 *
 * The limit of open descriptors has to be what it shall be. The environment is left as it is, for
 * the listener, which takes the rest of what was passed.
 *
 * Return: 0, STORE_E_NONE if nothing can be added, or a negative errno. In the first two cases
 *         store_visit() is due next. store_deinit() is due in any case.
 */
int store_init(Store *store) {
        int r;

        r = open_epoll(store);
        if (r)
                return error_trace(r);
        store_pairs_init(&store->pairs, store->fd);
        r = take_ends(store);
        if (r)
                return error_trace(r);
        store_pairs_look_for_systemd(&store->pairs);
        store->n_fds_max = waiting_max();
        return store->pairs.n_pairs_max > 0 ? 0 : STORE_E_NONE;
}

/* store_deinit() - let go of the store; systemd keeps what is in it */
void store_deinit(Store *store) {
        StoreEntry *entry, *next;

        HASH_ITER(by_id, store->entries, entry, next)
                entry_free(store, entry);
        store_pairs_deinit(&store->pairs);
        store->timer_fd = fd_close(store->timer_fd);
        store->fd = fd_close(store->fd);
}

static int visit_one(Store *store, StorePair *pair, int64_t id, int visited_fd, StoreVisitor *visit,
                     void *userdata) {
        _cleanup_fd_ int fd = visited_fd;
        StoreEntry *entry;
        int r;

        if (find_entry(store, id))
                return 0;
        r = entry_new(store, id, &entry);
        if (r)
                return error_trace(r);
        r = visit(id, steal_fd(&fd), userdata);
        if (r)
                return r < 0 ? error_trace(r) : 0;
        entry_is_in(store, entry, pair);
        return 0;
}

static int visit_parcel(Store *store, StorePair *pair, Parcel *parcel, StoreVisitor *visit,
                        void *userdata) {
        int r;

        for (size_t i = 0; i < parcel->n_ids; ++i) {
                r = visit_one(store, pair, parcel->ids[i], fd_queue_pop(&parcel->fds), visit,
                              userdata);
                if (r)
                        return error_trace(r);
        }
        return 0;
}

static int visit_pair(Store *store, StorePair *pair, StoreVisitor *visit, void *userdata) {
        _cleanup_(parcel_deinit) Parcel parcel = PARCEL_NULL;
        size_t offset = 0;
        int r;

        for (;;) {
                r = parcel_peek(pair->out_fd, &parcel, &offset);
                if (r == PARCEL_E_END)
                        break;
                if (r == PARCEL_E_DESCRIPTORS)
                        return error_origin(-EMFILE);
                if (r < 0)
                        return error_trace(r);
                store_pair_took(&store->pairs, pair, parcel.fds.n_fds);
                if (r == PARCEL_E_INVALID)
                        log_warning(
                                "Stored by systemd is something that this version did not store; it is skipped.");
                r = visit_parcel(store, pair, &parcel, visit, userdata);
                if (r)
                        return error_trace(r);
        }
        pair->unknown = false;
        return 0;
}

/* Kept until then, so that a second copy is not told of. */
static void forget_unwanted(Store *store) {
        StoreEntry *entry, *next;

        HASH_ITER(by_id, store->entries, entry, next)
                if (!entry->pair)
                        entry_free(store, entry);
}

/**
 * store_visit() - learn what is stored
 * @store:      the store, just after store_init()
 * @visit:      called for each id, once, in no order
 * @userdata:   passed to @visit
 *
 * Return: 0, or a negative errno: what @visit returned, or -EMFILE if there are not enough
 *         descriptors. Then the rest is not told of, and stays stored for the next process.
 */
int store_visit(Store *store, StoreVisitor *visit, void *userdata) {
        StorePair *pair;
        int r = 0;

        DL_FOREACH(store->pairs.first, pair) {
                if (!pair->unknown)
                        continue;
                r = visit_pair(store, pair, visit, userdata);
                if (r)
                        break;
        }
        forget_unwanted(store);
        store_wake(store, false);
        return error_trace(r);
}
