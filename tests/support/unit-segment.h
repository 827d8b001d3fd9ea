/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_SEGMENT_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_SEGMENT_H

/* Segments with real memory behind them, attached as Acquire() does it, without a service. */

#include "daemon/kind/host.h"
#include "daemon/life/life.h"
#include "daemon/model/attachment.h"
#include "daemon/model/segment.h"

/* The host, as segments find it. */
const Host *unit_host(void);
/* Removes a segment; true if it is gone. */
bool unit_remove(Life *life, Segment *segment);
/* A segment of kind memfd with the next id of this process. */
Segment *unit_segment(const char *name, uint64_t size_bytes);
/* A new description of it. */
int unit_open_segment(const Segment *segment, Access access);
/* An attachment for @fd, in no list yet; @mark says whether its description is marked. */
Attachment *unit_attachment(AttachmentPool *pool, int fd, bool mark);

#endif
