/* SPDX-License-Identifier: MIT */
/*
 * The state of a segment, as the broker told it: the values that are known here, and the text with
 * all of them.
 */

#include "client/lib/info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct shmbroker_info *shmbroker_info_free(struct shmbroker_info *info) {
        free(info);
        return NULL;
}

int64_t shmbroker_info_id(const struct shmbroker_info *info) {
        return info->values.id;
}

const char *shmbroker_info_name(const struct shmbroker_info *info) {
        return info->values.name;
}

int shmbroker_info_kind(const struct shmbroker_info *info) {
        return info->values.kind < _KIND_N ? (int) info->values.kind : SHMBROKER_KIND_UNKNOWN;
}

const char *shmbroker_info_kind_name(const struct shmbroker_info *info) {
        return info->values.kind < _KIND_N ? kind_names.names[info->values.kind]
                                           : info->values.kind_word;
}

uint64_t shmbroker_info_size(const struct shmbroker_info *info) {
        return (uint64_t) info->values.size_bytes;
}

/* Values that may be missing: GET(what it is called, what it is, its field). */
#define GET(getter, Result, row, member)                                                           \
        int getter(const struct shmbroker_info *info, Result *ret) {                               \
                if (!GIVEN(&info->values, row))                                                    \
                        return -ENODATA;                                                           \
                *ret = (Result) info->values.member;                                               \
                return 0;                                                                          \
        }

GET(shmbroker_info_maximum, uint64_t, INFO_MAXIMUM_BYTES, maximum_bytes)
GET(shmbroker_info_allocated, uint64_t, INFO_ALLOCATED_BYTES, allocated_bytes)
GET(shmbroker_info_attach_count, uint64_t, INFO_ATTACH_COUNT, attach_count)
GET(shmbroker_info_attach_time, uint64_t, INFO_ATTACH_TIME_USEC, attach_time_usec)
GET(shmbroker_info_detach_time, uint64_t, INFO_DETACH_TIME_USEC, detach_time_usec)
GET(shmbroker_info_creator_pid, pid_t, INFO_CREATOR_PID, creator_pid)
GET(shmbroker_info_last_pid, pid_t, INFO_LAST_PID, last_pid)
GET(shmbroker_info_other_holders, int, INFO_OTHER_HOLDERS, other_holders)
GET(shmbroker_info_linger, uint64_t, INFO_LINGER_USEC, linger_usec)
GET(shmbroker_info_key, uint32_t, INFO_KEY, key)
GET(shmbroker_info_shmid, int, INFO_SHMID, shmid)

uint64_t shmbroker_info_page_size(const struct shmbroker_info *info) {
        return (uint64_t) info->values.page_bytes;
}

uid_t shmbroker_info_owner_uid(const struct shmbroker_info *info) {
        return (uid_t) info->values.permissions.owner_uid;
}

gid_t shmbroker_info_owner_gid(const struct shmbroker_info *info) {
        return (gid_t) info->values.permissions.owner_gid;
}

uid_t shmbroker_info_creator_uid(const struct shmbroker_info *info) {
        return (uid_t) info->values.permissions.creator_uid;
}

gid_t shmbroker_info_creator_gid(const struct shmbroker_info *info) {
        return (gid_t) info->values.permissions.creator_gid;
}

mode_t shmbroker_info_mode(const struct shmbroker_info *info) {
        return (mode_t) info->values.permissions.mode;
}

uint64_t shmbroker_info_change_time(const struct shmbroker_info *info) {
        return (uint64_t) info->values.change_time_usec;
}

int shmbroker_info_removed(const struct shmbroker_info *info) {
        return info->values.removed;
}

int shmbroker_info_remove_on_last_detach(const struct shmbroker_info *info) {
        return info->values.remove_on_last_detach;
}

int shmbroker_info_locked(const struct shmbroker_info *info) {
        return info->values.locked;
}

/* The bits of enum shmbroker_seal are the protocol's, in its order. */
unsigned int shmbroker_info_seals(const struct shmbroker_info *info) {
        return info->values.seals;
}

int shmbroker_info_adopted(const struct shmbroker_info *info) {
        return info->values.adopted;
}

const char *shmbroker_info_posix_name(const struct shmbroker_info *info) {
        return info->values.posix_name;
}

const char *shmbroker_info_file_path(const struct shmbroker_info *info) {
        return info->values.file_path;
}

const char *shmbroker_info_json(const struct shmbroker_info *info) {
        return info->json;
}

#undef GET
int64_t shmbroker_attachment_id(const struct shmbroker_attachment *attachment) {
        return attachment->values.id;
}

#define GET(getter, Result, row, member)                                                           \
        int getter(const struct shmbroker_attachment *attachment, Result *ret) {                   \
                if (!GIVEN(&attachment->values, row))                                              \
                        return -ENODATA;                                                           \
                *ret = (Result) attachment->values.member;                                         \
                return 0;                                                                          \
        }

GET(shmbroker_attachment_pid, pid_t, ATTACHMENT_PID, pid)
GET(shmbroker_attachment_uid, uid_t, ATTACHMENT_UID, uid)
GET(shmbroker_attachment_since, uint64_t, ATTACHMENT_SINCE_USEC, since_usec)

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

int shmbroker_attachment_inherited(const struct shmbroker_attachment *attachment) {
        return attachment->values.inherited;
}

const char *shmbroker_attachment_json(const struct shmbroker_attachment *attachment) {
        return attachment->json;
}
