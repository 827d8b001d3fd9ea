#ifndef SHMBROKER_DAEMON_DESCRIBE_H
#define SHMBROKER_DAEMON_DESCRIBE_H

/* What the daemon has, in the structures of the interface. Strings stay with what is described. */

#include "daemon/segment.h"
#include "daemon/service.h"
#include "proto/types.h"

void describe_segment(Segment *segment, bool fresh, SegmentInfo *ret);
void describe_attachment(const Attachment *attachment, AttachmentInfo *ret);
void describe_user(const User *user, UserUsage *ret);
void describe_status(Service *service, StatusReply *ret);

#endif
