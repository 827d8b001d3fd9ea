/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_REPORT_H
#define SHMBROKER_DAEMON_LIFE_REPORT_H

/*
 * What happens that people look for in the journal: each kind of entry has a message id, by which
 * journalctl(1) finds it, and fields for programs. shmbrokerd(8) lists them. What clients can bring
 * about at will is reported so often, and the rest counted.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/model/segment.h"

typedef enum Report Report;

enum Report {
        REPORT_CREATED,
        REPORT_REMOVED,
        REPORT_DESTROYED,
        REPORT_RESTORED,
        REPORT_LOST,
        REPORT_UNAVAILABLE,
        REPORT_AVAILABLE,
        REPORT_LIMIT,
        REPORT_BROKEN,
        _REPORT_N,
};

void report_segment(Report report, const Segment *segment);
void report_restored(size_t n_segments, size_t n_attachments);
void report_unavailable(const Segment *segment);
void report_available(const Segment *segment);
void report_lost(const Segment *segment, const char *reason);
void report_limit(const User *user, pid_t pid, const char *limit, const char *consequence);
void report_broken(const User *user, pid_t pid, const char *reason);

#endif
