/* SPDX-License-Identifier: MIT */
#include "client/ctl/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/cell.h"
#include "client/ctl/util.h"

#define DIRECTORY "/dev/shm"
#define PREFIX "posix/"
#define USEC_PER_SEC UINT64_C(1000000)

/* Of what st_blocks counts */
#define BLOCK_SIZE 512

static void directory_close(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

static uint64_t time_usec(const struct timespec *time) {
        return (uint64_t) time->tv_sec * USEC_PER_SEC + (uint64_t) time->tv_nsec / 1000;
}

static Native native_of(const struct stat *state) {
        return (Native){
                .kind = NATIVE_POSIX,
                .size = (uint64_t) state->st_size,
                .has_allocated = true,
                .allocated = (uint64_t) state->st_blocks * BLOCK_SIZE,
                .uid = state->st_uid,
                .gid = state->st_gid,
                .mode = state->st_mode & 0777,
                .change_usec = time_usec(&state->st_ctim),
                .posix = {
                        .device = state->st_dev,
                        .inode = state->st_ino,
                        .read_usec = time_usec(&state->st_atim),
                        .write_usec = time_usec(&state->st_mtim),
                },
        };
}

/* Semaphores are in the same place; nothing else that sem_open(3) and shm_open(3) make is there. */
static int add_entry(Natives *natives, int directory_fd, const char *name) {
        struct stat state;
        Native native;

        if (strncmp(name, "sem.", strlen("sem.")) == 0 ||
            fstatat(directory_fd, name, &state, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(state.st_mode))
                return 0;
        native = native_of(&state);
        native_set_age(&native);
        native.name = cell_printf(PREFIX "%s", name);
        return native.name ? natives_add(natives, &native) : -ENOMEM;
}

static int compare_names(const void *a, const void *b) {
        const Native *native_a = a, *native_b = b;

        return strcmp(native_a->name, native_b->name);
}

/* posix_list() - find all objects, in the order of their names. Return: 0 or a negative errno. */
int posix_list(Natives *natives) {
        _cleanup_(directory_close) DIR *directory = opendir(DIRECTORY);
        size_t n_before = natives->n_items;
        const struct dirent *entry;
        int r;

        if (!directory)
                return errno == ENOENT ? 0 : -errno;
        while (errno = 0, (entry = readdir(directory))) {
                r = add_entry(natives, dirfd(directory), entry->d_name);
                if (r)
                        return r;
        }
        if (errno)
                return -errno;
        if (natives->n_items > n_before)
                qsort(natives->items + n_before, natives->n_items - n_before,
                      sizeof(*natives->items), compare_names);
        return 0;
}

static bool is_inode(const Native *native, const struct stat *state) {
        return state->st_dev == native->posix.device && state->st_ino == native->posix.inode;
}

static char *path_of(const Native *native) {
        return cell_printf(DIRECTORY "/%s", native->name + strlen(PREFIX));
}

/* Opens a description of our own. Nothing is waited for, also if somebody has a lease, and nothing
 * followed. To read is enough for every lease, and changes no time. */
static int open_object(const char *path) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* Has nobody else the inode? Then it is ours until the lease is dropped: who opens it waits. */
static Truth take_lease(int fd) {
        /* Somebody opens it in this moment, which ends a process that does not ignore it. */
        (void) signal(SIGIO, SIG_IGN);
        if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
                return TRUTH_NO;
        return errno == EAGAIN ? TRUTH_YES : TRUTH_UNKNOWN;
}

static void drop_lease(int fd) {
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
}

/**
 * posix_examine() - find out whether somebody has an object open or mapped
 * @native:     the object
 *
 * The kernel answers for all processes of all namespaces, but only the owner of the object or
 * whoever has CAP_LEASE, and who may read it.
 */
void posix_examine(Native *native) {
        _cleanup_(freep) char *path = path_of(native);
        _cleanup_(fd_closep) int fd = -EBADF;
        struct stat state;

        native->held = TRUTH_UNKNOWN;
        if (!path)
                return;
        fd = open_object(path);
        /* Who has a lease has it open. */
        if (fd == -EAGAIN)
                native->held = TRUTH_YES;
        if (fd < 0 || fstat(fd, &state) < 0 || !is_inode(native, &state))
                return;
        native->held = take_lease(fd);
        if (native->held == TRUTH_NO)
                drop_lease(fd);
}

/* Is it the same, and did nothing happen to it? */
static bool is_unchanged(const Native *native, const struct stat *state) {
        Native now = native_of(state);

        return is_inode(native, state) && native->size == now.size && native->uid == now.uid &&
               native->gid == now.gid && native->mode == now.mode &&
               native->change_usec == now.change_usec &&
               native->posix.read_usec == now.posix.read_usec &&
               native->posix.write_usec == now.posix.write_usec;
}

/* While nobody else can open it: is it still what has the name, and does nobody wait to open it? */
static int unlink_leased(const Native *native, int fd, const char *path) {
        struct stat state;

        if (fstatat(AT_FDCWD, path, &state, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? NATIVE_E_GONE : -errno;
        if (!is_unchanged(native, &state))
                return NATIVE_E_CHANGED;
        if (fcntl(fd, F_GETLEASE) != F_WRLCK)
                return NATIVE_E_HELD;
        if (unlink(path) < 0)
                return errno == ENOENT ? NATIVE_E_GONE : -errno;
        return 0;
}

static int remove_opened(const Native *native, int fd, const char *path) {
        Truth held = take_lease(fd);
        int r;

        if (held == TRUTH_YES)
                return NATIVE_E_HELD;
        if (held == TRUTH_UNKNOWN)
                return -errno;
        r = unlink_leased(native, fd, path);
        drop_lease(fd);
        return r;
}

/**
 * posix_remove() - remove an object if it is as it was when it was found, and nobody has it
 * @native:     the object
 *
 * Return: 0, NATIVE_E_GONE, NATIVE_E_CHANGED, NATIVE_E_HELD, or a negative errno.
 */
int posix_remove(const Native *native) {
        _cleanup_(freep) char *path = path_of(native);
        _cleanup_(fd_closep) int fd = -EBADF;

        if (!path)
                return -ENOMEM;
        fd = open_object(path);
        if (fd == -ENOENT)
                return NATIVE_E_GONE;
        if (fd == -EAGAIN)
                return NATIVE_E_HELD;
        /* A symbolic link has the name by now. */
        if (fd == -ELOOP)
                return NATIVE_E_CHANGED;
        return fd < 0 ? fd : remove_opened(native, fd, path);
}
