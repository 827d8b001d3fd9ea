#include "daemon/describe.h"

#include <sys/stat.h>

#include "daemon/kind.h"
#include "proto/util.h"

static void describe_permission(const Permission *permission, Permissions *ret) {
        *ret = (Permissions){
                .owner_uid = permission->owner_uid,
                .owner_gid = permission->owner_gid,
                .creator_uid = permission->creator_uid,
                .creator_gid = permission->creator_gid,
                .mode = permission->mode,
        };
}

static void look_at_memory(Segment *segment) {
        struct stat st;

        segment->allocated_bytes = segment->master_fd >= 0 && fstat(segment->master_fd, &st) == 0
                                           ? st.st_blocks * BLOCK_BYTES
                                           : -1;
}

/* Of a sealable one a client may have added to them. */
static void look_at_seals(Segment *segment) {
        const KindRow *row = kind_rows[segment->kind];

        if (segment->sealable && row->look_at_seals)
                segment->seals |= row->look_at_seals(segment->master_fd);
}

/*
 * Who has it beside its attachments can be told only while there are none, or where the kernel
 * counts them apart. That nobody has it is not known of what leases do not see.
 */
static void describe_holders(const Segment *segment, SegmentInfo *ret) {
        ret->attach_count = (int64_t) segment_attach_count(segment);
        if (segment->n_native > 0)
                GIVE_VALUE(ret, INFO_OTHER_HOLDERS, other_holders, true);
        else if (segment->n_attachments == 0 && !segment->holds &&
                 (segment->held || !segment_may_be_uncounted(segment)))
                GIVE_VALUE(ret, INFO_OTHER_HOLDERS, other_holders, segment->held);
}

/* Where it is found without the broker. */
static void describe_object(const Segment *segment, SegmentInfo *ret) {
        if (segment->kind == KIND_SYSV) {
                GIVE_VALUE(ret, INFO_KEY, key, segment->sysv.key);
                GIVE_VALUE(ret, INFO_SHMID, shmid, segment->sysv.shmid);
        }
        if (segment->kind == KIND_POSIX && segment->object_name)
                GIVE_VALUE(ret, INFO_POSIX_NAME, posix_name, segment->object_name->text);
        if (segment->kind == KIND_FILE && segment->object_name)
                GIVE_VALUE(ret, INFO_FILE_PATH, file_path, segment->object_name->text);
}

/**
 * describe_segment() - the state of a segment
 * @segment:    the segment; life_settle() makes its count exact
 * @look:       LOOK_MEMORY and LOOK_SEALS, or none of them
 * @ret:        the state, of use as long as the segment is not changed
 */
void describe_segment(Segment *segment, unsigned int look, SegmentInfo *ret) {
        if (look & LOOK_MEMORY)
                look_at_memory(segment);
        if (look & LOOK_SEALS)
                look_at_seals(segment);
        *ret = (SegmentInfo){
                .id = segment->id,
                .kind = segment->kind,
                .size_bytes = (int64_t) segment->size_bytes,
                .page_bytes = (int64_t) segment->page_bytes,
                .change_time_usec = (int64_t) segment->change_usec,
                .removed = segment->removed,
                .remove_on_last_detach = segment->remove_on_last_detach,
                .locked = segment_is_locked(segment),
                .adopted = segment->adopted,
                .seals = segment->seals,
        };
        describe_permission(&segment->permission, &ret->permissions);
        describe_holders(segment, ret);
        describe_object(segment, ret);
        if (segment->name)
                GIVE_VALUE(ret, INFO_NAME, name, segment->name);
        if (segment->maximum_bytes > 0)
                GIVE_VALUE(ret, INFO_MAXIMUM_BYTES, maximum_bytes,
                           (int64_t) segment->maximum_bytes);
        if (segment->allocated_bytes >= 0)
                GIVE_VALUE(ret, INFO_ALLOCATED_BYTES, allocated_bytes, segment->allocated_bytes);
        if (segment->attach_usec)
                GIVE_VALUE(ret, INFO_ATTACH_TIME, attach_time_usec, (int64_t) segment->attach_usec);
        if (segment->detach_usec)
                GIVE_VALUE(ret, INFO_DETACH_TIME, detach_time_usec, (int64_t) segment->detach_usec);
        if (segment->creator_pid > 0)
                GIVE_VALUE(ret, INFO_CREATOR_PID, creator_pid, segment->creator_pid);
        if (segment->last_pid > 0)
                GIVE_VALUE(ret, INFO_LAST_PID, last_pid, segment->last_pid);
        if (segment->lingers)
                GIVE_VALUE(ret, INFO_LINGER, linger_usec, (int64_t) segment->linger_usec);
}

/* describe_attachment() - an attachment; looks into /proc whether its process is still there */
void describe_attachment(const Attachment *attachment, AttachmentInfo *ret) {
        *ret = (AttachmentInfo){
                .id = attachment->id,
                .inherited = !attachment->unknown && !process_alive(&attachment->process),
        };
        if (attachment->unknown)
                return;
        if (attachment->process.pid > 0)
                GIVE_VALUE(ret, ATTACHMENT_PID, pid, attachment->process.pid);
        GIVE_VALUE(ret, ATTACHMENT_UID, uid, attachment->uid);
        GIVE_VALUE(ret, ATTACHMENT_ACCESS, access, attachment->access);
        GIVE_VALUE(ret, ATTACHMENT_SINCE, since_usec, (int64_t) attachment->since_usec);
}

static void map_add(Map *map, const char *key, uint64_t value) {
        map->entries[map->n_entries++] = (MapEntry){
                .key = key,
                .value = (int64_t) MIN(value, (uint64_t) INT64_MAX),
        };
}

static void add_limit(Map *map, const char *name, uint64_t maximum) {
        if (maximum != LIMIT_NONE)
                map_add(map, name, maximum);
}

static void describe_limits(const Accounts *accounts, Map *ret) {
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                add_limit(ret, limit_total_name((Limit) i), accounts->total_maximum[i]);
                add_limit(ret, limit_user_name((Limit) i), accounts->user_maximum[i]);
        }
}

static void describe_counters(const Service *service, Map *ret) {
        map_add(ret, "calls", service->counters.n_calls);
        map_add(ret, "segmentsCreated", service->counters.n_created);
        map_add(ret, "segmentsAdopted", service->counters.n_adopted);
        map_add(ret, "segmentsRemoved", service->counters.n_removed);
        map_add(ret, "segmentsDestroyed", service->life.n_destroyed);
        map_add(ret, "attachments", service->life.n_attached);
        map_add(ret, "limitsReached", service->counters.n_limits_reached);
        map_add(ret, "peersBroken", service->counters.n_broken_peers);
        map_add(ret, "peersRefused", service->counters.n_refused_peers);
        map_add(ret, "closingsLost", service->life.n_overflows);
        map_add(ret, "eventsDropped", service->life.events.n_dropped);
        map_add(ret, "segmentsStored", service->keep.store.n_stored);
        map_add(ret, "segmentsUnwatched", service->life.n_unwatched);
}

static int64_t allocated_bytes(const Registry *registry) {
        int64_t bytes = 0;
        Segment *segment;

        DL_FOREACH(registry->first, segment) {
                look_at_memory(segment);
                bytes += MAX(segment->allocated_bytes, 0);
        }
        return bytes;
}

/* describe_user() - what a user has, and may have */
void describe_user(const User *user, UserUsage *ret) {
        *ret = (UserUsage){
                .uid = user->uid,
                .segment_count = (int64_t) user->used[LIMIT_SEGMENTS],
                .total_bytes = (int64_t) user->used[LIMIT_BYTES],
                .attachment_count = (int64_t) user->used[LIMIT_ATTACHMENTS],
                .connection_count = (int64_t) user->used[LIMIT_CONNECTIONS],
        };
        for (size_t i = 0; i < _LIMIT_N; ++i)
                add_limit(&ret->limits, limit_user_name((Limit) i),
                          user->accounts->user_maximum[i]);
}

void describe_status(Service *service, StatusReply *ret) {
        *ret = (StatusReply){
                .version = PACKAGE_VERSION,
                .start_time_usec = (int64_t) service->start_usec,
                .generation =
                        service->keep.journal.generation - service->keep.journal.first_generation,
                .segment_count = (int64_t) service->registry.n_segments,
                .attachment_count = (int64_t) service->life.census.attachments.n_used,
                .connection_count = (int64_t) service->accounts.total_used[LIMIT_CONNECTIONS],
                .total_bytes = (int64_t) service->registry.n_bytes,
                .allocated_bytes = allocated_bytes(&service->registry),
        };
        GIVE_VALUE(ret, STATUS_UID, uid, service->host.uid);
        describe_limits(&service->accounts, &ret->limits);
        describe_counters(service, &ret->counters);
}
