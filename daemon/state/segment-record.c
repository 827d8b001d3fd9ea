/* SPDX-License-Identifier: MIT */
#include "daemon/state/segment-record.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/boot.h"
#include "daemon/model/tenant.h"
#include "proto/error.h"
#include "proto/util.h"

/* What finds the object again. A file is called without the directory, which may be another one
 * next time. */
static void make_object(const Segment *segment, SegmentRecord *ret) {
        switch (segment->traits->found_by) {
        case FOUND_BY_NOTHING:
                break;
        case FOUND_BY_SHMID:
                ret->shmid = segment->sysv.shmid;
                ret->key = segment->sysv.key;
                ret->native_uid = segment->sysv.uid;
                ret->boot_id = boot_id();
                break;
        case FOUND_BY_POSIX_NAME:
                ret->boot_id = boot_id();
                if (segment->object_name)
                        ret->posix_name = segment->object_name->text;
                break;
        case FOUND_BY_FILE_NAME:
                if (segment->object_name)
                        ret->file_name = shared_path_name(segment->object_name);
                ret->directory_inode = (int64_t) segment->directory.inode;
                ret->directory_birth_time_usec = (int64_t) segment->directory.birth_usec;
        }
}

/* So much it is more than was charged when it was made; of the charge there is only a part. */
static int64_t found_bytes(const Segment *segment) {
        const Charge *charge = &segment->bytes_charge;
        uint64_t taken = charge->amount - charge->found;

        return (int64_t) (MAX(segment_charged_bytes(segment), taken) - taken);
}

/**
 * segment_record_make() - describe a segment as the state file records it
 * @segment:    the segment, charged
 * @ret:        the record; strings stay the segment's
 */
void segment_record_make(const Segment *segment, SegmentRecord *ret) {
        const Permission *permission = &segment->permission;
        const Identity *identity = &segment->identity;

        *ret = (SegmentRecord){
                .id = segment->id,
                .name = segment->name,
                .former_name = segment->former_name,
                .kind = segment->kind,
                .size_bytes = (int64_t) segment->size_bytes,
                .maximum_bytes = (int64_t) segment->maximum_bytes,
                .page_bytes = (int64_t) segment->page_bytes,
                .owner_uid = permission->owner_uid,
                .owner_gid = permission->owner_gid,
                .creator_uid = permission->creator_uid,
                .creator_gid = permission->creator_gid,
                .mode = permission->mode,
                .tenant = segment_tenant_name(segment),
                .charged_uid = segment->segment_charge.user->uid,
                .found_bytes = found_bytes(segment),
                .attach_time_usec = (int64_t) segment->attach_usec,
                .detach_time_usec = (int64_t) segment->detach_usec,
                .change_time_usec = (int64_t) segment->change_usec,
                .creator_pid = segment->creator_pid,
                .last_pid = segment->last_pid,
                .removed = segment->removed,
                .remove_on_last_detach = segment->remove_on_last_detach,
                .armed = segment->armed,
                .lingers = segment->lingers,
                .linger_usec = (int64_t) segment->linger_usec,
                .sealable = segment->sealable,
                .seals = segment->seals,
                .locked = segment->locked_at || segment->lock_again,
                .adopted = segment->adopted,
                .device = (int64_t) identity->device,
                .inode = (int64_t) identity->inode,
                .birth_time_usec = (int64_t) identity->birth_usec,
                .object_bytes = (int64_t) segment->object_bytes,
        };
        make_object(segment, ret);
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : error_origin(-ENOMEM);
}

static int fill_names(const SegmentRecord *record, const char *files_path, Segment *segment) {
        const char *directory = "", *name = NULL;
        int r;

        r = copy_text(record->name, &segment->name);
        if (r)
                return error_trace(r);
        r = copy_text(record->former_name, &segment->former_name);
        if (r)
                return error_trace(r);
        if (record->posix_name) {
                name = record->posix_name + 1;
        } else if (record->file_name) {
                directory = files_path;
                name = record->file_name;
        }
        if (!name)
                return 0;
        segment->object_name = shared_path_new(directory, name);
        return segment->object_name ? 0 : error_origin(-ENOMEM);
}

/**
 * segment_record_fill() - make a segment what was written down
 * @record:     the record; who is charged is the caller's business
 * @tenant:     that of the record, or NULL
 * @files_path: directory of the files of kind file
 * @segment:    a new one, of the record's kind
 *
 * Return: 0, or -ENOMEM.
 */
int segment_record_fill(const SegmentRecord *record, Tenant *tenant, const char *files_path,
                        Segment *segment) {
        segment->id = record->id;
        segment->size_bytes = (uint64_t) record->size_bytes;
        segment->maximum_bytes = (uint64_t) record->maximum_bytes;
        segment->page_bytes = (uint64_t) record->page_bytes;
        segment->permission = (Permission){
                .tenant = tenant,
                .owner_uid = (uid_t) record->owner_uid,
                .owner_gid = (gid_t) record->owner_gid,
                .creator_uid = (uid_t) record->creator_uid,
                .creator_gid = (gid_t) record->creator_gid,
                .mode = (mode_t) record->mode,
        };
        segment->attach_usec = (uint64_t) record->attach_time_usec;
        segment->detach_usec = (uint64_t) record->detach_time_usec;
        segment->change_usec = (uint64_t) record->change_time_usec;
        segment->creator_pid = (pid_t) record->creator_pid;
        segment->last_pid = (pid_t) record->last_pid;
        segment->removed = record->removed;
        segment->remove_on_last_detach = record->remove_on_last_detach;
        segment->armed = record->armed;
        segment->lingers = record->lingers;
        segment->linger_usec = (uint64_t) record->linger_usec;
        segment->sealable = record->sealable;
        segment->seals = record->seals;
        segment->lock_again = record->locked;
        segment->adopted = record->adopted;
        segment->identity = (Identity){
                .device = (uint64_t) record->device,
                .inode = (uint64_t) record->inode,
                .birth_usec = (uint64_t) record->birth_time_usec,
        };
        segment->directory = (Identity){
                .inode = (uint64_t) record->directory_inode,
                .birth_usec = (uint64_t) record->directory_birth_time_usec,
        };
        segment->other_boot =
                record->boot_id && boot_id() && strcmp(record->boot_id, boot_id()) != 0;
        segment->object_bytes = (uint64_t) record->object_bytes;
        segment->sysv = (Sysv){
                .shmid = (int) record->shmid,
                .key = (uint32_t) record->key,
                .uid = (uid_t) record->native_uid,
        };
        return fill_names(record, files_path, segment);
}
