#ifndef SHMBROKER_DAEMON_KEEP_H
#define SHMBROKER_DAEMON_KEEP_H

/*
 * What the next broker is to know of segments: the journal has what each is, and the stamps have
 * when it was last attached. What was to be written and could not be is tried again with the next
 * one.
 */

#include "daemon/journal.h"
#include "daemon/segment.h"
#include "daemon/stamps.h"

typedef struct Keep Keep;

enum {
        _KEEP_E_SUCCESS,
        /* It could not be written down, and would be lost by a restart */
        KEEP_E_FAILED,
};

struct Keep {
        Journal journal;
        Stamps stamps;
        /* Segments whose last change is not in the journal */
        size_t n_unwritten;
};

#define KEEP_NULL                                                                                  \
        { .journal = JOURNAL_NULL, .stamps = STAMPS_NULL }

int keep_begin(Keep *keep, Segment *segment);
void keep_change(Keep *keep, Segment *segment);
void keep_end(Keep *keep, Segment *segment);
void keep_stamp(const Segment *segment);
void keep_restored(Keep *keep, Segment *segment, uint64_t now_usec);

#endif
