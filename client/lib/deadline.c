/* SPDX-License-Identifier: MIT */
/* Deadlines: how they are computed, and waiting until one has come. */

#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "client/include/shmbroker.h"
#include "proto/error.h"
#include "proto/util.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC 1000

static uint64_t now_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* deadline_after() - the moment so long from now; what is too far away never comes */
uint64_t deadline_after(uint64_t usec) {
        uint64_t deadline;

        if (usec == SHMBROKER_FOREVER || __builtin_add_overflow(now_usec(), usec, &deadline))
                return DEADLINE_NEVER;
        return deadline;
}

/* deadline_passed() - is the moment here? */
bool deadline_passed(uint64_t deadline) {
        return deadline != DEADLINE_NEVER && now_usec() >= deadline;
}

/* deadline_left() - microseconds until the moment, SHMBROKER_FOREVER if it never comes */
uint64_t deadline_left(uint64_t deadline) {
        return deadline == DEADLINE_NEVER ? SHMBROKER_FOREVER
                                          : deadline - MIN(now_usec(), deadline);
}

static struct timespec timespec_of(uint64_t usec) {
        return (struct timespec){
                .tv_sec = (time_t) MIN(usec / USEC_PER_SEC, (uint64_t) INT32_MAX),
                .tv_nsec = (long) (usec % USEC_PER_SEC * NSEC_PER_USEC),
        };
}

/**
 * deadline_poll() - wait
 * @fd:         for this descriptor, or a negative number for none
 * @events:     for these of its events, as for poll(2)
 * @until:      and until this moment at most
 *
 * A signal does not end it.
 *
 * Return: 1 if there are events, 0 if the moment has come, or a negative errno.
 */
int deadline_poll(int fd, short events, uint64_t until) {
        struct pollfd wanted = { .fd = fd, .events = events };

        for (;;) {
                uint64_t now = until == DEADLINE_NEVER ? 0 : now_usec();
                struct timespec left = timespec_of(until - MIN(now, until));
                int n;

                n = ppoll(&wanted, 1, until == DEADLINE_NEVER ? NULL : &left, NULL);
                if (n > 0)
                        return 1;
                if (n < 0 && errno != EINTR)
                        return error_origin(-errno);
                if (n == 0 && now_usec() >= until)
                        return 0;
        }
}
