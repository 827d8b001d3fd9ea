/* SPDX-License-Identifier: MIT */
#include "daemon/state/segment-record.h"

#include <errno.h>
#include <string.h>

#include "proto/error.h"

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
                ret->kernel_ctime = (uint64_t) segment->sysv.change_sec;
                break;
        case FOUND_BY_POSIX_NAME:
                if (segment->object_name)
                        ret->posix_name = segment->object_name->text;
                break;
        case FOUND_BY_FILE_NAME:
                if (segment->object_name)
                        ret->file_name = shared_path_name(segment->object_name);
        }
}

/**
 * segment_record_make() - describe a segment as the state file records it
 * @segment:    the segment, charged
 * @ret:        the record; strings stay the segment's
 */
void segment_record_make(const Segment *segment, SegmentRecord *ret) {
        *ret = (SegmentRecord){
                .id = segment->id,
                .name = segment->name,
                .former_name = segment->former_name,
                .kind = segment->kind,
                .size_bytes = segment->size_bytes,
                .maximum_bytes = segment->maximum_bytes,
                .page_bytes = segment->page_bytes,
                .permission = segment->permission,
                .charged_uid = segment->segment_charge.user->uid,
                .attach_usec = segment->attach_usec,
                .detach_usec = segment->detach_usec,
                .change_usec = segment->change_usec,
                .creator_pid = segment->creator_pid,
                .last_pid = segment->last_pid,
                .removed = segment->removed,
                .remove_on_last_detach = segment->remove_on_last_detach,
                .armed = segment->armed,
                .lingers = segment->lingers,
                .linger_usec = segment->linger_usec,
                .sealable = segment->sealable,
                .seals = segment->seals,
                .locked = segment->locked_at || segment->lock_again,
                .adopted = segment->adopted,
                .object_bytes = segment->object_bytes,
                .device = segment->identity.device,
                .inode = segment->identity.inode,
                .birth_usec = segment->identity.birth_usec,
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
 * @files_path: directory of the files of kind file
 * @segment:    a new one, of the record's kind
 *
 * Return: 0, or -ENOMEM.
 */
int segment_record_fill(const SegmentRecord *record, const char *files_path, Segment *segment) {
        segment->id = record->id;
        segment->size_bytes = record->size_bytes;
        segment->maximum_bytes = record->maximum_bytes;
        segment->page_bytes = record->page_bytes;
        segment->permission = record->permission;
        segment->attach_usec = record->attach_usec;
        segment->detach_usec = record->detach_usec;
        segment->change_usec = record->change_usec;
        segment->creator_pid = record->creator_pid;
        segment->last_pid = record->last_pid;
        segment->removed = record->removed;
        segment->remove_on_last_detach = record->remove_on_last_detach;
        segment->armed = record->armed;
        segment->lingers = record->lingers;
        segment->linger_usec = record->linger_usec;
        segment->sealable = record->sealable;
        segment->seals = record->seals;
        segment->lock_again = record->locked;
        segment->adopted = record->adopted;
        segment->object_bytes = record->object_bytes;
        segment->identity = (Identity){
                .device = record->device,
                .inode = record->inode,
                .birth_usec = record->birth_usec,
        };
        segment->sysv = (Sysv){
                .shmid = record->shmid,
                .key = record->key,
                .uid = record->native_uid,
                .change_sec = (int64_t) record->kernel_ctime,
        };
        return fill_names(record, files_path, segment);
}
