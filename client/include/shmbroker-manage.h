/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_MANAGE_H
#define SHMBROKER_MANAGE_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * ---- Asking, changing and removing ----------------------------------------------------------
 *
 * These calls name a segment by its name or, where that is NULL, by its id. Besides the
 * errors that each one tells of, they fail as shmbroker_acquire() does.
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
 * @flags:      0
 * @ret:        its state while attachments keep it, to be freed by shmbroker_info_free(), and NULL
 * if it is gone already; or NULL
 *
 * Its name is free at once, its memory when the last attachment ends. A call that was cut off is
 * made again if @name is NULL; it may be -ENOENT then, because the first one did it.
 *
 * Return: 0, -ENOENT, -EPERM if it is not the caller's, -EINVAL if there is no such flag, or
 * another negative errno. Since: 0.1
 */
int shmbroker_remove(struct shmbroker *connection, const char *name, int64_t id, unsigned int flags,
                     struct shmbroker_info **ret);

/**
 * shmbroker_attributes_new() - make attributes that say nothing yet
 * @ret:        the attributes, to be freed by shmbroker_attributes_free()
 *
 * Return: 0, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_attributes_new(struct shmbroker_attributes **ret);

/**
 * shmbroker_attributes_free() - free attributes, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_attributes *shmbroker_attributes_free(struct shmbroker_attributes *attributes);

/**
 * shmbroker_attributes_set_owner() - whose it shall be (shm_perm.uid)
 * shmbroker_attributes_set_group() - which group's it shall be (shm_perm.gid)
 * shmbroker_attributes_set_mode() - who may use it: nine permission bits (shm_perm.mode)
 * shmbroker_attributes_set_remove_on_last_detach() - whether it removes itself when its last
 *      attachment ends
 * shmbroker_attributes_set_linger() - after so many microseconds without an attachment it removes
 *      itself; SHMBROKER_FOREVER takes that away
 * shmbroker_attributes_set_locked() - whether it is locked in memory (SHM_LOCK, SHM_UNLOCK)
 *
 * What is not set stays as it is. Setters only note what they are given; what cannot be is -EINVAL
 * from the call that takes them. Attributes can be used again.
 * Since: 0.1
 */
void shmbroker_attributes_set_owner(struct shmbroker_attributes *attributes, uid_t uid);
void shmbroker_attributes_set_group(struct shmbroker_attributes *attributes, gid_t gid);
void shmbroker_attributes_set_mode(struct shmbroker_attributes *attributes, mode_t mode);
void shmbroker_attributes_set_remove_on_last_detach(struct shmbroker_attributes *attributes,
                                                    int remove);
void shmbroker_attributes_set_linger(struct shmbroker_attributes *attributes, uint64_t linger_usec);
void shmbroker_attributes_set_locked(struct shmbroker_attributes *attributes, int locked);

/**
 * shmbroker_attributes_set_trusted_uids() - publish and replace segments of these users alone
 * @attributes: the attributes, which only shmbroker_publish() takes then
 * @uids:       users, which are copied; NULL, as at first, for any
 * @n_uids:     how many they are, from 1 to SHMBROKER_TRUSTED_UIDS_MAX
 *
 * As shmbroker_options_set_trusted_uids(), of the segment that is published and of the one that it
 * replaces.
 *
 * Return: 0, or -EINVAL if there are none or too many, and then nothing has changed.
 * Since: 0.1
 */
int shmbroker_attributes_set_trusted_uids(struct shmbroker_attributes *attributes,
                                          const uid_t *uids, size_t n_uids);

/**
 * shmbroker_set_attributes() - change owner, mode, life or lock of a segment (IPC_SET of shmctl(2))
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @attributes: what to change
 * @ret:        its state afterwards, to be freed by shmbroker_info_free(); or NULL
 *
 * Descriptors that were handed out keep the access that they have. A call that was cut off is made
 * again if @name is NULL; so are those of shmbroker_resize() and shmbroker_seal().
 *
 * Return: 0, -ENOENT, -EPERM if it is not the caller's, -EINVAL if a value is not possible, or
 *         another negative errno.
 * Since: 0.1
 */
int shmbroker_set_attributes(struct shmbroker *connection, const char *name, int64_t id,
                             const struct shmbroker_attributes *attributes,
                             struct shmbroker_info **ret);

/**
 * shmbroker_resize() - let a segment grow
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @size:       its new size in bytes: not less than it has, and not more than the maximum that it
 *              was created with, see shmbroker_options_set_maximum()
 * @ret:        its state afterwards, to be freed by shmbroker_info_free(); or NULL
 *
 * Mappings of it do not change.
 *
 * Return: 0, -ENOENT, -EPERM if it is not the caller's, -EINVAL if it cannot have this size, or
 *         another negative errno.
 * Since: 0.1
 */
int shmbroker_resize(struct shmbroker *connection, const char *name, int64_t id, uint64_t size,
                     struct shmbroker_info **ret);

/**
 * shmbroker_seal() - forbid for ever what can be done to a segment (F_ADD_SEALS in fcntl(2))
 * @connection: the connection
 * @name:       its name, or NULL
 * @id:         its id, if @name is NULL
 * @seals:      bits of enum shmbroker_seal, in addition to those that it has
 * @ret:        its state afterwards, to be freed by shmbroker_info_free(); or NULL
 *
 * It has to be a memory file, created with shmbroker_options_set_sealable().
 *
 * Return: 0, -ENOENT, -EPERM if it is not the caller's, -EINVAL if there is no such seal, or none
 *         at all, -EBUSY if it is mapped for writing and shall be sealed against that, -EOPNOTSUPP
 *         if it cannot be sealed, or is sealed against more seals, or another negative errno.
 * Since: 0.1
 */
int shmbroker_seal(struct shmbroker *connection, const char *name, int64_t id, unsigned int seals,
                   struct shmbroker_info **ret);

/* Flags of shmbroker_publish() */
enum shmbroker_publish {
        /* A segment that has the name is removed, in the same step */
        SHMBROKER_PUBLISH_REPLACE = 1 << 0
};

/**
 * shmbroker_publish() - give a private segment a name, at once and whole
 * @connection: the connection
 * @id:         its id
 * @name:       the name, see shmbroker_acquire()
 * @flags:      bits of enum shmbroker_publish
 * @attributes: what changes in the same step, or NULL: mode and how long it is to live; and the
 *              users to whom both segments have to belong. Others are -EINVAL.
 * @ret:        its state afterwards, to be freed by shmbroker_info_free(); or NULL
 * @ret_replaced_id: the segment that was removed for it, 0 if none was; or NULL
 *
 * Whoever asks for the name finds what was there before or all of what is there now, and never a
 * segment half filled. A call that was cut off is not made again: shmbroker_stat() tells.
 *
 * Return: 0, -ENOENT, -EPERM if one of the two is not the caller's or not of a trusted user, or the
 *         name is reserved for others, -EEXIST if the name is in use and is not to be replaced,
 *         -EINVAL if no segment can have the name, there is no such flag or a value is not
 *         possible, or another negative errno.
 * Since: 0.1
 */
int shmbroker_publish(struct shmbroker *connection, int64_t id, const char *name,
                      unsigned int flags, const struct shmbroker_attributes *attributes,
                      struct shmbroker_info **ret, int64_t *ret_replaced_id);

/**
 * shmbroker_adopt_sysv() - put a System V segment under the broker's care, by its identifier
 * shmbroker_adopt_key() - the same by its key
 * shmbroker_adopt_posix() - put a POSIX object under the broker's care
 * shmbroker_adopt_fd() - put what a descriptor leads to under the broker's care
 * @connection: the connection
 * @shmid:      what shmget(2) returned
 * @key:        what shmget(2) was given, and not IPC_PRIVATE
 * @posix_name: what shm_open(3) was given, with its leading slash
 * @fd:         a descriptor of a memory file, or of a regular file on a local file system; it
 * remains the caller's
 * @name:       the name that the segment shall have, see shmbroker_acquire(); NULL for "sysv/" and
 *              key or identifier, "posix/" and the name, or of a descriptor none
 * @attributes: how long it is to live; others are -EINVAL. NULL for until it is removed.
 * @ret:        its state afterwards, to be freed by shmbroker_info_free(); or NULL
 *
 * The memory is shared and not copied, and programs that have it need not know. It is no
 * attachment: who wants one acquires the segment. What is not adopted stays as it was. A call that
 * was cut off is not made again: shmbroker_list_segments() tells.
 *
 * Return: 0, or
 *         -ENOENT       there is no such object
 *         -EPERM        it is neither its owner nor its creator who asks, nor the administrator
 *         -EEXIST       the broker has it already, or another segment has the name;
 *                       the number "id" of the error tells which
 *         -EOPNOTSUPP   it cannot be adopted; the text "reason" of the error says why. The owner of
 * a System V segment may have to make shmbroker_status_uid() its owner first. -EINVAL       no
 * segment can have the name, or there can be no such object -EBADF        the descriptor is not
 * open and those of shmbroker_acquire() that can occur. Since: 0.1
 */
int shmbroker_adopt_sysv(struct shmbroker *connection, int shmid, const char *name,
                         const struct shmbroker_attributes *attributes,
                         struct shmbroker_info **ret);
int shmbroker_adopt_key(struct shmbroker *connection, uint32_t key, const char *name,
                        const struct shmbroker_attributes *attributes, struct shmbroker_info **ret);
int shmbroker_adopt_posix(struct shmbroker *connection, const char *posix_name, const char *name,
                          const struct shmbroker_attributes *attributes,
                          struct shmbroker_info **ret);
int shmbroker_adopt_fd(struct shmbroker *connection, int fd, const char *name,
                       const struct shmbroker_attributes *attributes, struct shmbroker_info **ret);

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
 *              is copied. Segments without a name match none; one that is marked for destruction
 *              matches by the name that it had.
 *
 * Return: 0, -ENAMETOOLONG beyond 512 bytes, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_filter_set_match(struct shmbroker_filter *filter, const char *pattern);

/**
 * shmbroker_filter_set_owner() - only segments of one user
 * shmbroker_filter_set_kind() - only segments of one kind, of enum shmbroker_kind
 * shmbroker_filter_set_include_removed() - also segments that are marked for destruction, or not;
 * if nothing is said, lists leave them out, and watches tell of them Since: 0.1
 */
void shmbroker_filter_set_owner(struct shmbroker_filter *filter, uid_t uid);
void shmbroker_filter_set_kind(struct shmbroker_filter *filter, int kind);
void shmbroker_filter_set_include_removed(struct shmbroker_filter *filter, int removed);

/**
 * shmbroker_filter_set_tenant() - only segments of one tenant
 * @filter:     the filter
 * @tenant:     its name, "" for the host's own segments, or NULL for all. It is copied. Who is not
 *              the administrator sees no more for it.
 *
 * Return: 0; -EINVAL if no tenant can be called so, -ENAMETOOLONG beyond 255 bytes, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_filter_set_tenant(struct shmbroker_filter *filter, const char *tenant);

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
 * shmbroker_list_users() - ask what users have
 * @connection: the connection
 * @ret:        all of them for the administrator, else the caller alone; to be freed by
 * shmbroker_users_free()
 *
 * Return: 0, or a negative errno.
 * Since: 0.1
 */
int shmbroker_list_users(struct shmbroker *connection, struct shmbroker_users **ret);

/**
 * shmbroker_users_count() - how many users there are
 * shmbroker_users_get() - one of them, counted from 0; it is owned by @users. NULL beyond their
 *      end.
 * shmbroker_users_free() - free users, or NULL; returns NULL
 * Since: 0.1
 */
size_t shmbroker_users_count(const struct shmbroker_users *users);
const struct shmbroker_user *shmbroker_users_get(const struct shmbroker_users *users, size_t index);
struct shmbroker_users *shmbroker_users_free(struct shmbroker_users *users);

/**
 * shmbroker_list_tenants() - ask which tenants there are
 * @connection: the connection
 * @ret:        all of them for the administrator, else the one whose socket the caller came by, or
 *              none; to be freed by shmbroker_tenants_free()
 *
 * Return: 0, or a negative errno.
 * Since: 0.1
 */
int shmbroker_list_tenants(struct shmbroker *connection, struct shmbroker_tenants **ret);

/**
 * shmbroker_tenants_count() - how many tenants there are
 * shmbroker_tenants_get() - one of them, counted from 0; it is owned by @tenants. NULL beyond their
 *      end.
 * shmbroker_tenants_free() - free tenants, or NULL; returns NULL
 * Since: 0.1
 */
size_t shmbroker_tenants_count(const struct shmbroker_tenants *tenants);
const struct shmbroker_tenant *shmbroker_tenants_get(const struct shmbroker_tenants *tenants,
                                                     size_t index);
struct shmbroker_tenants *shmbroker_tenants_free(struct shmbroker_tenants *tenants);

/**
 * shmbroker_get_status() - ask how the broker is
 * @connection: the connection
 * @ret:        the answer, to be freed by shmbroker_status_free()
 *
 * Since: 0.1
 */
int shmbroker_get_status(struct shmbroker *connection, struct shmbroker_status **ret);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
