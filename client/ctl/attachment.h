/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_ATTACHMENT_H
#define SHMBROKER_CLIENT_CTL_ATTACHMENT_H

/* Who has segments: attachments, one column for each thing that there is to say about them. */

#include "client/ctl/table.h"

typedef struct Holding Holding;
typedef struct Holdings Holdings;
typedef struct HoldingFilter HoldingFilter;

/* An attachment and the segment that it is of. */
struct Holding {
        const struct shmbroker_info *info;
        const struct shmbroker_attachment *attachment;
};

/* Which attachments are meant. */
struct HoldingFilter {
        /* 0 is any process */
        pid_t pid;
        bool has_uid;
        uid_t uid;
};

/* Owns the attachments, but not the segments. */
struct Holdings {
        Holding *items;
        size_t n_items;
        struct shmbroker_attachments **sets;
        size_t n_sets;
};

/* Cells of these are of a const Holding. Those of the segment come first. */
extern const Column holding_columns[];

void holdings_deinit(Holdings *holdings);
int holdings_add(const Ctl *ctl, Holdings *holdings, const struct shmbroker_info *info,
                 const HoldingFilter *filter);
char *holding_json(const void *item);

#endif
