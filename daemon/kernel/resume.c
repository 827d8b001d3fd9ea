/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/resume.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/error.h"

/* In a time that nobody lives to see: it is never due, only cancelled. */
#define RESUME_NEVER_SEC 0xffffffffU

static void resume_arm(int fd) {
        const struct itimerspec never = { .it_value = { .tv_sec = RESUME_NEVER_SEC } };

        (void) timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

/* resume_open() - a descriptor that is readable after a suspend; or a negative errno */
int resume_open(void) {
        int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

        if (fd < 0)
                return error_origin(-errno);
        resume_arm(fd);
        return fd;
}

/* resume_again() - wait for the next one */
void resume_again(int fd) {
        uint64_t n;

        /* ECANCELED */
        (void) !read(fd, &n, sizeof(n));
        resume_arm(fd);
}
