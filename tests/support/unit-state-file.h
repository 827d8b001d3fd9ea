/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_STATE_FILE_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_STATE_FILE_H

/* Records, and what a state file has of them. */

#include "daemon/state/state-file.h"

/* What a state file holds: of each segment its id and the change time that was written last.
 */
typedef struct Held Held;

struct Held {
        int64_t id;
        uint64_t change_usec;
};

/* A segment with something in every field; its strings are constant, or of the id alone. */
SegmentRecord unit_record(int64_t id, uint64_t change_usec);
/* Every field is the same. */
bool unit_record_equal(const SegmentRecord *left, const SegmentRecord *right);
/* As record_write(). */
int unit_record_write(const SegmentRecord *segment, RecordLine *ret);

/* Opens it, or ends the test. */
void unit_state_file_open(StateFile *state_file, const char *directory);
/* As a crash leaves it: nothing is written any more. */
void unit_state_file_abandon(StateFile *state_file);

/* At most @max of what it holds, in its order; each has to be a unit_record(). Returns how
 * many. */
size_t unit_state_file_list(StateFile *state_file, Held *held, size_t max);

#endif
