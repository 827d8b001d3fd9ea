/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/closings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "proto/fd.h"

/**
 * closings_init() - open the queue of events
 * @closings:   the object
 *
 * Without inotify, or at the user's limit of instances, there is no queue, and every watch is
 * CLOSINGS_E_UNWATCHED.
 */
void closings_init(Closings *closings) {
        closings->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

void closings_deinit(Closings *closings) {
        closings->fd = fd_close(closings->fd);
}

/**
 * closings_subscribe() - be told when descriptions of an inode end
 * @closings:   the object
 * @fd:         a descriptor of the inode
 * @changes:    whether changes of the inode are to be told as well
 * @ret_wd:     what the events say
 *
 * Watches are limited per user (fs.inotify.max_user_watches).
 *
 * Return: 0, or CLOSINGS_E_UNWATCHED.
 */
int closings_subscribe(Closings *closings, int fd, bool changes, int *ret_wd) {
        char path[sizeof("/proc/self/fd/") + 12];
        int wd;

        if (closings->fd < 0)
                return CLOSINGS_E_UNWATCHED;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        wd = inotify_add_watch(closings->fd, path,
                               changes ? IN_CLOSE | IN_ATTRIB | IN_MODIFY : IN_CLOSE);
        if (wd < 0)
                return CLOSINGS_E_UNWATCHED;
        *ret_wd = wd;
        return 0;
}

void closings_unsubscribe(Closings *closings, int wd) {
        if (wd >= 0)
                (void) inotify_rm_watch(closings->fd, wd);
}

/**
 * closings_drain() - take in everything that happened until now
 * @closings:   the object
 * @closed:     called for each event; of a watch that was taken away, also when that is done
 * @userdata:   for @closed
 */
void closings_drain(Closings *closings, ClosingsFn closed, void *userdata) {
        char buffer[16 * 1024] __attribute__((__aligned__(__alignof__(struct inotify_event))));
        const struct inotify_event *event;
        ssize_t n;

        if (closings->fd < 0)
                return;
        do {
                n = read(closings->fd, buffer, sizeof(buffer));
                for (ssize_t at = 0; at < n; at += (ssize_t) (sizeof(*event) + event->len)) {
                        event = (const void *) (buffer + at);
                        if (event->mask & IN_Q_OVERFLOW)
                                closed(userdata, -1, CLOSING_END);
                        else if (event->mask & IN_IGNORED)
                                closed(userdata, event->wd, CLOSING_UNSUBSCRIBED);
                        else if (event->mask & (IN_CLOSE | IN_ATTRIB | IN_MODIFY))
                                closed(userdata, event->wd,
                                       event->mask & IN_CLOSE ? CLOSING_END : CLOSING_CHANGE);
                }
                /* A read that did not fill the buffer has emptied the queue. */
        } while ((n < 0 && errno == EINTR) || n > (ssize_t) (sizeof(buffer) / 2));
}
