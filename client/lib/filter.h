/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_FILTER_H
#define SHMBROKER_CLIENT_LIB_FILTER_H

/* Which segments are meant, in lists and in watches. */

#include "client/include/shmbroker.h"
#include "proto/types.h"

int filter_copy(const struct shmbroker_filter *filter, struct shmbroker_filter **ret);
int filter_check(const struct shmbroker_filter *filter, struct shmbroker_error *error);
void filter_list(const struct shmbroker_filter *filter, ListParameters *parameters);
void filter_watch(const struct shmbroker_filter *filter, WatchParameters *parameters);

#endif
