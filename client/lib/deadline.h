/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_DEADLINE_H
#define SHMBROKER_CLIENT_LIB_DEADLINE_H

/* Deadlines are moments of the monotonic clock, in microseconds. */

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_NEVER UINT64_MAX

uint64_t deadline_after(uint64_t usec);
uint64_t deadline_left(uint64_t deadline);
bool deadline_passed(uint64_t deadline);
int deadline_poll(int fd, short events, uint64_t until);

#endif
