/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_MARK_H
#define SHMBROKER_DAEMON_KERNEL_MARK_H

/*
 * Is this one attached? Each attachment's open file description is marked by an OFD read lock
 * (fcntl(2)) on a byte of its own, far beyond the end of any segment. For counting and naming,
 * never for destruction: who holds a description can drop its lock, or set others.
 */

#include <stdbool.h>
#include <stdint.h>

/* The byte of an attachment is this and its id. */
#define MARK_BASE (INT64_C(1) << 62)

typedef enum Mark Mark;

enum Mark {
        MARK_ALIVE,
        MARK_GONE,
        /* A lock that is not the mark covers the byte, or the kernel did not say. */
        MARK_UNKNOWN,
};

bool mark_set(int fd, int64_t attachment_id);
bool mark_find(int master_fd, int64_t first_id, int64_t last_id, int64_t *ret_id);
Mark mark_probe(int master_fd, int64_t attachment_id);

#endif
