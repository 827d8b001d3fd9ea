/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_SEGMENT_RECORD_H
#define SHMBROKER_DAEMON_STATE_SEGMENT_RECORD_H

/*
 * What of a segment survives a restart: a Segment as a SegmentRecord, and back. Both directions are
 * here, so that a member that is added to the one is added to the other.
 */

#include "daemon/model/segment.h"
#include "daemon/state/record.h"

void segment_record_make(const Segment *segment, SegmentRecord *ret);
int segment_record_fill(const SegmentRecord *record, Tenant *tenant, const char *files_path,
                        Segment *segment);

#endif
