/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_LISTENER_H
#define SHMBROKER_DAEMON_SERVER_LISTENER_H

/* Where clients connect: a socket of the broker's own, or one that systemd passed. What it passed
 * besides by names of the store is the store's (daemon/state/store.h), which takes it before. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Everybody may connect, for who may what is decided for each segment; or nobody but who runs the
 * broker, and root. */
#define LISTENER_MODE_PUBLIC 0666
#define LISTENER_MODE_ADMIN 0600

struct event;
struct event_base;

typedef struct Listener Listener;
typedef struct ListenerPassed ListenerPassed;

/* Takes over a client's socket. */
typedef void (*ListenerAcceptedFn)(int fd, void *userdata);

enum {
        _LISTENER_E_SUCCESS,
        /* Another broker listens there */
        LISTENER_E_BUSY,
        /* What systemd passed is not one listening stream socket, or that and the administrator's
         */
        LISTENER_E_PASSED,
        /* It cannot be given to its owner or group */
        LISTENER_E_OWNER,
        _LISTENER_E_N,
};

struct ListenerPassed {
        /* The public one, then the administrator's */
        int fds[2];
        size_t n_fds;
};

struct Listener {
        ListenerAcceptedFn accepted;
        void *userdata;
        int fd;
        /* Of a socket of the broker's own */
        char *path;
        bool bound;
        /* What the path leads to as long as nobody puts something else there */
        dev_t device;
        ino_t inode;
        char *lock_path;
        int lock_fd;
        bool locked;
        struct event *event;
        /* Looks again when descriptors had run out */
        struct event *pause;
};

#define LISTENER_NULL                                                                              \
        { .fd = -EBADF, .lock_fd = -EBADF }

int listener_find_passed(ListenerPassed *ret);
int listener_open(Listener *listener, struct event_base *base, int passed_fd, const char *path,
                  mode_t mode, ListenerAcceptedFn accepted, void *userdata);
int listener_open_shared(Listener *listener, struct event_base *base, const char *path, mode_t mode,
                         uid_t owner, gid_t group, ListenerAcceptedFn accepted, void *userdata);
bool listener_is_there(const Listener *listener);
void listener_close(Listener *listener);

#endif
