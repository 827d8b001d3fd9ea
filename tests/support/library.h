/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_LIBRARY_H
#define SHMBROKER_TESTS_SUPPORT_LIBRARY_H

/* What the suites of libshmbroker share: calls that have to work, over the fixture's broker. */

#include <stdint.h>

#include "client/include/shmbroker.h"

#define NOBODY 65534

struct shmbroker *library_connect(void);
struct shmbroker_options *library_options(int create, uint64_t size);
/* Creates a new segment; without a name it is private, and removes itself with its last
 * attachment. */
struct shmbroker_segment *library_create(struct shmbroker *connection, const char *name,
                                         uint64_t size);
void library_remove(struct shmbroker *connection, const char *name);
/* As the getter, which has to know it. */
uint64_t library_attach_count(const struct shmbroker_info *info);
/* Can the descriptor of an event loop be read within so many milliseconds? */
int library_readable(int fd, int msec);
/* CLOCK_REALTIME in microseconds, and CLOCK_MONOTONIC in milliseconds. */
uint64_t library_now(void);
uint64_t library_clock_msec(void);

#endif
