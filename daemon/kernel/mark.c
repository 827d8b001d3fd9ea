/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/mark.h"

#include <fcntl.h>
#include <unistd.h>

static struct flock mark_lock(short type, int64_t attachment_id) {
        return (struct flock){
                .l_type = type,
                .l_whence = SEEK_SET,
                .l_start = MARK_BASE + attachment_id,
                .l_len = 1,
        };
}

/**
 * mark_set() - mark an open file description before it is handed out
 * @fd:         descriptor of the description, open for reading
 * @attachment_id: id of the attachment, never used before
 *
 * Return: whether it is marked. It cannot be while somebody holds a write lock there.
 */
bool mark_set(int fd, int64_t attachment_id) {
        struct flock lock = mark_lock(F_RDLCK, attachment_id);

        return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/**
 * mark_probe() - does the description marked so exist?
 * @master_fd:  descriptor of another description of the same inode, open for writing
 * @attachment_id: id of the attachment
 *
 * The kernel walks the inode's locks one by one until it finds one in the way.
 */
Mark mark_probe(int master_fd, int64_t attachment_id) {
        struct flock lock = mark_lock(F_WRLCK, attachment_id);

        if (fcntl(master_fd, F_OFD_GETLK, &lock) < 0)
                return MARK_UNKNOWN;
        if (lock.l_type == F_UNLCK)
                return MARK_GONE;
        if (lock.l_type == F_RDLCK && lock.l_start == MARK_BASE + attachment_id && lock.l_len == 1)
                return MARK_ALIVE;
        return MARK_UNKNOWN;
}

/**
 * mark_find() - find any mark among those of several attachments
 * @master_fd:  as for mark_probe()
 * @first_id:   the first of them
 * @last_id:    the last of them
 * @ret_id:     one that is marked
 *
 * Locks that are not as mark_set() makes them are somebody's else.
 *
 * Return: whether there is one.
 */
bool mark_find(int master_fd, int64_t first_id, int64_t last_id, int64_t *ret_id) {
        struct flock lock = mark_lock(F_WRLCK, first_id);

        lock.l_len = last_id - first_id + 1;
        if (fcntl(master_fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_RDLCK || lock.l_len != 1 ||
            lock.l_start < MARK_BASE + first_id || lock.l_start > MARK_BASE + last_id)
                return false;
        *ret_id = lock.l_start - MARK_BASE;
        return true;
}
