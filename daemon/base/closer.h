/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_CLOSER_H
#define SHMBROKER_DAEMON_BASE_CLOSER_H

/*
 * Threads that close what came from others: close(2) may wait for as long as whoever passed the
 * descriptor likes (socket(7), SO_LINGER; the server of a FUSE file; a socket in which there are
 * such descriptors that nobody has read). Descriptors of one origin have a few threads at most, so
 * that those of others are closed meanwhile.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Closer Closer;
typedef struct CloserThreads CloserThreads;
typedef struct Discarded Discarded;
typedef struct DiscardOrigin DiscardOrigin;

/* A descriptor that is to be closed; the first member of something larger. */
struct Discarded {
        int fd;
        DiscardOrigin *origin;
        /* In the loop's thread, when it is closed or given up; frees the item */
        void (*done)(Discarded *item);
        Discarded *prev;
        Discarded *next;
};

/* Whose descriptors they are. It stays where it is until all of them are done. */
struct DiscardOrigin {
        Discarded *waiting;
        unsigned int n_under_way;
        bool ready;
        DiscardOrigin *prev;
        DiscardOrigin *next;
};

struct Closer {
        CloserThreads *threads;
        /* An eventfd(2), readable when closer_collect() has something to do */
        int fd;
};

#define CLOSER_NULL                                                                                \
        { .fd = -EBADF }

int closer_init(Closer *closer);
void closer_deinit(Closer *closer);

void closer_take(Closer *closer, Discarded *item);
void closer_collect(Closer *closer);

#endif
