/* SPDX-License-Identifier: MIT */
/*
 * The socket of a connection: made, checked before each use, read, written and dropped.
 * What is said through it is not known here.
 */

#include "client/lib/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/lib/deadline.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"

#define USEC_PER_SEC UINT64_C(1000000)

#define TIMEOUT_DEFAULT (25 * USEC_PER_SEC)

/* Between two tries to get into the queue of a listener that is full. */
#define RETRY_FIRST UINT64_C(1000)
#define RETRY_LAST UINT64_C(50000)

/* Is the number still our socket, and not closed or somebody else's meanwhile? */
static bool socket_is_ours(const struct shmbroker *connection) {
        struct stat st;

        return connection->fd >= 0 && fstat(connection->fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
               st.st_dev == connection->device && st.st_ino == connection->inode;
}

/* connection_drop() - close the socket, and forget what was under way */
void connection_drop(struct shmbroker *connection) {
        if (socket_is_ours(connection))
                fd_close(connection->fd);
        connection->fd = -EBADF;
        fd_queue_deinit(&connection->fds);
        frames_deinit(&connection->frames);
}

static int connection_adopt(struct shmbroker *connection, int fd) {
        _cleanup_fd_ int owned = fd;
        struct stat st;

        if (fstat(owned, &st) < 0)
                return error_origin(-errno);
        connection->device = st.st_dev;
        connection->inode = st.st_ino;
        connection->fd = steal_fd(&owned);
        return 0;
}

/**
 * connection_connect() - see to it that there is a socket to send a call through
 * @connection: the connection
 *
 * Nothing tells when the queue of a listener has room again (poll(2) does not), so it is tried
 * again, after pauses; retry_at is the moment from which on it makes sense.
 *
 * Return: 1 if there is one, 0 to wait until retry_at, or what connect(2) failed with.
 */
int connection_connect(struct shmbroker *connection) {
        int r;

        if (socket_is_ours(connection))
                return 1;
        connection_drop(connection);
        if (!deadline_passed(connection->retry_at))
                return 0;
        r = socket_connect(address_path(connection->address));
        if (r == -EAGAIN || r == -EINTR) {
                connection->pause =
                        connection->pause ? MIN(connection->pause * 2, RETRY_LAST) : RETRY_FIRST;
                connection->retry_at = deadline_after(connection->pause);
                return 0;
        }
        connection->pause = connection->retry_at = 0;
        if (r < 0)
                return error_trace(r);
        r = connection_adopt(connection, r);
        return r ? error_trace(r) : 1;
}

/**
 * connection_check() - see whether a call that was begun can go on
 * @connection: the connection
 *
 * The program may have closed the descriptor since, or it is something else's number now.
 *
 * Return: 0, -EPIPE if nothing of the call was sent through it, or -ECONNRESET.
 */
int connection_check(const struct shmbroker *connection) {
        if (socket_is_ours(connection))
                return 0;
        return error_origin(connection->n_sent == 0 ? -EPIPE : -ECONNRESET);
}

/**
 * connection_send() - send what can be sent of the call, and its descriptor with the first of it
 * @connection: the connection
 * @passed_fd:  the descriptor, or NULL if there is none
 *
 * Where the other end is closed, the rest counts as sent: an answer may be there to be read, which
 * says why.
 *
 * Return: 1 if all of it is gone, 0 to wait, or a negative errno.
 */
int connection_send(struct shmbroker *connection, const int *passed_fd) {
        while (connection->n_sent < connection->n_out && !connection->refused) {
                bool passes = passed_fd && connection->n_sent == 0;
                size_t n_sent;
                int r;

                r = socket_send(connection->fd, connection->out + connection->n_sent,
                                connection->n_out - connection->n_sent,
                                passes ? *passed_fd : -EBADF, &n_sent);
                if (r < 0)
                        return error_trace(r);
                if (r == SOCKET_E_AGAIN)
                        return 0;
                if (r == SOCKET_E_LIMIT)
                        return error_origin(-ENOBUFS);
                if (r == SOCKET_E_GONE)
                        connection->refused = true;
                else
                        connection->n_sent += n_sent;
        }
        return 1;
}

/* A call of which nothing was taken did not happen; what became of another one nobody knows. */
static int connection_gone(const struct shmbroker *connection) {
        return error_origin(connection->refused && connection->n_sent == 0 ? -EPIPE : -ECONNRESET);
}

/**
 * connection_receive() - receive once
 * @connection: the connection
 * @takes_fds:  whether an answer may bring descriptors
 *
 * Return: 1 if something came, 0 to wait, -EPIPE if the other end is closed and got nothing of the
 *         call, -ECONNRESET if it is closed, or another negative errno.
 */
int connection_receive(struct shmbroker *connection, bool takes_fds) {
        size_t n_space, n_received;
        char *space;
        int r;

        r = frames_reserve(&connection->frames, &connection->spare, &space, &n_space);
        if (r)
                return error_trace(r);
        r = socket_receive(connection->fd, space, n_space, takes_fds ? &connection->fds : NULL,
                           &n_received);
        switch (r) {
        case SOCKET_E_AGAIN:
                return 0;
        case SOCKET_E_GONE:
                return connection_gone(connection);
        case SOCKET_E_LIMIT:
                return error_origin(-ENOBUFS);
        case SOCKET_E_TRUNCATED:
                connection->truncated = true;
                break;
        default:
                if (r)
                        return error_fold(r);
        }
        frames_added(&connection->frames, n_received);
        return 1;
}

/**
 * connection_new() - make a connection that is not connected yet
 * @address:    where to; it is copied
 * @ret:        the connection, to be freed by connection_free()
 *
 * Return: 0, or -ENOMEM.
 */
int connection_new(const char *address, struct shmbroker **ret) {
        _cleanup_(freep) char *copy = strdup(address);
        struct shmbroker *connection = calloc(1, sizeof(*connection));

        if (!copy || !connection) {
                free(connection);
                return error_origin(-ENOMEM);
        }
        connection->address = steal_ptr(copy);
        connection->pid = getpid();
        connection->timeout_usec = TIMEOUT_DEFAULT;
        connection->fd = -EBADF;
        *ret = connection;
        return 0;
}

/* connection_free() - drop a connection on which nothing is under way any more, and free it */
struct shmbroker *connection_free(struct shmbroker *connection) {
        if (!connection)
                return NULL;
        connection_drop(connection);
        frame_spare_deinit(&connection->spare);
        free(connection->address);
        free(connection);
        return NULL;
}
