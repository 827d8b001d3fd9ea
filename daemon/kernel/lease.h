/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_LEASE_H
#define SHMBROKER_DAEMON_KERNEL_LEASE_H

/*
 * Is anyone attached? A write lease (fcntl(2), F_SETLEASE) is granted only if no other open file
 * description of the inode exists: not as a descriptor, not as a mapping alone, not in flight in a
 * socket. This alone decides whether a segment may be destroyed.
 */

#include <stdbool.h>

typedef enum Lease Lease;

enum Lease {
        /* Nobody else has it, and until lease_drop() nobody gets it unnoticed. */
        LEASE_TAKEN,
        LEASE_HELD,
        /* The kernel did not say; that never means that nobody has it. */
        LEASE_UNKNOWN,
};

Lease lease_take(int fd);
bool lease_is_whole(int fd);
void lease_drop(int fd);

#endif
