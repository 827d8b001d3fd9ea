/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_KINDS_H
#define SHMBROKER_DAEMON_KIND_KINDS_H

/* All kinds: the one place that has to know of another one. */

#include "daemon/kind/kind.h"

extern const KindRow *const kind_rows[_KIND_N];

void kind_set(Segment *segment, Kind kind);

#endif
