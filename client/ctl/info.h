/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_INFO_H
#define SHMBROKER_CLIENT_CTL_INFO_H

/* What there is to say about a segment, one column for each thing, for list and show alike. */

#include <stdbool.h>

#include "client/ctl/table.h"

/* Cells of these are of a const struct shmbroker_info. */
extern const Column info_columns[];

/* Has it attachments? Where that cannot be known, it may. */
bool info_is_held(const struct shmbroker_info *info);

/* Prints a segment that a command made: its name, or its number. Returns an exit code. */
int info_print(const Ctl *ctl, const struct shmbroker_info *info);

#endif
