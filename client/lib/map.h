/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_MAP_H
#define SHMBROKER_CLIENT_LIB_MAP_H

/* Mapping the memory of a segment, as mapping.h describes it. */

#include "client/lib/mapping.h"

struct shmbroker_segment;

int map_segment(struct shmbroker_segment *segment, const MapOptions *options);
int map_grow(struct shmbroker_segment *segment);
void map_deinit(Mapping *mapping);

#endif
