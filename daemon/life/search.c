/* SPDX-License-Identifier: MIT */
#include "daemon/life/search.h"

#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "daemon/kernel/lease.h"
#include "daemon/kernel/mark.h"
#include "proto/util.h"

/*
 * What all searches may take at once, as when the broker starts, and later a tenth of the time, in
 * slices. Of what is there at the start, each segment gets so much before it is another one's turn.
 */
static const BudgetRate search_rate = { .at_once_usec = 100000, .pause = 10 };
#define SEARCH_SEGMENT_USEC 2000U
#define SEARCH_SLICE_USEC 1000U
#define SEARCH_EACH_USEC 10000U

/* A single question that takes so long, so many times in a row: it is the length of the list. */
#define SEARCH_SLOW_USEC 4000U
#define SEARCH_SLOW_RUNNING 4U

/* Something lies over the marks of which nobody knows how long it stays. */
#define SEARCH_COVERED_USEC 1000000U

/* While all of them wait, it is looked so often whether one may go on. */
#define SEARCH_WAIT_USEC 100000U

/* A client that sets locks where marks could be does not want to be counted. */
#define SEARCH_FORGED_MAX 1000U

/* Marks that are found for the segments of a user, who need not have made them: at least so many,
 * and as many as the user may have attachments; but no more than that. */
#define SEARCH_MARKS_MIN 1024U
#define SEARCH_MARKS_MAX 65536U

/* Of marks that are in order, one range is open at a time, and another one behind it. */
#define SEARCH_RANGES 16U

typedef enum SearchStep SearchStep;
typedef struct Range Range;

enum SearchStep {
        SEARCH_STEP_MORE,
        SEARCH_STEP_COVERED,
        SEARCH_STEP_ALL,
        SEARCH_STEP_GIVE_UP,
};

struct Range {
        int64_t first;
        int64_t last;
};

struct Search {
        Segment *segment;
        /* What is still to be searched, the lowest places at the end */
        Range ranges[SEARCH_RANGES];
        unsigned int n_ranges;
        size_t n_forged;
        unsigned int n_slow;
        /* CLOCK_BOOTTIME; not before then */
        uint64_t due_usec;
        Search *prev;
        Search *next;
};

static size_t marks_allowed(const User *user) {
        uint64_t maximum = user->accounts->user_maximum[LIMIT_ATTACHMENTS];

        return (size_t) MIN(MAX(maximum, SEARCH_MARKS_MIN), SEARCH_MARKS_MAX);
}

/* Who it was is not known any more, only that it is there. */
static bool add_found(Census *census, Segment *segment, int64_t id) {
        User *user = segment->segment_charge.user;
        Attachment *attachment;

        if (user ? user->n_found_marks >= marks_allowed(user)
                 : segment->n_attachments >= SEARCH_MARKS_MAX)
                return false;
        attachment = attachment_new(&census->attachments);
        if (!attachment)
                return false;
        attachment->id = id;
        attachment->unknown = true;
        attachment->marked = true;
        attachment->found_for = user_ref(user);
        if (user)
                ++user->n_found_marks;
        segment_attach_found(segment, attachment);
        return true;
}

static bool push_range(Search *search, int64_t first, int64_t last) {
        if (first > last)
                return true;
        if (search->n_ranges == SEARCH_RANGES)
                return false;
        search->ranges[search->n_ranges++] = (Range){ .first = first, .last = last };
        return true;
}

/*
 * One question to the kernel. It tells of any lock in a range, so that it is asked again for what
 * is on both sides of it: nobody who sets a lock hides the marks of others.
 */
static SearchStep search_step(Search *search, Census *census) {
        Segment *segment = search->segment;
        Range range;
        int64_t place;

        if (search->n_ranges == 0)
                return SEARCH_STEP_ALL;
        range = search->ranges[--search->n_ranges];
        switch (mark_search(segment->master_fd, range.first, range.last, &place)) {
        case MARK_SEARCH_NONE:
                return SEARCH_STEP_MORE;
        case MARK_SEARCH_COVERED:
                (void) push_range(search, range.first, range.last);
                return SEARCH_STEP_COVERED;
        case MARK_SEARCH_FORGED:
                if (++search->n_forged > SEARCH_FORGED_MAX)
                        return SEARCH_STEP_GIVE_UP;
                break;
        case MARK_SEARCH_MARK:
                if (!add_found(census, segment, mark_id(place)))
                        return SEARCH_STEP_GIVE_UP;
        }
        return push_range(search, place + 1, range.last) &&
                               push_range(search, range.first, place - 1)
                       ? SEARCH_STEP_MORE
                       : SEARCH_STEP_GIVE_UP;
}

static bool is_slow(Search *search, uint64_t usec) {
        search->n_slow = usec > SEARCH_SLOW_USEC ? search->n_slow + 1 : 0;
        return search->n_slow == SEARCH_SLOW_RUNNING;
}

/* Goes on with one segment for so long; SEARCH_STEP_MORE if that was not enough. */
static SearchStep search_run(Search *search, Census *census, uint64_t limit_usec) {
        uint64_t begin = clock_spent_usec(), before = begin, now = begin;
        SearchStep step;

        do {
                step = search_step(search, census);
                now = clock_spent_usec();
                if (step != SEARCH_STEP_ALL && is_slow(search, now - before))
                        step = SEARCH_STEP_GIVE_UP;
                before = now;
        } while (step == SEARCH_STEP_MORE && now - begin < limit_usec);
        return step;
}

/* search_end() - look for marks of a segment no more; nothing happens if nobody does */
void search_end(Searches *searches, Segment *segment) {
        Search *search = segment->search;

        if (!search)
                return;
        DL_DELETE(searches->first, search);
        segment->search = NULL;
        free(search);
}

static void give_up(Searches *searches, Segment *segment) {
        log_warning("How many attachments segment %lld has is not known: too many locks were set "
                    "where they are marked.",
                    (long long) segment->id);
        segment->uncounted = true;
        search_end(searches, segment);
}

/* One segment's turn; true if its search is over. */
static bool search_turn(Searches *searches, Census *census, Search *search, uint64_t limit_usec) {
        uint64_t begin = clock_spent_usec();
        Segment *segment = search->segment;
        SearchStep step;

        step = search_run(search, census, limit_usec);
        budget_spend(&searches->budget, &search_rate, clock_spent_usec() - begin);
        switch (step) {
        case SEARCH_STEP_ALL:
                search_end(searches, segment);
                return true;
        case SEARCH_STEP_GIVE_UP:
                give_up(searches, segment);
                return true;
        case SEARCH_STEP_COVERED:
                search->due_usec = clock_boottime_usec() + SEARCH_COVERED_USEC;
                break;
        case SEARCH_STEP_MORE:
                break;
        }
        DL_DELETE(searches->first, search);
        DL_APPEND(searches->first, search);
        return false;
}

/**
 * search_begin() - look for the attachments of a segment that an earlier broker made
 * @searches:   all that are looked for
 * @census:     what takes them on record
 * @segment:    the segment; a part of its marks, or all, are found at once
 * @end_id:     no attachment of an earlier broker has this id or a higher one
 */
void search_begin(Searches *searches, Census *census, Segment *segment, int64_t end_id) {
        Search *search;

        if (segment->master_fd < 0)
                return;
        /* A broker that ended in the middle of a question left its lease on what outlived it. */
        lease_drop(segment->master_fd);
        end_id = MIN(end_id, MARK_ID_MAX + 1);
        if (end_id <= 1)
                return;
        search = calloc(1, sizeof(*search));
        if (!search) {
                segment->uncounted = true;
                return;
        }
        search->segment = segment;
        (void) push_range(search, mark_first_place(1), mark_first_place(end_id) - 1);
        segment->search = search;
        DL_APPEND(searches->first, search);
        if (budget_left(&searches->budget, &search_rate) > 0)
                (void) search_turn(searches, census, search, SEARCH_SEGMENT_USEC);
}

/* searches_due() - when searches_tick() has something to do, on CLOCK_BOOTTIME, or USEC_INFINITY
 */
uint64_t searches_due(const Searches *searches) {
        return searches->first ? searches->due_usec : USEC_INFINITY;
}

/* Others may be due before one that has to wait; all of those wait equally long. */
static Search *next_search(const Searches *searches, uint64_t now) {
        Search *search;

        DL_FOREACH(searches->first, search)
                if (search->due_usec <= now)
                        return search;
        return NULL;
}

/* searches_tick() - go on for a moment */
void searches_tick(Searches *searches, Census *census) {
        uint64_t now = clock_boottime_usec();
        Search *search;
        Segment *segment;

        if (now < searches_due(searches))
                return;
        searches->due_usec = MAX(now + SEARCH_EACH_USEC,
                                 budget_due(&searches->budget, &search_rate, SEARCH_SLICE_USEC));
        if (budget_left(&searches->budget, &search_rate) == 0)
                return;
        search = next_search(searches, now);
        if (!search) {
                searches->due_usec = now + SEARCH_WAIT_USEC;
                return;
        }
        segment = search->segment;
        if (search_turn(searches, census, search, SEARCH_SLICE_USEC))
                events_post(census->events, EVENT_CHANGED, segment);
}
