/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_STAMPS_H
#define SHMBROKER_DAEMON_STATE_STAMPS_H

/*
 * What changes with each attachment and each end of one, where a crash of the daemon leaves it: in
 * a file that is mapped, so that to keep it takes no system call. The file is to be on a tmpfs. It
 * is a help and no more: without it, or with values in it that cannot be, times are not known after
 * a restart, and everything else is as it was.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* flags: the segment was attached once (Segment.armed) */
#define STAMP_ARMED (1U << 0)

typedef struct Stamp Stamp;
typedef struct Stamps Stamps;

/*
 * One segment, in the file as it is here. The members that stamps_take() leaves 0 may be set at any
 * time; id is not for others to set.
 */
struct Stamp {
        int64_t id;
        /* Since the epoch, 0 for never */
        uint64_t attach_usec;
        uint64_t detach_usec;
        int32_t last_pid;
        uint32_t flags;
};

struct Stamps {
        int fd;
        char *path;
        /* Pieces of the file, each mapped by itself, so that what is in one never moves */
        Stamp **chunks;
        size_t n_chunks;
        /* Free slots */
        Stamp **unused;
        size_t n_unused;
        /* Slots of an earlier daemon that stamps_find() was not asked for, by id */
        Stamp **found;
        size_t n_found;
};

#define STAMPS_NULL                                                                                \
        { .fd = -EBADF }

int stamps_open(Stamps *stamps, const char *path);
void stamps_close(Stamps *stamps, bool keep);

Stamp *stamps_find(Stamps *stamps, int64_t id, uint64_t now_usec);
void stamps_settle(Stamps *stamps);

Stamp *stamps_take(Stamps *stamps, int64_t id);
void stamps_free(Stamps *stamps, Stamp *stamp);

#endif
