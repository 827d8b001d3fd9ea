/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_INFO_H
#define SHMBROKER_CLIENT_LIB_INFO_H

/* The state of a segment and of an attachment, in one piece of memory with the text of it. */

#include <stddef.h>

#include "client/include/shmbroker.h"
#include "proto/message.h"
#include "proto/types.h"

/* Text and strings stand behind it, in the same memory. */
struct shmbroker_info {
        SegmentInfo values;
        const char *json;
};

struct shmbroker_attachment {
        AttachmentInfo values;
        const char *json;
};

void *reply_keep(const Reply *reply, size_t n_head, const char *key, const char **ret_json,
                 Reply *ret_copy);
int info_check(const SegmentInfo *info);
int info_read(const Reply *reply, const Type *type, unsigned int row, void *values,
              struct shmbroker_info **ret);
int attachment_read(const Reply *reply, struct shmbroker_attachment **ret);

#endif
