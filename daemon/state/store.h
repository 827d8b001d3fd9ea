/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_STORE_H
#define SHMBROKER_DAEMON_STATE_STORE_H

/*
 * Descriptors that outlive the daemon: systemd keeps them (FileDescriptorStoreMax= of the
 * unit), and passes them to the next process of the unit, however this one ended. Each has an
 * id, which says what it is, and stands for one open file description for ever: what comes
 * back is a duplicate of what was added, with the same leases, locks and position.
 *
 * PID 1 compares each descriptor that it is given with all that it has, so that thousands of
 * them would stall it. So they wait in queues (daemon/state/parcel.h): a pair is a socketpair(2),
 * descriptors are sent into one end ("in") and stay unread at the other ("out"), and PID 1
 * keeps the two ends, as "segments-NUMBER-in" and "segments-NUMBER-out"
 * (daemon/state/store-pair.h). Nothing is received from a queue as long as somebody may want it:
 * looking leaves it as it is (MSG_PEEK).
 *
 * What holds when a function has returned, whatever happens then - SIGKILL, a crash, an
 * orderly end, systemctl daemon-reexec - as long as systemd starts the unit anew rather than
 * stops it:
 *
 * - store_add() returned 0: the descriptor is in a pair that PID 1 has confirmed, and
 *   store_visit() of the next process tells of it. It returned anything else: it is not
 *   stored.
 *
 * - store_drop(): the id may come back in the next process, whose visitor knows better.
 *
 * - store_visit(): nothing was taken from any queue, and each id was told of once, however
 *   often it is there.
 *
 * The order of steps, and why a crash between any two of them loses nothing:
 *
 * - A new pair is made, its ends are sent to PID 1 one after the other, then a barrier
 *   (sd_notify(3), BARRIER=1), and nothing goes into the pair before that is confirmed. If we
 *   die earlier, PID 1 may have heard of both ends, of one, or of none: there was nothing in
 *   it. Half a pair that comes back is removed, after what should be in it against all odds
 *   has been moved.
 *
 * - Adding is one sendmsg(2) into a confirmed pair, before store_add() says so. If we die in
 *   between, an id comes back that nobody was promised, which is the visitor's business.
 *
 * - Dropping forgets the id, and does nothing else: its descriptor is in the middle of a
 *   queue still, and dead. It comes back as an id that is not wanted.
 *
 * - A queue with many dead ones, or with one that has to go at once, is written anew: those
 *   that are not dead are sent into other confirmed pairs as well, and only when all of them
 *   are there is the queue emptied, by receiving it. If we die before that, ids are there
 *   twice, and are told of once; if we die while it is emptied, only dead ones and copies are
 *   gone. The pair is ready for use again, without a word to PID 1.
 *
 * - Of empty pairs, when there are more than enough, some are removed: PID 1 is told to let
 *   go of one end, then of the other, and ours are closed. Nothing is in the pair meanwhile.
 *
 * - Coming back, ends are taken by their names, and all queues are looked at before anything
 *   in them is changed. One that cannot be looked at, for want of descriptors, is left as it
 *   is for the next process.
 *
 * Numbers of pairs are not used again as long as the host is up, so that a late word about an
 * old pair never hits a new one.
 *
 * All of it is for one thread, the loop's: Store.fd is watched, and store_collect() is called
 * when that is readable. Nothing waits but store_add(), for some seconds at most, when no
 * confirmed pair has room: one is kept ready ahead of need, so that is when PID 1 is slow. If
 * it does not answer in that time, calls fail at once until it does.
 *
 * It is $FDSTORE that says how many descriptors PID 1 takes: one that says too much loses
 * some silently, for PID 1 does not tell what it refuses. systemd sets it from version 254
 * on; for older ones the unit does, to the number of FileDescriptorStoreMax=.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/state/store-pair.h"

typedef struct Store Store;
typedef struct StoreEntry StoreEntry;

enum {
        _STORE_E_SUCCESS,
        /* systemd keeps nothing for us: $FDSTORE or $NOTIFY_SOCKET is not there */
        STORE_E_NONE,
        /* A limit is reached: of $FDSTORE, of descriptors that wait in sockets, of our own */
        STORE_E_FULL,
        /* PID 1 did not answer in time */
        STORE_E_LATE,
        /* For visitors: the descriptor is not wanted any more */
        STORE_E_UNWANTED,
        _STORE_E_N,
};

/*
 * Called with a descriptor of each id; @fd is the visitor's. Returns 0, STORE_E_UNWANTED, or a
 * negative errno, which ends the visit and is returned by it.
 */
typedef int StoreVisitor(int64_t id, int fd, void *userdata);

struct Store {
        /* Readable when store_collect() has something to do; the same as long as the store is */
        int fd;
        int timer_fd;
        bool armed;
        StorePairs pairs;
        StoreEntry *entries;
        /* Ids that are stored */
        size_t n_stored;
        /* Descriptors that may wait in queues, dead ones included */
        size_t n_fds_max;
};

#define STORE_NULL                                                                                 \
        { .fd = -EBADF, .timer_fd = -EBADF, .pairs = STORE_PAIRS_NULL }

int store_init(Store *store);
void store_deinit(Store *store);

int store_visit(Store *store, StoreVisitor *visit, void *userdata);
int store_add(Store *store, int64_t id, int fd);
void store_drop(Store *store, int64_t id, bool now);

void store_collect(Store *store);

#endif
