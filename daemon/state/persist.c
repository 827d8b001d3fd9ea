/* SPDX-License-Identifier: MIT */
#include "daemon/state/persist.h"

#include "daemon/base/log.h"
#include "daemon/state/segment-record.h"
#include "proto/util.h"

/* A file in the broker's directory outlives the host's memory, and so must what is written down of
 * it. One that is removed has been there. */
static bool is_durable(const Segment *segment) {
        return segment->traits->found_by == FOUND_BY_FILE_NAME &&
               (segment->object_name || segment->directory.inode != 0);
}

static int write_record(Persist *persist, const SegmentRecord *record) {
        switch (state_file_write_segment(&persist->state_file, record)) {
        case 0:
                return 0;
        case STATE_FILE_E_NO_MEMORY:
                return PERSIST_E_NO_MEMORY;
        default:
                return PERSIST_E_FAILED;
        }
}

static int write_segment(Persist *persist, Segment *segment) {
        SegmentRecord record;

        segment_record_make(segment, &record);
        if (is_durable(segment))
                segment->sync_number = sync_want(&persist->sync);
        return write_record(persist, &record);
}

static int sync_object(Persist *persist, const Segment *segment, bool is_new) {
        if (!is_durable(segment) || segment->master_fd < 0)
                return 0;
        switch (sync_add(&persist->sync, segment->master_fd, is_new)) {
        case 0:
                return 0;
        case SYNC_E_NO_MEMORY:
                return PERSIST_E_NO_MEMORY;
        default:
                return PERSIST_E_NO_DESCRIPTORS;
        }
}

/* persist_object() - see that the object is on the disk with the change that is noted next; 0,
 * PERSIST_E_NO_DESCRIPTORS or PERSIST_E_NO_MEMORY */
int persist_object(Persist *persist, const Segment *segment) {
        return sync_object(persist, segment, false);
}

/* The broker's own description, and under the same number with a minus sign the descriptor that
 * readOnly ones come from, if there is one: none of them without the other. */
static int store_descriptors(Persist *persist, const Segment *segment) {
        int r;

        r = store_add(&persist->store, segment->id, segment->master_fd);
        if (r || segment->read_only_fd < 0)
                return r;
        r = store_add(&persist->store, -segment->id, segment->read_only_fd);
        if (r)
                store_drop(&persist->store, segment->id, false);
        return r;
}

/* What only the broker's own descriptor leads to is systemd's to keep. Without a store, it goes
 * with the broker; that was said when it began. */
static int store_segment(Persist *persist, Segment *segment) {
        if (segment->stored || segment->master_fd < 0 || segment_is_reached_outside(segment))
                return 0;
        switch (store_descriptors(persist, segment)) {
        case 0:
                segment->stored = true;
                return 0;
        case STORE_E_NONE:
                return 0;
        default:
                return PERSIST_E_NO_DESCRIPTORS;
        }
}

/*
 * The memory was given back by punching it out, so that what is in the middle of a queue can wait
 * until there are more. Where the seals do not permit that, it has to go at once.
 */
static void unstore_segment(Persist *persist, Segment *segment) {
        if (segment->stored) {
                store_drop(&persist->store, segment->id, segment->seals & SEALS_WRITE);
                store_drop(&persist->store, -segment->id, false);
        }
        segment->stored = false;
}

/**
 * persist_begin() - have a segment survive the broker, before anybody is told of it
 * @persist:    the object
 * @segment:    whole, with its id and charges
 *
 * Its descriptor first: what nobody knows of is forgotten by the next broker, but what is known and
 * not there would be lost.
 *
 * Return: 0, PERSIST_E_FAILED, PERSIST_E_NO_DESCRIPTORS or PERSIST_E_NO_MEMORY, and then nothing is
 *         kept of it.
 */
int persist_begin(Persist *persist, Segment *segment) {
        int r;

        r = sync_object(persist, segment, !segment->adopted);
        if (r)
                return r;
        r = store_segment(persist, segment);
        if (r)
                return r;
        r = write_segment(persist, segment);
        if (r) {
                unstore_segment(persist, segment);
                return r;
        }
        segment->attach_time = attach_times_take(&persist->attach_times, segment->id);
        persist_attach_time(segment);
        return 0;
}

/* What holds here and now holds, whether or not it can be written down. */
static void set_unwritten(Segment *segment, bool unwritten) {
        if (unwritten && !segment->unwritten)
                log_error("A change of segment %lld cannot be written to the state directory; a "
                          "restart undoes it, unless a later one can.",
                          (long long) segment->id);
        segment->unwritten = unwritten;
}

/**
 * persist_prepare() - see that a segment is found again though its name outside is about to go
 * @persist:    the object
 * @segment:    one that somebody has; nothing happens to the others
 *
 * If the broker is killed between that and persist_change(), nothing else would lead to it. Should
 * systemd not take it now, persist_change() tries again, and says so.
 */
void persist_prepare(Persist *persist, Segment *segment) {
        if (segment->stored || segment->master_fd < 0)
                return;
        if (segment->held || segment->n_attachments > 0)
                segment->stored = store_descriptors(persist, segment) == 0;
}

/* persist_change() - note what a segment has become */
void persist_change(Persist *persist, Segment *segment) {
        persist_attach_time(segment);
        if (store_segment(persist, segment))
                log_warning(
                        "Removed segment %lld would be lost by a restart: systemd does not take "
                        "its descriptor.",
                        (long long) segment->id);
        set_unwritten(segment, write_segment(persist, segment) != 0);
}

/*
 * A file that was removed may have its name again after a loss of power, until the directory is on
 * the disk. So long it is known as one that is to go: see restore.c.
 */
static bool write_going(Persist *persist, const Segment *segment) {
        SegmentRecord record;

        if (!is_durable(segment) || segment_is_unavailable(segment))
                return false;
        segment_record_make(segment, &record);
        if (record.name)
                record.former_name = record.name;
        record.name = NULL;
        record.removed = true;
        return write_record(persist, &record) == 0 && sync_gone(&persist->sync, segment->id) == 0;
}

/* persist_end() - forget a segment */
void persist_end(Persist *persist, Segment *segment) {
        if (!write_going(persist, segment) &&
            state_file_write_gone(&persist->state_file, segment->id))
                log_error("That segment %lld is gone cannot be written to the state directory.",
                          (long long) segment->id);
        unstore_segment(persist, segment);
        if (segment->attach_time)
                attach_times_free(&persist->attach_times, steal_ptr(segment->attach_time));
}

/* persist_attach_time() - note when a segment was attached and detached; no system call */
void persist_attach_time(const Segment *segment) {
        AttachTime *attach_time = segment->attach_time;

        if (!attach_time)
                return;
        attach_time->attach_usec = segment->attach_usec;
        attach_time->detach_usec = segment->detach_usec;
        attach_time->last_pid = segment->last_pid;
        attach_time->flags = segment->armed ? ATTACH_TIME_ARMED : 0;
        attach_time->idle_usec =
                segment->held || segment->n_attachments > 0 ? 0 : segment->idle_usec;
}

/* persist_restored() - give a restored segment the attach times that the previous broker noted last
 */
void persist_restored(Persist *persist, Segment *segment, uint64_t now_usec) {
        AttachTime *attach_time = attach_times_find(&persist->attach_times, segment->id, now_usec);

        if (attach_time) {
                /* What was noted last may be that it is not known. */
                if (attach_time->attach_usec >= segment->attach_usec &&
                    attach_time->detach_usec >= segment->detach_usec)
                        segment->last_pid = attach_time->last_pid;
                segment->attach_usec = MAX(segment->attach_usec, attach_time->attach_usec);
                segment->detach_usec = MAX(segment->detach_usec, attach_time->detach_usec);
                segment->armed = segment->armed || attach_time->flags & ATTACH_TIME_ARMED;
                segment->idle_usec = attach_time->idle_usec;
        } else {
                attach_time = attach_times_take(&persist->attach_times, segment->id);
        }
        segment->attach_time = attach_time;
        persist_attach_time(segment);
}
