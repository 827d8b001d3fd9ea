/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_FILTER_H
#define SHMBROKER_CLIENT_CTL_FILTER_H

/* Options by which commands take some of the segments, as list and watch do. */

#include "client/ctl/ctl.h"

#define FILTER_OPTIONS                                                                             \
        { "owner", 'u', "USER", "only segments of this user, by name or number" },                 \
                { "kind", OPTION_KIND, "KIND", "only this kind: memfd, posix, sysv or file" }, {   \
                "tenant", OPTION_TENANT, "TENANT",                                                 \
                        "only segments of this tenant; '' is the host itself"                      \
        }

/* What filter_option() returns for keys that are not its own */
#define FILTER_OTHER (-1)

int filter_option(const Ctl *ctl, struct shmbroker_filter *filter, int key, const char *value);
int filter_operand(Ctl *ctl, struct shmbroker_filter *filter);

#endif
