/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_MANAGED_H
#define SHMBROKER_CLIENT_CTL_MANAGED_H

/* What a broker manages, if there is one: that is never an orphan. */

#include "client/ctl/native.h"

typedef struct Managed Managed;

struct Managed {
        /* NULL if there is no broker */
        struct shmbroker_list *segments;
};

int managed_get(Ctl *ctl, Managed *ret);
void managed_deinit(Managed *managed);
bool managed_has(const Managed *managed, const Native *native);

#endif
