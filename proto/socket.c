/* SPDX-License-Identifier: MIT */
#include "proto/socket.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

typedef union Control Control;
typedef union LargeControl LargeControl;

/* Room for one descriptor, aligned for its header. */
union Control {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
};

/* The same for as many as a message can carry. */
union LargeControl {
        char bytes[CMSG_SPACE(FD_QUEUE_MAX * sizeof(int))];
        struct cmsghdr align;
};

/* What the peer, or a limit that may pass, can make of an errno; anything else is our mistake. */
static int socket_error(int error) {
        switch (error) {
        case EAGAIN:
        case EINTR:
                return SOCKET_E_AGAIN;
        case EPIPE:
        case ECONNRESET:
        case ECONNREFUSED:
                return SOCKET_E_GONE;
        case ETOOMANYREFS:
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
                return SOCKET_E_LIMIT;
        default:
                return error_origin(-error);
        }
}

/* Has @n_fds descriptors go with a message; @control has room for them. */
static void put_fds(struct msghdr *message, void *control, const int *fds, size_t n_fds) {
        size_t n_bytes = n_fds * sizeof(int);
        struct cmsghdr *header;

        message->msg_control = memset(control, 0, CMSG_SPACE(n_bytes));
        message->msg_controllen = CMSG_SPACE(n_bytes);
        header = CMSG_FIRSTHDR(message);
        _assume_(header != NULL);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n_bytes);
        memcpy(CMSG_DATA(header), fds, n_bytes);
}

/**
 * socket_connect() - connect to a listening socket
 * @path:       its path, not longer than sun_path
 *
 * Connecting to a Unix socket waits only while the listener's backlog is full (unix(7)); with a
 * socket that does not block it is EAGAIN then.
 *
 * Return: the descriptor, non-blocking and close-on-exec, or a negative errno: -ENOENT and
 *         -ECONNREFUSED if nobody listens there.
 */
int socket_connect(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_origin(-ENAMETOOLONG);
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_origin(-errno);
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return error_origin(-errno);
        return steal_fd(&fd);
}

/**
 * socket_send() - send bytes, and a descriptor with the first of them
 * @fd:         a non-blocking stream socket
 * @data:       the bytes
 * @n_data:     their number, at least 1
 * @passed_fd:  descriptor, which stays the caller's, or negative for none
 * @ret_n_sent: how many bytes were taken; @passed_fd went with them
 *
 * Return: 0, SOCKET_E_AGAIN, SOCKET_E_GONE, SOCKET_E_LIMIT, or a negative errno.
 */
int socket_send(int fd, const void *data, size_t n_data, int passed_fd, size_t *ret_n_sent) {
        struct iovec part = { .iov_base = (void *) (uintptr_t) data, .iov_len = n_data };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        Control control;
        ssize_t n;

        if (passed_fd >= 0)
                put_fds(&message, &control, &passed_fd, 1);
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return socket_error(errno);
        *ret_n_sent = (size_t) n;
        return 0;
}

/* Descriptors of the message go into the queue, as many as there are. */
static int take_fds(struct msghdr *message, FdQueue *fds) {
        bool truncated = message->msg_flags & MSG_CTRUNC;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; ++i) {
                        int taken;

                        memcpy(&taken, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (fd_queue_push(fds, taken))
                                truncated = true;
                }
        }
        return truncated ? SOCKET_E_TRUNCATED : 0;
}

/**
 * socket_receive() - receive bytes, and the descriptors that came with them
 * @fd:         a non-blocking stream socket
 * @space:      where the bytes go
 * @n_space:    how many may come, at least 1
 * @fds:        where descriptors go, close-on-exec; NULL if the other end has no business sending
 *              any: then they are never received, and their sender keeps the only reference
 * @ret_n_received: how many bytes came, also with SOCKET_E_TRUNCATED
 *
 * A receiver at its limit of descriptors gets the bytes, MSG_CTRUNC and no error (unix(7)), and the
 * descriptors are gone for good. That is SOCKET_E_TRUNCATED; what @fds has then is of no use to
 * anybody, for nobody can tell what belongs to what, and the caller's to close: that may take long.
 *
 * Return: 0, SOCKET_E_AGAIN, SOCKET_E_GONE, SOCKET_E_LIMIT, SOCKET_E_TRUNCATED, or a negative
 * errno.
 */
int socket_receive(int fd, void *space, size_t n_space, FdQueue *fds, size_t *ret_n_received) {
        struct iovec part = { .iov_base = space, .iov_len = n_space };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        LargeControl control;
        ssize_t n;

        if (!fds) {
                n = recv(fd, space, n_space, MSG_DONTWAIT);
        } else {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control.bytes);
                n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        }
        if (n < 0)
                return socket_error(errno);
        *ret_n_received = (size_t) n;
        if (fds && (message.msg_controllen > 0 || (message.msg_flags & MSG_CTRUNC))) {
                int r = take_fds(&message, fds);

                if (r)
                        return r;
        }
        return n == 0 ? SOCKET_E_GONE : 0;
}

/**
 * socket_open_datagram() - a socket for one-way messages to somebody
 * @address:    path of their socket, or its abstract name with @ for the NUL byte
 *
 * Return: the descriptor, non-blocking and close-on-exec, or a negative errno: -ENOENT and
 *         -ECONNREFUSED if nobody is there.
 */
int socket_open_datagram(const char *address) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        size_t n = strlen(address);
        _cleanup_fd_ int fd = -EBADF;

        if (n > sizeof(name.sun_path))
                return error_origin(-ENAMETOOLONG);
        memcpy(name.sun_path, address, n);
        if (address[0] == '@')
                name.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_origin(-errno);
        if (connect(fd, (struct sockaddr *) &name,
                    (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n)) < 0)
                return error_origin(-errno);
        return steal_fd(&fd);
}

/**
 * socket_send_message() - send a message as a whole, with descriptors
 * @fd:         a socket that keeps messages apart, SOCK_DGRAM or SOCK_SEQPACKET
 * @data:       the message
 * @n_data:     its length, at least 1
 * @fds:        descriptors, which stay the caller's
 * @n_fds:      their number, at most FD_QUEUE_MAX
 *
 * Return: 0 and all of it is sent, or SOCKET_E_AGAIN, SOCKET_E_GONE, SOCKET_E_LIMIT, or a negative
 *         errno, and nothing is.
 */
int socket_send_message(int fd, const void *data, size_t n_data, const int *fds, size_t n_fds) {
        struct iovec part = { .iov_base = (void *) (uintptr_t) data, .iov_len = n_data };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        LargeControl control;

        if (n_fds > FD_QUEUE_MAX)
                return error_origin(-EINVAL);
        if (n_fds > 0)
                put_fds(&message, &control, fds, n_fds);
        if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                return socket_error(errno);
        return 0;
}

/**
 * socket_peek_message() - look at a message that waits, and leave it there
 * @fd:         a SOCK_SEQPACKET socket
 * @offset:     length of all messages before it, 0 for the first one
 * @space:      where the message goes
 * @n_space:    how much of it at most
 * @fds:        where its descriptors go, as new ones; empty before
 * @ret_n_message: length of the message, which may be more than @n_space
 *
 * Descriptors that could not be had as the caller is at its limit are no loss here: the message
 * still has them.
 *
 * Return: 0; SOCKET_E_AGAIN if there is no such message, SOCKET_E_GONE if there will be none;
 *         SOCKET_E_TRUNCATED without any descriptor, SOCKET_E_LIMIT, or a negative errno.
 */
int socket_peek_message(int fd, size_t offset, void *space, size_t n_space, FdQueue *fds,
                        size_t *ret_n_message) {
        struct iovec part = { .iov_base = space, .iov_len = n_space };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        LargeControl control;
        int r, skipped;
        ssize_t n;

        if (offset > INT_MAX)
                return error_origin(-EOVERFLOW);
        /* The kernel moves it on, but whoever looked before may have been at another place. */
        skipped = (int) offset;
        if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &skipped, sizeof(skipped)) < 0)
                return error_origin(-errno);
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.bytes);
        n = recvmsg(fd, &message, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return socket_error(errno);
        r = take_fds(&message, fds);
        if (r)
                return r;
        if (n == 0)
                return SOCKET_E_GONE;
        *ret_n_message = (size_t) n;
        return 0;
}

/**
 * socket_unread() - how much of what was sent the other end has not read yet
 * @fd:         a stream socket
 * @ret_n_unread: memory of the unread messages, in bytes; only 0 says something exact
 *
 * Return: 0, or a negative errno.
 */
int socket_unread(int fd, size_t *ret_n_unread) {
        int n;

        if (ioctl(fd, SIOCOUTQ, &n) < 0)
                return error_origin(-errno);
        *ret_n_unread = (size_t) n;
        return 0;
}

/* socket_hung_up() - is the other end closed altogether, and not just done with writing? */
bool socket_hung_up(int fd) {
        struct pollfd poller = { .fd = fd };

        return poll(&poller, 1, 0) == 1 && poller.revents & (POLLHUP | POLLERR);
}
