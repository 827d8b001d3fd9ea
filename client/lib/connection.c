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

/* connection_is_ours() - is the number still our socket, and not closed or somebody else's
 * meanwhile? */
bool connection_is_ours(const struct shmbroker *connection) {
        struct stat st;

        return connection->fd >= 0 && fstat(connection->fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
               st.st_dev == connection->device && st.st_ino == connection->inode;
}

static Poller *connection_poller(struct shmbroker *connection) {
        return connection->owner ? &connection->owner->poller : &connection->poller;
}

/* connection_poll() - say what event loops are to wait for at the socket: as for poll(2), or 0 */
void connection_poll(struct shmbroker *connection, short events) {
        if (poller_set(connection_poller(connection), connection->fd, connection->polled, events) ==
            0)
                connection->polled = events;
        else
                connection->polled = 0;
}

/* connection_drop() - close the socket, and forget what came through it */
void connection_drop(struct shmbroker *connection) {
        /* A child of ours has the same epoll instance, which is not told by closing alone: nor may
         * the child take out of it what is its parent's. */
        if (connection->pid == getpid())
                connection_poll(connection, 0);
        if (connection_is_ours(connection))
                fd_close(connection->fd);
        connection->fd = -EBADF;
        fd_queue_deinit(&connection->fds);
        frames_deinit(&connection->frames);
        connection->n_lost_fds = 0;
        connection->refused = connection->full = connection->more = connection->stale = false;
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

        if (connection_is_ours(connection))
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
 * connection_send() - send bytes, and a descriptor with the first of them
 * @connection: the connection
 * @data:       the bytes
 * @n_data:     their number, at least 1
 * @passed_fd:  the descriptor, or a negative number
 * @ret_n_sent: how many were taken
 *
 * Where the other end is closed, an answer may be there to be read, which says why: it is noted as
 * refused.
 *
 * Return: 1 if some were taken, 0 if none can be, or a negative errno.
 */
int connection_send(struct shmbroker *connection, const void *data, size_t n_data, int passed_fd,
                    size_t *ret_n_sent) {
        int r;

        r = socket_send(connection->fd, data, n_data, passed_fd, ret_n_sent);
        switch (r) {
        case 0:
                return 1;
        case SOCKET_E_AGAIN:
                connection->full = true;
                return 0;
        case SOCKET_E_GONE:
                connection->refused = true;
                return 0;
        case SOCKET_E_LIMIT:
                return error_origin(-ENOBUFS);
        default:
                return error_fold(r);
        }
}

/**
 * connection_receive() - receive once
 * @connection: the connection
 * @takes_fds:  whether an answer may bring descriptors
 *
 * Return: 1 if something came, 0 to wait, -ECONNRESET if the other end is closed, or another
 *         negative errno.
 */
int connection_receive(struct shmbroker *connection, bool takes_fds) {
        size_t n_space, n_received, n_before = connection->fds.n_fds;
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
                return error_origin(-ECONNRESET);
        case SOCKET_E_LIMIT:
                return error_origin(-ENOBUFS);
        case SOCKET_E_TRUNCATED:
                /* Those that waited are gone with the one that came. */
                connection->n_lost_fds += n_before + 1;
                fd_queue_deinit(&connection->fds);
                break;
        default:
                if (r)
                        return error_fold(r);
        }
        frames_added(&connection->frames, n_received);
        return 1;
}

/**
 * connection_take_fd() - take the first descriptor that came
 * @connection: the connection
 *
 * Return: the descriptor, which is the caller's, -EMFILE if it could not be taken in, or -EPROTO if
 *         there is none.
 */
int connection_take_fd(struct shmbroker *connection) {
        int fd;

        if (connection->n_lost_fds > 0) {
                --connection->n_lost_fds;
                return error_origin(-EMFILE);
        }
        fd = fd_queue_pop(&connection->fds);
        return fd < 0 ? error_origin(-EPROTO) : fd;
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
        connection->error.address = connection->address;
        connection->pid = getpid();
        connection->timeout_usec = TIMEOUT_DEFAULT;
        connection->fd = -EBADF;
        connection->poller = (Poller) POLLER_NULL;
        *ret = connection;
        return 0;
}

/* connection_free() - drop a connection on which nothing is under way any more, and free it */
struct shmbroker *connection_free(struct shmbroker *connection) {
        if (!connection)
                return NULL;
        connection_drop(connection);
        poller_deinit(&connection->poller);
        frame_spare_deinit(&connection->spare);
        error_clear(&connection->error);
        free(connection->address);
        free(connection);
        return NULL;
}
