/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_KEEP_H
#define SHMBROKER_DAEMON_STATE_KEEP_H

/*
 * What the next broker is to know of segments, and to have: the journal has what each is, the
 * stamps have when it was last attached, and systemd's store has the descriptors of those that
 * nothing else leads to.
 */

#include "daemon/model/segment.h"
#include "daemon/state/journal.h"
#include "daemon/state/stamps.h"
#include "daemon/state/store.h"

typedef struct Keep Keep;

enum {
        _KEEP_E_SUCCESS,
        /* It could not be written down, and would be lost by a restart */
        KEEP_E_FAILED,
        /* systemd keeps no more descriptors, or does not answer */
        KEEP_E_NO_DESCRIPTORS,
};

struct Keep {
        Journal journal;
        Stamps stamps;
        Store store;
};

#define KEEP_NULL                                                                                  \
        { .journal = JOURNAL_NULL, .stamps = STAMPS_NULL, .store = STORE_NULL }

int keep_begin(Keep *keep, Segment *segment);
void keep_prepare(Keep *keep, Segment *segment);
void keep_change(Keep *keep, Segment *segment);
void keep_end(Keep *keep, Segment *segment);
void keep_stamp(const Segment *segment);
void keep_restored(Keep *keep, Segment *segment, uint64_t now_usec);

#endif
