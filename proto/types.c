/* SPDX-License-Identifier: MIT */
#include "proto/types.h"

#include "proto/util.h"

#define NAMES(array)                                                                               \
        { .names = (array), .n_names = ARRAY_SIZE(array) }

#define TYPE(Structure, rows)                                                                      \
        { .size = sizeof(Structure), .fields = (rows), .n_fields = ARRAY_SIZE(rows) }

static const char *const kind_strings[] = {
        [KIND_MEMFD] = "memfd",
        [KIND_POSIX] = "posix",
        [KIND_SYSV] = "sysv",
        [KIND_FILE] = "file",
};
const Names kind_names = NAMES(kind_strings);

static const char *const create_strings[] = {
        [CREATE_OPEN] = "open",
        [CREATE_ANY] = "any",
        [CREATE_NEW] = "new",
};
const Names create_names = NAMES(create_strings);

static const char *const access_strings[] = {
        [ACCESS_READ_ONLY] = "readOnly",
        [ACCESS_READ_WRITE] = "readWrite",
};
const Names access_names = NAMES(access_strings);

static const char *const seal_strings[] = {
        [SEAL_SHRINK] = "shrink", [SEAL_GROW] = "grow",
        [SEAL_WRITE] = "write",   [SEAL_FUTURE_WRITE] = "futureWrite",
        [SEAL_EXEC] = "exec",     [SEAL_SEAL] = "seal",
};
const Names seal_names = NAMES(seal_strings);

static const char *const event_strings[] = {
        [EVENT_EXISTING] = "existing", [EVENT_SYNCHRONIZED] = "synchronized",
        [EVENT_CREATED] = "created",   [EVENT_ATTACHED] = "attached",
        [EVENT_DETACHED] = "detached", [EVENT_CHANGED] = "changed",
        [EVENT_REMOVED] = "removed",   [EVENT_DESTROYED] = "destroyed",
        [EVENT_OVERFLOW] = "overflow",
};
const Names event_names = NAMES(event_strings);

static const char *const interface_strings[] = {
        [INTERFACE_BROKER] = "org.shmbroker.Broker",
        [INTERFACE_SERVICE] = "org.varlink.service",
};
const Names interface_names = NAMES(interface_strings);

static const Field permissions_fields[] = {
        [ROW_OWNER_UID] = { FIELD_ROW(Permissions, owner_uid, "ownerUid"), FIELD_ANY_INT },
        [ROW_OWNER_GID] = { FIELD_ROW(Permissions, owner_gid, "ownerGid"), FIELD_ANY_INT },
        [ROW_CREATOR_UID] = { FIELD_ROW(Permissions, creator_uid, "creatorUid"), FIELD_ANY_INT },
        [ROW_CREATOR_GID] = { FIELD_ROW(Permissions, creator_gid, "creatorGid"), FIELD_ANY_INT },
        [ROW_MODE] = { FIELD_ROW(Permissions, mode, "mode"), FIELD_RANGE(0, MODE_MAX) },
};
const Type permissions_type = TYPE(Permissions, permissions_fields);

#define INFO(member, name) FIELD_ROW(SegmentInfo, member, name)

static const Field segment_info_fields[] = {
        [INFO_ID] = { INFO(id, "id"), FIELD_ANY_INT },
        [INFO_NAME] = { INFO(name, "name"), .type = FIELD_STRING, FIELD_NULLABLE },
        [INFO_KIND] = { INFO(kind, "kind"), .type = FIELD_ENUM, .names = &kind_names },
        [INFO_SIZE_BYTES] = { INFO(size_bytes, "sizeBytes"), FIELD_ANY_INT },
        [INFO_MAXIMUM_BYTES] = { INFO(maximum_bytes, "maximumBytes"), FIELD_ANY_INT,
                                 FIELD_NULLABLE },
        [INFO_ALLOCATED_BYTES] = { INFO(allocated_bytes, "allocatedBytes"), FIELD_ANY_INT,
                                   FIELD_NULLABLE },
        [INFO_PAGE_BYTES] = { INFO(page_bytes, "pageBytes"), FIELD_ANY_INT },
        [INFO_PERMISSIONS] = { INFO(permissions, "permissions"), .type = FIELD_STRUCT,
                               .structure = &permissions_type },
        [INFO_ATTACH_TIME] = { INFO(attach_time_usec, "attachTimeUSec"), FIELD_ANY_INT,
                               FIELD_NULLABLE },
        [INFO_DETACH_TIME] = { INFO(detach_time_usec, "detachTimeUSec"), FIELD_ANY_INT,
                               FIELD_NULLABLE },
        [INFO_CHANGE_TIME] = { INFO(change_time_usec, "changeTimeUSec"), FIELD_ANY_INT },
        [INFO_CREATOR_PID] = { INFO(creator_pid, "creatorPid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [INFO_LAST_PID] = { INFO(last_pid, "lastPid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [INFO_ATTACH_COUNT] = { INFO(attach_count, "attachCount"), FIELD_ANY_INT },
        [INFO_OTHER_HOLDERS] = { INFO(other_holders, "otherHolders"), .type = FIELD_BOOL,
                                 FIELD_NULLABLE },
        [INFO_REMOVED] = { INFO(removed, "removed"), .type = FIELD_BOOL },
        [INFO_REMOVE_ON_LAST_DETACH] = { INFO(remove_on_last_detach, "removeOnLastDetach"),
                                         .type = FIELD_BOOL },
        [INFO_LINGER] = { INFO(linger_usec, "lingerUSec"), FIELD_ANY_INT, FIELD_NULLABLE },
        [INFO_LOCKED] = { INFO(locked, "locked"), .type = FIELD_BOOL },
        [INFO_SEALS] = { INFO(seals, "seals"), .type = FIELD_SET, .names = &seal_names },
        [INFO_KEY] = { INFO(key, "key"), FIELD_ANY_INT, FIELD_NULLABLE },
        [INFO_SHMID] = { INFO(shmid, "shmid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [INFO_POSIX_NAME] = { INFO(posix_name, "posixName"), .type = FIELD_STRING, FIELD_NULLABLE },
        [INFO_FILE_PATH] = { INFO(file_path, "filePath"), .type = FIELD_STRING, FIELD_NULLABLE },
        [INFO_ADOPTED] = { INFO(adopted, "adopted"), .type = FIELD_BOOL },
};
const Type segment_info_type = TYPE(SegmentInfo, segment_info_fields);

#define ATTACHMENT(member, name) FIELD_ROW(AttachmentInfo, member, name)

static const Field attachment_info_fields[] = {
        [ATTACHMENT_ID] = { ATTACHMENT(id, "id"), FIELD_ANY_INT },
        [ATTACHMENT_PID] = { ATTACHMENT(pid, "pid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [ATTACHMENT_UID] = { ATTACHMENT(uid, "uid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [ATTACHMENT_ACCESS] = { ATTACHMENT(access, "access"), .type = FIELD_ENUM,
                                .names = &access_names, FIELD_NULLABLE },
        [ATTACHMENT_SINCE] = { ATTACHMENT(since_usec, "sinceUSec"), FIELD_ANY_INT, FIELD_NULLABLE },
        [ATTACHMENT_INHERITED] = { ATTACHMENT(inherited, "inherited"), .type = FIELD_BOOL },
};
const Type attachment_info_type = TYPE(AttachmentInfo, attachment_info_fields);

const Type no_parameters_type = { .size = sizeof(NoParameters) };

#define ACQUIRE(member, name) FIELD_ROW(AcquireParameters, member, name)

static const Field acquire_fields[] = {
        [ACQUIRE_NAME] = { ACQUIRE(name, "name"), .type = FIELD_STRING, FIELD_NULLABLE },
        [ACQUIRE_ID] = { ACQUIRE(id, "id"), FIELD_ANY_INT, FIELD_NULLABLE },
        [ACQUIRE_CREATE] = { ACQUIRE(create, "create"), .type = FIELD_ENUM, .names = &create_names,
                             FIELD_NULLABLE },
        [ACQUIRE_ACCESS] = { ACQUIRE(access, "access"), .type = FIELD_ENUM, .names = &access_names,
                             FIELD_NULLABLE },
        [ACQUIRE_SIZE_BYTES] = { ACQUIRE(size_bytes, "sizeBytes"), FIELD_ANY_INT, FIELD_NULLABLE },
        [ACQUIRE_WAIT] = { ACQUIRE(wait_usec, "waitUSec"), FIELD_RANGE(-1, NUMBER_MAX),
                           FIELD_NULLABLE },
        [ACQUIRE_KIND] = { ACQUIRE(kind, "kind"), .type = FIELD_ENUM, .names = &kind_names,
                           FIELD_NULLABLE },
        [ACQUIRE_MODE] = { ACQUIRE(mode, "mode"), FIELD_RANGE(0, MODE_MAX), FIELD_NULLABLE },
        [ACQUIRE_KEY] = { ACQUIRE(key, "key"), FIELD_RANGE(0, KEY_MAX), FIELD_NULLABLE },
        [ACQUIRE_POSIX_NAME] = { ACQUIRE(posix_name, "posixName"), .type = FIELD_STRING,
                                 FIELD_NULLABLE },
        [ACQUIRE_MAXIMUM_BYTES] = { ACQUIRE(maximum_bytes, "maximumBytes"), FIELD_ANY_INT,
                                    FIELD_NULLABLE },
        [ACQUIRE_PAGE_BYTES] = { ACQUIRE(page_bytes, "pageBytes"), FIELD_RANGE(1, NUMBER_MAX),
                                 FIELD_NULLABLE },
        [ACQUIRE_SEALABLE] = { ACQUIRE(sealable, "sealable"), .type = FIELD_BOOL, FIELD_NULLABLE },
        [ACQUIRE_REMOVE_ON_LAST_DETACH] = { ACQUIRE(remove_on_last_detach, "removeOnLastDetach"),
                                            .type = FIELD_BOOL, FIELD_NULLABLE },
        [ACQUIRE_LINGER] = { ACQUIRE(linger_usec, "lingerUSec"), FIELD_RANGE(0, NUMBER_MAX),
                             FIELD_NULLABLE },
};
const Type acquire_parameters_type = TYPE(AcquireParameters, acquire_fields);

static const Field acquire_reply_fields[] = {
        [ACQUIRED_FILE_DESCRIPTOR_INDEX] = { FIELD_ROW(AcquireReply, file_descriptor_index,
                                                       "fileDescriptorIndex"),
                                             FIELD_ANY_INT, FIELD_NULLABLE },
        [ACQUIRED_ATTACHMENT_ID] = { FIELD_ROW(AcquireReply, attachment_id, "attachmentId"),
                                     FIELD_ANY_INT, FIELD_NULLABLE },
        [ACQUIRED_CREATED] = { FIELD_ROW(AcquireReply, created, "created"), .type = FIELD_BOOL },
        [ACQUIRED_ACCESS] = { FIELD_ROW(AcquireReply, access, "access"), .type = FIELD_ENUM,
                              .names = &access_names },
        [ACQUIRED_SEGMENT] = { FIELD_ROW(AcquireReply, segment, "segment"), .type = FIELD_STRUCT,
                               .structure = &segment_info_type },
        [ACQUIRED_IPC_NAMESPACE] = { FIELD_ROW(AcquireReply, ipc_namespace, "ipcNamespace"),
                                     FIELD_ANY_INT, FIELD_NULLABLE },
};
const Type acquire_reply_type = TYPE(AcquireReply, acquire_reply_fields);

#define SEGMENT_ROWS(Structure)                                                                    \
        [SEGMENT_NAME] = { FIELD_ROW(Structure, name, "name"), .type = FIELD_STRING,               \
                           FIELD_NULLABLE },                                                       \
        [SEGMENT_ID] = { FIELD_ROW(Structure, id, "id"), FIELD_ANY_INT, FIELD_NULLABLE }

static const Field segment_parameters_fields[] = { SEGMENT_ROWS(SegmentParameters) };
const Type segment_parameters_type = TYPE(SegmentParameters, segment_parameters_fields);

static const Field remove_reply_fields[] = {
        { FIELD_ROW(RemoveReply, destroyed, "destroyed"), .type = FIELD_BOOL },
        { FIELD_ROW(RemoveReply, attach_count, "attachCount"), FIELD_ANY_INT },
};
const Type remove_reply_type = TYPE(RemoveReply, remove_reply_fields);

static const Field segment_reply_fields[] = {
        { FIELD_ROW(SegmentReply, segment, "segment"), .type = FIELD_STRUCT,
          .structure = &segment_info_type },
};
const Type segment_reply_type = TYPE(SegmentReply, segment_reply_fields);

static const Field attachment_reply_fields[] = {
        [REPLY_ITEM] = { FIELD_ROW(AttachmentReply, attachment, "attachment"), .type = FIELD_STRUCT,
                         .structure = &attachment_info_type, FIELD_NULLABLE },
};
const Type attachment_reply_type = TYPE(AttachmentReply, attachment_reply_fields);

static const Field list_parameters_fields[] = {
        [LIST_MATCH_NAME] = { FIELD_ROW(ListParameters, match_name, "matchName"),
                              .type = FIELD_STRING, FIELD_NULLABLE },
        [LIST_OWNER_UID] = { FIELD_ROW(ListParameters, owner_uid, "ownerUid"), FIELD_ANY_INT,
                             FIELD_NULLABLE },
        [LIST_KIND] = { FIELD_ROW(ListParameters, kind, "kind"), .type = FIELD_ENUM,
                        .names = &kind_names, FIELD_NULLABLE },
        [LIST_INCLUDE_REMOVED] = { FIELD_ROW(ListParameters, include_removed, "includeRemoved"),
                                   .type = FIELD_BOOL, FIELD_NULLABLE },
};
const Type list_parameters_type = TYPE(ListParameters, list_parameters_fields);

static const Field list_reply_fields[] = {
        [REPLY_ITEM] = { FIELD_ROW(ListReply, segment, "segment"), .type = FIELD_STRUCT,
                         .structure = &segment_info_type, FIELD_NULLABLE },
};
const Type list_reply_type = TYPE(ListReply, list_reply_fields);

#define SET(member, name) FIELD_ROW(SetAttributesParameters, member, name)

static const Field set_attributes_fields[] = {
        SEGMENT_ROWS(SetAttributesParameters),
        [SET_OWNER_UID] = { SET(owner_uid, "ownerUid"), FIELD_RANGE(0, USER_MAX), FIELD_NULLABLE },
        [SET_OWNER_GID] = { SET(owner_gid, "ownerGid"), FIELD_RANGE(0, USER_MAX), FIELD_NULLABLE },
        [SET_MODE] = { SET(mode, "mode"), FIELD_RANGE(0, MODE_MAX), FIELD_NULLABLE },
        [SET_REMOVE_ON_LAST_DETACH] = { SET(remove_on_last_detach, "removeOnLastDetach"),
                                        .type = FIELD_BOOL, FIELD_NULLABLE },
        [SET_LINGER] = { SET(linger_usec, "lingerUSec"), FIELD_RANGE(LINGER_NEVER, NUMBER_MAX),
                         FIELD_NULLABLE },
        [SET_LOCKED] = { SET(locked, "locked"), .type = FIELD_BOOL, FIELD_NULLABLE },
};
const Type set_attributes_parameters_type = TYPE(SetAttributesParameters, set_attributes_fields);

static const Field resize_fields[] = {
        SEGMENT_ROWS(ResizeParameters),
        [RESIZE_SIZE_BYTES] = { FIELD_ROW(ResizeParameters, size_bytes, "sizeBytes"),
                                FIELD_ANY_INT },
};
const Type resize_parameters_type = TYPE(ResizeParameters, resize_fields);

static const Field seal_fields[] = {
        SEGMENT_ROWS(SealParameters),
        [SEAL_SEALS] = { FIELD_ROW(SealParameters, seals, "seals"), .type = FIELD_SET,
                         .names = &seal_names },
};
const Type seal_parameters_type = TYPE(SealParameters, seal_fields);

static const Field publish_fields[] = {
        [PUBLISH_ID] = { FIELD_ROW(PublishParameters, id, "id"), FIELD_ANY_INT },
        [PUBLISH_NAME] = { FIELD_ROW(PublishParameters, name, "name"), .type = FIELD_STRING },
        [PUBLISH_REPLACE] = { FIELD_ROW(PublishParameters, replace, "replace"), .type = FIELD_BOOL,
                              FIELD_NULLABLE },
};
const Type publish_parameters_type = TYPE(PublishParameters, publish_fields);

static const Field publish_reply_fields[] = {
        [PUBLISHED_SEGMENT] = { FIELD_ROW(PublishReply, segment, "segment"), .type = FIELD_STRUCT,
                                .structure = &segment_info_type },
        [PUBLISHED_REPLACED_ID] = { FIELD_ROW(PublishReply, replaced_id, "replacedId"),
                                    FIELD_ANY_INT, FIELD_NULLABLE },
};
const Type publish_reply_type = TYPE(PublishReply, publish_reply_fields);

#define ADOPT(member, name) FIELD_ROW(AdoptParameters, member, name)

static const Field adopt_fields[] = {
        [ADOPT_SHMID] = { ADOPT(shmid, "shmid"), FIELD_RANGE(0, INT32_MAX), FIELD_NULLABLE },
        [ADOPT_KEY] = { ADOPT(key, "key"), FIELD_RANGE(1, KEY_MAX), FIELD_NULLABLE },
        [ADOPT_POSIX_NAME] = { ADOPT(posix_name, "posixName"), .type = FIELD_STRING,
                               FIELD_NULLABLE },
        [ADOPT_FILE_DESCRIPTOR_INDEX] = { ADOPT(file_descriptor_index, "fileDescriptorIndex"),
                                          FIELD_RANGE(0, INT32_MAX), FIELD_NULLABLE },
        [ADOPT_NAME] = { ADOPT(name, "name"), .type = FIELD_STRING, FIELD_NULLABLE },
        [ADOPT_REMOVE_ON_LAST_DETACH] = { ADOPT(remove_on_last_detach, "removeOnLastDetach"),
                                          .type = FIELD_BOOL, FIELD_NULLABLE },
        [ADOPT_LINGER] = { ADOPT(linger_usec, "lingerUSec"), FIELD_RANGE(0, NUMBER_MAX),
                           FIELD_NULLABLE },
        [ADOPT_IPC_NAMESPACE] = { ADOPT(ipc_namespace, "ipcNamespace"), FIELD_ANY_INT,
                                  FIELD_NULLABLE },
};
const Type adopt_parameters_type = TYPE(AdoptParameters, adopt_fields);

static const Field watch_fields[] = {
        [WATCH_ID] = { FIELD_ROW(WatchParameters, id, "id"), FIELD_ANY_INT, FIELD_NULLABLE },
        [WATCH_MATCH_NAME] = { FIELD_ROW(WatchParameters, match_name, "matchName"),
                               .type = FIELD_STRING, FIELD_NULLABLE },
        [WATCH_CHANGES_ONLY] = { FIELD_ROW(WatchParameters, changes_only, "changesOnly"),
                                 .type = FIELD_BOOL, FIELD_NULLABLE },
};
const Type watch_parameters_type = TYPE(WatchParameters, watch_fields);

static const Field watch_reply_fields[] = {
        [WATCHED_EVENT] = { FIELD_ROW(WatchReply, event, "event"), .type = FIELD_ENUM,
                            .names = &event_names },
        [WATCHED_SEQUENCE] = { FIELD_ROW(WatchReply, sequence, "sequence"), FIELD_ANY_INT },
        [WATCHED_TIME] = { FIELD_ROW(WatchReply, time_usec, "timeUSec"), FIELD_ANY_INT },
        [WATCHED_SEGMENT] = { FIELD_ROW(WatchReply, segment, "segment"), .type = FIELD_STRUCT,
                              .structure = &segment_info_type, FIELD_NULLABLE },
};
const Type watch_reply_type = TYPE(WatchReply, watch_reply_fields);

static const Field user_usage_fields[] = {
        { FIELD_ROW(UserUsage, uid, "uid"), FIELD_ANY_INT },
        { FIELD_ROW(UserUsage, segment_count, "segmentCount"), FIELD_ANY_INT },
        { FIELD_ROW(UserUsage, charged_bytes, "chargedBytes"), FIELD_ANY_INT },
        { FIELD_ROW(UserUsage, attachment_count, "attachmentCount"), FIELD_ANY_INT },
        { FIELD_ROW(UserUsage, connection_count, "connectionCount"), FIELD_ANY_INT },
        { FIELD_ROW(UserUsage, limits, "limits"), .type = FIELD_MAP },
};
const Type user_usage_type = TYPE(UserUsage, user_usage_fields);

static const Field user_reply_fields[] = {
        [REPLY_ITEM] = { FIELD_ROW(UserReply, user, "user"), .type = FIELD_STRUCT,
                         .structure = &user_usage_type, FIELD_NULLABLE },
};
const Type user_reply_type = TYPE(UserReply, user_reply_fields);

static const Field status_reply_fields[] = {
        { FIELD_ROW(StatusReply, version, "version"), .type = FIELD_STRING },
        { FIELD_ROW(StatusReply, start_time_usec, "startTimeUSec"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, generation, "generation"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, segment_count, "segmentCount"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, attachment_count, "attachmentCount"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, connection_count, "connectionCount"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, total_bytes, "totalBytes"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, allocated_bytes, "allocatedBytes"), FIELD_ANY_INT },
        { FIELD_ROW(StatusReply, limits, "limits"), .type = FIELD_MAP },
        { FIELD_ROW(StatusReply, counters, "counters"), .type = FIELD_MAP },
        [STATUS_UID] = { FIELD_ROW(StatusReply, uid, "uid"), FIELD_ANY_INT, FIELD_NULLABLE },
        [STATUS_CHARGED_BYTES] = { FIELD_ROW(StatusReply, charged_bytes, "chargedBytes"),
                                   FIELD_ANY_INT, FIELD_NULLABLE },
};
const Type status_reply_type = TYPE(StatusReply, status_reply_fields);

static const Field get_info_reply_fields[] = {
        { FIELD_ROW(GetInfoReply, vendor, "vendor"), .type = FIELD_STRING },
        { FIELD_ROW(GetInfoReply, product, "product"), .type = FIELD_STRING },
        { FIELD_ROW(GetInfoReply, version, "version"), .type = FIELD_STRING },
        { FIELD_ROW(GetInfoReply, url, "url"), .type = FIELD_STRING },
        { FIELD_ROW(GetInfoReply, interfaces, "interfaces"), .type = FIELD_SET,
          .names = &interface_names },
};
const Type get_info_reply_type = TYPE(GetInfoReply, get_info_reply_fields);

static const Field description_parameters_fields[] = {
        { FIELD_ROW(DescriptionParameters, interface, "interface"), .type = FIELD_STRING },
};
const Type description_parameters_type = TYPE(DescriptionParameters, description_parameters_fields);

static const Field description_reply_fields[] = {
        { FIELD_ROW(DescriptionReply, description, "description"), .type = FIELD_STRING },
};
const Type description_reply_type = TYPE(DescriptionReply, description_reply_fields);
