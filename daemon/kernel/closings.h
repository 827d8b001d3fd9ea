/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_CLOSINGS_H
#define SHMBROKER_DAEMON_KERNEL_CLOSINGS_H

/*
 * When to ask: inotify(7) tells when an open file description of a segment ended (IN_CLOSE: last
 * close and last unmap, in whatever process). Equal events are merged and the queue can overflow,
 * so an event is a hint to ask, not a number to subtract.
 */

#include <stdbool.h>
#include <stddef.h>

typedef enum Closing Closing;
typedef struct Closings Closings;

enum Closing {
        /* Of the inode: its size, its owner or mode, or a name of it */
        CLOSING_CHANGE,
        CLOSING_END,
        /* The watch is gone, though the inode is not: its last name was removed, and no description
         * was opened by it */
        CLOSING_UNSUBSCRIBED,
        _CLOSING_N,
};

/* Told for each event; @wd is negative if events were lost and everything has to be asked. */
typedef void (*ClosingsFn)(void *userdata, int wd, Closing closing);

enum {
        _CLOSINGS_E_SUCCESS,
        /* No watch is to be had: the segment has to be asked again and again instead. */
        CLOSINGS_E_UNWATCHED,
};

struct Closings {
        int fd;
};

#define CLOSINGS_NULL                                                                              \
        { .fd = -EBADF }

void closings_init(Closings *closings);
void closings_deinit(Closings *closings);

int closings_subscribe(Closings *closings, int fd, bool changes, int *ret_wd);
void closings_unsubscribe(Closings *closings, int wd);
void closings_drain(Closings *closings, ClosingsFn closed, void *userdata);

#endif
