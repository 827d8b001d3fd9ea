#ifndef SHMBROKER_H
#define SHMBROKER_H

/*
 * libshmbroker: shared memory segments from shmbrokerd(8), as libshmbroker(3) describes.
 *
 * Functions that return int return 0, or a negative errno; what they have to give is written
 * through "ret" pointers, and on success only. Beside the errno of the last call on a connection
 * stands its detail, see shmbroker_get_error().
 *
 * Pointers must not be NULL unless it is said. Strings that a function returns belong to the object
 * they were asked of and live as long as it does. Sizes are in bytes, times in microseconds; points
 * in time are since the epoch (CLOCK_REALTIME), uids, gids, pids and modes as the kernel counts
 * them. Values that the broker may leave open come through a "ret" pointer, and -ENODATA says that
 * there is none; strings that it may leave open are NULL.
 *
 * The library prints nothing, raises no signal and never ends the process. One connection, and each
 * other object, is for one thread at a time; several threads use several connections.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* A connection to a broker. */
struct shmbroker;
/* Why the last call on a connection failed. */
struct shmbroker_error;
/* How a segment is acquired. */
struct shmbroker_options;
/* An attachment of a segment, which this process has. */
struct shmbroker_segment;
/* State of one segment at one moment: struct shmid_ds of shmctl(2), and what a broker adds. */
struct shmbroker_info;
/* Which segments are listed. */
struct shmbroker_filter;
/* Segments that were listed. */
struct shmbroker_list;
/* The attachments of one segment, of this process and others. */
struct shmbroker_attachments;
/* One of them. */
struct shmbroker_attachment;
/* State of a broker. */
struct shmbroker_status;

/* A time that never comes. */
#define SHMBROKER_FOREVER UINT64_MAX

/* Which kernel object is behind a segment. */
enum shmbroker_kind {
        /* Sealed memory file (memfd_create(2)), the default */
        SHMBROKER_KIND_MEMFD = 0,
        /* POSIX shared memory object (shm_overview(7)) */
        SHMBROKER_KIND_POSIX = 1,
        /* System V segment (shmget(2)) */
        SHMBROKER_KIND_SYSV = 2,
        /* Regular file, which outlives a reboot */
        SHMBROKER_KIND_FILE = 3
};

/* What to do when the segment exists or does not. */
enum shmbroker_create {
        /* Open if it exists, fail with -ENOENT if it does not; the default */
        SHMBROKER_CREATE_OPEN = 0,
        /* Open if it exists, create if it does not (IPC_CREAT) */
        SHMBROKER_CREATE_ANY = 1,
        /* Create, fail with -EEXIST if it exists (IPC_CREAT | IPC_EXCL) */
        SHMBROKER_CREATE_NEW = 2
};

/* Access of an attachment, enforced by the kernel on the descriptor. */
enum shmbroker_access {
        SHMBROKER_ACCESS_READ_ONLY = 0,
        /* The default */
        SHMBROKER_ACCESS_READ_WRITE = 1
};

/* Seals in force, as bits (F_ADD_SEALS in fcntl(2)). */
enum shmbroker_seal {
        SHMBROKER_SEAL_SHRINK = 1 << 0,
        SHMBROKER_SEAL_GROW = 1 << 1,
        SHMBROKER_SEAL_WRITE = 1 << 2,
        SHMBROKER_SEAL_FUTURE_WRITE = 1 << 3,
        SHMBROKER_SEAL_EXEC = 1 << 4,
        SHMBROKER_SEAL_SEAL = 1 << 5
};

/*
 * ---- Connections ----------------------------------------------------------------------------
 */

/**
 * shmbroker_connect() - connect to a broker
 * @address:    "unix:" and an absolute path, or NULL for $SHMBROKER_ADDRESS and, where that is not
 *              set, the system's broker at unix:/run/shmbroker/socket
 * @ret:        the connection, to be closed by shmbroker_close()
 *
 * The broker takes who asks from the kernel, at this moment (SO_PEERCRED in unix(7)): a program
 * that changes its user connects anew.
 *
 * A connection that breaks is made anew by the next call. In a child that fork(2) made, calls on
 * the connection of the parent fail with -ECHILD; the child may close it, which the parent does not
 * notice.
 *
 * Return: 0; -EINVAL if the address is none; -ENOENT or -ECONNREFUSED if no broker is there;
 *         -EACCES if its socket may not be used; -EMFILE, -ENFILE, -ENOMEM; -ETIMEDOUT if its queue
 *         stays full for 25 seconds.
 * Since: 0.1
 */
int shmbroker_connect(const char *address, struct shmbroker **ret);

/**
 * shmbroker_connect_user() - connect to the broker that the user runs
 * @ret:        the connection, to be closed by shmbroker_close()
 *
 * It is at $XDG_RUNTIME_DIR/shmbroker/socket; $SHMBROKER_ADDRESS is not looked at.
 *
 * Return: as shmbroker_connect(), and -ENXIO if XDG_RUNTIME_DIR is not set, or not absolute.
 * Since: 0.1
 */
int shmbroker_connect_user(struct shmbroker **ret);

/**
 * shmbroker_close() - close a connection
 * @connection: the connection, or NULL
 *
 * No attachment ends by it: segments outlive the connection that they came by.
 * Return: NULL.
 * Since: 0.1
 */
struct shmbroker *shmbroker_close(struct shmbroker *connection);

/**
 * shmbroker_set_timeout() - say how long each call may take
 * @timeout_usec: that long, in microseconds, or SHMBROKER_FOREVER; at first it is 25 seconds
 *
 * A call that takes longer fails with -ETIMEDOUT, and the connection is dropped. The time given by
 * shmbroker_options_set_wait() comes on top.
 * Since: 0.1
 */
void shmbroker_set_timeout(struct shmbroker *connection, uint64_t timeout_usec);

/**
 * shmbroker_get_address() - where the broker is, beginning with "unix:"
 * Since: 0.1
 */
const char *shmbroker_get_address(const struct shmbroker *connection);

/*
 * ---- Errors ---------------------------------------------------------------------------------
 */

/**
 * shmbroker_get_error() - why the last call on a connection failed; it is owned by the connection
 *      and changed by each call on it
 * Since: 0.1
 */
const struct shmbroker_error *shmbroker_get_error(const struct shmbroker *connection);

/**
 * shmbroker_error_code() - the negative errno that was returned, 0 if the last call succeeded
 * shmbroker_error_message() - what happened, as an English sentence without a full stop; empty if
 *      the last call succeeded
 * shmbroker_error_name() - the error as the protocol calls it, such as
 *      "org.shmbroker.Broker.LimitReached"; NULL if it is not one that the broker replied
 * shmbroker_error_limit() - with LimitReached: the name that the limit has in the status of the
 *      broker, or "memory" or "descriptors"; else NULL
 * shmbroker_error_limit_maximum() - the value of that limit
 * shmbroker_error_parameter() - with InvalidParameter, and where the call was not made for such a
 *      reason: the parameter that is wrong, such as "sizeBytes"; else NULL
 * shmbroker_error_reason() - with NotSupported: why not; else NULL
 * shmbroker_error_segment_id() - with SegmentExists: the segment that does; -ENODATA also if what
 *      has the name or key is not the broker's
 * shmbroker_error_size() - with WrongSize: the size of the segment, which is less than asked for
 * shmbroker_error_minimum_size() - with WrongSize: the least size that would do
 * shmbroker_error_maximum_size() - with WrongSize: the largest size that would do
 * shmbroker_error_attach_count() - with SegmentBusy: how many attachments are in the way
 *
 * Return: those with a "ret" pointer, 0, or -ENODATA where there is no such value.
 * Since: 0.1
 */
int shmbroker_error_code(const struct shmbroker_error *error);
const char *shmbroker_error_message(const struct shmbroker_error *error);
const char *shmbroker_error_name(const struct shmbroker_error *error);
const char *shmbroker_error_limit(const struct shmbroker_error *error);
int shmbroker_error_limit_maximum(const struct shmbroker_error *error, int64_t *ret);
const char *shmbroker_error_parameter(const struct shmbroker_error *error);
const char *shmbroker_error_reason(const struct shmbroker_error *error);
int shmbroker_error_segment_id(const struct shmbroker_error *error, int64_t *ret);
int shmbroker_error_size(const struct shmbroker_error *error, int64_t *ret);
int shmbroker_error_minimum_size(const struct shmbroker_error *error, int64_t *ret);
int shmbroker_error_maximum_size(const struct shmbroker_error *error, int64_t *ret);
int shmbroker_error_attach_count(const struct shmbroker_error *error, int64_t *ret);

/*
 * ---- Options of shmbroker_acquire() ---------------------------------------------------------
 *
 * Setters only note what they are given. What makes no sense is -EINVAL from shmbroker_acquire(),
 * with shmbroker_error_parameter() saying which it is. Options can be used again.
 */

/**
 * shmbroker_options_new() - make options that say nothing yet
 * @ret:        the options, to be freed by shmbroker_options_free()
 *
 * Return: 0, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_options_new(struct shmbroker_options **ret);

/**
 * shmbroker_options_free() - free options, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_options *shmbroker_options_free(struct shmbroker_options *options);

/**
 * shmbroker_options_set_create() - what to do when the segment exists or does not
 * @create:     one of enum shmbroker_create; at first open, or new where there is no name and no id
 * Since: 0.1
 */
void shmbroker_options_set_create(struct shmbroker_options *options, int create);

/**
 * shmbroker_options_set_access() - what the memory is for
 * @access:     one of enum shmbroker_access; at first reading and writing
 * Since: 0.1
 */
void shmbroker_options_set_access(struct shmbroker_options *options, int access);

/**
 * shmbroker_options_set_size() - the size if the segment is created, else the least that will do
 * @size:       size in bytes; without it nothing can be created
 * Since: 0.1
 */
void shmbroker_options_set_size(struct shmbroker_options *options, uint64_t size);

/**
 * shmbroker_options_set_mode() - who may use the segment, if it is created
 * @mode:       nine permission bits, as in shmget(2), whatever umask(2) says; at first 0600
 * Since: 0.1
 */
void shmbroker_options_set_mode(struct shmbroker_options *options, mode_t mode);

/**
 * shmbroker_options_set_kind() - which kernel object to make, if the segment is created
 * @kind:       one of enum shmbroker_kind; at first a memory file. Which kinds a broker makes is
 *              its matter: for others it answers -EOPNOTSUPP.
 * Since: 0.1
 */
void shmbroker_options_set_kind(struct shmbroker_options *options, int kind);

/**
 * shmbroker_options_set_id() - open a segment by its number
 * @id:         its id. shmbroker_acquire() gets NULL for a name then, and creates nothing.
 * Since: 0.1
 */
void shmbroker_options_set_id(struct shmbroker_options *options, int64_t id);

/**
 * shmbroker_options_set_remove_on_last_detach() - shall the segment, if created, end with its use?
 * @remove:     whether it removes itself when its last attachment ends
 * Since: 0.1
 */
void shmbroker_options_set_remove_on_last_detach(struct shmbroker_options *options, int remove);

/**
 * shmbroker_options_set_linger() - let the segment, if created, remove itself when out of use
 * @linger_usec: how long it has to be without an attachment first, in microseconds; it counts from
 *              the creation, then from each last detach
 * Since: 0.1
 */
void shmbroker_options_set_linger(struct shmbroker_options *options, uint64_t linger_usec);

/**
 * shmbroker_options_set_wait() - wait for the segment to exist
 * @wait_usec:  how long, in microseconds, or SHMBROKER_FOREVER; at first 0. It comes on top of
 *              shmbroker_set_timeout(). When it is over, -ENOENT is returned.
 * Since: 0.1
 */
void shmbroker_options_set_wait(struct shmbroker_options *options, uint64_t wait_usec);

/**
 * shmbroker_options_set_no_map() - do not map the memory
 * @no_map:     whether the segment is to be a descriptor alone
 * Since: 0.1
 */
void shmbroker_options_set_no_map(struct shmbroker_options *options, int no_map);

/**
 * shmbroker_options_set_populate() - get all the memory at once
 * @populate:   whether to touch every page before shmbroker_acquire() returns
 *
 * This is MADV_POPULATE_WRITE of madvise(2), and MADV_POPULATE_READ where the access is read-only:
 * too little memory is an error of shmbroker_acquire() then, where it would be SIGBUS at the first
 * touch. The read-only form can not tell for sure: pages that nobody has written yet may be the
 * common page of zeroes. It takes Linux 5.14; older ones give -EOPNOTSUPP. Nothing happens with
 * shmbroker_options_set_no_map().
 * Since: 0.1
 */
void shmbroker_options_set_populate(struct shmbroker_options *options, int populate);

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

/*
 * ---- Asking and removing --------------------------------------------------------------------
 *
 * A segment is meant by its name, or where that is NULL, by its id. Errors are those of
 * shmbroker_acquire() that can occur.
 */

/**
 * shmbroker_stat() - ask for the state of a segment (IPC_STAT of shmctl(2))
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @ret:        the state, to be freed by shmbroker_info_free()
 *
 * Return: 0, -ENOENT, -EACCES, or another negative errno.
 * Since: 0.1
 */
int shmbroker_stat(struct shmbroker *connection, const char *name, int64_t id,
                   struct shmbroker_info **ret);

/**
 * shmbroker_remove() - mark a segment for destruction (IPC_RMID of shmctl(2))
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @ret_destroyed: whether it is gone already, or NULL
 * @ret_attach_count: how many attachments keep it, or NULL
 *
 * Its name is free at once, its memory when the last attachment ends. A call that was cut off is
 * made again if @name is NULL; it may be -ENOENT then, because the first one did it.
 *
 * Return: 0, -ENOENT, -EPERM if it is not the caller's, or another negative errno.
 * Since: 0.1
 */
int shmbroker_remove(struct shmbroker *connection, const char *name, int64_t id, int *ret_destroyed,
                     uint64_t *ret_attach_count);

/**
 * shmbroker_filter_new() - make a filter that lets every segment pass
 * @ret:        the filter, to be freed by shmbroker_filter_free()
 *
 * Return: 0, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_filter_new(struct shmbroker_filter **ret);

/**
 * shmbroker_filter_free() - free a filter, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_filter *shmbroker_filter_free(struct shmbroker_filter *filter);

/**
 * shmbroker_filter_set_match() - only segments whose names match
 * @filter:     the filter
 * @pattern:    shell pattern as for fnmatch(3), whose "*" matches slashes too, or NULL for all. It
 *              is copied. Segments without a name match none.
 *
 * Return: 0, -ENAMETOOLONG beyond 512 bytes, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_filter_set_match(struct shmbroker_filter *filter, const char *pattern);

/**
 * shmbroker_filter_set_owner() - only segments of one user
 * shmbroker_filter_set_kind() - only segments of one kind, of enum shmbroker_kind
 * shmbroker_filter_set_removed() - also segments that are marked for destruction, or not
 * Since: 0.1
 */
void shmbroker_filter_set_owner(struct shmbroker_filter *filter, uid_t uid);
void shmbroker_filter_set_kind(struct shmbroker_filter *filter, int kind);
void shmbroker_filter_set_removed(struct shmbroker_filter *filter, int removed);

/**
 * shmbroker_list_segments() - ask for the segments that the caller may read
 * @connection: the connection
 * @filter:     which of them, or NULL for all
 * @ret:        the list, to be freed by shmbroker_list_free()
 *
 * Return: 0, or a negative errno; -EINVAL if the pattern is not UTF-8, or longer than the broker
 *         takes.
 * Since: 0.1
 */
int shmbroker_list_segments(struct shmbroker *connection, const struct shmbroker_filter *filter,
                            struct shmbroker_list **ret);

/**
 * shmbroker_list_count() - how many segments there are in a list
 * shmbroker_list_get() - the state of one of them, counted from 0; it is owned by the list. NULL
 *      beyond its end.
 * shmbroker_list_free() - free a list and what is in it, or NULL; returns NULL
 * Since: 0.1
 */
size_t shmbroker_list_count(const struct shmbroker_list *list);
const struct shmbroker_info *shmbroker_list_get(const struct shmbroker_list *list, size_t index);
struct shmbroker_list *shmbroker_list_free(struct shmbroker_list *list);

/**
 * shmbroker_list_attachments() - ask who has a segment
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @ret:        the attachments, to be freed by shmbroker_attachments_free()
 *
 * Since: 0.1
 */
int shmbroker_list_attachments(struct shmbroker *connection, const char *name, int64_t id,
                               struct shmbroker_attachments **ret);

/**
 * shmbroker_attachments_count() - how many attachments there are
 * shmbroker_attachments_get() - one of them, counted from 0; it is owned by @attachments. NULL
 *      beyond their end.
 * shmbroker_attachments_free() - free attachments, or NULL; returns NULL
 * Since: 0.1
 */
size_t shmbroker_attachments_count(const struct shmbroker_attachments *attachments);
const struct shmbroker_attachment *shmbroker_attachments_get(
        const struct shmbroker_attachments *attachments, size_t index);
struct shmbroker_attachments *shmbroker_attachments_free(struct shmbroker_attachments *attachments);

/**
 * shmbroker_attachment_id() - its number, which is unique for ever
 * shmbroker_attachment_pid() - the process that acquired it; -ENODATA if not known, as after a
 *      restart of the broker
 * shmbroker_attachment_uid() - the user who did
 * shmbroker_attachment_access() - one of enum shmbroker_access
 * shmbroker_attachment_since() - when it began
 * shmbroker_attachment_inherited() - 1 if the process that acquired it is gone and another has it
 * shmbroker_attachment_json() - all of it, as the broker sent it: an Attachment of the protocol
 * Since: 0.1
 */
int64_t shmbroker_attachment_id(const struct shmbroker_attachment *attachment);
int shmbroker_attachment_pid(const struct shmbroker_attachment *attachment, pid_t *ret);
int shmbroker_attachment_uid(const struct shmbroker_attachment *attachment, uid_t *ret);
int shmbroker_attachment_access(const struct shmbroker_attachment *attachment, int *ret);
int shmbroker_attachment_since(const struct shmbroker_attachment *attachment, uint64_t *ret_usec);
int shmbroker_attachment_inherited(const struct shmbroker_attachment *attachment);
const char *shmbroker_attachment_json(const struct shmbroker_attachment *attachment);

/*
 * ---- State of a segment ---------------------------------------------------------------------
 */

/**
 * shmbroker_info_free() - free what shmbroker_stat() returned, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_info *shmbroker_info_free(struct shmbroker_info *info);

/**
 * shmbroker_info_id() - the number, never given to another segment
 * shmbroker_info_name() - the name; NULL of a private or removed segment
 * shmbroker_info_kind() - one of enum shmbroker_kind
 * shmbroker_info_kind_name() - "memfd", "posix", "sysv" or "file"
 * shmbroker_info_size() - size as asked for (shm_segsz)
 * shmbroker_info_maximum() - size to which it can grow; -ENODATA if it cannot
 * shmbroker_info_allocated() - memory in use
 * shmbroker_info_page_size() - size of the pages behind it
 * Since: 0.1
 */
int64_t shmbroker_info_id(const struct shmbroker_info *info);
const char *shmbroker_info_name(const struct shmbroker_info *info);
int shmbroker_info_kind(const struct shmbroker_info *info);
const char *shmbroker_info_kind_name(const struct shmbroker_info *info);
uint64_t shmbroker_info_size(const struct shmbroker_info *info);
int shmbroker_info_maximum(const struct shmbroker_info *info, uint64_t *ret);
int shmbroker_info_allocated(const struct shmbroker_info *info, uint64_t *ret);
uint64_t shmbroker_info_page_size(const struct shmbroker_info *info);

/**
 * shmbroker_info_owner_uid() - the owner (shm_perm.uid)
 * shmbroker_info_owner_gid() - the owner's group (shm_perm.gid)
 * shmbroker_info_creator_uid() - who made it (shm_perm.cuid)
 * shmbroker_info_creator_gid() - the group of who made it (shm_perm.cgid)
 * shmbroker_info_mode() - nine permission bits (shm_perm.mode)
 * Since: 0.1
 */
uid_t shmbroker_info_owner_uid(const struct shmbroker_info *info);
gid_t shmbroker_info_owner_gid(const struct shmbroker_info *info);
uid_t shmbroker_info_creator_uid(const struct shmbroker_info *info);
gid_t shmbroker_info_creator_gid(const struct shmbroker_info *info);
mode_t shmbroker_info_mode(const struct shmbroker_info *info);

/**
 * shmbroker_info_attach_time() - when it was acquired last (shm_atime); -ENODATA if never
 * shmbroker_info_detach_time() - when an attachment ended last (shm_dtime); -ENODATA if never
 * shmbroker_info_change_time() - when it was created, or changed last (shm_ctime)
 * shmbroker_info_creator_pid() - the process that made it (shm_cpid)
 * shmbroker_info_last_pid() - the process that acquired it last (shm_lpid)
 * shmbroker_info_attach_count() - how many attachments it has (shm_nattch)
 * shmbroker_info_other_holders() - whether somebody has it who did not get it from the broker, as 1
 *      or 0; -ENODATA if the kernel cannot tell
 * Since: 0.1
 */
int shmbroker_info_attach_time(const struct shmbroker_info *info, uint64_t *ret_usec);
int shmbroker_info_detach_time(const struct shmbroker_info *info, uint64_t *ret_usec);
uint64_t shmbroker_info_change_time(const struct shmbroker_info *info);
int shmbroker_info_creator_pid(const struct shmbroker_info *info, pid_t *ret);
int shmbroker_info_last_pid(const struct shmbroker_info *info, pid_t *ret);
uint64_t shmbroker_info_attach_count(const struct shmbroker_info *info);
int shmbroker_info_other_holders(const struct shmbroker_info *info, int *ret);

/**
 * shmbroker_info_removed() - 1 if it is marked for destruction (SHM_DEST), else 0
 * shmbroker_info_remove_on_last_detach() - 1 if it removes itself with its last attachment, else 0
 * shmbroker_info_linger() - after so many microseconds without one it does; -ENODATA if it does not
 * shmbroker_info_locked() - 1 if it is locked in memory (SHM_LOCKED), else 0
 * shmbroker_info_seals() - bits of enum shmbroker_seal
 * shmbroker_info_adopted() - 1 if it existed before the broker took it over, else 0
 * Since: 0.1
 */
int shmbroker_info_removed(const struct shmbroker_info *info);
int shmbroker_info_remove_on_last_detach(const struct shmbroker_info *info);
int shmbroker_info_linger(const struct shmbroker_info *info, uint64_t *ret_usec);
int shmbroker_info_locked(const struct shmbroker_info *info);
unsigned int shmbroker_info_seals(const struct shmbroker_info *info);
int shmbroker_info_adopted(const struct shmbroker_info *info);

/**
 * shmbroker_info_key() - key of a System V segment, 0 is IPC_PRIVATE; -ENODATA for other kinds
 * shmbroker_info_shmid() - number that shmat(2) takes; -ENODATA for other kinds
 * shmbroker_info_posix_name() - name that shm_open(3) takes; NULL for other kinds
 * shmbroker_info_file_path() - path as the broker sees it; NULL for other kinds
 * shmbroker_info_json() - all of it, as the broker sent it: a SegmentInfo of the protocol, with
 *      fields of a newer broker that this library does not know
 * Since: 0.1
 */
int shmbroker_info_key(const struct shmbroker_info *info, uint32_t *ret);
int shmbroker_info_shmid(const struct shmbroker_info *info, int *ret);
const char *shmbroker_info_posix_name(const struct shmbroker_info *info);
const char *shmbroker_info_file_path(const struct shmbroker_info *info);
const char *shmbroker_info_json(const struct shmbroker_info *info);

/*
 * ---- State of a broker ----------------------------------------------------------------------
 */

/**
 * shmbroker_get_status() - ask how the broker is
 * @connection: the connection
 * @ret:        the answer, to be freed by shmbroker_status_free()
 *
 * Since: 0.1
 */
int shmbroker_get_status(struct shmbroker *connection, struct shmbroker_status **ret);

/**
 * shmbroker_status_free() - free a status, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_status *shmbroker_status_free(struct shmbroker_status *status);

/**
 * shmbroker_status_version() - the broker's version
 * shmbroker_status_start_time() - when it started
 * shmbroker_status_generation() - how often it was restarted without losing its segments
 * shmbroker_status_segment_count() - how many segments there are
 * shmbroker_status_attachment_count() - how many attachments of them
 * shmbroker_status_connection_count() - how many connections, this one included
 * shmbroker_status_total_bytes() - sum of the sizes of all segments
 * shmbroker_status_allocated_bytes() - memory they use
 * shmbroker_status_json() - all of it, as the broker sent it: the reply to GetStatus
 * Since: 0.1
 */
const char *shmbroker_status_version(const struct shmbroker_status *status);
uint64_t shmbroker_status_start_time(const struct shmbroker_status *status);
uint64_t shmbroker_status_generation(const struct shmbroker_status *status);
uint64_t shmbroker_status_segment_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_attachment_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_connection_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_total_bytes(const struct shmbroker_status *status);
uint64_t shmbroker_status_allocated_bytes(const struct shmbroker_status *status);
const char *shmbroker_status_json(const struct shmbroker_status *status);

/**
 * shmbroker_status_limit() - a limit in force
 * shmbroker_status_counter() - a counter since the broker started
 * @status:     the status
 * @index:      which one, from 0
 * @ret_name:   its name, owned by @status
 * @ret_value:  its value
 *
 * Return: 0, or -ENODATA beyond the last one.
 * Since: 0.1
 */
int shmbroker_status_limit(const struct shmbroker_status *status, size_t index,
                           const char **ret_name, int64_t *ret_value);
int shmbroker_status_counter(const struct shmbroker_status *status, size_t index,
                             const char **ret_name, int64_t *ret_value);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
