/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_OPTIONS_H
#define SHMBROKER_OPTIONS_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

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
 * shmbroker_options_set_maximum() - room to grow, if the segment is created
 * @maximum:    the largest size, in bytes, to which shmbroker_resize() can raise it. The memory is
 *              made and charged at this size, and used as it is touched. Without it the size is
 *              fixed.
 * Since: 0.1
 */
void shmbroker_options_set_maximum(struct shmbroker_options *options, uint64_t maximum);

/**
 * shmbroker_options_set_page_size() - make the segment, if it is created, of huge pages
 * @page_size:  their size in bytes, such as 2 MiB. Pages that the machine does not have, or not
 *              free, are an error; smaller ones are never taken in their place.
 * Since: 0.1
 */
void shmbroker_options_set_page_size(struct shmbroker_options *options, uint64_t page_size);

/**
 * shmbroker_options_set_sealable() - may shmbroker_seal() add seals to the segment, if created?
 * @sealable:   whether it may; at first it may not
 * Since: 0.1
 */
void shmbroker_options_set_sealable(struct shmbroker_options *options, int sealable);

/**
 * shmbroker_options_set_key() - key of a System V segment, if it is created
 * @key:        the key that shmget(2) takes; at first 0, which is IPC_PRIVATE
 * Since: 0.1
 */
void shmbroker_options_set_key(struct shmbroker_options *options, uint32_t key);

/**
 * shmbroker_options_set_posix_name() - name of a POSIX object, if it is created
 * @name:       the name that shm_open(3) takes, with its leading slash; NULL, as at first, for a
 *              slash and the name of the segment, whose slashes become dots. It is copied.
 *
 * Return: 0, -ENAMETOOLONG beyond 255 bytes, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_options_set_posix_name(struct shmbroker_options *options, const char *name);

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
 *              shmbroker_set_call_timeout(). When it is over, -ENOENT is returned.
 * Since: 0.1
 */
void shmbroker_options_set_wait(struct shmbroker_options *options, uint64_t wait_usec);

/* How many users shmbroker_options_set_trusted_uids() takes at most */
#define SHMBROKER_TRUSTED_UIDS_MAX 16

/**
 * shmbroker_options_set_trusted_uids() - accept a segment that exists from these users alone
 * @uids:       users, which are copied; NULL, as at first, for any
 * @n_uids:     how many they are, from 1 to SHMBROKER_TRUSTED_UIDS_MAX
 *
 * Both owner and creator have to be among them, else shmbroker_acquire() returns -EPERM, also while
 * it waits: so nothing is read from, and no secret written to, a segment that somebody else made
 * under that name. The numbers "ownerUid" and "creatorUid" of the error tell whose it is.
 *
 * Return: 0, or -EINVAL if there are none or too many, and then nothing has changed.
 * Since: 0.1
 */
int shmbroker_options_set_trusted_uids(struct shmbroker_options *options, const uid_t *uids,
                                       size_t n_uids);

/**
 * shmbroker_options_set_map() - map the memory, or not
 * @map:        0 if the segment is to be a descriptor alone; at first it is mapped. Where there is
 * no descriptor, as with some System V segments, it is attached all the same. Since: 0.1
 */
void shmbroker_options_set_map(struct shmbroker_options *options, int map);

/**
 * shmbroker_options_set_populate() - get all the memory at once
 * @populate:   whether to touch every page before shmbroker_acquire() returns
 *
 * This is MADV_POPULATE_WRITE of madvise(2), and MADV_POPULATE_READ where the access is read-only:
 * too little memory is an error of shmbroker_acquire() then, where it would be SIGBUS at the first
 * touch; what the call created is removed again. The read-only form can not tell for sure: pages
 * that nobody has written yet may be the common page of zeroes. It takes Linux 5.14; older ones
 * give -EOPNOTSUPP. Nothing happens if it is not mapped. Since: 0.1
 */
void shmbroker_options_set_populate(struct shmbroker_options *options, int populate);

/**
 * shmbroker_options_set_reserve() - map the room to grow, too
 * @reserve:    whether to map as much as the segment may have one day, see
 *              shmbroker_options_set_maximum(), so that the memory stays where it is when it grows.
 *              What is behind the size must not be touched until shmbroker_resize() was called.
 * Since: 0.1
 */
void shmbroker_options_set_reserve(struct shmbroker_options *options, int reserve);

/**
 * shmbroker_options_set_private_copy() - map a copy, which is this process's alone
 * @private_copy: whether what is written shall be seen by nobody else (MAP_PRIVATE of mmap(2)). It
 *              can be written also where the access is read-only. Pages that were not written yet
 *              may show what others write. It is an attachment as any other.
 * Since: 0.1
 */
void shmbroker_options_set_private_copy(struct shmbroker_options *options, int private_copy);

/**
 * shmbroker_options_set_mlock() - keep the memory from being swapped out (mlock(2))
 * @locked:     whether to lock it in this process, which RLIMIT_MEMLOCK limits. To lock it for all,
 *              see shmbroker_attributes_set_locked().
 * Since: 0.1
 */
void shmbroker_options_set_mlock(struct shmbroker_options *options, int locked);

/**
 * shmbroker_options_set_window() - map a part
 * @offset:     where it begins in the segment, in bytes: at a page, which is
 *              shmbroker_info_page_size() large
 * @length:     how long it is, in bytes; 0 is up to the end. It has to be within the size, or with
 *              shmbroker_options_set_reserve() within the maximum.
 * Since: 0.1
 */
void shmbroker_options_set_window(struct shmbroker_options *options, uint64_t offset,
                                  uint64_t length);

/**
 * shmbroker_options_set_address() - map at an address
 * @address:    where the mapping has to begin, at a page; NULL, as at first, for where the kernel
 *              likes. What is there already is never replaced: that is -EADDRINUSE.
 * Since: 0.1
 */
void shmbroker_options_set_address(struct shmbroker_options *options, void *address);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
