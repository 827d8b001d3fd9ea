/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_ATTACHMENT_H
#define SHMBROKER_DAEMON_MODEL_ATTACHMENT_H

/* One attachment: an open file description that was handed out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/process.h"
#include "daemon/model/limits.h"
#include "proto/types.h"

typedef struct Attachment Attachment;
typedef struct AttachmentPool AttachmentPool;
typedef struct AttachmentSlab AttachmentSlab;

struct Attachment {
        /* Never used again, also not after a crash: state_file_attachment_id() */
        int64_t id;
        uid_t uid;
        /* Who acquired it; others may hold it now */
        Process process;
        Access access;
        uint64_t since_usec;
        /* It began before this broker did: only its id is known */
        bool unknown;
        /* Its description carries a mark */
        bool marked;
        /* When it was last probed, somebody's lock lay over the mark */
        bool covered;
        Charge charge;
        /* Of one whose acquirer is not known: whose segment it is, see User.n_found_marks */
        User *found_for;
        Attachment *prev;
        Attachment *next;
};

/* Attachments come and go; their memory stays, so that an Acquire() allocates none. */
struct AttachmentPool {
        AttachmentSlab *slabs;
        Attachment *unused;
        size_t n_used;
};

#define ATTACHMENT_POOL_NULL                                                                       \
        {}

int attachment_pool_init(AttachmentPool *pool);
void attachment_pool_deinit(AttachmentPool *pool);

Attachment *attachment_new(AttachmentPool *pool);
Attachment *attachment_free(AttachmentPool *pool, Attachment *attachment);
const Tenant *attachment_tenant(const Attachment *attachment);

#endif
