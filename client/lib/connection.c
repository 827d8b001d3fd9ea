/* SPDX-License-Identifier: MIT */
/*
 * The socket of a connection: made, checked before each use, read, written, waited for and dropped.
 * What is said through it is not known here.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/internal.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/socket.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC 1000

#define TIMEOUT_DEFAULT (25 * USEC_PER_SEC)

/* Between two tries to get into the queue of a listener that is full. */
#define RETRY_FIRST UINT64_C(1000)
#define RETRY_LAST UINT64_C(50000)

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
        if (now_usec() < connection->retry_at)
                return 0;
        r = socket_connect(address_path(connection->address));
        if (r == -EAGAIN || r == -EINTR) {
                connection->pause =
                        connection->pause ? MIN(connection->pause * 2, RETRY_LAST) : RETRY_FIRST;
                connection->retry_at = now_usec() + connection->pause;
                return 0;
        }
        connection->pause = connection->retry_at = 0;
        if (r < 0)
                return error_trace(r);
        r = connection_adopt(connection, r);
        return r ? error_trace(r) : 1;
}

/**
 * connection_poll() - wait
 * @fd:         for this descriptor, or a negative number for none
 * @events:     for these of its events, as for poll(2)
 * @until:      and until this moment at most
 *
 * A signal does not end it.
 *
 * Return: 1 if there are events, 0 if the moment has come, or a negative errno.
 */
int connection_poll(int fd, short events, uint64_t until) {
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
 *
 * Where the other end is closed, the rest counts as sent: an answer may be there to be read, which
 * says why.
 *
 * Return: 1 if all of it is gone, 0 to wait, or a negative errno.
 */
int connection_send(struct shmbroker *connection) {
        const int *passed_fd = connection->request->passed_fd;

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
 * @ret:        the connection, to be closed by shmbroker_close()
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

static int new_for(const char *given, bool user, struct shmbroker **ret) {
        _cleanup_(freep) char *address = NULL;
        int r;

        r = address_find(given, user, &address);
        if (r == ADDRESS_E_INVALID)
                return error_origin(-EINVAL);
        if (r == ADDRESS_E_NO_RUNTIME_DIRECTORY)
                return error_origin(-ENXIO);
        if (r)
                return error_fold(r);
        return error_trace(connection_new(address, ret));
}

static int connect_to(const char *given, bool user, struct shmbroker **ret) {
        _cleanup_(shmbroker_closep) struct shmbroker *connection = NULL;
        uint64_t deadline = deadline_after(TIMEOUT_DEFAULT);
        int r;

        r = new_for(given, user, &connection);
        if (r)
                return error_trace(r);
        while ((r = connection_connect(connection)) == 0) {
                if (deadline_passed(deadline))
                        return error_origin(-ETIMEDOUT);
                r = connection_poll(-EBADF, 0, MIN(connection->retry_at, deadline));
                if (r < 0)
                        return error_trace(r);
        }
        if (r < 0)
                return error_trace(r);
        *ret = steal_ptr(connection);
        return 0;
}

int shmbroker_new(const char *address, struct shmbroker **ret) {
        return new_for(address, false, ret);
}

int shmbroker_new_user(struct shmbroker **ret) {
        return new_for(NULL, true, ret);
}

int shmbroker_connect(const char *address, struct shmbroker **ret) {
        return connect_to(address, false, ret);
}

int shmbroker_connect_user(struct shmbroker **ret) {
        return connect_to(NULL, true, ret);
}

struct shmbroker *shmbroker_close(struct shmbroker *connection) {
        if (!connection)
                return NULL;
        shmbroker_cancel(connection);
        connection_drop(connection);
        frame_spare_deinit(&connection->spare);
        free(connection->address);
        free(connection);
        return NULL;
}

void shmbroker_set_timeout(struct shmbroker *connection, uint64_t timeout_usec) {
        connection->timeout_usec = timeout_usec;
}

const char *shmbroker_get_address(const struct shmbroker *connection) {
        return connection->address;
}
