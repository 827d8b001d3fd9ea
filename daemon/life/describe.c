/* SPDX-License-Identifier: MIT */
#include "daemon/life/describe.h"

#include <sys/stat.h>

#include "daemon/base/boot.h"
#include "daemon/kind/kinds.h"
#include "daemon/model/tenant.h"
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

/**
 * describe_memory() - the memory that a segment takes now
 * @segment:    the segment, which keeps it as what was last seen
 *
 * Return: bytes, negative if they cannot be told.
 */
int64_t describe_memory(Segment *segment) {
        struct stat st;

        segment->allocated_bytes = segment->master_fd >= 0 && fstat(segment->master_fd, &st) == 0
                                           ? st.st_blocks * BLOCK_BYTES
                                           : -1;
        return segment->allocated_bytes;
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
static void describe_holders(const Segment *segment, bool lags, SegmentInfo *ret) {
        bool known = lags ? segment_all_on_record(segment) : segment_count_known(segment);

        if (segment_is_unavailable(segment)) {
                GIVE_VALUE(ret, INFO_UNAVAILABLE, unavailable, segment->unavailable);
                return;
        }
        if (known)
                GIVE_VALUE(ret, INFO_ATTACH_COUNT, attach_count,
                           (int64_t) segment_attach_count(segment));
        if (segment->n_native > 0)
                GIVE_VALUE(ret, INFO_OTHER_HOLDERS, other_holders, true);
        else if (known && segment->n_attachments == 0 && !segment->reservations &&
                 (segment->held || !segment_may_be_uncounted(segment)))
                GIVE_VALUE(ret, INFO_OTHER_HOLDERS, other_holders, segment->held);
}

/* Which object it is. What was noted of one that cannot be opened may be of another boot. */
static void describe_identity(const Segment *segment, SegmentInfo *ret) {
        const Identity *identity = &segment->identity;

        if (segment->master_fd < 0 || identity->device == 0)
                return;
        if (identity->inode <= INT64_MAX)
                GIVE_VALUE(ret, INFO_INODE, inode, (int64_t) identity->inode);
        GIVE_VALUE(ret, INFO_DEVICE, device, segment->device_name);
}

/* Where it is found without the broker. */
static void describe_object(const Segment *segment, SegmentInfo *ret) {
        const char *name = segment->object_name ? segment->object_name->text : NULL;

        switch (segment->traits->found_by) {
        case FOUND_BY_NOTHING:
                break;
        case FOUND_BY_SHMID:
                GIVE_VALUE(ret, INFO_KEY, key, segment->sysv.key);
                GIVE_VALUE(ret, INFO_SHMID, shmid, segment->sysv.shmid);
                break;
        case FOUND_BY_POSIX_NAME:
                if (name)
                        GIVE_VALUE(ret, INFO_POSIX_NAME, posix_name, name);
                break;
        case FOUND_BY_FILE_NAME:
                if (name)
                        GIVE_VALUE(ret, INFO_FILE_PATH, file_path, name);
        }
}

/**
 * describe_segment() - the state of a segment
 * @segment:    the segment; life_settle() makes its count exact
 * @look:       LOOK_MEMORY, LOOK_SEALS and LOOK_LAGS, or none of them
 * @ret:        the state, of use as long as the segment is not changed
 */
void describe_segment(Segment *segment, unsigned int look, SegmentInfo *ret) {
        if (look & LOOK_MEMORY)
                (void) describe_memory(segment);
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
        describe_holders(segment, look & LOOK_LAGS, ret);
        describe_object(segment, ret);
        describe_identity(segment, ret);
        if (segment->name)
                GIVE_VALUE(ret, INFO_NAME, name, segment->name);
        if (segment->maximum_bytes > 0)
                GIVE_VALUE(ret, INFO_MAXIMUM_BYTES, maximum_bytes,
                           (int64_t) segment->maximum_bytes);
        if (segment->allocated_bytes >= 0)
                GIVE_VALUE(ret, INFO_ALLOCATED_BYTES, allocated_bytes, segment->allocated_bytes);
        if (segment->attach_usec)
                GIVE_VALUE(ret, INFO_ATTACH_TIME_USEC, attach_time_usec,
                           (int64_t) segment->attach_usec);
        if (segment->detach_usec)
                GIVE_VALUE(ret, INFO_DETACH_TIME_USEC, detach_time_usec,
                           (int64_t) segment->detach_usec);
        if (segment->creator_pid > 0)
                GIVE_VALUE(ret, INFO_CREATOR_PID, creator_pid, segment->creator_pid);
        if (segment->last_pid > 0)
                GIVE_VALUE(ret, INFO_LAST_PID, last_pid, segment->last_pid);
        if (segment->permission.tenant)
                GIVE_VALUE(ret, INFO_TENANT, tenant, segment_tenant_name(segment));
        if (segment->lingers)
                GIVE_VALUE(ret, INFO_LINGER_USEC, linger_usec, (int64_t) segment->linger_usec);
}

/**
 * describe_hide() - leave out what a client is not to know of a segment that it sees
 * @credentials: of the client
 * @permission: of the segment
 * @info:       the state of the segment
 *
 * A tenant is not told which processes of others have what is exported to it.
 */
void describe_hide(const Credentials *credentials, const Permission *permission,
                   SegmentInfo *info) {
        if (credentials->tenant && credentials->tenant != permission->tenant)
                info->given &= ~(UINT64_C(1) << INFO_CREATOR_PID | UINT64_C(1) << INFO_LAST_PID);
}

static void describe_process(const Process *process, ProcessId *ret) {
        const char *boot = boot_id();

        *ret = (ProcessId){ .pid = process->pid };
        if (process->inode > 0 && process->inode <= INT64_MAX)
                GIVE_VALUE(ret, PROCESS_ID_PIDFD_ID, pidfd_id, (int64_t) process->inode);
        if (boot)
                GIVE_VALUE(ret, PROCESS_ID_BOOT_ID, boot_id, boot);
}

/* describe_attachment() - an attachment, but for inherited, which needs a look into /proc */
void describe_attachment(const Attachment *attachment, AttachmentInfo *ret) {
        const Tenant *tenant;

        *ret = (AttachmentInfo){
                .id = attachment->id,
        };
        if (attachment->unknown)
                return;
        /* The kernel gives 0 for whom the broker's pid namespace does not see. */
        if (attachment->process.pid > 0) {
                GIVE_VALUE(ret, ATTACHMENT_PID, pid, attachment->process.pid);
                describe_process(&attachment->process, &ret->process);
                GIVE(ret, ATTACHMENT_PROCESS);
        }
        GIVE_VALUE(ret, ATTACHMENT_UID, uid, attachment->uid);
        tenant = attachment_tenant(attachment);
        if (tenant)
                GIVE_VALUE(ret, ATTACHMENT_TENANT, tenant, tenant->name);
        GIVE_VALUE(ret, ATTACHMENT_ACCESS, access, attachment->access);
        GIVE_VALUE(ret, ATTACHMENT_SINCE_USEC, since_usec, (int64_t) attachment->since_usec);
}

/* describe_inherited() - has an attachment outlived the process that acquired it? Looks into /proc.
 */
void describe_inherited(const Attachment *attachment, AttachmentInfo *ret) {
        if (GIVEN(ret, ATTACHMENT_PID))
                GIVE_VALUE(ret, ATTACHMENT_INHERITED, inherited,
                           !process_alive(&attachment->process));
}
