/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_ATTACH_TIMES_H
#define SHMBROKER_DAEMON_STATE_ATTACH_TIMES_H

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
#define ATTACH_TIME_ARMED (1U << 0)

typedef struct AttachTime AttachTime;
typedef struct AttachTimes AttachTimes;

/*
 * One segment, in the file as it is here. The members that attach_times_take() leaves 0 may be set
 * at any time; id is not for others to set.
 */
struct AttachTime {
        int64_t id;
        /* Since the epoch, 0 for never */
        uint64_t attach_usec;
        uint64_t detach_usec;
        int32_t last_pid;
        uint32_t flags;
        /* CLOCK_BOOTTIME, since when nobody has it; 0 while somebody does */
        uint64_t idle_usec;
};

struct AttachTimes {
        int fd;
        char *path;
        /* Pieces of the file, each mapped by itself, so that what is in one never moves */
        AttachTime **chunks;
        size_t n_chunks;
        /* Free slots */
        AttachTime **unused;
        size_t n_unused;
        /* Slots of an earlier daemon that attach_times_find() was not asked for, by id */
        AttachTime **found;
        size_t n_found;
};

#define ATTACH_TIMES_NULL                                                                          \
        { .fd = -EBADF }

int attach_times_open(AttachTimes *attach_times, const char *path);
void attach_times_close(AttachTimes *attach_times, bool keep);

AttachTime *attach_times_find(AttachTimes *attach_times, int64_t id, uint64_t now_usec);
void attach_times_settle(AttachTimes *attach_times);

AttachTime *attach_times_take(AttachTimes *attach_times, int64_t id);
void attach_times_free(AttachTimes *attach_times, AttachTime *attach_time);

#endif
