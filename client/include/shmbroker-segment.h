/* SPDX-License-Identifier: MIT */
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
 * The memory is mapped MAP_SHARED (mmap(2)) unless the options say otherwise. The attachment
 * is the open file description (open(2)) behind the segment's descriptor and mapping, with every
 * copy that fork(2), dup(2), unix(7) or another mmap(2) makes of them; it ends with the last of
 * these, in whatever way that happens.
 *
 * Where the broker has no descriptor for a System V segment, it is attached by shmat(2), and all
 * but a private copy is as with other segments.
 *
 * If populating fails, a segment just created is removed again. If mapping fails otherwise, a
 * private one is, and one with a name stays, for others may use it already.
 *
 * A call that was cut off because the broker went away is made again, once, on a new connection if
 * nothing can be created by it, or nothing that stays: a private segment that removes itself at its
 * last detach. Else it fails with -ECONNRESET, and may or may not have created the segment.
 *
 * Return: 0, or
 *         -ENOENT       there is no such segment, nor was there within the time to wait
 *         -EEXIST       it exists, and creating a new one was asked for
 *         -EADDRINUSE   something else is at the address of the options
 *         -EACCES       its mode does not let the caller do that (as for shmget(2))
 *         -EINVAL       name or an option is not possible; or the size is out of range, or more
 *                       than the segment has
 *         -ENOSPC       a limit of the broker was reached, or populating filled a file system
 *         -ENOMEM       out of memory, in the broker or here, or no room for the mapping
 *         -EPERM        it may not be locked in memory, or not be mapped at that address
 *         -EAGAIN       the broker has no descriptor to give at the moment
 *         -EMFILE       too many descriptors are open here (RLIMIT_NOFILE)
 *         -EFAULT, -EHWPOISON
 *                       populating met a page that cannot be had, as madvise(2) says
 *         -EOPNOTSUPP   this broker, kernel or kind of segment cannot do that, as to write to one
 *                       that is sealed against it
 *         -EOVERFLOW    the segment is larger than an address space
 *         -EBADMSG, -EBUSY, -ENOSYS, -EREMOTEIO, -EPROTO
 *                       errors of the broker, see libshmbroker(3)
 *         -ETIMEDOUT    the broker did not answer in time
 *         -ECONNRESET   it went away meanwhile
 *         -ENOTCONN     there is no broker that can be connected to
 *         -ECHILD       the connection is the parent process's
 * Since: 0.1
 */
int shmbroker_acquire(struct shmbroker *connection, const char *name,
                      const struct shmbroker_options *options, struct shmbroker_segment **ret);

/**
 * shmbroker_acquire_id() - acquire a segment by its number
 * @connection: the connection
 * @id:         its id
 * @options:    how, NULL for reading and writing; nothing can be created
 * @ret:        the segment, to be released by shmbroker_release()
 *
 * Return: as shmbroker_acquire().
 * Since: 0.1
 */
int shmbroker_acquire_id(struct shmbroker *connection, int64_t id,
                         const struct shmbroker_options *options, struct shmbroker_segment **ret);

/**
 * shmbroker_acquire_many() - acquire segments, all of them or none
 * @connection: the connection
 * @n:          how many
 * @names:      their names, as for shmbroker_acquire()
 * @options:    how, the same for each; or NULL
 * @ret:        room for @n segments, each to be released by shmbroker_release()
 *
 * They are asked for ahead of the answers, which is faster than one after the other. Where one
 * fails, those that were acquired are released again, and those that were created for it removed.
 * Segments with a time to wait are acquired one after the other, each with all of that time.
 *
 * Return: as shmbroker_acquire(), of the first that failed.
 * Since: 0.1
 */
int shmbroker_acquire_many(struct shmbroker *connection, size_t n, const char *const names[],
                           const struct shmbroker_options *options,
                           struct shmbroker_segment *ret[]);

/**
 * shmbroker_segment_from_fd() - make a segment of a descriptor
 * @fd:         a descriptor that was inherited, or received through a socket: of a memory file, or
 *              another file that can be mapped. On success it is the segment's from now on, and
 *              close-on-exec; on failure it remains the caller's, unchanged.
 * @options:    how to map it, access and least size; others are -EINVAL. NULL: all of it, for what
 * it was opened for.
 * @ret:        the segment, to be released by shmbroker_release()
 *
 * No broker is asked, and nothing is known but the size: that of the object, or the least size of
 * the options, which is what the segment's size is then and shmbroker_segment_remap() can raise.
 *
 * Return: 0; -EBADF if it is not open, or by O_PATH; -ENODEV if it is of no file; -EACCES if it was
 *         not opened for the access wanted; -EINVAL if it is smaller than wanted, or cannot be
 *         mapped like this; -EOPNOTSUPP if it is sealed against what is
 *         wanted; -ENOMEM and others of mmap(2), mlock(2) and madvise(2).
 * Since: 0.1
 */
int shmbroker_segment_from_fd(int fd, const struct shmbroker_options *options,
                              struct shmbroker_segment **ret);

/**
 * shmbroker_segment_from_environment() - make a segment of what "shmbrokerctl exec" passed on
 * @prefix:     what its variables begin with, as given to exec by --env; NULL for "SHMBROKER"
 * @options:    as for shmbroker_segment_from_fd()
 * @ret:        the segment, to be released by shmbroker_release()
 *
 * The descriptor is that of $SHMBROKER_FD; $SHMBROKER_INODE tells whether it is still the same
 * object. $SHMBROKER_SIZE, $SHMBROKER_ID, $SHMBROKER_NAME and $SHMBROKER_ACCESS tell the rest. It
 * can be taken once.
 *
 * Return: as shmbroker_segment_from_fd(), and -ENXIO if nothing was passed on; -ESTALE if the
 *         descriptor is of something else by now; -EINVAL if one of the variables is not possible,
 *         or missing; -EBADF also if it was taken already.
 * Since: 0.1
 */
int shmbroker_segment_from_environment(const char *prefix, const struct shmbroker_options *options,
                                       struct shmbroker_segment **ret);

/**
 * shmbroker_segment_map() - map a segment, or map it in another way
 * @segment:    the segment
 * @options:    how, and nothing else: other options are -EINVAL. NULL is as it was acquired, or
 *              mapped last.
 *
 * If it is mapped already, that mapping ends when the new one is there; if that fails, it stays.
 *
 * Return: 0; -EINVAL if window or address is not possible; -EBADF if the descriptor was closed;
 *         -EOPNOTSUPP if there is none, as with some System V segments, and it shall be a private
 *         copy; -EADDRINUSE, -EOPNOTSUPP, -ENOSPC, -ENOMEM and others of mmap(2), shmat(2),
 * mlock(2) and madvise(2). Since: 0.1
 */
int shmbroker_segment_map(struct shmbroker_segment *segment,
                          const struct shmbroker_options *options);

/**
 * shmbroker_segment_unmap() - end the mapping, and keep the descriptor and with it the attachment
 * Since: 0.1
 */
void shmbroker_segment_unmap(struct shmbroker_segment *segment);

/**
 * shmbroker_segment_sync() - write to the disk what was written into the memory (msync(2))
 * @segment:    a segment that is mapped
 * @offset:     from where in the segment on, in bytes
 * @length:     how much, in bytes; 0 is up to the end of what is mapped
 *
 * It returns when that is done. Of kinds other than file, which have no disk, nothing is to be
 * done; nor of a private copy.
 *
 * Return: 0; -EINVAL if it is not mapped there; -EIO if it could not be written.
 * Since: 0.1
 */
int shmbroker_segment_sync(const struct shmbroker_segment *segment, uint64_t offset,
                           uint64_t length);

/**
 * shmbroker_segment_remap() - follow a segment that grew
 * shmbroker_segment_refresh() - ask the broker for the state of a segment, and follow it
 * @connection: the connection
 * @segment:    the segment
 * @size:       the size that it has now, as a shmbroker_resize(), an event or another process told
 *
 * If more has to be mapped for that, the memory may move, unless it was reserved or has a fixed
 * address: afterwards ask for shmbroker_segment_data() and shmbroker_segment_mapped() again. What
 * was written into a private copy stays. A size that is not larger changes nothing.
 *
 * After a refresh shmbroker_segment_info() and shmbroker_segment_name() are what the broker said
 * now, and what they returned before is gone.
 *
 * Return: 0; -EINVAL if the object is smaller than that; -EBADF if the descriptor was closed;
 *         -ENOMEM and others of mremap(2), mlock(2) and madvise(2), with the segment as large as
 *         before. Of refresh also those of shmbroker_stat(); -EINVAL if the segment came as a
 *         descriptor, so that its id is not known.
 * Since: 0.1
 */
int shmbroker_segment_remap(struct shmbroker_segment *segment, uint64_t size);
int shmbroker_segment_refresh(struct shmbroker_segment *segment, struct shmbroker *connection);

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
 * shmbroker_segment_mapped() - how much is mapped there, in whole pages, or 0: the size, or what
 * the options said. What is behind the size on its last page is shared memory too, and zero until
 *      somebody writes there.
 * shmbroker_segment_offset() - where in the segment it begins: 0, or where the window does
 * shmbroker_segment_size() - the size of the segment: what was asked for when it was created, or
 *      what it has grown to as far as shmbroker_segment_remap() knows
 * shmbroker_segment_fd() - the descriptor, or a negative number where there is none. It is
 *      close-on-exec and remains the segment's: duplicate it (dup(2)) to keep it. Do not close it.
 *      No lock of fcntl(2) may be in the range from 2^62 on: attachments are marked there.
 * shmbroker_segment_access() - one of enum shmbroker_access
 * shmbroker_segment_created() - 1 if the call that acquired it created it, else 0
 * shmbroker_segment_id() - the number of the segment; -ENODATA if it came as a descriptor
 * shmbroker_segment_name() - its name; NULL if it has none, or it is not known
 * shmbroker_segment_attachment_id() - the number of this attachment in
 *      shmbroker_list_attachments(); -ENODATA if it has none, or it is not known
 * shmbroker_segment_info() - the state when it was acquired or refreshed, owned by the segment;
 *      shmbroker_stat() asks anew. NULL if it came as a descriptor and was never refreshed.
 * Since: 0.1
 */
void *shmbroker_segment_data(const struct shmbroker_segment *segment);
uint64_t shmbroker_segment_size(const struct shmbroker_segment *segment);
size_t shmbroker_segment_mapped(const struct shmbroker_segment *segment);
uint64_t shmbroker_segment_offset(const struct shmbroker_segment *segment);
int shmbroker_segment_fd(const struct shmbroker_segment *segment);
int shmbroker_segment_access(const struct shmbroker_segment *segment);
int shmbroker_segment_created(const struct shmbroker_segment *segment);
int shmbroker_segment_id(const struct shmbroker_segment *segment, int64_t *ret);
const char *shmbroker_segment_name(const struct shmbroker_segment *segment);
int shmbroker_segment_attachment_id(const struct shmbroker_segment *segment, int64_t *ret);
const struct shmbroker_info *shmbroker_segment_info(const struct shmbroker_segment *segment);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
