/* SPDX-License-Identifier: MIT */
#include "daemon/model/segment.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/model/tenant.h"
#include "proto/fd.h"
#include "proto/util.h"

static const KindTraits no_traits;

/* segment_new() - a segment with no kind and nothing behind it, or NULL if there is no memory */
Segment *segment_new(void) {
        Segment *segment = calloc(1, sizeof(*segment));

        if (!segment)
                return NULL;
        segment->traits = &no_traits;
        segment->master_fd = -EBADF;
        segment->read_only_fd = -EBADF;
        segment->wd = -1;
        segment->page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
        return segment;
}

/* segment_free() - free a segment that is in no table and has no attachment, and its charges */
Segment *segment_free(Segment *segment) {
        if (!segment)
                return NULL;
        assert(!segment->locked_at && !segment->attachments && !segment->reservations &&
               !segment->suspicion.active && !segment->lingering && !segment->search);
        if (segment->sysv.anchor)
                (void) segment->traits->release(segment->sysv.anchor, segment->sysv.shmid);
        fd_close(segment->master_fd);
        fd_close(segment->read_only_fd);
        shared_path_unref(segment->object_name);
        charge_give_back(&segment->huge_charge);
        charge_give_back(&segment->bytes_charge);
        charge_give_back(&segment->segment_charge);
        charge_give_back(&segment->locked_charge);
        free(segment->name);
        free(segment->former_name);
        free(segment);
        return NULL;
}

/* Can it be told from the marks whether this one is there? */
static bool attachment_unmarked(const Attachment *attachment) {
        return !attachment->marked || attachment->covered;
}

static void count_attachment(Segment *segment, const Attachment *attachment) {
        ++segment->n_attachments;
        if (attachment_unmarked(attachment))
                ++segment->n_unmarked;
}

/* segment_attach() - count an attachment; the segment owns it from now on */
void segment_attach(Segment *segment, Attachment *attachment) {
        DL_APPEND(segment->attachments, attachment);
        count_attachment(segment, attachment);
}

/* segment_attach_found() - the same, of one that may be older than others on record, which are in
 * the order of their ids */
void segment_attach_found(Segment *segment, Attachment *attachment) {
        Attachment *first = segment->attachments, *before = first ? first->prev : NULL;

        while (before && before->id > attachment->id)
                before = before == first ? NULL : before->prev;
        if (before)
                DL_APPEND_ELEM(segment->attachments, before, attachment);
        else
                DL_PREPEND(segment->attachments, attachment);
        count_attachment(segment, attachment);
}

/* segment_detach() - count an attachment no more; the caller owns it from now on */
void segment_detach(Segment *segment, Attachment *attachment) {
        DL_DELETE(segment->attachments, attachment);
        --segment->n_attachments;
        if (attachment_unmarked(attachment))
                --segment->n_unmarked;
}

/* segment_set_covered() - a lock of somebody's lies over the mark of an attachment, or no more */
void segment_set_covered(Segment *segment, Attachment *attachment, bool covered) {
        segment->n_unmarked -= attachment_unmarked(attachment);
        attachment->covered = covered;
        segment->n_unmarked += attachment_unmarked(attachment);
}

/* segment_unmark() - the mark of an attachment is gone, and the attachment may not be */
void segment_unmark(Segment *segment, Attachment *attachment) {
        segment->n_unmarked -= attachment_unmarked(attachment);
        attachment->marked = false;
        segment->n_unmarked += attachment_unmarked(attachment);
}

/**
 * segment_attach_count() - how many attachments there are, as far as it was found out
 * @segment:    the segment
 *
 * Of those whose mark cannot be probed as many have ended as there were events that nothing else
 * explains; but while attachments are on record, the last one ends by the lease alone.
 */
size_t segment_attach_count(const Segment *segment) {
        size_t ended = MIN(segment->n_unexplained, segment->n_unmarked);

        if (segment->n_attachments == 0)
                return segment->n_native;
        return MAX(segment->n_attachments - ended, 1U) + segment->n_native;
}

/* segment_all_on_record() - is every attachment that there is on record? */
bool segment_all_on_record(const Segment *segment) {
        return !segment->search && !segment->uncounted;
}

/* segment_count_known() - is what segment_attach_count() returns the number of attachments? */
bool segment_count_known(const Segment *segment) {
        return segment_all_on_record(segment) && !segment->count.stale;
}

/* segment_called() - its name, or the one that it had; NULL if it never had one */
const char *segment_called(const Segment *segment) {
        return segment->name ? segment->name : segment->former_name;
}

/* segment_tenant_name() - the tenant whose it is; NULL is the host */
const char *segment_tenant_name(const Segment *segment) {
        return segment->permission.tenant ? segment->permission.tenant->name : NULL;
}

bool segment_has_huge_pages(const Segment *segment) {
        return segment->page_bytes != (uint64_t) sysconf(_SC_PAGESIZE);
}

/* segment_is_locked() - by the broker or, of kind sysv, by anybody; or it is about to be again */
bool segment_is_locked(const Segment *segment) {
        return segment->locked_at || segment->lock_again || segment->sysv.locked;
}

/* segment_capacity() - the size of what is behind a segment: of all that was promised, in pages;
 * UINT64_MAX if there is no such number */
uint64_t segment_capacity(const Segment *segment) {
        uint64_t bytes = MAX(segment->size_bytes, segment->maximum_bytes), rest;

        rest = bytes % segment->page_bytes;
        if (rest > 0 && __builtin_add_overflow(bytes, segment->page_bytes - rest, &bytes))
                return UINT64_MAX;
        return bytes;
}

/* segment_charged_bytes() - what its user pays for: all that is behind it, and one page if that is
 * nothing yet, so that empty segments are not free */
uint64_t segment_charged_bytes(const Segment *segment) {
        return MAX(segment_capacity(segment), segment->page_bytes);
}

/* segment_goes_when_free() - will it be destroyed as soon as nobody is attached? */
bool segment_goes_when_free(const Segment *segment) {
        return segment->removed || (segment->remove_on_last_detach && segment->armed) ||
               (segment->lingers && segment->linger_usec == 0 && segment->armed);
}

/* segment_end_cause() - why it ends, now that nobody is attached any more; NULL if that is not
 * known */
const char *segment_end_cause(const Segment *segment) {
        if (segment->removed)
                return segment->removal_cause;
        return segment->remove_on_last_detach && segment->armed ? CAUSE_LAST_DETACH : CAUSE_LINGER;
}

/**
 * segment_set_removed() - note that what finds it from outside, a name or a key, is gone
 * @segment:    the segment
 * @cause:      one of CAUSE_..., or NULL
 * @now_usec:   time since the epoch
 */
void segment_set_removed(Segment *segment, const char *cause, uint64_t now_usec) {
        segment->removed = true;
        segment->removal_cause = cause;
        segment->change_usec = now_usec;
        segment->sysv.key = 0;
        segment->object_name = shared_path_unref(segment->object_name);
}

/* segment_is_unavailable() - can its object not be opened at the moment? Whether anybody has it is
 * not known then. */
bool segment_is_unavailable(const Segment *segment) {
        return segment->unavailable.cause != NULL;
}

/* segment_is_reached_outside() - does anything but a descriptor lead to its object now? */
bool segment_is_reached_outside(const Segment *segment) {
        return segment->traits->found_by == FOUND_BY_SHMID ? !segment->removed
                                                           : segment->object_name != NULL;
}

/* segment_may_be_uncounted() - may it be held though leases say that nobody has it? They do not see
 * the description by which memfd_create(2) made it. */
bool segment_may_be_uncounted(const Segment *segment) {
        return segment->traits->found_by == FOUND_BY_NOTHING && segment->adopted;
}
