/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_STORE_PAIR_H
#define SHMBROKER_DAEMON_STATE_STORE_PAIR_H

/*
 * The queues of the store (daemon/state/store.h), which says what they are for: pairs of sockets,
 * and what PID 1 knows of each. Here is how they come to be, how they go, and which one has room;
 * what is in them is not known here, only how much.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum StorePairStep StorePairStep;
typedef struct StorePair StorePair;
typedef struct StorePairs StorePairs;

enum {
        _STORE_PAIR_E_SUCCESS,
        /* PID 1 could not be told, or we are at a limit; it may pass */
        STORE_PAIR_E_LATER,
        /* No sockets are to be had */
        STORE_PAIR_E_LIMIT,
        /* Not a name that this version gives, or not a socket that it makes */
        STORE_PAIR_E_INVALID,
};

/* What comes next for a pair; each is done before the one behind it. */
enum StorePairStep {
        STORE_PAIR_STORE_IN,
        STORE_PAIR_STORE_OUT,
        STORE_PAIR_SEND_BARRIER,
        STORE_PAIR_CONFIRM,
        /* PID 1 has it */
        STORE_PAIR_USE,
        STORE_PAIR_REMOVE_IN,
        STORE_PAIR_REMOVE_OUT,
        STORE_PAIR_FREE,
};

struct StorePair {
        uint64_t number;
        /* Where descriptors are sent, and where they wait; one that came back may lack one end */
        int in_fd;
        int out_fd;
        StorePairStep step;
        size_t n_messages;
        /* Descriptors in the queue, and how many of them are not dead */
        size_t n_fds;
        size_t n_live;
        /* The kernel takes no more, as few as they are */
        bool full;
        /* Somebody waits for the end of a dead one in it */
        bool urgent;
        /* It came back, and what is in it is not known yet */
        bool unknown;
        StorePair *prev;
        StorePair *next;
};

struct StorePairs {
        StorePair *first;
        size_t n_pairs;
        /* As PID 1 keeps for us; 0 if it keeps none, which may still have come back */
        size_t n_pairs_max;
        /* Descriptors that PID 1 keeps besides, as it seems */
        size_t n_invalid;
        /* Descriptors in all queues, with those that are dead, and how many may be in one: short
         * queues are cheap to write anew */
        size_t n_fds;
        size_t pair_max;
        uint64_t next_number;
        /* Hangs up when PID 1 has the pair that is to be confirmed; an epoll(7) has it, too */
        int barrier_fd;
        int epoll_fd;
        /* PID 1 let somebody wait in vain, and has not answered since */
        bool stalled;
        /* $NOTIFY_SOCKET */
        char address[108];
};

#define STORE_PAIRS_NULL                                                                           \
        { .barrier_fd = -EBADF, .epoll_fd = -EBADF }

void store_pairs_init(StorePairs *pairs, int epoll_fd);
void store_pairs_deinit(StorePairs *pairs);
void store_pairs_look_for_systemd(StorePairs *pairs);

bool store_pairs_has_name(const char *name);
int store_pairs_take(StorePairs *pairs, const char *name, int fd);

int store_pairs_advance(StorePairs *pairs);
void store_pairs_wait(const StorePairs *pairs, uint64_t usec);

StorePair *store_pairs_find_room(const StorePairs *pairs, const StorePair *except);
StorePair *store_pairs_find_place(const StorePairs *pairs);
StorePair *store_pairs_find_due(const StorePairs *pairs);
StorePair *store_pairs_find_dead(const StorePairs *pairs);
bool store_pairs_grows(const StorePairs *pairs);

size_t store_pair_room(const StorePairs *pairs, const StorePair *pair);
bool store_pair_is_movable(const StorePairs *pairs, const StorePair *pair);
bool store_pair_is_empty(const StorePair *pair);
void store_pair_took(StorePairs *pairs, StorePair *pair, size_t n_fds);
int store_pair_drain(StorePairs *pairs, StorePair *pair);

#endif
