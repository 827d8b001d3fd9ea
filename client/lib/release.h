/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_RELEASE_H
#define SHMBROKER_CLIENT_LIB_RELEASE_H

/* Functions that end the use of a segment in this process. */

#include "client/include/shmbroker.h"
#include "proto/util.h"

void segment_close(struct shmbroker_segment *segment);

DEFINE_CLEANUP(struct shmbroker_segment, shmbroker_release)

#endif
