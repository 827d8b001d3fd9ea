#ifndef SHMBROKER_DAEMON_OUTSIDE_H
#define SHMBROKER_DAEMON_OUTSIDE_H

/*
 * What others do to the object behind a segment without asking the broker: attach it natively,
 * truncate it, change its owner or mode, remove it. It is noticed, told, and the segment set right.
 */

#include "daemon/life.h"

bool outside_look(Life *life, Segment *segment);

#endif
