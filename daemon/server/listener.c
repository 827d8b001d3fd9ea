/* SPDX-License-Identifier: MIT */
#include "daemon/server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "daemon/state/store-pair.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"

/* Taken in one go before those who are connected have their turn. */
#define ACCEPT_AT_ONCE 64

static const struct timeval pause_time = { .tv_usec = 100000 };

/* What systemd passed that is not the store's: sd_listen_fds(3). */
static int find_passed(ListenerPassed *passed, char **names, int n) {
        for (int i = 0; i < n; ++i) {
                if (store_pairs_has_name(names[i]))
                        continue;
                if (passed->n_fds == ARRAY_SIZE(passed->fds))
                        return LISTENER_E_PASSED;
                passed->fds[passed->n_fds++] = SD_LISTEN_FDS_START + i;
        }
        return 0;
}

static int check_passed(int fd) {
        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
                return LISTENER_E_PASSED;
        return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? error_origin(-errno) : 0;
}

static char *socket_address(int fd) {
        struct sockaddr_un name = {};
        socklen_t n = sizeof(name) - 1;
        char *address;

        if (getsockname(fd, (struct sockaddr *) &name, &n) < 0 ||
            asprintf(&address, "unix:%s", name.sun_path) < 0)
                return NULL;
        return address;
}

/* Two are told apart by where they are. */
static bool is_admin_of(int admin_fd, int fd) {
        _cleanup_(freep) char *address = socket_address(fd), *admin = socket_address(admin_fd);
        _cleanup_(freep) char *expected = NULL;

        return address && admin && address_of_admin(address, &expected) == 0 &&
               strcmp(admin, expected) == 0;
}

/**
 * listener_find_passed() - the sockets that systemd passed
 * @ret:        the broker's, and the administrator's, as far as there are any
 *
 * Return: 0, LISTENER_E_PASSED, or a negative errno.
 */
int listener_find_passed(ListenerPassed *ret) {
        ListenerPassed passed = {};
        char **names = NULL;
        int n, r;

        n = sd_listen_fds_with_names(true, &names);
        if (n < 0)
                return LISTENER_E_PASSED;
        r = find_passed(&passed, names, n);
        while (n > 0)
                free(names[--n]);
        free(names);
        for (size_t i = 0; r == 0 && i < passed.n_fds; ++i)
                r = check_passed(passed.fds[i]);
        if (r)
                return r;
        if (passed.n_fds == 2) {
                if (is_admin_of(passed.fds[0], passed.fds[1])) {
                        int fd = passed.fds[0];

                        passed.fds[0] = passed.fds[1];
                        passed.fds[1] = fd;
                } else if (!is_admin_of(passed.fds[1], passed.fds[0])) {
                        return LISTENER_E_PASSED;
                }
        }
        *ret = passed;
        return 0;
}

/*
 * A lock file beside the socket: of two that start at the same time, one finds the other's lock.
 * The file may be another one by the time it is locked, for who ends takes it away.
 */
static int listener_lock(Listener *listener) {
        struct stat locked, named;

        for (;;) {
                listener->lock_fd = fd_close(listener->lock_fd);
                listener->lock_fd =
                        open(listener->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (listener->lock_fd < 0)
                        return error_origin(-errno);
                if (flock(listener->lock_fd, LOCK_EX | LOCK_NB) < 0)
                        return errno == EWOULDBLOCK ? LISTENER_E_BUSY : error_origin(-errno);
                if (fstat(listener->lock_fd, &locked) < 0)
                        return error_origin(-errno);
                if (stat(listener->lock_path, &named) == 0 && named.st_dev == locked.st_dev &&
                    named.st_ino == locked.st_ino) {
                        listener->locked = true;
                        return 0;
                }
        }
}

/* A socket that nobody listens at was left behind; anything else that has the name stays. It is
 * connected to by a descriptor, for the path may lead somewhere else by then. */
static int clear_path(const char *path) {
        char name[sizeof("/proc/self/fd/") + 12];
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;
        int r;

        fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_origin(-errno);
        if (fstat(fd, &st) < 0)
                return error_origin(-errno);
        if (!S_ISSOCK(st.st_mode))
                return error_origin(-EEXIST);
        (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        r = socket_connect(name);
        if (r >= 0 || r == -EAGAIN) {
                fd_close(r);
                return LISTENER_E_BUSY;
        }
        if (r != -ECONNREFUSED)
                return error_trace(r);
        return unlink(path) < 0 ? error_origin(-errno) : 0;
}

/* It has its mode from the beginning: in a directory that somebody else may have a hand in, what
 * has the name may be another file by the time that a mode is set. */
static int bind_path(Listener *listener, const char *path, mode_t mode) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat st;
        mode_t before;
        int r;

        listener->path = strdup(path);
        if (!listener->path)
                return error_origin(-ENOMEM);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", listener->path);
        listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listener->fd < 0)
                return error_origin(-errno);
        before = umask(0777 & ~mode);
        r = bind(listener->fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
        (void) umask(before);
        if (r)
                return error_origin(r);
        listener->bound = true;
        if (lstat(path, &st) == 0) {
                listener->device = st.st_dev;
                listener->inode = st.st_ino;
        }
        return listen(listener->fd, SOMAXCONN) < 0 ? error_origin(-errno) : 0;
}

/* The directory of the socket is the broker's own; the one above has to be there. It is as closed
 * as the socket. */
static int make_directory(const char *path, mode_t socket_mode) {
        _cleanup_(freep) char *directory = strdup(path);

        if (!directory)
                return error_origin(-ENOMEM);
        *strrchr(directory, '/') = '\0';
        if (directory[0] &&
            mkdir(directory, socket_mode == LISTENER_MODE_ADMIN ? 0700 : 0755) < 0 &&
            errno != EEXIST)
                return error_origin(-errno);
        return 0;
}

static int open_own(Listener *listener, const char *path, mode_t mode) {
        int r;

        r = make_directory(path, mode);
        if (r)
                return error_trace(r);
        if (asprintf(&listener->lock_path, "%s.lock", path) < 0) {
                listener->lock_path = NULL;
                return error_origin(-ENOMEM);
        }
        r = listener_lock(listener);
        if (r)
                return r;
        r = clear_path(path);
        if (r)
                return r;
        return bind_path(listener, path, mode);
}

static void pause_over(evutil_socket_t fd, short what, void *userdata) {
        Listener *listener = userdata;

        (void) fd;
        (void) what;
        (void) event_add(listener->event, NULL);
}

static void accept_some(evutil_socket_t listening_fd, short what, void *userdata) {
        Listener *listener = userdata;

        (void) what;
        for (int i = 0; i < ACCEPT_AT_ONCE; ++i) {
                int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd >= 0) {
                        listener->accepted(fd, listener->userdata);
                } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
                           errno == ENOBUFS) {
                        /* Whoever waits keeps waiting, but the loop must not spin. */
                        log_warning("No connection can be accepted for a moment: %s.",
                                    strerror(errno));
                        (void) event_del(listener->event);
                        (void) event_add(listener->pause, &pause_time);
                        return;
                } else if (errno != ECONNABORTED && errno != EINTR) {
                        return;
                }
        }
}

static int listener_begin(Listener *listener, struct event_base *base, ListenerAcceptedFn accepted,
                          void *userdata) {
        listener->accepted = accepted;
        listener->userdata = userdata;
        listener->event =
                event_new(base, listener->fd, EV_READ | EV_PERSIST, accept_some, listener);
        listener->pause = evtimer_new(base, pause_over, listener);
        if (!listener->event || !listener->pause || event_add(listener->event, NULL) < 0)
                return error_origin(-ENOMEM);
        return 0;
}

/**
 * listener_open() - listen
 * @listener:   the object, LISTENER_NULL before
 * @base:       the loop
 * @passed_fd:  a socket that systemd passed, or negative
 * @path:       where, if it passed none
 * @mode:       of a socket that is made there, LISTENER_MODE_...
 * @accepted:   takes over the socket of each client that connects
 * @userdata:   passed to @accepted
 *
 * Return: 0, LISTENER_E_BUSY, or a negative errno: -EEXIST if there is something
 *         that is no socket. listener_close() is due in any case.
 */
int listener_open(Listener *listener, struct event_base *base, int passed_fd, const char *path,
                  mode_t mode, ListenerAcceptedFn accepted, void *userdata) {
        int r;

        listener->fd = passed_fd;
        if (listener->fd < 0) {
                r = open_own(listener, path, mode);
                if (r)
                        return r;
        }
        return listener_begin(listener, base, accepted, userdata);
}

/**
 * listener_open_shared() - listen in a directory that others have as well, as a container has
 * @listener:   the object, LISTENER_NULL before
 * @base:       the loop
 * @path:       where; there is no lock, for the broker has one already that is its own
 * @mode:       of the socket
 * @owner:      of the socket; -1 leaves it to who runs the broker
 * @group:      the same
 * @accepted:   takes over the socket of each client that connects
 * @userdata:   passed to @accepted
 *
 * Return: what listener_open() does, or LISTENER_E_OWNER.
 */
int listener_open_shared(Listener *listener, struct event_base *base, const char *path, mode_t mode,
                         uid_t owner, gid_t group, ListenerAcceptedFn accepted, void *userdata) {
        int r;

        r = clear_path(path);
        if (r)
                return r;
        r = bind_path(listener, path, mode);
        if (r)
                return error_trace(r);
        if ((owner != (uid_t) -1 || group != (gid_t) -1) &&
            fchownat(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == EPERM ? LISTENER_E_OWNER : error_origin(-errno);
        return listener_begin(listener, base, accepted, userdata);
}

/* listener_is_there() - does the path of a socket that was made here lead to it? */
bool listener_is_there(const Listener *listener) {
        struct stat st;

        return listener->bound && lstat(listener->path, &st) == 0 &&
               st.st_dev == listener->device && st.st_ino == listener->inode;
}

void listener_close(Listener *listener) {
        if (listener->event)
                event_free(listener->event);
        if (listener->pause)
                event_free(listener->pause);
        if (listener_is_there(listener))
                (void) unlink(listener->path);
        if (listener->locked)
                (void) unlink(listener->lock_path);
        fd_close(listener->fd);
        fd_close(listener->lock_fd);
        free(listener->path);
        free(listener->lock_path);
        *listener = (Listener) LISTENER_NULL;
}
