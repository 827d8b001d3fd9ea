/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_TYPES_H
#define SHMBROKER_PROTO_TYPES_H

/*
 * The structures of org.shmbroker.Broker, as proto/org.shmbroker.Broker.varlink describes them, and
 * of org.varlink.service. The comments there are not repeated here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proto/field.h"

/* Sizes and times stay within what a double can hold exactly. */
#define NUMBER_MAX (INT64_C(1) << 53)
#define MODE_MAX 0777
#define KEY_MAX INT64_C(0xffffffff)
/* A user or group; -1 is none (chown(2)) */
#define USER_MAX INT64_C(0xfffffffe)

typedef enum Access Access;
typedef enum CreateMode CreateMode;
typedef enum Kind Kind;
typedef enum SealBit SealBit;

enum Kind {
        KIND_MEMFD,
        KIND_POSIX,
        KIND_SYSV,
        KIND_FILE,
        _KIND_N,
};

enum CreateMode {
        CREATE_OPEN,
        CREATE_ANY,
        CREATE_NEW,
        _CREATE_N,
};

enum Access {
        ACCESS_READ_ONLY,
        ACCESS_READ_WRITE,
        _ACCESS_N,
};

enum SealBit {
        SEAL_SHRINK,
        SEAL_GROW,
        SEAL_WRITE,
        SEAL_FUTURE_WRITE,
        SEAL_EXEC,
        SEAL_SEAL,
        _SEAL_N,
};

/* What happened to a segment; see Watch() in the interface. */
enum EventKind {
        EVENT_EXISTING,
        EVENT_SYNCHRONIZED,
        EVENT_CREATED,
        EVENT_ATTACHED,
        EVENT_DETACHED,
        EVENT_CHANGED,
        EVENT_REMOVED,
        EVENT_DESTROYED,
        EVENT_OVERFLOW,
        _EVENT_N,
};

extern const Names kind_names;
extern const Names create_names;
extern const Names access_names;
extern const Names seal_names;
extern const Names event_names;

typedef enum EventKind EventKind;

typedef struct AcquireParameters AcquireParameters;
typedef struct AcquireReply AcquireReply;
typedef struct AdoptParameters AdoptParameters;
typedef struct AttachmentInfo AttachmentInfo;
typedef struct AttachmentReply AttachmentReply;
typedef struct DescriptionParameters DescriptionParameters;
typedef struct DescriptionReply DescriptionReply;
typedef struct GetInfoReply GetInfoReply;
typedef struct ListParameters ListParameters;
typedef struct ListReply ListReply;
typedef struct NoParameters NoParameters;
typedef struct Permissions Permissions;
typedef struct PublishParameters PublishParameters;
typedef struct PublishReply PublishReply;
typedef struct RemoveReply RemoveReply;
typedef struct ResizeParameters ResizeParameters;
typedef struct SealParameters SealParameters;
typedef struct SegmentInfo SegmentInfo;
typedef struct SegmentParameters SegmentParameters;
typedef struct SegmentReply SegmentReply;
typedef struct SetAttributesParameters SetAttributesParameters;
typedef struct StatusReply StatusReply;
typedef struct UserReply UserReply;
typedef struct UserUsage UserUsage;
typedef struct WatchParameters WatchParameters;
typedef struct WatchReply WatchReply;

enum {
        ROW_OWNER_UID,
        ROW_OWNER_GID,
        ROW_CREATOR_UID,
        ROW_CREATOR_GID,
        ROW_MODE,
};

struct Permissions {
        uint64_t given;
        int64_t owner_uid;
        int64_t owner_gid;
        int64_t creator_uid;
        int64_t creator_gid;
        int64_t mode;
};

enum {
        INFO_ID,
        INFO_NAME,
        INFO_KIND,
        INFO_SIZE_BYTES,
        INFO_MAXIMUM_BYTES,
        INFO_ALLOCATED_BYTES,
        INFO_PAGE_BYTES,
        INFO_PERMISSIONS,
        INFO_ATTACH_TIME,
        INFO_DETACH_TIME,
        INFO_CHANGE_TIME,
        INFO_CREATOR_PID,
        INFO_LAST_PID,
        INFO_ATTACH_COUNT,
        INFO_OTHER_HOLDERS,
        INFO_REMOVED,
        INFO_REMOVE_ON_LAST_DETACH,
        INFO_LINGER,
        INFO_LOCKED,
        INFO_SEALS,
        INFO_KEY,
        INFO_SHMID,
        INFO_POSIX_NAME,
        INFO_FILE_PATH,
        INFO_ADOPTED,
};

struct SegmentInfo {
        uint64_t given;
        int64_t id;
        const char *name;
        unsigned int kind;
        int64_t size_bytes;
        int64_t maximum_bytes;
        int64_t allocated_bytes;
        int64_t page_bytes;
        Permissions permissions;
        int64_t attach_time_usec;
        int64_t detach_time_usec;
        int64_t change_time_usec;
        int64_t creator_pid;
        int64_t last_pid;
        int64_t attach_count;
        bool other_holders;
        bool removed;
        bool remove_on_last_detach;
        int64_t linger_usec;
        bool locked;
        unsigned int seals;
        int64_t key;
        int64_t shmid;
        const char *posix_name;
        const char *file_path;
        bool adopted;
};

enum {
        ATTACHMENT_ID,
        ATTACHMENT_PID,
        ATTACHMENT_UID,
        ATTACHMENT_ACCESS,
        ATTACHMENT_SINCE,
        ATTACHMENT_INHERITED,
};

struct AttachmentInfo {
        uint64_t given;
        int64_t id;
        int64_t pid;
        int64_t uid;
        unsigned int access;
        int64_t since_usec;
        bool inherited;
};

struct NoParameters {
        uint64_t given;
};

enum {
        ACQUIRE_NAME,
        ACQUIRE_ID,
        ACQUIRE_CREATE,
        ACQUIRE_ACCESS,
        ACQUIRE_SIZE_BYTES,
        ACQUIRE_WAIT,
        ACQUIRE_KIND,
        ACQUIRE_MODE,
        ACQUIRE_KEY,
        ACQUIRE_POSIX_NAME,
        ACQUIRE_MAXIMUM_BYTES,
        ACQUIRE_PAGE_BYTES,
        ACQUIRE_SEALABLE,
        ACQUIRE_REMOVE_ON_LAST_DETACH,
        ACQUIRE_LINGER,
};

struct AcquireParameters {
        uint64_t given;
        const char *name;
        int64_t id;
        unsigned int create;
        unsigned int access;
        int64_t size_bytes;
        int64_t wait_usec;
        unsigned int kind;
        int64_t mode;
        int64_t key;
        const char *posix_name;
        int64_t maximum_bytes;
        int64_t page_bytes;
        bool sealable;
        bool remove_on_last_detach;
        int64_t linger_usec;
};

enum {
        ACQUIRED_FILE_DESCRIPTOR_INDEX,
        ACQUIRED_ATTACHMENT_ID,
        ACQUIRED_CREATED,
        ACQUIRED_ACCESS,
        ACQUIRED_SEGMENT,
        ACQUIRED_IPC_NAMESPACE,
};

struct AcquireReply {
        uint64_t given;
        int64_t file_descriptor_index;
        int64_t attachment_id;
        bool created;
        unsigned int access;
        SegmentInfo segment;
        int64_t ipc_namespace;
};

/*
 * The one segment of Remove, Stat and ListAttachments: by name or by id. The same two are the first
 * of SetAttributes, Resize and Seal: see SEGMENT_MEANT().
 */
enum {
        SEGMENT_NAME,
        SEGMENT_ID,
};

struct SegmentParameters {
        uint64_t given;
        const char *name;
        int64_t id;
};

struct RemoveReply {
        uint64_t given;
        bool destroyed;
        int64_t attach_count;
};

struct SegmentReply {
        uint64_t given;
        SegmentInfo segment;
};

enum {
        REPLY_ITEM,
};

struct AttachmentReply {
        uint64_t given;
        AttachmentInfo attachment;
};

enum {
        LIST_MATCH_NAME,
        LIST_OWNER_UID,
        LIST_KIND,
        LIST_INCLUDE_REMOVED,
};

struct ListParameters {
        uint64_t given;
        const char *match_name;
        int64_t owner_uid;
        unsigned int kind;
        bool include_removed;
};

struct ListReply {
        uint64_t given;
        SegmentInfo segment;
};

enum {
        SET_OWNER_UID = SEGMENT_ID + 1,
        SET_OWNER_GID,
        SET_MODE,
        SET_REMOVE_ON_LAST_DETACH,
        SET_LINGER,
        SET_LOCKED,
};

/* A linger_usec of LINGER_NEVER takes the time away. */
#define LINGER_NEVER (-1)

struct SetAttributesParameters {
        uint64_t given;
        const char *name;
        int64_t id;
        int64_t owner_uid;
        int64_t owner_gid;
        int64_t mode;
        bool remove_on_last_detach;
        int64_t linger_usec;
        bool locked;
};

enum {
        RESIZE_SIZE_BYTES = SEGMENT_ID + 1,
};

struct ResizeParameters {
        uint64_t given;
        const char *name;
        int64_t id;
        int64_t size_bytes;
};

enum {
        SEAL_SEALS = SEGMENT_ID + 1,
};

struct SealParameters {
        uint64_t given;
        const char *name;
        int64_t id;
        unsigned int seals;
};

/* Which segment the parameters of a method mean, as SegmentParameters. */
#define SEGMENT_MEANT(parameters)                                                                  \
        (&(const SegmentParameters){                                                               \
                .given = (parameters)->given & (1U << SEGMENT_NAME | 1U << SEGMENT_ID),            \
                .name = (parameters)->name,                                                        \
                .id = (parameters)->id,                                                            \
        })

enum {
        PUBLISH_ID,
        PUBLISH_NAME,
        PUBLISH_REPLACE,
};

struct PublishParameters {
        uint64_t given;
        int64_t id;
        const char *name;
        bool replace;
};

enum {
        PUBLISHED_SEGMENT,
        PUBLISHED_REPLACED_ID,
};

struct PublishReply {
        uint64_t given;
        SegmentInfo segment;
        int64_t replaced_id;
};

enum {
        ADOPT_SHMID,
        ADOPT_KEY,
        ADOPT_POSIX_NAME,
        ADOPT_FILE_DESCRIPTOR_INDEX,
        ADOPT_NAME,
        ADOPT_REMOVE_ON_LAST_DETACH,
        ADOPT_LINGER,
        ADOPT_IPC_NAMESPACE,
};

struct AdoptParameters {
        uint64_t given;
        int64_t shmid;
        int64_t key;
        const char *posix_name;
        int64_t file_descriptor_index;
        const char *name;
        bool remove_on_last_detach;
        int64_t linger_usec;
        int64_t ipc_namespace;
};

enum {
        WATCH_ID,
        WATCH_MATCH_NAME,
        WATCH_CHANGES_ONLY,
};

struct WatchParameters {
        uint64_t given;
        int64_t id;
        const char *match_name;
        bool changes_only;
};

enum {
        WATCHED_EVENT,
        WATCHED_SEQUENCE,
        WATCHED_TIME,
        WATCHED_SEGMENT,
};

struct WatchReply {
        uint64_t given;
        unsigned int event;
        int64_t sequence;
        int64_t time_usec;
        SegmentInfo segment;
};

struct UserUsage {
        uint64_t given;
        int64_t uid;
        int64_t segment_count;
        int64_t charged_bytes;
        int64_t attachment_count;
        int64_t connection_count;
        Map limits;
};

struct UserReply {
        uint64_t given;
        UserUsage user;
};

/* The others are always there. */
enum {
        STATUS_UID = 10,
        STATUS_CHARGED_BYTES,
};

struct StatusReply {
        uint64_t given;
        const char *version;
        int64_t start_time_usec;
        int64_t generation;
        int64_t segment_count;
        int64_t attachment_count;
        int64_t connection_count;
        int64_t total_bytes;
        int64_t allocated_bytes;
        Map limits;
        Map counters;
        int64_t uid;
        int64_t charged_bytes;
};

struct GetInfoReply {
        uint64_t given;
        const char *vendor;
        const char *product;
        const char *version;
        const char *url;
        unsigned int interfaces;
};

struct DescriptionParameters {
        uint64_t given;
        const char *interface;
};

struct DescriptionReply {
        uint64_t given;
        const char *description;
};

extern const Type permissions_type;
extern const Type segment_info_type;
extern const Type attachment_info_type;
extern const Type no_parameters_type;
extern const Type acquire_parameters_type;
extern const Type acquire_reply_type;
extern const Type segment_parameters_type;
extern const Type remove_reply_type;
extern const Type segment_reply_type;
extern const Type attachment_reply_type;
extern const Type list_parameters_type;
extern const Type list_reply_type;
extern const Type set_attributes_parameters_type;
extern const Type resize_parameters_type;
extern const Type seal_parameters_type;
extern const Type publish_parameters_type;
extern const Type publish_reply_type;
extern const Type adopt_parameters_type;
extern const Type watch_parameters_type;
extern const Type watch_reply_type;
extern const Type user_usage_type;
extern const Type user_reply_type;
extern const Type status_reply_type;
extern const Type get_info_reply_type;
extern const Type description_parameters_type;
extern const Type description_reply_type;

/* Interfaces served, as a set and in the order of their names. */
enum {
        INTERFACE_BROKER,
        INTERFACE_SERVICE,
};

extern const Names interface_names;

#endif
