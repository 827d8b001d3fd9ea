/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_VALUE_H
#define SHMBROKER_CLIENT_CTL_VALUE_H

/*
 * Values on the command line. Each is read, or told to be wrong in a sentence with the name of the
 * option or operand and the text; then CTL_USAGE is returned.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ctl/ctl.h"

int value_boolean(const Ctl *ctl, const char *what, const char *text, bool *ret);
int value_events(const Ctl *ctl, const char *what, const char *text, unsigned int *ret);
int value_group(const Ctl *ctl, const char *what, const char *text, gid_t *ret);
int value_id(const Ctl *ctl, const char *what, const char *text, int64_t *ret);
int value_key(const Ctl *ctl, const char *what, const char *text, uint32_t *ret);
int value_kind(const Ctl *ctl, const char *what, const char *text, int *ret);
int value_mode(const Ctl *ctl, const char *what, const char *text, mode_t *ret);
int value_pid(const Ctl *ctl, const char *what, const char *text, pid_t *ret);
int value_seals(const Ctl *ctl, const char *what, const char *text, unsigned int *ret);
int value_shmid(const Ctl *ctl, const char *what, const char *text, int *ret);
int value_size(const Ctl *ctl, const char *what, const char *text, uint64_t *ret);
int value_time(const Ctl *ctl, const char *what, const char *text, uint64_t *ret_usec);
int value_user(const Ctl *ctl, const char *what, const char *text, uid_t *ret);

const char *const *value_words(const char *argument);

#endif
