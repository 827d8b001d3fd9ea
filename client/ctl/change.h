/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_CHANGE_H
#define SHMBROKER_CLIENT_CTL_CHANGE_H

/* Commands that change one or several segments, and have nothing to print but JSON. */

#include "client/ctl/common.h"

typedef struct Json Json;

/**
 * Change - change one segment
 * @ctl:        its connection is used
 * @selector:   the segment
 * @userdata:   what to change
 * @ret:        its state afterwards
 *
 * Return: 0, or an exit code, of which the user was told.
 */
typedef int Change(const Ctl *ctl, const Selector *selector, const void *userdata,
                   struct shmbroker_info **ret);

int change_options(Ctl *ctl, const char **ret_id);
const char *change_operand(Ctl *ctl, const char *id, const char *missing);
int change_segments(Ctl *ctl, const char *id, Change *change, const void *userdata);
int change_attributes(const Ctl *ctl, const Selector *selector, const void *userdata,
                      struct shmbroker_info **ret);
int change_remove_on_last_detach(const Ctl *ctl, int64_t id, bool remove,
                                 struct shmbroker_info **ret);

#endif
