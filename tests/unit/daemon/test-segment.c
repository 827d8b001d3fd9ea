/* SPDX-License-Identifier: MIT */
/* One segment: its attachments, and when it goes. */

#include <errno.h>
#include <stdlib.h>

#include "daemon/model/segment.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static AttachmentPool pool;
static Accounts accounts;
static Segment *segment;

static void setup(void) {
        unit_fds_begin();
        pool = (AttachmentPool) ATTACHMENT_POOL_NULL;
        accounts_init(&accounts, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        ck_assert_int_eq(attachment_pool_init(&pool), 0);
        segment = segment_new();
        ck_assert_ptr_nonnull(segment);
}

static void teardown(void) {
        while (segment && segment->attachments) {
                Attachment *attachment = segment->attachments;

                segment_detach(segment, attachment);
                attachment_free(&pool, attachment);
        }
        ck_assert(!segment || segment->n_unmarked == 0);
        ck_assert_ptr_null(segment_free(segment));
        ck_assert_uint_eq(pool.n_used, 0);
        attachment_pool_deinit(&pool);
        accounts_deinit(&accounts);
        unit_fds_end();
}

static Attachment *attach(bool marked) {
        Attachment *attachment = attachment_new(&pool);

        ck_assert_ptr_nonnull(attachment);
        attachment->marked = marked;
        segment_attach(segment, attachment);
        return attachment;
}

static void detach(Attachment *attachment) {
        segment_detach(segment, attachment);
        attachment_free(&pool, attachment);
}

SUITE("segment");
CASE("segment", .setup = setup, .teardown = teardown);

TEST(new) {
        ck_assert_int_eq(segment->master_fd, -EBADF);
        ck_assert_int_lt(segment->wd, 0);
        ck_assert_uint_eq(segment_attach_count(segment), 0);
        ck_assert_ptr_null(segment_free(NULL));
}

/* Its end gives back what it cost and closes what it has. */
TEST(free) {
        User *user = accounts_user(&accounts, 1);
        LimitReached reached;

        ck_assert_int_eq(charge_take(&segment->segment_charge, user, LIMIT_SEGMENTS, 1, &reached),
                         0);
        ck_assert_int_eq(charge_take(&segment->bytes_charge, user, LIMIT_BYTES, 4096, &reached), 0);
        user_unref(user);
        segment->master_fd = unit_memfd(1);
        segment->name = strdup("a");
        segment = segment_free(segment);
        ck_assert_ptr_null(accounts.users);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 0);
        ck_assert_uint_eq(accounts.total_used[LIMIT_SEGMENTS], 0);
}

TEST(count) {
        Attachment *a = attach(true), *b = attach(false), *c = attach(true);

        ck_assert_uint_eq(segment->n_attachments, 3);
        ck_assert_uint_eq(segment->n_unmarked, 1);
        ck_assert_uint_eq(segment_attach_count(segment), 3);
        /* As many of those without a mark have ended as nothing else explains. */
        segment->n_unexplained = 1;
        ck_assert_uint_eq(segment_attach_count(segment), 2);
        segment->n_unexplained = 5;
        ck_assert_uint_eq(segment_attach_count(segment), 2);
        segment_set_covered(segment, a, true);
        segment_set_covered(segment, a, true);
        ck_assert_uint_eq(segment->n_unmarked, 2);
        segment_set_covered(segment, c, true);
        ck_assert_uint_eq(segment->n_unmarked, 3);
        /* The last one ends by the lease alone. */
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        segment_set_covered(segment, a, false);
        ck_assert_uint_eq(segment->n_unmarked, 2);
        segment_unmark(segment, c);
        segment_unmark(segment, a);
        segment_unmark(segment, a);
        ck_assert_uint_eq(segment->n_unmarked, 3);
        detach(b);
        detach(a);
        ck_assert_uint_eq(segment->n_unmarked, 1);
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        detach(c);
        ck_assert_uint_eq(segment_attach_count(segment), 0);
        ck_assert_uint_eq(segment->n_unmarked, 0);
}

/* The number of those without a mark is always right. */
TEST(random) {
        uint64_t seed = 11;

        for (unsigned int i = 0; i < 20000; ++i) {
                size_t n = 0, n_unmarked = 0, which;
                Attachment *attachment;

                which = segment->n_attachments ? unit_below(&seed, segment->n_attachments) : 0;
                attachment = segment->attachments;
                while (which-- > 0)
                        attachment = attachment->next;
                switch (unit_below(&seed, 5)) {
                case 0:
                        if (segment->n_attachments < 20)
                                (void) attach(unit_below(&seed, 2));
                        break;
                case 1:
                        if (attachment)
                                detach(attachment);
                        break;
                case 2:
                        if (attachment)
                                segment_unmark(segment, attachment);
                        break;
                default:
                        if (attachment)
                                segment_set_covered(segment, attachment, unit_below(&seed, 2));
                }
                DL_FOREACH(segment->attachments, attachment) {
                        ++n;
                        n_unmarked += !attachment->marked || attachment->covered;
                }
                ck_assert_uint_eq(segment->n_attachments, n);
                ck_assert_uint_eq(segment->n_unmarked, n_unmarked);
        }
}

TEST(goes_when_free) {
        for (unsigned int i = 0; i < 32; ++i) {
                bool removed = i & 1, last = i & 2, armed = i & 4, lingers = i & 8,
                     at_once = i & 16;

                segment->removed = removed;
                segment->remove_on_last_detach = last;
                segment->armed = armed;
                segment->lingers = lingers;
                segment->linger_usec = at_once ? 0 : 1;
                ck_assert_int_eq(segment_goes_when_free(segment),
                                 removed || (armed && (last || (lingers && at_once))));
        }
}
