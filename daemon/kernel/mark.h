/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_MARK_H
#define SHMBROKER_DAEMON_KERNEL_MARK_H

/*
 * Is this one attached? Each attachment's open file description is marked by an OFD read lock
 * (fcntl(2)) on a byte of its own, far beyond the end of any segment. For counting and naming,
 * never for destruction: who holds a description can drop its lock, or set others.
 *
 * Where the byte is follows from the attachment's id and from a key that only the broker has. So
 * nobody can lock the bytes of attachments that are still to come, and a lock that the broker did
 * not set is told from a mark.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/siphash.h"

/*
 * Each id has so many bytes, of which one is the place of its mark. The first ones are those of id
 * 0, which no attachment has. The last byte of all is left out: the kernel tells of a lock that
 * reaches it as if it were without an end.
 */
#define MARK_BASE (INT64_C(1) << 62)
#define MARK_SECRET_BITS 20
#define MARK_ID_MAX ((INT64_C(1) << (62 - MARK_SECRET_BITS)) - 2)
#define MARK_PLACE_MAX (INT64_MAX - (INT64_C(1) << MARK_SECRET_BITS))

typedef enum Mark Mark;
typedef enum MarkSearch MarkSearch;

enum Mark {
        MARK_ALIVE,
        MARK_GONE,
        /* A lock that is not the mark covers the byte, or the kernel did not say. */
        MARK_UNKNOWN,
};

enum MarkSearch {
        /* No lock lies there */
        MARK_SEARCH_NONE,
        /* A mark */
        MARK_SEARCH_MARK,
        /* A lock on one byte among those of marks, which the broker did not set */
        MARK_SEARCH_FORGED,
        /* A lock that covers more, behind which nothing can be seen; or the kernel did not say */
        MARK_SEARCH_COVERED,
};

void mark_set_key(const SipKey *key);

int64_t mark_first_place(int64_t attachment_id);
int64_t mark_place(int64_t attachment_id);
int64_t mark_id(int64_t place);

bool mark_set(int fd, int64_t attachment_id);
Mark mark_probe(int master_fd, int64_t attachment_id);
MarkSearch mark_search(int master_fd, int64_t first, int64_t last, int64_t *ret_place);

#endif
