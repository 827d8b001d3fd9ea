/* SPDX-License-Identifier: MIT */
#include "daemon/model/attachment.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/table.h"
#include "proto/error.h"

#define SLAB_ATTACHMENTS 1024

struct AttachmentSlab {
        AttachmentSlab *next;
        Attachment attachments[SLAB_ATTACHMENTS];
};

static int pool_grow(AttachmentPool *pool) {
        AttachmentSlab *slab = malloc(sizeof(*slab));

        if (!slab)
                return error_origin(-ENOMEM);
        for (size_t i = 0; i < SLAB_ATTACHMENTS; ++i)
                LL_PREPEND(pool->unused, &slab->attachments[i]);
        LL_PREPEND(pool->slabs, slab);
        return 0;
}

/* attachment_pool_init() - be ready for the first attachments; 0 or -ENOMEM */
int attachment_pool_init(AttachmentPool *pool) {
        return error_trace(pool_grow(pool));
}

void attachment_pool_deinit(AttachmentPool *pool) {
        AttachmentSlab *slab, *next;

        assert(pool->n_used == 0);
        LL_FOREACH_SAFE(pool->slabs, slab, next)
                free(slab);
        *pool = (AttachmentPool) ATTACHMENT_POOL_NULL;
}

/* attachment_new() - a cleared attachment, or NULL if there is no memory */
Attachment *attachment_new(AttachmentPool *pool) {
        Attachment *attachment;

        if (!pool->unused && pool_grow(pool) < 0)
                return NULL;
        attachment = pool->unused;
        pool->unused = attachment->next;
        ++pool->n_used;
        *attachment = (Attachment){};
        return attachment;
}

/* attachment_free() - give back an attachment that is in no list, and its charge */
Attachment *attachment_free(AttachmentPool *pool, Attachment *attachment) {
        if (!attachment)
                return NULL;
        charge_give_back(&attachment->charge);
        if (attachment->found_for)
                --attachment->found_for->n_found_marks;
        attachment->found_for = user_unref(attachment->found_for);
        LL_PREPEND(pool->unused, attachment);
        --pool->n_used;
        return NULL;
}

/* attachment_tenant() - whose user acquired it; NULL is the host's, and if it is not known */
const Tenant *attachment_tenant(const Attachment *attachment) {
        const User *user = attachment->charge.user;

        return user ? user->accounts->tenant : NULL;
}
