/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_COMMON_H
#define SHMBROKER_CLIENT_CTL_COMMON_H

/* What several commands do with the broker: connecting, naming a segment, failing. */

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/ctl.h"

typedef struct Selector Selector;

/* Which segment is meant: by name, or where that is NULL, by id. */
struct Selector {
        const char *name;
        int64_t id;
};

char *ctl_admin_address(const char *address);
int ctl_try_administrator(Ctl *ctl);
int ctl_try_connect(Ctl *ctl);
int ctl_connect(Ctl *ctl);
int ctl_connect_as_user(Ctl *ctl);
int ctl_failed(const Ctl *ctl);
int ctl_failed_by(const struct shmbroker_error *error);
bool ctl_sees_processes(const Ctl *ctl);
bool ctl_is_missing(const Ctl *ctl);
int ctl_select(Ctl *ctl, const char *id, Selector *ret);
int ctl_begin_segment(Ctl *ctl, const char *id, Selector *ret);

#endif
