/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_SEARCH_H
#define SHMBROKER_DAEMON_LIFE_SEARCH_H

/*
 * Looks for the attachments that an earlier broker made, by their marks. The kernel goes through
 * all locks of an inode to find one, so that to find n marks costs n * n; and clients can set as
 * many locks as they like. So a little is done at once, the rest in slices between others' turns,
 * and what costs too much is given up. As long as marks may be missing from the record, the number
 * of attachments is not known; whether there are any says the lease.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/budget.h"
#include "daemon/life/census.h"
#include "daemon/model/segment.h"

typedef struct Searches Searches;

struct Searches {
        /* Segments whose marks are not all found, the next one to be looked at first */
        Search *first;
        Budget budget;
        uint64_t due_usec;
};

void search_begin(Searches *searches, Census *census, Segment *segment, int64_t end_id);
void search_end(Searches *searches, Segment *segment);

uint64_t searches_due(const Searches *searches);
void searches_tick(Searches *searches, Census *census);

#endif
