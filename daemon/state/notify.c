/* SPDX-License-Identifier: MIT */
#include "daemon/state/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"

/* As sd_notify(3) does, each message comes from a socket of its own. */
static int notify_tell(const char *address, const char *text, const int *fds, size_t n_fds) {
        _cleanup_fd_ int socket_fd = -EBADF;

        socket_fd = socket_open_datagram(address);
        if (socket_fd < 0 || socket_send_message(socket_fd, text, strlen(text), fds, n_fds))
                return NOTIFY_E_LATER;
        return 0;
}

/**
 * notify_store() - have PID 1 keep a descriptor
 * @address:    $NOTIFY_SOCKET
 * @name:       what it is called when it comes back
 * @fd:         the descriptor, which stays the caller's
 *
 * PID 1 would watch it for a hang-up, and let go of it then: it is told not to (FDPOLL).
 *
 * Return: 0, or NOTIFY_E_LATER. PID 1 has it when it has dealt with a barrier sent afterwards.
 */
int notify_store(const char *address, const char *name, int fd) {
        char text[512];

        (void) snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
        return notify_tell(address, text, &fd, 1);
}

/* notify_remove() - have PID 1 let go of all descriptors of a name; 0, or NOTIFY_E_LATER */
int notify_remove(const char *address, const char *name) {
        char text[512];

        (void) snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
        return notify_tell(address, text, NULL, 0);
}

/**
 * notify_barrier() - ask to hear when PID 1 has dealt with all that it was told before
 * @address:    $NOTIFY_SOCKET
 * @ret_fd:     a pipe(7) that hangs up then: for notify_confirmed(), and to be polled for
 *
 * Return: 0, or NOTIFY_E_LATER.
 */
int notify_barrier(const char *address, int *ret_fd) {
        _cleanup_fd_ int read_fd = -EBADF, write_fd = -EBADF;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return NOTIFY_E_LATER;
        read_fd = fds[0];
        write_fd = fds[1];
        if (notify_tell(address, "BARRIER=1", &write_fd, 1))
                return NOTIFY_E_LATER;
        *ret_fd = steal_fd(&read_fd);
        return 0;
}

/* notify_confirmed() - has PID 1 come to the barrier, or does it before that time is over? */
bool notify_confirmed(int barrier_fd, int wait_msec) {
        struct pollfd poller = { .fd = barrier_fd };

        return poll(&poller, 1, wait_msec) == 1 && poller.revents & POLLHUP;
}
