/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_INFO_H
#define SHMBROKER_INFO_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

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
 * shmbroker_info_attach_count() - how many attachments it has (shm_nattch); -ENODATA if that cannot
 *      be known, and then it counts as held
 * shmbroker_info_other_holders() - whether somebody has it who did not get it from the broker, as 1
 *      or 0; -ENODATA if the kernel cannot tell
 * Since: 0.1
 */
int shmbroker_info_attach_time(const struct shmbroker_info *info, uint64_t *ret_usec);
int shmbroker_info_detach_time(const struct shmbroker_info *info, uint64_t *ret_usec);
uint64_t shmbroker_info_change_time(const struct shmbroker_info *info);
int shmbroker_info_creator_pid(const struct shmbroker_info *info, pid_t *ret);
int shmbroker_info_last_pid(const struct shmbroker_info *info, pid_t *ret);
int shmbroker_info_attach_count(const struct shmbroker_info *info, uint64_t *ret);
int shmbroker_info_other_holders(const struct shmbroker_info *info, int *ret);

/**
 * shmbroker_info_removed() - 1 if it is marked for destruction (SHM_DEST), else 0
 * shmbroker_info_remove_on_last_detach() - 1 if it removes itself with its last attachment, else 0
 * shmbroker_info_linger() - after so many microseconds without one it does; -ENODATA if it does not
 * shmbroker_info_locked() - 1 if it is locked in memory (SHM_LOCKED), else 0
 * shmbroker_info_seals() - bits of enum shmbroker_seal
 * shmbroker_info_adopted() - 1 if it existed before the broker took it over, else 0
 * shmbroker_info_unavailable() - why its object cannot be opened at the moment: "missing",
 *      "changed", "denied", "limit", "namespace", "error" or a word of a newer broker; NULL if it
 *      can. Who has it is not known then, and it counts as held.
 * shmbroker_info_tenant() - the tenant whose it is, and whose users own it; NULL is the host
 * Since: 0.1
 */
int shmbroker_info_removed(const struct shmbroker_info *info);
int shmbroker_info_remove_on_last_detach(const struct shmbroker_info *info);
int shmbroker_info_linger(const struct shmbroker_info *info, uint64_t *ret_usec);
int shmbroker_info_locked(const struct shmbroker_info *info);
unsigned int shmbroker_info_seals(const struct shmbroker_info *info);
int shmbroker_info_adopted(const struct shmbroker_info *info);
const char *shmbroker_info_unavailable(const struct shmbroker_info *info);
const char *shmbroker_info_tenant(const struct shmbroker_info *info);

/**
 * shmbroker_info_key() - key of a System V segment, 0 is IPC_PRIVATE; -ENODATA for other kinds
 * shmbroker_info_shmid() - number that shmat(2) takes; -ENODATA for other kinds
 * shmbroker_info_posix_name() - name that shm_open(3) takes; NULL for other kinds
 * shmbroker_info_file_path() - path as the broker sees it; NULL for other kinds
 * shmbroker_info_inode() - st_ino of the object, as fstat(2) has it of each descriptor; -ENODATA if
 *      the broker has no descriptor of it
 * shmbroker_info_device() - its st_dev as "MAJOR:MINOR", both decimal; NULL if the broker has no
 *      descriptor of it
 * shmbroker_info_json() - all of it, as the broker sent it: a SegmentInfo of the protocol, with
 *      fields of a newer broker that this library does not know
 * Since: 0.1
 */
int shmbroker_info_key(const struct shmbroker_info *info, uint32_t *ret);
int shmbroker_info_shmid(const struct shmbroker_info *info, int *ret);
const char *shmbroker_info_posix_name(const struct shmbroker_info *info);
const char *shmbroker_info_file_path(const struct shmbroker_info *info);
int shmbroker_info_inode(const struct shmbroker_info *info, uint64_t *ret);
const char *shmbroker_info_device(const struct shmbroker_info *info);
const char *shmbroker_info_json(const struct shmbroker_info *info);

/*
 * ---- One attachment -------------------------------------------------------------------------
 */

/**
 * shmbroker_attachment_id() - its number, which is unique for ever
 * shmbroker_attachment_pid() - the process that acquired it, as the broker numbers processes (see
 *      shmbroker_status_pid_namespace()); -ENODATA if not known, as after a restart of the broker
 * shmbroker_attachment_pidfd_id() - st_ino of a pidfd of that process (pidfd_open(2)), which no
 *      other one has until the next boot, whatever its pid; -ENODATA if not known, as before Linux
 *      6.9
 * shmbroker_attachment_boot_id() - that boot, as 32 hexadecimal digits; NULL if not known
 * shmbroker_attachment_uid() - the user who did
 * shmbroker_attachment_access() - one of enum shmbroker_access
 * shmbroker_attachment_access_name() - the same as the protocol calls it, such as "readOnly"; NULL
 *      if not known
 * shmbroker_attachment_since() - when it began
 * shmbroker_attachment_inherited() - 1 if the process that acquired it is gone and another has it,
 *      else 0; -ENODATA if not known, as where the pid is not
 * shmbroker_attachment_tenant() - the tenant whose user it was; NULL is the host, and if it is not
 *      known
 * shmbroker_attachment_json() - all of it, as the broker sent it: an Attachment of the protocol
 * Since: 0.1
 */
int64_t shmbroker_attachment_id(const struct shmbroker_attachment *attachment);
int shmbroker_attachment_pid(const struct shmbroker_attachment *attachment, pid_t *ret);
int shmbroker_attachment_pidfd_id(const struct shmbroker_attachment *attachment, uint64_t *ret);
const char *shmbroker_attachment_boot_id(const struct shmbroker_attachment *attachment);
int shmbroker_attachment_uid(const struct shmbroker_attachment *attachment, uid_t *ret);
int shmbroker_attachment_access(const struct shmbroker_attachment *attachment, int *ret);
const char *shmbroker_attachment_access_name(const struct shmbroker_attachment *attachment);
int shmbroker_attachment_since(const struct shmbroker_attachment *attachment, uint64_t *ret_usec);
int shmbroker_attachment_inherited(const struct shmbroker_attachment *attachment, int *ret);
const char *shmbroker_attachment_tenant(const struct shmbroker_attachment *attachment);
const char *shmbroker_attachment_json(const struct shmbroker_attachment *attachment);

/*
 * ---- State of a broker ----------------------------------------------------------------------
 */

/**
 * shmbroker_status_free() - free a status, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_status *shmbroker_status_free(struct shmbroker_status *status);

/**
 * shmbroker_status_version() - the broker's version
 * shmbroker_status_start_time() - when it started
 * shmbroker_status_generation() - how often it was started anew since a start lost a segment, or
 *      since its state directory is there
 * shmbroker_status_segment_count() - how many segments there are
 * shmbroker_status_attachment_count() - how many attachments of them
 * shmbroker_status_connection_count() - how many connections, this one included
 * shmbroker_status_total_bytes() - sum of the sizes of all segments
 * shmbroker_status_charged_bytes() - what is charged for all segments, and compared with the limit
 *      bytes; -ENODATA if it does not say
 * shmbroker_status_allocated_bytes() - memory they use
 * shmbroker_status_privileged() - 1 if the caller came by the administrator's socket, else 0;
 *      -ENODATA if the broker is older
 * shmbroker_status_features() - bits of enum shmbroker_feature; -ENODATA if the broker is older
 * shmbroker_status_uid() - the user that it runs as, to whom one may hand a System V segment over;
 *      -ENODATA if it does not say
 * shmbroker_status_registry_id() - made with the broker's state directory: ids of segments and
 *      attachments never recur as long as it is the same; NULL if it does not say
 * shmbroker_status_pid_namespace() - inode of /proc/self/ns/pid of the broker (pid_namespaces(7)):
 *      pids that the broker tells are numbers of this namespace; -ENODATA if it does not say
 * shmbroker_status_tenant() - the tenant whose socket the caller came by, of which counts and
 * limits are then; NULL is the host shmbroker_status_json() - all of it, as the broker sent it: the
 * reply to GetStatus Since: 0.1
 */
const char *shmbroker_status_version(const struct shmbroker_status *status);
uint64_t shmbroker_status_start_time(const struct shmbroker_status *status);
uint64_t shmbroker_status_generation(const struct shmbroker_status *status);
uint64_t shmbroker_status_segment_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_attachment_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_connection_count(const struct shmbroker_status *status);
uint64_t shmbroker_status_total_bytes(const struct shmbroker_status *status);
int shmbroker_status_charged_bytes(const struct shmbroker_status *status, uint64_t *ret);
uint64_t shmbroker_status_allocated_bytes(const struct shmbroker_status *status);
int shmbroker_status_uid(const struct shmbroker_status *status, uid_t *ret);
int shmbroker_status_privileged(const struct shmbroker_status *status, int *ret);
int shmbroker_status_features(const struct shmbroker_status *status, unsigned int *ret);
const char *shmbroker_status_registry_id(const struct shmbroker_status *status);
int shmbroker_status_pid_namespace(const struct shmbroker_status *status, uint64_t *ret);
const char *shmbroker_status_tenant(const struct shmbroker_status *status);
const char *shmbroker_status_json(const struct shmbroker_status *status);

/**
 * shmbroker_status_limit() - a limit in force, which holds for all users together or for each
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

/**
 * shmbroker_status_limit_by_name() - a limit in force; -ENODATA if it is not set
 * shmbroker_status_counter_by_name() - a counter; -ENODATA if there is none of that name
 * Since: 0.1
 */
int shmbroker_status_limit_by_name(const struct shmbroker_status *status, const char *name,
                                   int64_t *ret);
int shmbroker_status_counter_by_name(const struct shmbroker_status *status, const char *name,
                                     int64_t *ret);

/*
 * ---- One user -------------------------------------------------------------------------------
 */

/**
 * shmbroker_user_uid() - who it is
 * shmbroker_user_tenant() - the tenant whose user it is; NULL is the host
 * shmbroker_user_segment_count() - how many segments there are that this user created
 * shmbroker_user_charged_bytes() - what is charged for them: the maximum where one was given, in
 *      whole pages
 * shmbroker_user_attachment_count() - how many attachments this user has
 * shmbroker_user_connection_count() - how many connections
 * shmbroker_user_json() - all of it, as the broker sent it: a UserUsage of the protocol
 * Since: 0.1
 */
uid_t shmbroker_user_uid(const struct shmbroker_user *user);
const char *shmbroker_user_tenant(const struct shmbroker_user *user);
uint64_t shmbroker_user_segment_count(const struct shmbroker_user *user);
uint64_t shmbroker_user_charged_bytes(const struct shmbroker_user *user);
uint64_t shmbroker_user_attachment_count(const struct shmbroker_user *user);
uint64_t shmbroker_user_connection_count(const struct shmbroker_user *user);
const char *shmbroker_user_json(const struct shmbroker_user *user);

/**
 * shmbroker_user_limit() - a limit in force for this user, counted from 0; -ENODATA beyond the last
 * shmbroker_user_limit_by_name() - the same by its name; -ENODATA if it is not set
 * Since: 0.1
 */
int shmbroker_user_limit(const struct shmbroker_user *user, size_t index, const char **ret_name,
                         int64_t *ret_value);
int shmbroker_user_limit_by_name(const struct shmbroker_user *user, const char *name, int64_t *ret);

/**
 * shmbroker_user_share() - what this user may have at the moment, where a limit is in force: the
 *      limit, or less if others leave less; counted from 0, -ENODATA beyond the last
 * shmbroker_user_share_by_name() - the same by the name of the limit; -ENODATA if it is not set, or
 *      the broker is older
 * Since: 0.1
 */
int shmbroker_user_share(const struct shmbroker_user *user, size_t index, const char **ret_name,
                         int64_t *ret_value);
int shmbroker_user_share_by_name(const struct shmbroker_user *user, const char *name, int64_t *ret);

/*
 * ---- One tenant -----------------------------------------------------------------------------
 */

/**
 * shmbroker_tenant_name() - what it is called
 * shmbroker_tenant_address() - where it connects; NULL if it is not served
 * shmbroker_tenant_problem() - what is wrong with its configuration or socket, for people; NULL if
 *      nothing is
 * shmbroker_tenant_exports() - shell patterns of names of the host's that it may acquire readOnly,
 *      separated by blanks; NULL if there are none
 * shmbroker_tenant_segment_count() - how many segments there are that its users created
 * shmbroker_tenant_charged_bytes() - what is charged for them, in whole pages
 * shmbroker_tenant_attachment_count() - how many attachments its users have
 * shmbroker_tenant_connection_count() - how many connections
 * shmbroker_tenant_json() - all of it, as the broker sent it: a Tenant of the protocol
 * Since: 0.1
 */
const char *shmbroker_tenant_name(const struct shmbroker_tenant *tenant);
const char *shmbroker_tenant_address(const struct shmbroker_tenant *tenant);
const char *shmbroker_tenant_problem(const struct shmbroker_tenant *tenant);
const char *shmbroker_tenant_exports(const struct shmbroker_tenant *tenant);
uint64_t shmbroker_tenant_segment_count(const struct shmbroker_tenant *tenant);
uint64_t shmbroker_tenant_charged_bytes(const struct shmbroker_tenant *tenant);
uint64_t shmbroker_tenant_attachment_count(const struct shmbroker_tenant *tenant);
uint64_t shmbroker_tenant_connection_count(const struct shmbroker_tenant *tenant);
const char *shmbroker_tenant_json(const struct shmbroker_tenant *tenant);

/**
 * shmbroker_tenant_limit() - a limit in force for this tenant, counted from 0; -ENODATA beyond the
 *      last
 * shmbroker_tenant_limit_by_name() - the same by its name; -ENODATA if it is not set
 * Since: 0.1
 */
int shmbroker_tenant_limit(const struct shmbroker_tenant *tenant, size_t index,
                           const char **ret_name, int64_t *ret_value);
int shmbroker_tenant_limit_by_name(const struct shmbroker_tenant *tenant, const char *name,
                                   int64_t *ret);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
