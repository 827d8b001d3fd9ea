/* SPDX-License-Identifier: MIT */
#include "daemon/base/clock.h"

#include <time.h>

static uint64_t clock_usec(clockid_t clock) {
        struct timespec now;

        (void) clock_gettime(clock, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

uint64_t clock_realtime_usec(void) {
        return clock_usec(CLOCK_REALTIME);
}

uint64_t clock_boottime_usec(void) {
        return clock_usec(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_usec(void) {
        return clock_usec(CLOCK_MONOTONIC);
}

uint64_t clock_spent_usec(void) {
        return clock_usec(CLOCK_THREAD_CPUTIME_ID);
}

struct timeval clock_until(uint64_t due_usec) {
        uint64_t now = clock_boottime_usec(), wait = due_usec > now ? due_usec - now : 0;

        return (struct timeval){ .tv_sec = (time_t) (wait / 1000000),
                                 .tv_usec = (suseconds_t) (wait % 1000000) };
}
