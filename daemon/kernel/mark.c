/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/mark.h"

#include <fcntl.h>
#include <unistd.h>

#define SECRET_MASK ((UINT64_C(1) << MARK_SECRET_BITS) - 1)

static SipKey mark_key;

/* mark_set_key() - say what the places of marks follow from, before there are any; it is the same
 * for all brokers that one after the other have the same segments */
void mark_set_key(const SipKey *key) {
        mark_key = *key;
}

/* mark_first_place() - no mark of this id or a higher one lies on a lower byte */
int64_t mark_first_place(int64_t attachment_id) {
        return MARK_BASE + (attachment_id << MARK_SECRET_BITS);
}

/* mark_place() - the byte that marks an attachment; its id is not above MARK_ID_MAX */
int64_t mark_place(int64_t attachment_id) {
        uint64_t secret = siphash(&mark_key, &attachment_id, sizeof(attachment_id)) & SECRET_MASK;

        return mark_first_place(attachment_id) + (int64_t) secret;
}

/* mark_id() - the attachment that a byte belongs to, as its mark or not */
int64_t mark_id(int64_t place) {
        return (place - MARK_BASE) >> MARK_SECRET_BITS;
}

static struct flock lock_of(short type, int64_t first, int64_t last) {
        return (struct flock){
                .l_type = type,
                .l_whence = SEEK_SET,
                .l_start = first,
                .l_len = last - first + 1,
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
        int64_t place;
        struct flock lock;

        if (attachment_id > MARK_ID_MAX)
                return false;
        place = mark_place(attachment_id);
        lock = lock_of(F_RDLCK, place, place);
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
        int64_t place = mark_place(attachment_id);

        switch (mark_search(master_fd, place, place, &place)) {
        case MARK_SEARCH_NONE:
                return MARK_GONE;
        case MARK_SEARCH_MARK:
                return MARK_ALIVE;
        default:
                return MARK_UNKNOWN;
        }
}

/**
 * mark_search() - find a lock on bytes of marks
 * @master_fd:  as for mark_probe()
 * @first:      the first byte
 * @last:       the last byte
 * @ret_place:  for a mark or a lock of that size, where it is
 *
 * Of several, the kernel tells of the one whose description was the first to have a lock. Broker
 * and kernel go by the same order: descriptions are marked in the order of ids, before anybody else
 * has them. So the mark with the lowest id is found, unless somebody has set a lock elsewhere that
 * looks like a mark.
 */
MarkSearch mark_search(int master_fd, int64_t first, int64_t last, int64_t *ret_place) {
        struct flock lock = lock_of(F_WRLCK, first, last);

        if (fcntl(master_fd, F_OFD_GETLK, &lock) < 0)
                return MARK_SEARCH_COVERED;
        if (lock.l_type == F_UNLCK)
                return MARK_SEARCH_NONE;
        if (lock.l_len != 1 || lock.l_start < first || lock.l_start > last)
                return MARK_SEARCH_COVERED;
        *ret_place = lock.l_start;
        return lock.l_type == F_RDLCK && lock.l_start == mark_place(mark_id(lock.l_start))
                       ? MARK_SEARCH_MARK
                       : MARK_SEARCH_FORGED;
}
