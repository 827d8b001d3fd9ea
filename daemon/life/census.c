/* SPDX-License-Identifier: MIT */
#include "daemon/life/census.h"

#include "daemon/base/clock.h"
#include "daemon/kernel/lease.h"
#include "daemon/kernel/mark.h"
#include "daemon/state/persist.h"
#include "proto/error.h"
#include "proto/util.h"

/* A lease that is neither granted nor refused: leases may have been switched off meanwhile. */
#define RETRY_USEC 1000000U

/*
 * Probing a mark costs as much as the inode has locks, so counting n attachments costs n * n. What
 * costs little is done whenever it is asked for. More is at the expense of the user who asks, and
 * what nobody asked for at that of the user whose segment it is; more, of all such work together.
 */
#define COUNT_SMALL_USEC 200U
static const BudgetRate asked_rate = { .at_once_usec = 20000, .pause = 200 };
static const BudgetRate owner_rate = { .at_once_usec = 2000, .pause = 20 };
static const BudgetRate unasked_rate = { .at_once_usec = 2000, .pause = 50 };
#define COUNT_SLICE_USEC 300U

/* Without leases a segment is held as long as counting takes longer. */
#define COUNT_HELD_USEC 10000U

/* What gives others than the owner and creator of a segment access to it. */
#define MODE_OTHERS 066U

/* To look at the clock takes as long as a probe. */
#define PROBES_AT_ONCE 8U

/* census_init() - find out what the kernel answers; @events is told of ends, and stays */
int census_init(Census *census, Events *events) {
        int r;

        *census = (Census){ .events = events };
        r = features_find(&census->features);
        if (r)
                return error_trace(r);
        features_log(&census->features);
        census->tried_usec = clock_boottime_usec();
        return error_trace(attachment_pool_init(&census->attachments));
}

void census_deinit(Census *census) {
        attachment_pool_deinit(&census->attachments);
}

/* Leases come and go with fs.leases-enable; a failure for another reason changes nothing. */
static void try_again(Census *census) {
        uint64_t now = clock_boottime_usec();
        Features features;

        if (now < census->tried_usec + RETRY_USEC)
                return;
        census->tried_usec = now;
        if (features_find(&features) == 0 && features.leases != census->features.leases) {
                census->features.leases = features.leases;
                features_log(&census->features);
        }
}

/**
 * census_ask() - does anybody have the segment?
 * @census:     what the kernel can answer
 * @segment:    the segment
 *
 * One system call where the kernel has leases. What it does not know counts as held. Without leases
 * the marks are counted: they tell when to let go, for letting go harms nobody who still has it,
 * but they are no reason to touch the memory.
 *
 * Return: HOLDERS_NONE, HOLDERS_NONE_KNOWN, HOLDERS_SOME or HOLDERS_UNKNOWN.
 */
Holders census_ask(Census *census, Segment *segment) {
        /* Native attachments for writing are not seen by leases. */
        if (segment->n_native > 0 || segment->reservations)
                return HOLDERS_SOME;
        /* Nobody was given a descriptor either. */
        if (segment->traits->native && segment->master_fd < 0)
                return HOLDERS_NONE;
        switch (lease_take(segment->master_fd)) {
        case LEASE_TAKEN:
                return HOLDERS_NONE;
        case LEASE_HELD:
                return HOLDERS_SOME;
        case LEASE_UNKNOWN:
                break;
        }
        try_again(census);
        if (census->features.leases)
                return HOLDERS_UNKNOWN;
        if (!segment_all_on_record(segment))
                return HOLDERS_SOME;
        if (!census_count(census, segment, COUNT_HELD_USEC))
                return HOLDERS_SOME;
        return segment->n_attachments == 0 ? HOLDERS_NONE_KNOWN : HOLDERS_SOME;
}

static void end_one(Census *census, Segment *segment, Attachment *attachment) {
        segment->detach_usec = clock_realtime_usec();
        /* 0 if it is not known who that was */
        segment->last_pid = attachment->process.pid;
        persist_attach_time(segment);
        segment_detach(segment, attachment);
        events_post_attachment(census->events, EVENT_DETACHED, segment, attachment);
        attachment_free(&census->attachments, attachment);
}

/*
 * A mark that is gone says that its attachment is, unless it is the last one while the lease says
 * that somebody is there: then it was the mark alone that was taken away. But what others can open
 * without the broker may be theirs.
 */
static bool outlives_mark(const Census *census, const Segment *segment) {
        return census->features.leases && segment->n_attachments == 1 &&
               segment_all_on_record(segment) && segment->traits->found_by == FOUND_BY_NOTHING &&
               !segment->adopted;
}

static void end_explained(Census *census, Segment *segment, Attachment *attachment) {
        end_one(census, segment, attachment);
        if (segment->n_unexplained > 0)
                --segment->n_unexplained;
        else if (segment->n_leftover > 0)
                --segment->n_leftover;
}

/* Nothing that can end without a lost mark is there, but a mark may be lost a moment later. */
static void leave_unexplained(Segment *segment) {
        segment->n_leftover += segment->n_unexplained;
        segment->n_unexplained = 0;
}

static void count_one(Census *census, Segment *segment, Attachment *attachment) {
        ++segment->count.n_asked_now;
        switch (mark_probe(segment->master_fd, attachment->id)) {
        case MARK_ALIVE:
                segment_set_covered(segment, attachment, false);
                break;
        case MARK_UNKNOWN:
                segment_set_covered(segment, attachment, true);
                break;
        case MARK_GONE:
                if (outlives_mark(census, segment))
                        segment_unmark(segment, attachment);
                else
                        end_explained(census, segment, attachment);
        }
}

static void count_begin(Count *count) {
        count->next_id = 1;
        count->begin_usec = clock_boottime_usec();
        count->spent_usec = 0;
        count->n_asked_now = 0;
}

static void count_end(Segment *segment) {
        Count *count = &segment->count;

        count->next_id = 0;
        count->done_usec = count->begin_usec;
        count->cost_usec = count->spent_usec;
        count->n_asked = count->n_asked_now;
        if (segment->n_unmarked == 0)
                leave_unexplained(segment);
}

/**
 * census_count() - find out which attachments have ended, or go on with that
 * @census:     what the kernel can answer
 * @segment:    a segment that census_ask() has said is held
 * @limit_usec: how long it may take
 *
 * Return: whether all are known.
 */
bool census_count(Census *census, Segment *segment, uint64_t limit_usec) {
        uint64_t begin = clock_spent_usec(), spent = 0;
        Count *count = &segment->count;
        Attachment *attachment, *next;
        unsigned int n = 0;

        if (count->next_id == 0)
                count_begin(count);
        DL_FOREACH_SAFE(segment->attachments, attachment, next) {
                if (attachment->id < count->next_id || !attachment->marked)
                        continue;
                if (++n % PROBES_AT_ONCE == 0)
                        spent = clock_spent_usec() - begin;
                count->next_id = attachment->id;
                if (spent > limit_usec)
                        break;
                count_one(census, segment, attachment);
        }
        count->spent_usec += clock_spent_usec() - begin;
        if (attachment) {
                count->cost_usec = MAX(count->cost_usec, count->spent_usec);
                return false;
        }
        count_end(segment);
        return true;
}

/* What it will cost to count all marks, by what it did last time. */
static uint64_t count_cost(const Segment *segment) {
        const Count *count = &segment->count;

        return count->n_asked > segment->n_attachments
                       ? count->cost_usec * segment->n_attachments / count->n_asked
                       : count->cost_usec;
}

static bool count_asked(Census *census, Segment *segment, const Asker *asker) {
        uint64_t cost = count_cost(segment), left;
        bool known;

        if (segment->count.done_usec > asker->since_usec)
                return true;
        left = MAX(budget_left(asker->budget, &asked_rate), COUNT_SMALL_USEC);
        if (cost > left)
                return false;
        /* What was counted before may have ended before it was asked for. */
        segment->count.next_id = 0;
        known = census_count(census, segment, left);
        cost = segment->count.spent_usec;
        if (cost > COUNT_SMALL_USEC)
                budget_spend(asker->budget, &asked_rate, cost);
        return known;
}

static bool count_unasked(Census *census, Segment *segment) {
        bool small = count_cost(segment) <= COUNT_SMALL_USEC, known;
        User *owner = segment->segment_charge.user;
        uint64_t begin = clock_spent_usec(), spent;

        if (owner && budget_left(&owner->counted, &owner_rate) == 0)
                return false;
        if (!small && budget_left(&census->unasked, &unasked_rate) == 0)
                return false;
        known = census_count(census, segment, COUNT_SLICE_USEC);
        spent = clock_spent_usec() - begin;
        if (!small)
                budget_spend(&census->unasked, &unasked_rate, spent);
        if (owner)
                budget_spend(&owner->counted, &owner_rate, spent);
        return known;
}

/**
 * census_update() - count the attachments of a segment of which some may have ended
 * @census:     what the kernel can answer
 * @segment:    a segment that census_ask() has said is held
 * @asker:      who wants to know, or NULL if nobody waits for it
 *
 * If it would take too long, their number is not known.
 */
void census_update(Census *census, Segment *segment, const Asker *asker) {
        bool known = asker ? count_asked(census, segment, asker) : count_unasked(census, segment);

        segment->count.stale = !known;
}

/* The unmarked attachment that is most likely the one that ended. */
static Attachment *find_ended(const Segment *segment) {
        Attachment *attachment, *oldest = NULL;

        DL_FOREACH(segment->attachments, attachment) {
                if (attachment->marked && !attachment->covered)
                        continue;
                if (!process_alive(&attachment->process))
                        return attachment;
                if (!oldest)
                        oldest = attachment;
        }
        return oldest;
}

/**
 * census_conclude() - give up on waiting for a better explanation of the last events
 * @census:     what the kernel can answer
 * @segment:    a segment whose marks were just counted, and that is held
 *
 * Each event that no lost mark explains ends one attachment that has no mark; the last attachment
 * ends by the lease alone.
 */
void census_conclude(Census *census, Segment *segment) {
        while (segment->n_unexplained > 0 && segment->n_unmarked > 0 &&
               segment->n_attachments > 1) {
                end_one(census, segment, find_ended(segment));
                --segment->n_unexplained;
        }
        if (segment->n_unexplained + segment->n_leftover > 0)
                segment->doubtful = true;
        segment->n_unexplained = segment->n_leftover = 0;
}

/* Marks can be copied while they are there, by others who have the segment. */
static bool others_may_lock(const Segment *segment, const User *user) {
        const Permission *permission = &segment->permission;

        return permission->mode & MODE_OTHERS || permission->owner_uid != user->uid ||
               permission->creator_uid != user->uid;
}

/* May it have ended, for all that is known? To look for a process takes longer than the rest. */
static bool is_doubtful(const Segment *segment, const Attachment *attachment,
                        unsigned int *n_lookups) {
        if (!attachment->marked || attachment->covered)
                return true;
        if (!others_may_lock(segment, attachment->charge.user))
                return false;
        if (segment->doubtful)
                return true;
        --*n_lookups;
        return !process_alive(&attachment->process);
}

/**
 * census_yield() - let an attachment go that may have ended, for a user who has met a limit
 * @census:     what the kernel can answer
 * @segment:    any segment
 * @user:       who acquired it
 * @n_lookups:  so many processes may be looked for; what is left of that
 *
 * Locks of others must not keep on record, at the user's expense, what has ended. If it is there
 * after all, the lease says that somebody is, and what there is to count is not known any more.
 *
 * Return: whether there was one. The next time it is looked for where this time ended.
 */
bool census_yield(Census *census, Segment *segment, const User *user, unsigned int *n_lookups) {
        Attachment *attachment;

        if (segment->n_attachments < 2)
                return false;
        DL_FOREACH(segment->attachments, attachment) {
                if (attachment->charge.user != user || attachment->id <= segment->yielded_id)
                        continue;
                if (*n_lookups == 0)
                        return false;
                segment->yielded_id = attachment->id;
                if (!is_doubtful(segment, attachment, n_lookups))
                        continue;
                segment->uncounted = true;
                end_one(census, segment, attachment);
                return true;
        }
        segment->yielded_id = 0;
        return false;
}

/* census_end_all() - nobody has the segment any more */
void census_end_all(Census *census, Segment *segment) {
        Attachment *attachment, *next;

        DL_FOREACH_SAFE(segment->attachments, attachment, next)
                end_one(census, segment, attachment);
        segment->n_unexplained = segment->n_leftover = 0;
        segment->doubtful = segment->uncounted = false;
        segment->count = (Count){};
}

/* census_forget() - the broker ends, and attachments go on without it */
void census_forget(Census *census, Segment *segment) {
        Attachment *attachment, *next;

        DL_FOREACH_SAFE(segment->attachments, attachment, next) {
                segment_detach(segment, attachment);
                attachment_free(&census->attachments, attachment);
        }
}
