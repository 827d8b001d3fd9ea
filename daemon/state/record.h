/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_RECORD_H
#define SHMBROKER_DAEMON_STATE_RECORD_H

/*
 * One line of the state file and what it says. Of each kind of record there is one table of fields,
 * which both writes and reads it; daemon/state/state-file.h has the format.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/model/permission.h"
#include "proto/types.h"

/* Longer than any line, its newline included: names that have to be escaped triple. */
#define RECORD_LINE_MAX 16384

/* The least that a record of generations takes, as a line. */
#define RECORD_GENERATION_MIN (sizeof("00000000 generation number=1 ids=1"))

/* Nobody gets that far; beyond, the marks of attachments would have no place
 * (daemon/kernel/mark.h). */
#define RECORD_GENERATION_MAX (INT64_C(1) << 29)
#define RECORD_ID_MAX (INT64_C(1) << 62)

typedef struct GenerationRecord GenerationRecord;
typedef struct GoneRecord GoneRecord;
typedef struct Record Record;
typedef enum RecordKind RecordKind;
typedef struct RecordLine RecordLine;
typedef struct SegmentRecord SegmentRecord;

enum {
        _RECORD_E_SUCCESS,
        /* Not a record, or not as this version writes it: damaged, or of no meaning */
        RECORD_E_INVALID,
};

enum RecordKind {
        RECORD_GENERATION,
        RECORD_SEGMENT,
        RECORD_GONE,
        _RECORD_N,
};

struct GenerationRecord {
        /* Of a start of a broker, counted from 1; the upper half of attachment ids */
        int64_t number;
        /* Segment ids below may have been given away */
        int64_t end_segment_id;
        /* The first start of those since which no segment was lost by one */
        int64_t first;
};

/* Everything about a segment that a restart must not lose; see Segment, and SegmentInfo. */
struct SegmentRecord {
        int64_t id;
        const char *name;
        const char *former_name;
        Kind kind;
        uint64_t size_bytes;
        uint64_t maximum_bytes;
        uint64_t page_bytes;
        Permission permission;
        /* Whose limits it counts against */
        uid_t charged_uid;
        uint64_t attach_usec;
        uint64_t detach_usec;
        uint64_t change_usec;
        pid_t creator_pid;
        pid_t last_pid;
        bool removed;
        bool remove_on_last_detach;
        bool armed;
        bool lingers;
        uint64_t linger_usec;
        bool sealable;
        /* One bit for each SealBit */
        unsigned int seals;
        bool locked;
        bool adopted;

        /* What finds its object again, and tells that it is the same one; 0 for other kinds.
         * Kind sysv: */
        int shmid;
        uint32_t key;
        uint64_t kernel_ctime;
        /* Owner of the object as the kernel has it */
        uid_t native_uid;
        /* Kind posix, with its leading slash, and kind file; any byte but NUL */
        const char *posix_name;
        const char *file_name;
        uint64_t device;
        uint64_t inode;
        uint64_t birth_usec;
        uint64_t object_bytes;
};

struct GoneRecord {
        int64_t id;
};

/* What was read; strings belong to it. */
struct Record {
        RecordKind kind;
        union {
                GenerationRecord generation;
                SegmentRecord segment;
                GoneRecord gone;
        };
        char strings[RECORD_LINE_MAX];
};

/* A line with its newline, and nothing behind it. */
struct RecordLine {
        size_t n_text;
        char text[RECORD_LINE_MAX];
};

int record_write(RecordKind kind, const void *object, RecordLine *ret);
const char *record_segment_key(size_t i);
int record_read(const char *text, size_t n_text, Record *ret);

#endif
