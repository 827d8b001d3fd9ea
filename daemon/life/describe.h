/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_DESCRIBE_H
#define SHMBROKER_DAEMON_LIFE_DESCRIBE_H

/* Segments and attachments, in the structures of the interface. Strings stay with what is
 * described. */

#include "daemon/model/segment.h"
#include "proto/types.h"

/* What is asked of the kernel, with a system call for each, instead of told as last seen. */
enum {
        /* The memory in use */
        LOOK_MEMORY = 1 << 0,
        /* The seals of a sealable segment, to which clients may add */
        LOOK_SEALS = 1 << 1,
        LOOK_ALL = LOOK_MEMORY | LOOK_SEALS,
        /* The number of attachments may lag behind their ends */
        LOOK_LAGS = 1 << 2,
};

void describe_segment(Segment *segment, unsigned int look, SegmentInfo *ret);
void describe_hide(const Credentials *credentials, const Permission *permission, SegmentInfo *info);
void describe_attachment(const Attachment *attachment, AttachmentInfo *ret);
void describe_inherited(const Attachment *attachment, AttachmentInfo *ret);
int64_t describe_memory(Segment *segment);

#endif
