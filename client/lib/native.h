/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_NATIVE_H
#define SHMBROKER_CLIENT_LIB_NATIVE_H

/* Segments that are attached by shmat(2). */

#include <stdbool.h>
#include <stdint.h>

struct shmbroker_segment;

bool native_namespace(int64_t *ret);
int native_attach(struct shmbroker_segment *segment);
int native_attach_at(const struct shmbroker_segment *segment, void *address, void **ret);
void *native_detach(void *native);

#endif
