/* SPDX-License-Identifier: MIT */
#include "client/ctl/event.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/common.h"

#define USEC_PER_SEC UINT64_C(1000000)

static volatile sig_atomic_t stopped;

static void events_stop(int signal_number) {
        (void) signal_number;
        stopped = 1;
}

/* What is ignored, as by nohup(1), stays so. */
static void stop_on_signal(int signal_number) {
        struct sigaction action = { .sa_handler = events_stop }, old;

        if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
                (void) sigaction(signal_number, &action, NULL);
}

/* events_stop_on_signals() - SIGINT and SIGTERM end events_run() in order */
void events_stop_on_signals(void) {
        sigset_t set;

        /* They come while we wait, and at no other time: none is missed just before it. */
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        stop_on_signal(SIGINT);
        stop_on_signal(SIGTERM);
}

static uint64_t events_now(void) {
        struct timespec time;

        (void) clock_gettime(CLOCK_MONOTONIC, &time);
        return (uint64_t) time.tv_sec * USEC_PER_SEC + (uint64_t) time.tv_nsec / 1000;
}

/* Return: EVENT_GO_ON, EVENT_TIMEOUT, or an exit code. */
static int wait_for_more(int fd, const EventLoop *loop, uint64_t deadline) {
        struct pollfd fds[] = {
                { .fd = fd, .events = POLLIN },
                /* Says if it is a pipe without a reader */
                { .fd = loop->prints ? STDOUT_FILENO : -1 },
        };
        uint64_t timeout = SHMBROKER_FOREVER, time = events_now();
        struct timespec until = {};
        sigset_t mask;

        if (time >= deadline)
                return EVENT_TIMEOUT;
        if (deadline != SHMBROKER_FOREVER)
                timeout = deadline - time;
        until.tv_sec = (time_t) (timeout / USEC_PER_SEC);
        until.tv_nsec = (long) (timeout % USEC_PER_SEC * 1000);
        (void) sigprocmask(SIG_SETMASK, NULL, &mask);
        (void) sigdelset(&mask, SIGINT);
        (void) sigdelset(&mask, SIGTERM);
        if (ppoll(fds, ARRAY_SIZE(fds), timeout == SHMBROKER_FOREVER ? NULL : &until, &mask) < 0 &&
            errno != EINTR)
                return ctl_error("waiting failed: %s", strerror(errno));
        return stopped || fds[1].revents & (POLLERR | POLLHUP) ? CTL_SUCCESS : EVENT_GO_ON;
}

static int watch_failed(const struct shmbroker_watch *watch, const EventLoop *loop) {
        const struct shmbroker_error *error = shmbroker_watch_error(watch);

        if (loop->missing_is_well && shmbroker_error_code(error) == -ENOENT)
                return CTL_SUCCESS;
        return ctl_failed_by(error);
}

/**
 * events_run() - hand events on as they come
 * @watch:      the watch
 * @loop:       where they go to, and how long
 *
 * Return: an exit code, or EVENT_TIMEOUT.
 */
int events_run(struct shmbroker_watch *watch, const EventLoop *loop) {
        int fd = shmbroker_watch_fd(watch), code, r;
        uint64_t deadline;

        if (fd < 0)
                return ctl_failed_by(shmbroker_watch_error(watch));
        if (loop->timeout_usec == SHMBROKER_FOREVER ||
            __builtin_add_overflow(events_now(), loop->timeout_usec, &deadline))
                deadline = SHMBROKER_FOREVER;
        for (;;) {
                _cleanup_(shmbroker_event_freep) struct shmbroker_event *event = NULL;

                r = shmbroker_watch_next(watch, &event);
                if (r < 0)
                        return watch_failed(watch, loop);
                if (r > 0)
                        code = loop->handler(event, loop->userdata);
                else
                        code = wait_for_more(fd, loop, deadline);
                if (code != EVENT_GO_ON)
                        return code;
        }
}
