/* SPDX-License-Identifier: MIT */
/*
 * The state of a segment, as the broker told it: the values that are known here, and the text with
 * all of them.
 */

#include "client/lib/info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/getter.h"
#include "proto/error.h"
#include "proto/reader.h"
#include "proto/util.h"

/* The value of a member, cut out of the text of an object; NULL if it is missing or null. */
static const char *cut_member(char *text, const char *wanted) {
        Reader reader = READER_INIT(text);

        reader_enter(&reader);
        while (reader_next(&reader)) {
                const char *key = reader_key(&reader);
                bool is_null = reader_type(&reader) == JSON_NULL;
                char *begin = reader.at;

                reader_skip(&reader);
                if (strcmp(key, wanted) != 0)
                        continue;
                *reader.at = '\0';
                return is_null ? NULL : begin;
        }
        return NULL;
}

static const char *cut_object(char *text) {
        Reader reader = READER_INIT(text);

        reader_skip(&reader);
        *reader.at = '\0';
        return text;
}

/**
 * reply_keep() - make an object that keeps an answer
 * @reply:      the answer, not read yet
 * @n_head:     size of the object's own fields
 * @key:        the member whose text is wanted, or NULL for that of all parameters
 * @ret_json:   that text, as it was sent; NULL if there is none
 * @ret_copy:   the answer, to be read once; what is read lives as long as the object
 *
 * Reading unescapes strings in place, so the text is there twice: once to be read, once to be kept.
 *
 * Return: memory for the caller, its first @n_head bytes zero, or NULL.
 */
void *reply_keep(const Reply *reply, size_t n_head, const char *key, const char **ret_json,
                 Reply *ret_copy) {
        const char *text = reply->parameters ? reply->parameters : "{}";
        /* The message goes on behind the parameters; what little of it that is does no harm. */
        size_t n_text = strlen(text) + 1;
        char *memory, *kept;

        memory = malloc(n_head + 2 * n_text);
        if (!memory)
                return NULL;
        memset(memory, 0, n_head);
        kept = memory + n_head;
        memcpy(kept, text, n_text);
        memcpy(kept + n_text, text, n_text);
        *ret_json = key ? cut_member(kept, key) : cut_object(kept);
        *ret_copy = (Reply){ .parameters = kept + n_text };
        return memory;
}

static bool info_within(int64_t value, int64_t maximum) {
        return value >= 0 && value <= maximum;
}

/* info_check() - are the numbers such as getters can return? */
int info_check(const SegmentInfo *info) {
        const Permissions *permissions = &info->permissions;

        if (info->id < 0 || !info_within(info->size_bytes, NUMBER_MAX) || info->attach_count < 0)
                return error_origin(-EPROTO);
        if (!info_within(permissions->owner_uid, UINT32_MAX) ||
            !info_within(permissions->owner_gid, UINT32_MAX))
                return error_origin(-EPROTO);
        return 0;
}

/**
 * info_read() - read an answer that has the state of a segment
 * @reply:      the answer, not read yet
 * @type:       table of its structure
 * @row:        row of the member "segment" in it
 * @values:     the structure; strings in it live as long as the state
 * @ret:        the state, in one piece of memory; NULL if there is none
 *
 * Return: 0, -EPROTO, or -ENOMEM.
 */
int info_read(const Reply *reply, const Type *type, unsigned int row, void *values,
              struct shmbroker_info **ret) {
        _cleanup_(freep) struct shmbroker_info *info = NULL;
        const SegmentInfo *segment =
                (const void *) ((const char *) values + type->fields[row].offset);
        const uint64_t *given = values;
        const char *json;
        Reply copy;
        int r;

        info = reply_keep(reply, sizeof(*info), "segment", &json, &copy);
        if (!info)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, type, values))
                return error_origin(-EPROTO);
        if (!(*given >> row & 1)) {
                *ret = NULL;
                return 0;
        }
        r = info_check(segment);
        if (r)
                return error_trace(r);
        info->values = *segment;
        info->json = json;
        *ret = steal_ptr(info);
        return 0;
}

/**
 * attachment_read() - read an answer that has an attachment
 * @reply:      the answer, not read yet
 * @ret:        the attachment, in one piece of memory; NULL if there is none
 *
 * Return: 0, -EPROTO, or -ENOMEM.
 */
int attachment_read(const Reply *reply, struct shmbroker_attachment **ret) {
        _cleanup_(freep) struct shmbroker_attachment *attachment = NULL;
        AttachmentReply values;
        const char *json;
        Reply copy;

        attachment = reply_keep(reply, sizeof(*attachment), "attachment", &json, &copy);
        if (!attachment)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &attachment_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM)) {
                *ret = NULL;
                return 0;
        }
        attachment->values = values.attachment;
        attachment->json = json;
        *ret = steal_ptr(attachment);
        return 0;
}

struct shmbroker_info *shmbroker_info_free(struct shmbroker_info *info) {
        free(info);
        return NULL;
}

GETTER(shmbroker_info, int64_t, shmbroker_info_id, id)
GETTER(shmbroker_info, const char *, shmbroker_info_name, name)

int shmbroker_info_kind(const struct shmbroker_info *info) {
        return info->values.kind < _KIND_N ? (int) info->values.kind : SHMBROKER_KIND_UNKNOWN;
}

const char *shmbroker_info_kind_name(const struct shmbroker_info *info) {
        return info->values.kind < _KIND_N ? kind_names.names[info->values.kind]
                                           : info->values.kind_word;
}

GETTER(shmbroker_info, uint64_t, shmbroker_info_size, size_bytes)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_maximum, INFO_MAXIMUM_BYTES, maximum_bytes)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_allocated, INFO_ALLOCATED_BYTES,
                allocated_bytes)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_attach_count, INFO_ATTACH_COUNT,
                attach_count)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_attach_time, INFO_ATTACH_TIME_USEC,
                attach_time_usec)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_detach_time, INFO_DETACH_TIME_USEC,
                detach_time_usec)
NULLABLE_GETTER(shmbroker_info, pid_t, shmbroker_info_creator_pid, INFO_CREATOR_PID, creator_pid)
NULLABLE_GETTER(shmbroker_info, pid_t, shmbroker_info_last_pid, INFO_LAST_PID, last_pid)
NULLABLE_GETTER(shmbroker_info, int, shmbroker_info_other_holders, INFO_OTHER_HOLDERS,
                other_holders)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_linger, INFO_LINGER_USEC, linger_usec)
NULLABLE_GETTER(shmbroker_info, uint32_t, shmbroker_info_key, INFO_KEY, key)
NULLABLE_GETTER(shmbroker_info, int, shmbroker_info_shmid, INFO_SHMID, shmid)

GETTER(shmbroker_info, uint64_t, shmbroker_info_page_size, page_bytes)
GETTER(shmbroker_info, uid_t, shmbroker_info_owner_uid, permissions.owner_uid)
GETTER(shmbroker_info, gid_t, shmbroker_info_owner_gid, permissions.owner_gid)
GETTER(shmbroker_info, uid_t, shmbroker_info_creator_uid, permissions.creator_uid)
GETTER(shmbroker_info, gid_t, shmbroker_info_creator_gid, permissions.creator_gid)
GETTER(shmbroker_info, mode_t, shmbroker_info_mode, permissions.mode)
GETTER(shmbroker_info, uint64_t, shmbroker_info_change_time, change_time_usec)
GETTER(shmbroker_info, int, shmbroker_info_removed, removed)
GETTER(shmbroker_info, int, shmbroker_info_remove_on_last_detach, remove_on_last_detach)
GETTER(shmbroker_info, int, shmbroker_info_locked, locked)

/* The bits of enum shmbroker_seal are the protocol's, in its order. */
GETTER(shmbroker_info, unsigned int, shmbroker_info_seals, seals)
GETTER(shmbroker_info, int, shmbroker_info_adopted, adopted)
GETTER(shmbroker_info, const char *, shmbroker_info_posix_name, posix_name)
GETTER(shmbroker_info, const char *, shmbroker_info_file_path, file_path)
GETTER(shmbroker_info, const char *, shmbroker_info_tenant, tenant)
NULLABLE_GETTER(shmbroker_info, uint64_t, shmbroker_info_inode, INFO_INODE, inode)
GETTER(shmbroker_info, const char *, shmbroker_info_device, device)

const char *shmbroker_info_unavailable(const struct shmbroker_info *info) {
        return GIVEN(&info->values, INFO_UNAVAILABLE) ? info->values.unavailable.cause : NULL;
}

const char *shmbroker_info_json(const struct shmbroker_info *info) {
        return info->json;
}

GETTER(shmbroker_attachment, int64_t, shmbroker_attachment_id, id)
NULLABLE_GETTER(shmbroker_attachment, pid_t, shmbroker_attachment_pid, ATTACHMENT_PID, pid)
NULLABLE_GETTER(shmbroker_attachment, uid_t, shmbroker_attachment_uid, ATTACHMENT_UID, uid)
GETTER(shmbroker_attachment, const char *, shmbroker_attachment_tenant, tenant)
NULLABLE_GETTER(shmbroker_attachment, uint64_t, shmbroker_attachment_since, ATTACHMENT_SINCE_USEC,
                since_usec)

int shmbroker_attachment_pidfd_id(const struct shmbroker_attachment *attachment, uint64_t *ret) {
        const ProcessId *process = &attachment->values.process;

        if (!GIVEN(&attachment->values, ATTACHMENT_PROCESS) || !GIVEN(process, PROCESS_ID_PIDFD_ID))
                return -ENODATA;
        *ret = (uint64_t) process->pidfd_id;
        return 0;
}

const char *shmbroker_attachment_boot_id(const struct shmbroker_attachment *attachment) {
        return GIVEN(&attachment->values, ATTACHMENT_PROCESS) ? attachment->values.process.boot_id
                                                              : NULL;
}

int shmbroker_attachment_access(const struct shmbroker_attachment *attachment, int *ret) {
        const AttachmentInfo *values = &attachment->values;

        if (!GIVEN(values, ATTACHMENT_ACCESS))
                return -ENODATA;
        *ret = values->access < _ACCESS_N ? (int) values->access : SHMBROKER_ACCESS_UNKNOWN;
        return 0;
}

const char *shmbroker_attachment_access_name(const struct shmbroker_attachment *attachment) {
        const AttachmentInfo *values = &attachment->values;

        if (!GIVEN(values, ATTACHMENT_ACCESS))
                return NULL;
        return values->access < _ACCESS_N ? access_names.names[values->access]
                                          : values->access_word;
}

NULLABLE_GETTER(shmbroker_attachment, int, shmbroker_attachment_inherited, ATTACHMENT_INHERITED,
                inherited)

const char *shmbroker_attachment_json(const struct shmbroker_attachment *attachment) {
        return attachment->json;
}
