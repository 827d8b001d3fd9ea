/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_CLOCK_H
#define SHMBROKER_DAEMON_BASE_CLOCK_H

/* Clocks, in microseconds. */

#include <stdint.h>
#include <sys/time.h>

/* Never, or no end. */
#define USEC_INFINITY UINT64_MAX

/* Since the epoch: for what is told. */
uint64_t clock_realtime_usec(void);

/* Since boot, suspend included, never set back: for what is waited for. */
uint64_t clock_boottime_usec(void);

/* The same without suspend, as systemd asks for it. */
uint64_t clock_monotonic_usec(void);

/* Spent by this thread: what work costs, whatever else the host is doing. */
uint64_t clock_spent_usec(void);

/* How long it is until a time of clock_boottime_usec(); zero if that is over. */
struct timeval clock_until(uint64_t due_usec);

#endif
