/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_JOURNAL_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_JOURNAL_H

/* Records, and what a journal has of them. */

#include "daemon/state/journal.h"

/* What a journal holds: of each segment its id and the change time that was written last. */
typedef struct Held Held;

struct Held {
        int64_t id;
        uint64_t change_usec;
};

/* A segment with something in every field; its strings are constant, or of the id alone. */
SegmentRecord unit_record(int64_t id, uint64_t change_usec);
/* Every field is the same. */
bool unit_record_equal(const SegmentRecord *left, const SegmentRecord *right);

/* Opens it, or ends the test. */
void unit_journal_open(Journal *journal, const char *directory);
/* As a crash leaves it: nothing is written any more. */
void unit_journal_abandon(Journal *journal);

/* At most @max of what it holds, in its order; each has to be a unit_record(). Returns how many. */
size_t unit_journal_list(Journal *journal, Held *held, size_t max);

#endif
