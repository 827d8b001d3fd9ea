/* SPDX-License-Identifier: MIT */
#include "client/lib/poller.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/fd.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC 1000

/* Programs close descriptors they do not know, and the number is something else's then. */
static void close_if(int fd, const char *what) {
        char path[sizeof("/proc/self/fd/") + 12], link[64];
        ssize_t n;

        if (fd < 0)
                return;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, link, sizeof(link) - 1);
        if (n < 0)
                return;
        link[n] = '\0';
        if (strcmp(link, what) == 0)
                fd_close(fd);
}

void poller_deinit(Poller *poller) {
        close_if(poller->timer_fd, "anon_inode:[timerfd]");
        close_if(poller->epoll_fd, "anon_inode:[eventpoll]");
        *poller = (Poller) POLLER_NULL;
}

static int poller_add(const Poller *poller, int fd) {
        struct epoll_event event = { .events = EPOLLIN };

        return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? error_origin(-errno)
                                                                          : 0;
}

/* poller_open() - make the descriptor if there is none. Return: 0, or a negative errno. */
int poller_open(Poller *poller) {
        int r;

        if (poller->epoll_fd >= 0)
                return 0;
        poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (poller->epoll_fd < 0)
                return error_origin(-errno);
        poller->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        r = poller->timer_fd < 0 ? error_origin(-errno) : poller_add(poller, poller->timer_fd);
        if (r)
                poller_deinit(poller);
        return error_trace(r);
}

/**
 * poller_set() - wait for other events of a descriptor
 * @poller:     the poller; one that is not open notes nothing
 * @fd:         the descriptor
 * @old_events: what it waits for, as for poll(2); 0 if not at all
 * @events:     the new events, as for poll(2); 0 removes the descriptor
 *
 * A program may have closed descriptors that it does not know: what cannot be taken out is not in.
 *
 * Return: 0, or what epoll_ctl(2) failed with.
 */
int poller_set(const Poller *poller, int fd, short old_events, short events) {
        struct epoll_event event = { .events = (uint32_t) events };
        int operation = !events ? EPOLL_CTL_DEL : old_events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

        if (poller->epoll_fd < 0 || events == old_events)
                return 0;
        if (epoll_ctl(poller->epoll_fd, operation, fd, &event) == 0 || operation == EPOLL_CTL_DEL)
                return 0;
        return error_origin(-errno);
}

/* poller_arm() - the moment at which it can be read in any case. Return: 0, or a negative errno. */
int poller_arm(Poller *poller, uint64_t until) {
        struct itimerspec time = {};

        if (poller->epoll_fd < 0 || until == poller->until)
                return 0;
        if (until != DEADLINE_NEVER) {
                time.it_value.tv_sec = (time_t) (until / USEC_PER_SEC);
                /* All of it zero would be never. */
                time.it_value.tv_nsec = (long) (until % USEC_PER_SEC * NSEC_PER_USEC) + 1;
        }
        if (timerfd_settime(poller->timer_fd, TFD_TIMER_ABSTIME, &time, NULL) < 0)
                return error_origin(-errno);
        poller->until = until;
        return 0;
}
