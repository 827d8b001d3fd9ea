/* SPDX-License-Identifier: MIT */
#include "daemon/state/store-pair.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/base/table.h"
#include "daemon/state/notify.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"

#define NAME_PREFIX "segments-"
#define NAME_IN "in"
#define NAME_OUT "out"

/* Descriptors in one queue. */
#define PAIR_MAX 128

/* Empty pairs that are kept; further ones are removed. */
#define PAIRS_EMPTY 2

/* How long nobody looks while PID 1 cannot be told. */
#define PAUSE_MSEC 10U

static StorePair *pair_new(StorePairs *pairs, uint64_t number) {
        StorePair *pair = calloc(1, sizeof(*pair));

        if (!pair)
                return NULL;
        pair->number = number;
        pair->in_fd = pair->out_fd = -EBADF;
        DL_APPEND(pairs->first, pair);
        ++pairs->n_pairs;
        return pair;
}

static void pair_free(StorePairs *pairs, StorePair *pair) {
        DL_DELETE(pairs->first, pair);
        --pairs->n_pairs;
        pairs->n_fds -= pair->n_fds;
        fd_close(pair->in_fd);
        fd_close(pair->out_fd);
        free(pair);
}

/* One that PID 1 has not heard of. */
static int pair_make(StorePairs *pairs) {
        StorePair *pair;
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return STORE_PAIR_E_LIMIT;
        pair = pair_new(pairs, pairs->next_number);
        if (!pair) {
                fd_close(fds[0]);
                fd_close(fds[1]);
                return STORE_PAIR_E_LIMIT;
        }
        pair->in_fd = fds[0];
        pair->out_fd = fds[1];
        ++pairs->next_number;
        return 0;
}

/**
 * store_pairs_init() - begin without pairs
 * @pairs:      the object, STORE_PAIRS_NULL before
 * @epoll_fd:   readable afterwards when PID 1 has confirmed something; the caller's
 */
void store_pairs_init(StorePairs *pairs, int epoll_fd) {
        pairs->pair_max = PAIR_MAX;
        pairs->epoll_fd = epoll_fd;
        pairs->next_number = clock_boottime_usec();
}

/* store_pairs_deinit() - close our ends; PID 1 keeps its own */
void store_pairs_deinit(StorePairs *pairs) {
        while (pairs->first)
                pair_free(pairs, pairs->first);
        pairs->barrier_fd = fd_close(pairs->barrier_fd);
        pairs->n_pairs_max = 0;
}

/* store_pairs_look_for_systemd() - how many pairs PID 1 keeps, and where it is told; after what it
 * has kept until now was taken */
void store_pairs_look_for_systemd(StorePairs *pairs) {
        const char *address = getenv("NOTIFY_SOCKET"), *max = getenv("FDSTORE");
        unsigned long n;
        char *end;

        if (!address || !max || (address[0] != '/' && address[0] != '@') ||
            strlen(address) >= sizeof(pairs->address))
                return;
        errno = 0;
        n = strtoul(max, &end, 10);
        if (errno || end == max || *end || max[0] == '-')
                return;
        (void) snprintf(pairs->address, sizeof(pairs->address), "%s", address);
        pairs->n_pairs_max = n > pairs->n_invalid ? (n - pairs->n_invalid) / 2 : 0;
}

/* --- what PID 1 is told */

static int send_barrier(StorePairs *pairs) {
        struct epoll_event event = { .events = EPOLLIN };
        _cleanup_fd_ int fd = -EBADF;
        int r;

        r = notify_barrier(pairs->address, &fd);
        if (r)
                return r;
        if (epoll_ctl(pairs->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
                return NOTIFY_E_LATER;
        fd_close(pairs->barrier_fd);
        pairs->barrier_fd = steal_fd(&fd);
        return 0;
}

/* Tells PID 1 what is next about the pair. */
static int pair_tell(StorePairs *pairs, const StorePair *pair) {
        char in[64], out[64];

        (void) snprintf(in, sizeof(in), NAME_PREFIX "%" PRIu64 "-" NAME_IN, pair->number);
        (void) snprintf(out, sizeof(out), NAME_PREFIX "%" PRIu64 "-" NAME_OUT, pair->number);
        switch (pair->step) {
        case STORE_PAIR_STORE_IN:
                return notify_store(pairs->address, in, pair->in_fd);
        case STORE_PAIR_STORE_OUT:
                return notify_store(pairs->address, out, pair->out_fd);
        case STORE_PAIR_SEND_BARRIER:
                return send_barrier(pairs);
        case STORE_PAIR_REMOVE_IN:
                return notify_remove(pairs->address, in);
        case STORE_PAIR_REMOVE_OUT:
                return notify_remove(pairs->address, out);
        default:
                return NOTIFY_E_LATER;
        }
}

/* Goes on with a pair as far as that can be done now, and frees it in the end. */
static int pair_advance(StorePairs *pairs, StorePair *pair) {
        while (pair->step != STORE_PAIR_CONFIRM && pair->step != STORE_PAIR_USE &&
               pair->step != STORE_PAIR_FREE) {
                if (pair_tell(pairs, pair))
                        return STORE_PAIR_E_LATER;
                ++pair->step;
        }
        if (pair->step == STORE_PAIR_FREE)
                pair_free(pairs, pair);
        return 0;
}

/* One at a time is under way, so this is what PID 1 has confirmed. */
static void look_at_barrier(StorePairs *pairs) {
        StorePair *pair;

        if (pairs->barrier_fd < 0 || !notify_confirmed(pairs->barrier_fd, 0))
                return;
        pairs->barrier_fd = fd_close(pairs->barrier_fd);
        pairs->stalled = false;
        DL_FOREACH(pairs->first, pair)
                if (pair->step == STORE_PAIR_CONFIRM)
                        pair->step = STORE_PAIR_USE;
}

/* One pair, at least, that is empty, or will be when PID 1 has it. */
static int keep_spare(StorePairs *pairs) {
        StorePair *pair;

        DL_FOREACH(pairs->first, pair)
                if (pair->step < STORE_PAIR_USE ||
                    (store_pair_is_empty(pair) && store_pair_room(pairs, pair) > 0))
                        return 0;
        return pairs->n_pairs < pairs->n_pairs_max ? pair_make(pairs) : 0;
}

/* Halves, and empty ones beyond those that are kept, are to be removed. */
static void drop_surplus(StorePairs *pairs) {
        size_t n_empty = 0;
        StorePair *pair;

        DL_FOREACH(pairs->first, pair) {
                if (pair->step != STORE_PAIR_USE || !store_pair_is_empty(pair))
                        continue;
                if (pair->in_fd < 0 || pair->out_fd < 0 || ++n_empty > PAIRS_EMPTY)
                        pair->step = STORE_PAIR_REMOVE_IN;
        }
}

/**
 * store_pairs_advance() - see that there are neither too few nor too many, without waiting
 * @pairs:      the pairs; one that is free to go is gone afterwards
 *
 * Return: 0, STORE_PAIR_E_LATER, or STORE_PAIR_E_LIMIT: try again in a while.
 */
int store_pairs_advance(StorePairs *pairs) {
        StorePair *pair, *next;
        int r;

        look_at_barrier(pairs);
        if (pairs->n_pairs_max == 0)
                return 0;
        r = keep_spare(pairs);
        drop_surplus(pairs);
        DL_FOREACH_SAFE(pairs->first, pair, next)
                if (pair_advance(pairs, pair) && !r)
                        r = STORE_PAIR_E_LATER;
        return r;
}

/* store_pairs_wait() - for a word of PID 1, or until it is worth trying again, or for that time */
void store_pairs_wait(const StorePairs *pairs, uint64_t usec) {
        uint64_t msec = usec / 1000 + 1;

        if (pairs->barrier_fd >= 0)
                (void) notify_confirmed(pairs->barrier_fd, (int) MIN(msec, INT_MAX));
        else
                (void) poll(NULL, 0, (int) MIN(msec, PAUSE_MSEC));
}

/* --- what came back */

/* store_pairs_has_name() - is it by this name that systemd passes an end of a pair? */
bool store_pairs_has_name(const char *name) {
        return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0;
}

/* NUMBER-in or NUMBER-out behind the prefix. */
static bool parse_name(const char *name, uint64_t *ret_number, bool *ret_in) {
        const char *digits = name + strlen(NAME_PREFIX);
        char *rest;

        errno = 0;
        *ret_number = strtoull(digits, &rest, 10);
        *ret_in = strcmp(rest, "-" NAME_IN) == 0;
        return errno == 0 && digits[0] >= '0' && digits[0] <= '9' && *ret_number < UINT64_MAX &&
               (*ret_in || strcmp(rest, "-" NAME_OUT) == 0);
}

static StorePair *find_or_new(StorePairs *pairs, uint64_t number) {
        StorePair *pair;

        DL_FOREACH(pairs->first, pair)
                if (pair->number == number)
                        return pair;
        return pair_new(pairs, number);
}

static int pair_refuse(StorePairs *pairs) {
        ++pairs->n_invalid;
        return STORE_PAIR_E_INVALID;
}

/**
 * store_pairs_take() - take an end that systemd passed
 * @pairs:      the pairs
 * @name:       what it is called, with store_pairs_has_name()
 * @passed_fd:  the end; it is taken in any case
 *
 * Return: 0, STORE_PAIR_E_INVALID, or a negative errno.
 */
int store_pairs_take(StorePairs *pairs, const char *name, int passed_fd) {
        _cleanup_fd_ int fd = passed_fd;
        StorePair *pair;
        uint64_t number;
        bool in;
        int *end;

        if (!parse_name(name, &number, &in) || sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 0) <= 0)
                return pair_refuse(pairs);
        pair = find_or_new(pairs, number);
        if (!pair)
                return error_origin(-ENOMEM);
        end = in ? &pair->in_fd : &pair->out_fd;
        if (*end >= 0)
                return pair_refuse(pairs);
        *end = steal_fd(&fd);
        pair->step = STORE_PAIR_USE;
        pair->unknown = pair->out_fd >= 0;
        pairs->next_number = MAX(pairs->next_number, number + 1);
        return 0;
}

/* --- which one */

/* store_pair_is_empty() - is nothing in it, be it dead? */
bool store_pair_is_empty(const StorePair *pair) {
        return !pair->unknown && pair->n_messages == 0;
}

/* store_pair_room() - how many descriptors more may be sent into it */
size_t store_pair_room(const StorePairs *pairs, const StorePair *pair) {
        if (pair->step != STORE_PAIR_USE || pair->unknown || pair->full || pair->in_fd < 0 ||
            pair->n_fds >= pairs->pair_max)
                return 0;
        return pairs->pair_max - pair->n_fds;
}

/* store_pair_is_movable() - can all that is not dead in it be sent into other ones? */
bool store_pair_is_movable(const StorePairs *pairs, const StorePair *pair) {
        StorePair *other;
        size_t n = 0;

        if (pair->step != STORE_PAIR_USE || pair->unknown)
                return false;
        DL_FOREACH(pairs->first, other)
                if (other != pair)
                        n += store_pair_room(pairs, other);
        return n >= pair->n_live;
}

/* store_pairs_find_room() - where to send a descriptor: into an empty pair if no other has room */
StorePair *store_pairs_find_room(const StorePairs *pairs, const StorePair *except) {
        StorePair *pair, *empty = NULL;

        DL_FOREACH(pairs->first, pair) {
                if (pair == except || store_pair_room(pairs, pair) == 0)
                        continue;
                if (!store_pair_is_empty(pair))
                        return pair;
                empty = pair;
        }
        return empty;
}

static size_t n_empty(const StorePairs *pairs) {
        StorePair *pair;
        size_t n = 0;

        DL_FOREACH(pairs->first, pair)
                n += store_pair_is_empty(pair) && store_pair_room(pairs, pair) > 0;
        return n;
}

/* store_pairs_find_place() - the same for what is new; the last empty pair that there can be is
 * kept for writing queues anew */
StorePair *store_pairs_find_place(const StorePairs *pairs) {
        StorePair *pair = store_pairs_find_room(pairs, NULL);

        if (pair && store_pair_is_empty(pair) && pairs->n_pairs >= pairs->n_pairs_max &&
            pairs->n_pairs_max > 1 && n_empty(pairs) < 2)
                return NULL;
        return pair;
}

/* Has so much in the queue died that it is to be written anew? */
static bool pair_is_due(const StorePairs *pairs, const StorePair *pair) {
        size_t n_dead = pair->n_fds - pair->n_live;

        return pair->n_messages > 0 &&
               (pair->n_live == 0 || pair->in_fd < 0 || (pair->urgent && n_dead > 0) ||
                n_dead * 2 >= pairs->pair_max);
}

/* store_pairs_find_due() - a pair that is to be written anew, and can be */
StorePair *store_pairs_find_due(const StorePairs *pairs) {
        StorePair *pair;

        DL_FOREACH(pairs->first, pair)
                if (pair_is_due(pairs, pair) && store_pair_is_movable(pairs, pair))
                        return pair;
        return NULL;
}

/* store_pairs_find_dead() - the pair with most dead ones that can be written anew, if there are any
 */
StorePair *store_pairs_find_dead(const StorePairs *pairs) {
        StorePair *pair, *most = NULL;
        size_t n_most = 0;

        DL_FOREACH(pairs->first, pair)
                if (pair->n_fds - pair->n_live > n_most && store_pair_is_movable(pairs, pair)) {
                        n_most = pair->n_fds - pair->n_live;
                        most = pair;
                }
        return most;
}

/* store_pairs_grows() - is a pair on its way to PID 1? */
bool store_pairs_grows(const StorePairs *pairs) {
        StorePair *pair;

        DL_FOREACH(pairs->first, pair)
                if (pair->step < STORE_PAIR_USE)
                        return true;
        return false;
}

/* store_pair_took() - a message with so many descriptors is in the queue now */
void store_pair_took(StorePairs *pairs, StorePair *pair, size_t n_fds) {
        ++pair->n_messages;
        pair->n_fds += n_fds;
        pairs->n_fds += n_fds;
}

/**
 * store_pair_drain() - make an empty pair of one in which all are dead
 * @pairs:      the pairs
 * @pair:       the pair
 *
 * What is received without asking for its descriptors takes them with it.
 *
 * Return: 0, or STORE_PAIR_E_LATER.
 */
int store_pair_drain(StorePairs *pairs, StorePair *pair) {
        int64_t space;
        size_t n;

        assert(pair->n_live == 0 && !pair->unknown);
        while (pair->n_messages > 0) {
                if (socket_receive(pair->out_fd, &space, sizeof(space), NULL, &n))
                        return STORE_PAIR_E_LATER;
                --pair->n_messages;
        }
        pairs->n_fds -= pair->n_fds;
        pair->n_fds = 0;
        pair->full = pair->urgent = false;
        return 0;
}
