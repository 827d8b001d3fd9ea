/* SPDX-License-Identifier: MIT */
#include "daemon/state/keep.h"

#include "daemon/base/log.h"
#include "daemon/state/segment-record.h"
#include "proto/util.h"

static int write_segment(Keep *keep, const Segment *segment) {
        SegmentRecord record;

        segment_record_make(segment, &record);
        return journal_write_segment(&keep->journal, &record) ? KEEP_E_FAILED : 0;
}

/* What only the broker's own descriptor leads to is systemd's to keep. Without a store, it goes
 * with the broker; that was said when it began. */
static int store_segment(Keep *keep, Segment *segment) {
        if (segment->stored || segment->master_fd < 0 || segment_is_reached_outside(segment))
                return 0;
        switch (store_add(&keep->store, segment->id, segment->master_fd)) {
        case 0:
                segment->stored = true;
                return 0;
        case STORE_E_NONE:
                return 0;
        default:
                return KEEP_E_NO_DESCRIPTORS;
        }
}

/*
 * The memory was given back by punching it out, so that what is in the middle of a queue can wait
 * until there are more. Where the seals do not permit that, it has to go at once.
 */
static void unstore_segment(Keep *keep, Segment *segment) {
        if (segment->stored)
                store_drop(&keep->store, segment->id, segment->seals & SEALS_WRITE);
        segment->stored = false;
}

/**
 * keep_begin() - have a segment survive the broker, before anybody is told of it
 * @keep:       the object
 * @segment:    whole, with its id and charges
 *
 * Its descriptor first: what nobody knows of is forgotten by the next broker, but what is known and
 * not there would be lost.
 *
 * Return: 0, or a code, and then nothing is kept of it.
 */
int keep_begin(Keep *keep, Segment *segment) {
        int r;

        r = store_segment(keep, segment);
        if (r)
                return r;
        if (write_segment(keep, segment)) {
                unstore_segment(keep, segment);
                return KEEP_E_FAILED;
        }
        segment->stamp = stamps_take(&keep->stamps, segment->id);
        keep_stamp(segment);
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
 * keep_prepare() - see that a segment is found again though its name outside is about to go
 * @keep:       the object
 * @segment:    one that somebody has; nothing happens to the others
 *
 * If the broker is killed between that and keep_change(), nothing else would lead to it. Should
 * systemd not take it now, keep_change() tries again, and says so.
 */
void keep_prepare(Keep *keep, Segment *segment) {
        if (segment->stored || segment->master_fd < 0)
                return;
        if (segment->held || segment->n_attachments > 0)
                segment->stored = store_add(&keep->store, segment->id, segment->master_fd) == 0;
}

/* keep_change() - note what a segment has become */
void keep_change(Keep *keep, Segment *segment) {
        keep_stamp(segment);
        if (store_segment(keep, segment))
                log_warning(
                        "Removed segment %lld would be lost by a restart: systemd does not take "
                        "its descriptor.",
                        (long long) segment->id);
        set_unwritten(segment, write_segment(keep, segment) != 0);
}

/* keep_end() - forget a segment */
void keep_end(Keep *keep, Segment *segment) {
        if (journal_write_gone(&keep->journal, segment->id))
                log_error("That segment %lld is gone cannot be written to the state directory.",
                          (long long) segment->id);
        unstore_segment(keep, segment);
        if (segment->stamp)
                stamps_free(&keep->stamps, steal_ptr(segment->stamp));
}

/* keep_stamp() - note when a segment was attached and detached; no system call */
void keep_stamp(const Segment *segment) {
        Stamp *stamp = segment->stamp;

        if (!stamp)
                return;
        stamp->attach_usec = segment->attach_usec;
        stamp->detach_usec = segment->detach_usec;
        stamp->last_pid = segment->last_pid;
        stamp->flags = segment->armed ? STAMP_ARMED : 0;
}

/* keep_restored() - a segment is there again: with what the last broker noted at the last moment */
void keep_restored(Keep *keep, Segment *segment, uint64_t now_usec) {
        Stamp *stamp = stamps_find(&keep->stamps, segment->id, now_usec);

        if (stamp) {
                segment->attach_usec = MAX(segment->attach_usec, stamp->attach_usec);
                segment->detach_usec = MAX(segment->detach_usec, stamp->detach_usec);
                if (stamp->last_pid > 0)
                        segment->last_pid = stamp->last_pid;
                segment->armed = segment->armed || stamp->flags & STAMP_ARMED;
        } else {
                stamp = stamps_take(&keep->stamps, segment->id);
        }
        segment->stamp = stamp;
        keep_stamp(segment);
}
