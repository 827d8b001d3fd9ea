/* SPDX-License-Identifier: MIT */
/* The ring of events: every watch is told its own, in order, or how many it lost. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/life/events.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

static const Credentials root = { .uid = 0 }, alice = { .uid = 1000, .gid = 1000 };

static Events events;
static Segment *one, *two;

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGIO, SIG_IGN);
        events = (Events) EVENTS_NULL;
        one = unit_segment("group/one", 100);
        two = unit_segment("two", 100);
        one->permission = two->permission = (Permission){ .mode = 0600 };
}

static void teardown(void) {
        segment_free(one);
        segment_free(two);
        events_deinit(&events);
        unit_fds_end();
}

static void begin(Watch *watch, const Credentials *credentials) {
        ck_assert_int_eq(watch_begin(watch, &events, credentials, 0), 0);
        watch->listing = false;
}

static void expect(Watch *watch, EventKind kind, int64_t sequence, const Segment *segment) {
        WatchReply reply;

        ck_assert(watch_pending(watch));
        ck_assert(watch_next(watch, USEC_INFINITY, &reply));
        ck_assert_uint_eq(reply.event, kind);
        ck_assert_int_eq(reply.sequence, sequence);
        ck_assert_int_eq(GIVEN(&reply, WATCH_REPLY_SEGMENT), segment != NULL);
        if (segment)
                ck_assert_int_eq(reply.segment.id, segment->id);
}

static void expect_nothing(Watch *watch) {
        WatchReply reply;

        ck_assert(!watch_next(watch, USEC_INFINITY, &reply));
        ck_assert(!watch_pending(watch));
}

SUITE("events");
CASE("events", .setup = setup, .teardown = teardown);

/* Nothing is kept for nobody. */
TEST(unwatched) {
        Watch watch = WATCH_NULL;

        events_post(&events, EVENT_CREATED, one);
        ck_assert_ptr_null(events.ring);
        ck_assert_uint_eq(events.n_posted, 0);
        begin(&watch, &root);
        expect_nothing(&watch);
        watch_end(&watch);
        ck_assert_ptr_null(events.ring);
        watch_end(&watch);
}

TEST(order) {
        Watch watch = WATCH_NULL, late = WATCH_NULL;

        begin(&watch, &root);
        events_post(&events, EVENT_CREATED, one);
        events_post(&events, EVENT_CREATED, two);
        begin(&late, &root);
        events_post(&events, EVENT_CHANGED, one);
        expect(&watch, EVENT_CREATED, 0, one);
        expect(&watch, EVENT_CREATED, 1, two);
        expect(&watch, EVENT_CHANGED, 2, one);
        expect_nothing(&watch);
        expect(&late, EVENT_CHANGED, 0, one);
        events_post_end(&events, EVENT_DESTROYED, two, CAUSE_CALL);
        expect(&watch, EVENT_DESTROYED, 3, two);
        expect(&late, EVENT_DESTROYED, 1, two);
        watch_end(&watch);
        watch_end(&late);
}

/* The state is that after the event, whatever the segment has come to since. */
TEST(state) {
        Watch watch = WATCH_NULL;
        WatchReply reply;

        begin(&watch, &root);
        one->permission.mode = 0640;
        events_post(&events, EVENT_CHANGED, one);
        one->permission.mode = 0600;
        one->size_bytes = 7;
        ck_assert(watch_next(&watch, USEC_INFINITY, &reply));
        ck_assert_int_eq(reply.segment.permissions.mode, 0640);
        ck_assert_int_eq(reply.segment.size_bytes, 100);
        ck_assert_str_eq(reply.segment.name, "group/one");
        watch_end(&watch);
}

/* What ended is described by the event, which outlives it. */
TEST(details) {
        Attachment attachment = { .id = 7, .uid = 5, .process.pid = getpid() };
        Watch watch = WATCH_NULL;
        WatchReply reply;

        begin(&watch, &root);
        events_post_attachment(&events, EVENT_DETACHED, one, &attachment);
        events_post_end(&events, EVENT_REMOVED, one, CAUSE_OUTSIDE);
        events_post_end(&events, EVENT_DESTROYED, one, NULL);
        events_post(&events, EVENT_CHANGED, two);
        attachment = (Attachment){};
        ck_assert(watch_next(&watch, USEC_INFINITY, &reply));
        ck_assert(GIVEN(&reply, WATCH_REPLY_ATTACHMENT));
        ck_assert_int_eq(reply.attachment.id, 7);
        ck_assert_int_eq(reply.attachment.uid, 5);
        ck_assert_int_eq(reply.attachment.pid, getpid());
        ck_assert(!GIVEN(&reply.attachment, ATTACHMENT_INHERITED));
        ck_assert(!GIVEN(&reply, WATCH_REPLY_CAUSE));
        ck_assert(watch_next(&watch, USEC_INFINITY, &reply));
        ck_assert(!GIVEN(&reply, WATCH_REPLY_ATTACHMENT));
        ck_assert_str_eq(reply.cause, "outside");
        ck_assert(watch_next(&watch, USEC_INFINITY, &reply));
        ck_assert(!GIVEN(&reply, WATCH_REPLY_CAUSE));
        ck_assert(watch_next(&watch, USEC_INFINITY, &reply));
        ck_assert(!GIVEN(&reply, WATCH_REPLY_ATTACHMENT));
        ck_assert(!GIVEN(&reply, WATCH_REPLY_CAUSE));
        watch_end(&watch);
}

TEST(filters) {
        Watch by_id = WATCH_NULL, by_name = WATCH_NULL, none = WATCH_NULL;

        by_id.selection.only_id = one->id;
        ck_assert(selection_set_pattern(&by_name.selection, "gr*"));
        ck_assert(selection_set_pattern(&none.selection, "one"));
        begin(&by_id, &root);
        begin(&by_name, &root);
        begin(&none, &root);
        events_post(&events, EVENT_CHANGED, two);
        events_post(&events, EVENT_CHANGED, one);
        /* A name that is free again still says which ones are meant. */
        one->former_name = steal_ptr(one->name);
        one->removed = true;
        events_post(&events, EVENT_REMOVED, one);
        expect(&by_id, EVENT_CHANGED, 0, one);
        expect(&by_id, EVENT_REMOVED, 1, one);
        expect(&by_name, EVENT_CHANGED, 0, one);
        expect(&by_name, EVENT_REMOVED, 1, one);
        expect_nothing(&by_id);
        expect_nothing(&by_name);
        expect_nothing(&none);
        watch_end(&by_id);
        watch_end(&by_name);
        watch_end(&none);
}

/* Only some events, and of what is removed its end alone: others are not counted either. */
TEST(kinds) {
        Watch some = WATCH_NULL, present = WATCH_NULL;

        some.kinds = 1U << EVENT_CREATED | 1U << EVENT_DESTROYED;
        present.selection.include_removed = false;
        begin(&some, &root);
        begin(&present, &root);
        events_post(&events, EVENT_CREATED, one);
        events_post(&events, EVENT_ATTACHED, one);
        one->removed = true;
        events_post_end(&events, EVENT_REMOVED, one, CAUSE_CALL);
        events_post(&events, EVENT_DETACHED, one);
        events_post_end(&events, EVENT_DESTROYED, one, CAUSE_CALL);
        expect(&some, EVENT_CREATED, 0, one);
        expect(&some, EVENT_DESTROYED, 1, one);
        expect_nothing(&some);
        expect(&present, EVENT_CREATED, 0, one);
        expect(&present, EVENT_ATTACHED, 1, one);
        expect(&present, EVENT_REMOVED, 2, one);
        expect(&present, EVENT_DESTROYED, 3, one);
        expect_nothing(&present);
        watch_end(&some);
        watch_end(&present);
}

/* As a segment is after the event: its kind, its owner. */
TEST(owners) {
        Watch owned = WATCH_NULL, files = WATCH_NULL, hosts = WATCH_NULL, tenants = WATCH_NULL;

        owned.selection.has_owner = true;
        owned.selection.owner_uid = 1000;
        files.selection.has_kind = true;
        files.selection.kind = KIND_FILE;
        ck_assert(selection_set_tenant(&hosts.selection, ""));
        ck_assert(selection_set_tenant(&tenants.selection, "web"));
        ck_assert(!selection_set_tenant(&tenants.selection, "a/b"));
        begin(&owned, &root);
        begin(&files, &root);
        begin(&hosts, &root);
        begin(&tenants, &root);
        events_post(&events, EVENT_CREATED, one);
        one->permission.owner_uid = 1000;
        one->permission.mode = 0644;
        events_post(&events, EVENT_CHANGED, one);
        one->permission.owner_uid = 1001;
        events_post(&events, EVENT_CHANGED, one);
        expect(&owned, EVENT_CHANGED, 0, one);
        expect_nothing(&owned);
        expect_nothing(&files);
        for (int i = 0; i < 3; ++i)
                expect(&hosts, i ? EVENT_CHANGED : EVENT_CREATED, i, one);
        expect_nothing(&tenants);
        watch_end(&owned);
        watch_end(&files);
        watch_end(&hosts);
        watch_end(&tenants);
}

/* Who may not read a segment does not learn of it, nor that there was anything. */
TEST(permission) {
        Watch watch = WATCH_NULL;

        begin(&watch, &alice);
        events_post(&events, EVENT_CREATED, one);
        one->permission.mode = 0604;
        events_post(&events, EVENT_CHANGED, one);
        one->permission.mode = 0600;
        events_post(&events, EVENT_CHANGED, one);
        one->permission.owner_uid = alice.uid;
        events_post(&events, EVENT_CHANGED, one);
        expect(&watch, EVENT_CHANGED, 0, one);
        expect(&watch, EVENT_CHANGED, 1, one);
        expect_nothing(&watch);
        watch_end(&watch);
}

/* Who does not keep up loses the oldest, and is told up to which; the others lose nothing. */
TEST(overflow) {
        Watch slow = WATCH_NULL, quick = WATCH_NULL, half = WATCH_NULL;

        half.selection.only_id = two->id;
        begin(&slow, &root);
        begin(&quick, &root);
        begin(&half, &root);
        for (unsigned int i = 0; i < EVENTS_KEPT + 10; ++i) {
                events_post(&events, EVENT_CHANGED, i % 2 ? two : one);
                expect(&quick, EVENT_CHANGED, i, i % 2 ? two : one);
        }
        ck_assert_uint_eq(events.n_dropped, 10 + 5);
        expect(&slow, EVENT_OVERFLOW, 9, NULL);
        for (unsigned int i = 10; i < EVENTS_KEPT + 10; ++i)
                expect(&slow, EVENT_CHANGED, i, i % 2 ? two : one);
        expect_nothing(&slow);
        expect(&half, EVENT_OVERFLOW, 4, NULL);
        for (unsigned int i = 5; i < EVENTS_KEPT / 2 + 5; ++i)
                expect(&half, EVENT_CHANGED, i, two);
        expect_nothing(&half);
        expect_nothing(&quick);
        watch_end(&slow);
        watch_end(&quick);
        watch_end(&half);
}

/*
 * One that does not read at all: its place moves on by itself, and everything since it was last
 * looked at counts as lost.
 */
TEST(asleep) {
        Watch sleeper = WATCH_NULL, other = WATCH_NULL;
        int64_t first = 2 * EVENTS_KEPT + 100;

        other.selection.only_id = two->id;
        begin(&sleeper, &root);
        begin(&other, &root);
        for (unsigned int i = 0; i < 3 * EVENTS_KEPT + 100; ++i)
                events_post(&events, EVENT_CHANGED, one);
        ck_assert_ptr_eq(events.asleep, &sleeper);
        ck_assert_ptr_eq(events.watches, &other);
        expect(&sleeper, EVENT_OVERFLOW, first - 1, NULL);
        for (int64_t i = first; i < first + EVENTS_KEPT; ++i)
                expect(&sleeper, EVENT_CHANGED, i, one);
        expect_nothing(&sleeper);
        ck_assert_ptr_null(events.asleep);
        events_post(&events, EVENT_CHANGED, two);
        expect(&sleeper, EVENT_CHANGED, first + EVENTS_KEPT, two);
        expect(&other, EVENT_CHANGED, 0, two);
        expect_nothing(&other);
        for (unsigned int i = 0; i < 3 * EVENTS_KEPT; ++i)
                events_post(&events, EVENT_CHANGED, one);
        /* It may also go while it sleeps. */
        watch_end(&sleeper);
        expect_nothing(&other);
        watch_end(&other);
        ck_assert_ptr_null(events.ring);
}

/* What happened before a segment was told of as existing is in what was told. */
TEST(listed) {
        Watch watch = WATCH_NULL;

        ck_assert_int_eq(watch_begin(&watch, &events, &root, two->id), 0);
        events_post(&events, EVENT_CHANGED, one);
        events_post(&events, EVENT_CHANGED, two);
        watch_listed(&watch, one);
        events_post(&events, EVENT_CHANGED, one);
        events_post(&events, EVENT_CHANGED, two);
        watch_listed(&watch, two);
        events_post(&events, EVENT_CHANGED, two);
        watch.listing = false;
        expect(&watch, EVENT_CHANGED, 0, one);
        expect(&watch, EVENT_CHANGED, 1, two);
        expect_nothing(&watch);
        watch_end(&watch);
}

/* One that went before it could be told of was never there. */
TEST(gone_unlisted) {
        Watch watch = WATCH_NULL;

        ck_assert_int_eq(watch_begin(&watch, &events, &root, two->id), 0);
        watch_listed(&watch, one);
        events_post(&events, EVENT_CHANGED, two);
        events_post_end(&events, EVENT_DESTROYED, one, CAUSE_CALL);
        events_post_end(&events, EVENT_DESTROYED, two, CAUSE_CALL);
        watch.listing = false;
        expect(&watch, EVENT_DESTROYED, 0, one);
        expect_nothing(&watch);
        watch_end(&watch);
}

/* The same while the ring runs over: what is known is not lost, and its place is used again. */
TEST(listed_and_lost) {
        Watch watch = WATCH_NULL;

        ck_assert_int_eq(watch_begin(&watch, &events, &root, two->id), 0);
        for (unsigned int i = 0; i < 100; ++i)
                events_post(&events, EVENT_CHANGED, one);
        watch_listed(&watch, one);
        watch_listed(&watch, two);
        watch.listing = false;
        for (unsigned int i = 0; i < EVENTS_KEPT; ++i)
                events_post(&events, EVENT_CHANGED, two);
        for (unsigned int i = 0; i < EVENTS_KEPT; ++i)
                expect(&watch, EVENT_CHANGED, i, two);
        expect_nothing(&watch);
        for (unsigned int i = 0; i < EVENTS_KEPT; ++i)
                events_post(&events, EVENT_CHANGED, one);
        for (unsigned int i = 0; i < EVENTS_KEPT; ++i)
                expect(&watch, EVENT_CHANGED, EVENTS_KEPT + i, one);
        watch_end(&watch);
}

/* Random watches over random events: what each got and lost is what a list of all says. */
TEST(random, .end = 5) {
        static unsigned int all[3 * EVENTS_KEPT];
        uint64_t seed = 20261121 + (uint64_t) _i;
        Segment *const segments[] = { one, two };
        Watch watches[4] = { WATCH_NULL, WATCH_NULL, WATCH_NULL, WATCH_NULL };
        int64_t told[4] = {}, own[4] = {};
        WatchReply reply;

        watches[1].selection.only_id = one->id;
        watches[2].selection.only_id = two->id;
        for (size_t i = 0; i < ARRAY_SIZE(watches); ++i)
                begin(&watches[i], &root);
        for (size_t n = 0; n < ARRAY_SIZE(all); ++n) {
                all[n] = (unsigned int) unit_below(&seed, 2);
                events_post(&events, EVENT_CHANGED, segments[all[n]]);
                for (size_t i = 0; i < ARRAY_SIZE(watches); ++i)
                        own[i] += watches[i].selection.only_id == 0 ||
                                  watches[i].selection.only_id == segments[all[n]]->id;
                /* The last one is read only at the end. */
                if (unit_below(&seed, 100) > 0)
                        continue;
                for (size_t i = 0; i < 3; ++i)
                        for (uint64_t k = unit_below(&seed, 200);
                             k > 0 && watch_next(&watches[i], USEC_INFINITY, &reply); --k) {
                                ck_assert_int_ge(reply.sequence, told[i]);
                                if (reply.event != EVENT_OVERFLOW)
                                        ck_assert_int_eq(reply.sequence, told[i]);
                                told[i] = reply.sequence + 1;
                        }
        }
        for (size_t i = 0; i < ARRAY_SIZE(watches); ++i) {
                while (watch_next(&watches[i], USEC_INFINITY, &reply)) {
                        if (reply.event != EVENT_OVERFLOW)
                                ck_assert_int_eq(reply.sequence, told[i]);
                        told[i] = reply.sequence + 1;
                }
                ck_assert_int_eq(told[i], own[i]);
                watch_end(&watches[i]);
        }
}
