/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_RECORD_H
#define SHMBROKER_DAEMON_STATE_RECORD_H

/*
 * One line of the state file: its record as JSON, and the checksum of that. What there are of
 * records is described in state.varlink, of which state.h is made; daemon/state/state-file.h has
 * the format.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/state/state.h"
#include "proto/types.h"

/* Longer than any line, its newline included: names of control characters, which are escaped. */
#define RECORD_LINE_MAX 8192

/* The least that a record of generations takes, as a line. */
#define RECORD_GENERATION_MIN                                                                      \
        (sizeof("00000000 {\"generation\":{\"number\":1,\"endSegmentId\":1,"                       \
                "\"endAttachmentId\":1}}"))

/* Ids are lower, so that a double holds them exactly. Nobody gets that far. */
#define RECORD_ID_MAX NUMBER_MAX

typedef struct RecordLine RecordLine;

enum {
        _RECORD_E_SUCCESS,
        /* Not a record, or not as this version writes it: damaged, or of no meaning */
        RECORD_E_INVALID,
};

/* A line with its newline, and nothing behind it. */
struct RecordLine {
        size_t n_text;
        char text[RECORD_LINE_MAX];
};

int record_write(const Record *record, RecordLine *ret);
int record_read(const char *text, size_t n_text, RecordLine *memory, Record *ret);

#endif
