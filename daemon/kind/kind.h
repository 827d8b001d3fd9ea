/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_KIND_H
#define SHMBROKER_DAEMON_KIND_KIND_H

/* What is behind a segment: one row of functions for each kind, one file for each
 * row. kinds.h has the table of them. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "daemon/kind/host.h"
#include "daemon/model/segment.h"
#include "proto/types.h"

/* What st_blocks counts */
#define BLOCK_BYTES 512

typedef enum HandOut HandOut;
typedef struct KindFailure KindFailure;
typedef struct KindLock KindLock;
typedef struct KindRow KindRow;
typedef struct ObjectState ObjectState;

enum {
        _KIND_E_SUCCESS,
        /* The broker, or the host, has no descriptor left */
        KIND_E_NO_DESCRIPTORS,
        /* The kernel has no memory for it */
        KIND_E_NO_MEMORY,
        /* The kernel cannot make anything as large (EFBIG: RLIMIT_FSIZE, or its own maximum) */
        KIND_E_TOO_LARGE,
        /* Somebody has it mapped for writing */
        KIND_E_IN_USE,
        /* It was sealed against more seals */
        KIND_E_SEALED,
        /* The kernel has no such seal */
        KIND_E_NO_SEAL,
        /* Its key or name is in use */
        KIND_E_EXISTS,
        /* There is nothing of that shmid, key or name */
        KIND_E_NONE,
        /* The object is not one that the client may give away */
        KIND_E_DENIED,
        /* A limit of the kernel's, which the failure names */
        KIND_E_LIMIT,
        /* It cannot be done, or not here, for the reason that the failure names */
        KIND_E_NOT_SUPPORTED,
        /* It is to be had by its shmid alone */
        KIND_E_NATIVE,
        /* It may be there, but cannot be opened now; the failure names cause and reason */
        KIND_E_UNAVAILABLE,
};

/* To whom descriptors for writing are given */
enum HandOut {
        HAND_OUT_OWNER,
        HAND_OUT_EVERYONE,
        HAND_OUT_NOBODY,
        _HAND_OUT_N,
};

/* What there is to say about an error. */
struct KindFailure {
        /* KIND_E_NOT_SUPPORTED, KIND_E_UNAVAILABLE: a sentence that stays, without its full stop */
        const char *reason;
        /* The same in a word that stays: see NotSupported and Unavailability */
        const char *cause;
        /* KIND_E_LIMIT */
        LimitReached limit;
};

/* An object as the kernel has it, whoever did what to it. */
struct ObjectState {
        /* Its name or key leads to it no more */
        bool unlinked;
        uint64_t object_bytes;
        /* Negative if it cannot be told */
        int64_t allocated_bytes;
        /* As the object has them; of no use where has_permission is not set */
        bool has_permission;
        uid_t uid;
        gid_t gid;
        mode_t mode;
        /* Since when that is so */
        uint64_t change_usec;
        /* kind sysv: attachments beside the broker's; when the last of them began and ended, 0 if
         * none did since the last look; and if one did, whose it was, 0 if that is not known */
        size_t n_native;
        uint64_t attach_usec;
        uint64_t detach_usec;
        bool has_last_pid;
        pid_t last_pid;
        bool locked;
};

/* What a worker needs to lock an object in memory, and where it is mapped afterwards. */
struct KindLock {
        int fd;
        void *anchor;
        int shmid;
        uint64_t size_bytes;
        void *locked_at;
};

struct KindRow {
        KindTraits traits;
        /* It can have pages of other sizes than the usual one */
        bool huge_pages;

        /* Makes what is behind @segment, whole, of segment_capacity() bytes in pages of page_bytes,
         * which the host has, for the owner and with the mode of its permission.
         * Sets master_fd, seals and object_bytes. */
        int (*create)(const Host *host, Segment *segment, KindFailure *failure);

        /* Gives it its name outside, or says KIND_E_EXISTS. Between the two it is written down, so
         * that there is never a name of which the next broker does not know. NULL where create()
         * has done it, or there is none. */
        int (*link)(const Host *host, Segment *segment, KindFailure *failure);

        /* Is what @fd leads to one that @client may give, and that the broker can take? Kind sysv
         * goes by the segment's shmid. Sets size, permission and what is told of its history; the
         * object stays as it is. */
        int (*examine)(const Host *host, Segment *segment, int fd, const Credentials *client,
                       KindFailure *failure);

        /* Takes it, and sets what create() sets. @fd stays the caller's. */
        int (*adopt)(const Host *host, Segment *segment, int fd, KindFailure *failure);

        /* Finds it again by what the segment has of it, which was read from the state file: its
         * name or number, and its identity. KIND_E_NONE if it is surely gone, or another one; in
         * every other case KIND_E_UNAVAILABLE, and the segment is as it was. NULL where nothing
         * leads to it but a descriptor. */
        int (*find)(Host *host, Segment *segment, KindFailure *failure);

        /* Opens a new description of it, or says KIND_E_NATIVE. */
        int (*open)(const Host *host, const Segment *segment, Access access, int *ret_fd);

        /* How it is with the object now; false if that cannot be told. NULL where nobody but the
         * broker can change anything. */
        bool (*look)(const Host *host, Segment *segment, ObjectState *ret);

        /* Gives the object another owner, group and mode; all of them or none. NULL where only the
         * broker keeps them. */
        int (*set_permission)(const Host *host, Segment *segment, const Permission *permission,
                              KindFailure *failure);

        /* Makes its name or key free for something else. NULL if there is none outside. */
        int (*unlink)(const Host *host, Segment *segment, KindFailure *failure);

        /* Gives it a name that follows the segment's. Should @replaced have that name outside, it
         * has this one's from then on. NULL as before. */
        int (*rename)(const Host *host, Segment *segment, const char *name, Segment *replaced,
                      KindFailure *failure);

        /* Adds @seals, of enum SealBit. It may wait for pinned pages, and be called by another
         * thread. NULL if the kind has no seals. */
        int (*seal)(int fd, unsigned int seals);

        /* Seals in force, or 0 if that cannot be told; NULL as before. */
        unsigned int (*look_at_seals)(int fd);

        /* Locks the object in memory: 0, or an errno. It is slow for large ones, and may be called
         * by another thread. */
        int (*lock)(KindLock *lock);

        /* Ends a lock that lasts. NULL where a lock is a mapping of the broker's. */
        void (*unlock)(Segment *segment);

        /* Returns the memory of an inode that nobody else has open, as much as the kernel lets it
         * go. It is slow for large ones, and may be called by another thread. NULL where anybody
         * can be opening it by its name just now, who is to find what is in it: then the memory
         * goes with the last descriptor. */
        void (*punch)(int fd, uint64_t size_bytes);
};

extern const KindRow kind_memfd;
extern const KindRow kind_posix;
extern const KindRow kind_sysv;
extern const KindRow kind_file;

void file_sweep(const Host *host, bool (*is_known)(void *userdata, int64_t id), void *userdata);

int kind_error(int error);
int kind_not_supported(KindFailure *failure, const char *cause, const char *reason);
int kind_unavailable(KindFailure *failure, const char *cause, const char *reason);
int kind_not_adopted(KindFailure *failure, int error);
int kind_not_opened(KindFailure *failure, int error);
bool kind_is_same(const Segment *segment, int fd);
int kind_set_master(Segment *segment, int fd);
void kind_set_read_only(Segment *segment, int fd);
bool kind_may_give(const Credentials *client, uid_t owner);
int kind_open(const Host *host, const Segment *segment, Access access, int *ret_fd);
int kind_lock(KindLock *lock);
bool kind_has_inode(const Segment *segment, const struct stat *st);
void kind_punch(int fd, uint64_t size_bytes);

#endif
