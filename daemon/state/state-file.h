/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_STATE_FILE_H
#define SHMBROKER_DAEMON_STATE_STATE_FILE_H

/*
 * What must survive the daemon: which numbers were given away, so that no id is ever used again,
 * and what each segment is, so that it can be found again. One file, "state", in the state
 * directory, which one broker has at a time (it holds a flock(2) on "lock" there).
 *
 * The file is text, and only ever appended to or replaced as a whole:
 *
 *      shmbroker state 1
 *      CHECKSUM {"KIND":{"KEY":VALUE,"KEY":VALUE...}}
 *      ...
 *
 * The number in the first line is the version of all that follows. A change of anything, be it a
 * new key, is a new version, and a version that is not known is not read.
 *
 * Each further line is a record, written by one write(2), newline included. CHECKSUM is the CRC-32C
 * (RFC 3720, as iSCSI has it) of what is behind the blank that follows it, without the newline, as
 * eight digits of lower-case hexadecimal. Behind it is an object of JSON in the one form that
 * proto/writer.c gives it: no white space, no escape that need not be, keys at most once and in the
 * order of state.varlink, which describes what kinds of records there are and what they say. What
 * is 0, false or not there has no key, but those that are not nullable always have.
 *
 * A line that is not exactly so, and what is behind the last newline, is no record: it was cut by a
 * crash, or damaged. It is told of and skipped, and the rest holds. The file as it was is
 * kept as "state.damaged" (or state.damaged.1 and so on, if that is there) before a clean
 * one replaces it. As it may have been a generation, numbers are then left out that it may have
 * given away.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/state/record.h"
#include "proto/name.h"

typedef struct StateFile StateFile;
typedef struct StateFileEntry StateFileEntry;
typedef struct StateNumbers StateNumbers;

/* Called for a segment; what is not 0 ends the visit and is returned by it. */
typedef int StateFileVisitor(const SegmentRecord *segment, void *userdata);

enum {
        _STATE_FILE_E_SUCCESS,
        /* Another broker has the directory */
        STATE_FILE_E_BUSY,
        /* The file is not a state file */
        STATE_FILE_E_DAMAGED,
        /* A newer version wrote it */
        STATE_FILE_E_NEWER,
        /* The numbers given away are used up, and more could not be written down */
        STATE_FILE_E_NO_IDS,
        /* It could not be written, as when the file system is full: what held before holds
         */
        STATE_FILE_E_NOT_WRITTEN,
        /* What is known of it here would not fit into memory */
        STATE_FILE_E_NO_MEMORY,
};

/* Numbers that may have been given away; written down before they are. */
struct StateNumbers {
        /* How often a broker began on this directory */
        int64_t generation;
        /* Ids below */
        int64_t end_segment_id;
        int64_t end_attachment_id;
};

struct StateFile {
        int directory_fd;
        int lock_fd;
        int fd;
        StateNumbers numbers;
        /* The first generation since which no segment was lost */
        int64_t first_generation;
        int64_t next_segment_id;
        int64_t next_attachment_id;
        /* Attachments of earlier brokers have lower ids */
        int64_t first_attachment_id;

        /* Under which its ids are given away once */
        char registry_id[REGISTRY_ID_LENGTH + 1];
        /* Where the last record of each segment is, by id */
        StateFileEntry *entries;
        /* Length of these records, and of the file as far as it holds */
        uint64_t live_bytes;
        uint64_t n_bytes;
        /* Up to where there is room for it on the disk, whoever fills that */
        uint64_t reserved_bytes;
        /* Rewriting failed: not tried again before the file is that long */
        uint64_t pause_bytes;
        /* Lines were damaged when it was opened, so that segments may be missing */
        bool damaged;
        /* Something is in the file that does not hold, and nothing may be written behind it */
        bool broken;
};

#define STATE_FILE_NULL                                                                            \
        { .directory_fd = -EBADF, .lock_fd = -EBADF, .fd = -EBADF }

int state_file_open(StateFile *file, const char *directory);
void state_file_close(StateFile *file);

int state_file_segment_id(StateFile *file, int64_t *ret);
int state_file_attachment_id(StateFile *file, int64_t *ret);

int state_file_lost(StateFile *file);

bool state_file_has(StateFile *file, int64_t id);
int state_file_visit(StateFile *file, StateFileVisitor *visit, void *userdata);
int state_file_write_segment(StateFile *file, const SegmentRecord *segment);
int state_file_write_gone(StateFile *file, int64_t id);

#endif
