/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/lease.h"

#include <errno.h>
#include <fcntl.h>

/**
 * lease_take() - ask whether the caller's is the only open file description of an inode
 * @fd:         descriptor of a description of the caller's own, and its only one
 *
 * The inode must be the caller's, or CAP_LEASE be there. An open(2) of the inode while the lease is
 * held waits until it is dropped and sends SIGIO here, which has to be ignored.
 *
 * Return: LEASE_TAKEN, and then lease_drop() or close(2) has to follow soon; LEASE_HELD or
 *         LEASE_UNKNOWN.
 */
Lease lease_take(int fd) {
        if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
                return LEASE_TAKEN;
        return errno == EAGAIN ? LEASE_HELD : LEASE_UNKNOWN;
}

/**
 * lease_is_whole() - is a lease that was taken as it was, with nobody waiting for its end?
 * @fd:         as for lease_take()
 *
 * Who has opened the inode since waits in open(2) until the lease is dropped, and then has it; the
 * lease says F_RDLCK or F_UNLCK meanwhile (F_GETLEASE, fcntl(2)).
 */
bool lease_is_whole(int fd) {
        return fcntl(fd, F_GETLEASE) == F_WRLCK;
}

void lease_drop(int fd) {
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
}
