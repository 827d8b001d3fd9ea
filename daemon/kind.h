#ifndef SHMBROKER_DAEMON_KIND_H
#define SHMBROKER_DAEMON_KIND_H

/* What is behind a segment: one row of functions for each kind, one file for each row. */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/segment.h"
#include "proto/types.h"

typedef struct KindRow KindRow;

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
};

struct KindRow {
        /* Makes what is behind @segment, whole, of segment_capacity() bytes in pages of page_bytes,
         * which the host has.
         * Sets master_fd and seals. */
        int (*create)(Segment *segment);

        /* Opens a new description of it; @proc_fd is a descriptor of /proc/self/fd. */
        int (*open)(const Segment *segment, int proc_fd, Access access, int *ret_fd);

        /* Adds @seals, of enum SealBit. It may wait for pinned pages, and be called by another
         * thread. NULL if the kind has no seals. */
        int (*seal)(int fd, unsigned int seals);

        /* Seals in force, or 0 if that cannot be told; NULL as before. */
        unsigned int (*look_at_seals)(int fd);

        /* Returns the memory of an inode that nobody else has open, as much as the kernel lets it
         * go. It is slow for large ones, and may be called by another thread. */
        void (*punch)(int fd, uint64_t size_bytes);
};

/* NULL for a kind that this broker does not have. */
extern const KindRow *const kind_rows[_KIND_N];
extern const KindRow kind_memfd;

int kind_error(int error);

#endif
