#ifndef SHMBROKER_SEGMENT_H
#define SHMBROKER_SEGMENT_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * ---- Segments -------------------------------------------------------------------------------
 */

/**
 * shmbroker_acquire() - open or create a segment and attach it
 * @connection: the connection
 * @name:       name of the segment, of 1 to 255 bytes: parts of letters, digits and "._+:@-" with
 *              single slashes between them. NULL means the id of the options or, without one, a new
 *              private segment, which has no name.
 * @options:    the options, or NULL: open, read and write, mapped
 * @ret:        the segment, to be released by shmbroker_release()
 *
 * The memory is mapped MAP_SHARED (mmap(2)), at an address of the kernel's choice. The attachment
 * is the open file description (open(2)) behind the segment's descriptor and mapping, with every
 * copy that fork(2), dup(2), unix(7) or another mmap(2) makes of them; it ends with the last of
 * these, in whatever way that happens.
 *
 * If mapping or populating fails, a private segment just created is removed again. One with a name
 * stays, for others may use it already.
 *
 * A call that was cut off because the broker went away is made again, once, on a new connection if
 * nothing can be created by it; else it fails with -ECONNRESET, and may or may not have created the
 * segment.
 *
 * Return: 0, or
 *         -ENOENT       there is no such segment, nor was there within the time to wait
 *         -EEXIST       it exists, and creating a new one was asked for
 *         -EACCES       its mode does not let the caller do that (as for shmget(2))
 *         -EINVAL       name or an option is not possible; or the size is out of range, or more
 *                       than the segment has
 *         -ENOSPC       a limit of the broker was reached
 *         -ENOMEM       out of memory, in the broker or here, or no room for the mapping
 *         -EMFILE       too many descriptors are open (RLIMIT_NOFILE), or connections to the broker
 *         -EFAULT       populating met a page that there is no memory for, as madvise(2) says
 *         -EOPNOTSUPP   this broker, kernel or kind of segment cannot do that
 *         -EOVERFLOW    the segment is larger than an address space
 *         -EBADMSG, -EBUSY, -ENOSYS, -EREMOTEIO, -EPROTO
 *                       errors of the broker, see libshmbroker(3)
 *         -ETIMEDOUT    the broker did not answer in time
 *         -ECONNRESET   it went away meanwhile
 *         -ENOENT, -ECONNREFUSED, -EACCES
 *                       it cannot be connected to any more; shmbroker_error_name() is NULL
 *         -ECHILD       the connection is the parent process's
 * Since: 0.1
 */
int shmbroker_acquire(struct shmbroker *connection, const char *name,
                      const struct shmbroker_options *options, struct shmbroker_segment **ret);

/**
 * shmbroker_release() - unmap and close a segment
 * @segment:    the segment, or NULL
 *
 * The attachment ends, unless copies of it remain. No broker is needed for it, and no connection; a
 * child that fork(2) made releases what it inherited for itself alone.
 * Return: NULL.
 * Since: 0.1
 */
struct shmbroker_segment *shmbroker_release(struct shmbroker_segment *segment);

/**
 * shmbroker_segment_data() - where the memory is, aligned to a page; NULL if it is not mapped, or
 *      has size 0
 * shmbroker_segment_size() - the size that was asked for when it was created
 * shmbroker_segment_mapped() - how much is mapped: the size, rounded up to whole pages, or 0. What
 *      is behind the size is shared memory too, and zero until somebody writes there.
 * shmbroker_segment_fd() - the descriptor. It is close-on-exec and remains the segment's: duplicate
 *      it (dup(2)) to keep it. Do not lock it with fcntl(2); the marks by which attachments are
 *      counted are such locks.
 * shmbroker_segment_access() - one of enum shmbroker_access
 * shmbroker_segment_created() - 1 if the call that acquired it created it, else 0
 * shmbroker_segment_attachment_id() - the number of this attachment in
 *      shmbroker_list_attachments(); -ENODATA if it has none
 * shmbroker_segment_info() - the state when it was acquired, owned by the segment and never
 *      changed; shmbroker_stat() asks anew
 * Since: 0.1
 */
void *shmbroker_segment_data(const struct shmbroker_segment *segment);
uint64_t shmbroker_segment_size(const struct shmbroker_segment *segment);
size_t shmbroker_segment_mapped(const struct shmbroker_segment *segment);
int shmbroker_segment_fd(const struct shmbroker_segment *segment);
int shmbroker_segment_access(const struct shmbroker_segment *segment);
int shmbroker_segment_created(const struct shmbroker_segment *segment);
int shmbroker_segment_attachment_id(const struct shmbroker_segment *segment, int64_t *ret);
const struct shmbroker_info *shmbroker_segment_info(const struct shmbroker_segment *segment);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
