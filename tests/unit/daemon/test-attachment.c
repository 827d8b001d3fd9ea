/* SPDX-License-Identifier: MIT */
/* The memory of attachments. */

#include <string.h>

#include "daemon/model/attachment.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static AttachmentPool pool;
static Accounts accounts;

static void setup(void) {
        unit_fds_begin();
        accounts_init(&accounts, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        pool = (AttachmentPool) ATTACHMENT_POOL_NULL;
        ck_assert_int_eq(attachment_pool_init(&pool), 0);
}

static void teardown(void) {
        ck_assert_uint_eq(pool.n_used, 0);
        attachment_pool_deinit(&pool);
        attachment_pool_deinit(&pool);
        accounts_deinit(&accounts);
        unit_fds_end();
}

SUITE("attachment");
CASE("attachment", .setup = setup, .teardown = teardown);

TEST(cleared) {
        static const Attachment zero;
        Attachment *attachment = attachment_new(&pool), *again;

        ck_assert_mem_eq(attachment, &zero, sizeof(zero));
        memset(attachment, 0xff, sizeof(*attachment));
        attachment->charge = (Charge) CHARGE_NULL;
        attachment->found_for = NULL;
        ck_assert_ptr_null(attachment_free(&pool, attachment));
        ck_assert_ptr_null(attachment_free(&pool, NULL));
        again = attachment_new(&pool);
        /* The memory is the same: an Acquire allocates none. */
        ck_assert_ptr_eq(again, attachment);
        ck_assert_mem_eq(again, &zero, sizeof(zero));
        attachment_free(&pool, again);
}

TEST(charge) {
        User *user = accounts_user(&accounts, 1);
        Attachment *attachment = attachment_new(&pool);
        LimitReached reached;

        ck_assert_int_eq(charge_take(&attachment->charge, user, LIMIT_ATTACHMENTS, 1, &reached), 0);
        user_unref(user);
        attachment_free(&pool, attachment);
        ck_assert_ptr_null(accounts.users);
        ck_assert_uint_eq(accounts.total_used[LIMIT_ATTACHMENTS], 0);
}

#define MANY 5000

TEST(many) {
        static Attachment *attachments[MANY];
        uint64_t seed = 1;
        size_t n_there = 0;

        memset(attachments, 0, sizeof(attachments));
        for (int i = 0; i < MANY; ++i) {
                attachments[i] = attachment_new(&pool);
                ck_assert_ptr_nonnull(attachments[i]);
                attachments[i]->id = i;
        }
        ck_assert_uint_eq(pool.n_used, MANY);
        for (int i = 0; i < MANY; ++i)
                ck_assert_int_eq(attachments[i]->id, i);
        n_there = MANY;
        for (unsigned int i = 0; i < 50000; ++i) {
                size_t which = unit_below(&seed, MANY);

                if (attachments[which]) {
                        ck_assert_int_eq(attachments[which]->id, (int64_t) which);
                        attachments[which] = attachment_free(&pool, attachments[which]);
                        --n_there;
                } else {
                        attachments[which] = attachment_new(&pool);
                        attachments[which]->id = (int64_t) which;
                        ++n_there;
                }
                ck_assert_uint_eq(pool.n_used, n_there);
        }
        for (size_t i = 0; i < MANY; ++i)
                attachment_free(&pool, attachments[i]);
}
