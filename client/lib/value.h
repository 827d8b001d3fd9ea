/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_VALUE_H
#define SHMBROKER_CLIENT_LIB_VALUE_H

/* Values that programs give. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/field.h"

/* The longest texts */
#define PATTERN_MAX 512
#define POSIX_NAME_MAX 255
#define TENANT_MAX 255

int64_t number_clamp(uint64_t value);
int uids_set(Numbers *numbers, const uid_t *uids, size_t n_uids);
int text_set(char **text, const char *value, size_t n_max);

#endif
