/* SPDX-License-Identifier: MIT */
#include "daemon/kind/identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* identity_of() - what a descriptor leads to, which may be O_PATH; not known if the kernel does not
 * say */
Identity identity_of(int fd) {
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0)
                return (Identity){};
        return (Identity){
                .device = makedev(st.stx_dev_major, st.stx_dev_minor),
                .inode = st.stx_ino,
                .birth_usec = st.stx_mask & STATX_BTIME
                                      ? (uint64_t) st.stx_btime.tv_sec * UINT64_C(1000000) +
                                                st.stx_btime.tv_nsec / 1000
                                      : 0,
        };
}

/* identity_shared() - do two descriptors lead to the same file or directory? */
bool identity_shared(int fd, int other_fd) {
        struct stat st, other;

        return fstat(fd, &st) == 0 && fstat(other_fd, &other) == 0 && st.st_dev == other.st_dev &&
               st.st_ino == other.st_ino;
}

bool identity_known(const Identity *identity) {
        return identity->device != 0;
}

/*
 * identity_equal() - are two the same?
 *
 * The device of a disk may have another number after a reboot, and 0 is an inode like any other:
 * the first System V segment has it.
 */
bool identity_equal(const Identity *one, const Identity *other) {
        return one->inode == other->inode && one->birth_usec == other->birth_usec;
}
