/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_FAULT_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_FAULT_H

/*
 * Shared by the suites that damage a state file, give it no room or kill its process. A program
 * that uses this module must be linked with $(fault_flags), which redirect calls to the wrappers in
 * it.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "daemon/state/state-file.h"
#include "tests/support/unit-state-file.h"

#define FAULT_EMPTY ((StateFile) STATE_FILE_NULL)
#define FAULT_HEADER_LENGTH (sizeof("shmbroker state 1\n") - 1)

/* For a child process, where assertions of Check are of no use. */
#define FAULT_EXPECT(condition)                                                                    \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
                        return 1;                                                                  \
                }                                                                                  \
        } while (false)

/* The directory of the running test, its state file, and the first copy of a damaged one. */
extern char *fault_directory, *fault_file, *fault_damaged_file;
/* Room for what a state file holds. */
extern Held fault_held[4096];

/* Calls that fail, as long as these say so, and how often the disk was waited for. */
extern bool fault_truncate, fault_sync;
extern size_t fault_n_syncs;

/*
 * The fixture: a directory for each test. Tests write some ten thousand files, one after another,
 * so the suite should be in memory, with a timeout of minutes.
 */
void fault_setup(void);
void fault_teardown(void);

bool fault_is_there(const char *path);
/* The size of the state file, or -1. */
off_t fault_file_size(void);
/* Removes every copy of a damaged file. */
void fault_remove_damaged(void);

/* Writes the segment of unit_record(). Return: as state_file_write_segment(). */
int fault_put(StateFile *state_file, int64_t id, uint64_t change_usec);

#endif
