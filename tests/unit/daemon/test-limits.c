/* SPDX-License-Identifier: MIT */
/* Who has how much: charges go with things, and sums are always those of what there is. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/limits.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static Accounts accounts;
static LimitReached reached;

static void setup(void) {
        unit_fds_begin();
        accounts = (Accounts){};
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                accounts.total_maximum[i] = 100;
                accounts.user_maximum[i] = 60;
        }
}

static void teardown(void) {
        ck_assert_ptr_null(accounts.users);
        for (size_t i = 0; i < _LIMIT_N; ++i)
                ck_assert_uint_eq(accounts.total_used[i], 0);
        accounts_deinit(&accounts);
        unit_fds_end();
}

SUITE("limits");
CASE("limits", .setup = setup, .teardown = teardown, .timeout = 60);

TEST(users) {
        User *one = accounts_user(&accounts, 1000), *other = accounts_user(&accounts, 1001);

        ck_assert_ptr_ne(one, other);
        ck_assert_ptr_eq(accounts_user(&accounts, 1000), one);
        ck_assert_uint_eq(one->uid, 1000);
        ck_assert_ptr_eq(user_ref(other), other);
        ck_assert_ptr_null(user_ref(NULL));
        ck_assert_ptr_null(user_unref(NULL));
        ck_assert_ptr_null(user_unref(one));
        ck_assert_ptr_null(user_unref(one));
        user_unref(other);
        ck_assert_ptr_eq(accounts.users, other);
        user_unref(other);
}

TEST(limits) {
        User *one = accounts_user(&accounts, 1), *other = accounts_user(&accounts, 2);
        Charge charges[4] = {};

        ck_assert_int_eq(charge_take(&charges[0], one, LIMIT_BYTES, 60, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[1], one, LIMIT_BYTES, 1, &reached), CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytesPerUser");
        ck_assert_uint_eq(reached.maximum, 60);
        ck_assert_ptr_null(charges[1].user);
        /* Others have a share of the rest, and another limit is another one. */
        ck_assert_int_eq(charge_take(&charges[1], other, LIMIT_BYTES, 11, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytesPerUser");
        ck_assert_uint_eq(reached.maximum, 10);
        ck_assert_int_eq(charge_take(&charges[1], other, LIMIT_BYTES, 10, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[2], one, LIMIT_SEGMENTS, 60, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[3], other, LIMIT_BYTES, 31, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytes");
        ck_assert_uint_eq(reached.maximum, 100);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 70);
        ck_assert_uint_eq(one->used[LIMIT_BYTES], 60);
        charge_give_back(&charges[0]);
        charge_give_back(&charges[0]);
        ck_assert_int_eq(charge_take(&charges[3], other, LIMIT_BYTES, 50, &reached), 0);
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i)
                charge_give_back(&charges[i]);
        user_unref(one);
        user_unref(other);
}

/* Limits may be lowered below what is in use: nothing more then, and giving back works. */
TEST(lowered) {
        User *user = accounts_user(&accounts, 1);
        Charge charge = CHARGE_NULL, other = CHARGE_NULL;

        ck_assert_int_eq(charge_take(&charge, user, LIMIT_BYTES, 50, &reached), 0);
        accounts.user_maximum[LIMIT_BYTES] = 10;
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, 0, &reached), CHARGE_E_LIMIT);
        accounts.user_maximum[LIMIT_BYTES] = 60;
        accounts.total_maximum[LIMIT_BYTES] = 10;
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, 1, &reached), CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytes");
        charge_give_back(&charge);
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, 10, &reached), 0);
        charge_give_back(&other);
        user_unref(user);
}

TEST(overflow) {
        User *user = accounts_user(&accounts, 1);
        Charge charge = CHARGE_NULL, other = CHARGE_NULL;

        accounts.total_maximum[LIMIT_BYTES] = UINT64_MAX;
        accounts.user_maximum[LIMIT_BYTES] = UINT64_MAX;
        ck_assert_int_eq(charge_take(&charge, user, LIMIT_BYTES, UINT64_MAX - 1, &reached), 0);
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, 2, &reached), CHARGE_E_LIMIT);
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, UINT64_MAX, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_int_eq(charge_take(&other, user, LIMIT_BYTES, 1, &reached), 0);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], UINT64_MAX);
        charge_give_back(&other);
        charge_give_back(&charge);
        user_unref(user);
}

/* Up to its limit, who has no share may have all that is left. */
TEST(unshared) {
        User *one = accounts_user(&accounts, 1), *other = accounts_user(&accounts, 2);
        Charge charges[3] = {};

        ck_assert_int_eq(charge_take(&charges[0], one, LIMIT_BYTES, 50, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[1], other, LIMIT_BYTES, 50, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_int_eq(charge_take_unshared(&charges[1], other, LIMIT_BYTES, 61, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytesPerUser");
        ck_assert_uint_eq(reached.maximum, 60);
        ck_assert_int_eq(charge_take_unshared(&charges[1], other, LIMIT_BYTES, 50, &reached), 0);
        ck_assert_int_eq(charge_take_unshared(&charges[2], other, LIMIT_BYTES, 1, &reached),
                         CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytes");
        ck_assert_uint_eq(reached.maximum, 100);
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i)
                charge_give_back(&charges[i]);
        user_unref(one);
        user_unref(other);
}

TEST(joined) {
        User *user = accounts_user(&accounts, 1);
        Charge charge = CHARGE_NULL, more = CHARGE_NULL;

        for (int i = 0; i < 3; ++i) {
                ck_assert_int_eq(charge_take(&more, user, LIMIT_UNREAD, 2, &reached), 0);
                charge_join(&charge, &more);
                ck_assert_ptr_null(more.user);
        }
        ck_assert_uint_eq(charge.amount, 6);
        ck_assert_uint_eq(user->used[LIMIT_UNREAD], 6);
        user_unref(user);
        charge_reduce(&charge, 4);
        ck_assert_uint_eq(accounts.total_used[LIMIT_UNREAD], 2);
        charge_give_back(&charge);
}

/* A charge keeps its user, who may have no connection any more. */
TEST(charge_keeps_user) {
        User *user = accounts_user(&accounts, 1);
        Charge charge = CHARGE_NULL, stolen;

        ck_assert_int_eq(charge_take(&charge, user, LIMIT_SEGMENTS, 1, &reached), 0);
        user_unref(user);
        ck_assert_ptr_eq(accounts.users, user);
        stolen = steal_charge(&charge);
        ck_assert_ptr_null(charge.user);
        charge_give_back(&charge);
        ck_assert_uint_eq(accounts.total_used[LIMIT_SEGMENTS], 1);
        charge_give_back(&stolen);
        ck_assert_ptr_null(accounts.users);
}

TEST(names) {
        static const char *const names[] = { "segments", "bytes", "attachments", "connections" };

        for (size_t i = 0; i < _LIMIT_N; ++i) {
                char per_user[64];

                ck_assert_ptr_nonnull(limit_total_name((Limit) i));
                ck_assert_ptr_nonnull(limit_user_name((Limit) i));
                (void) snprintf(per_user, sizeof(per_user), "%sPerUser",
                                limit_total_name((Limit) i));
                ck_assert_str_eq(limit_user_name((Limit) i), per_user);
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                ck_assert_str_eq(limit_total_name((Limit) i), names[i]);
}

/* A user's share is less than all, for every host. */
TEST(defaults) {
        static const uint64_t rows[][2] = {
                { UINT64_C(1) << 30, 1024 },
                { UINT64_C(1) << 40, 1 << 20 },
                { 1 << 20, 16 },
                { UINT64_MAX, UINT64_MAX },
        };

        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); ++i) {
                const uint64_t *row = rows[i / 2];
                bool two = i % 2;
                Accounts fresh;

                accounts_init(&fresh, &(Resources){ .memory_bytes = row[0],
                                                    .n_descriptors = row[1],
                                                    .two_per_segment = two,
                                                    .lockable_bytes = 1 << 20,
                                                    .huge_bytes = 1 << 22 });
                ck_assert_uint_le(fresh.total_maximum[LIMIT_BYTES], row[0] / 2);
                ck_assert_uint_lt(fresh.total_maximum[LIMIT_SEGMENTS] * (two ? 2 : 1) +
                                          fresh.total_maximum[LIMIT_CONNECTIONS],
                                  row[1]);
                for (size_t j = 0; j < _LIMIT_N; ++j) {
                        ck_assert_uint_ge(fresh.user_maximum[j], 1);
                        ck_assert_uint_lt(fresh.user_maximum[j], fresh.total_maximum[j]);
                }
                accounts_deinit(&fresh);
        }
}

/* --- shares */

static const struct {
        uint64_t total, own, others, share;
} shares[] = {
        /* Alone: half, or one's own limit, whichever says more */
        { 100, 100, 0, 100 },
        { 100, LIMIT_NONE, 0, 100 },
        { 100, 60, 0, 60 },
        { 100, 50, 0, 50 },
        { 100, 20, 0, 20 },
        { 101, LIMIT_NONE, 100, 1 },
        { 1, 1, 0, 1 },
        /* Who may have all of it may have all that is left by the rule, squared */
        { 100, 100, 50, 25 },
        { 100, 50, 50, 13 },
        { 100, 20, 50, 13 },
        { 100, 20, 20, 20 },
        { 100, 50, 90, 1 },
        { 100, 50, 99, 1 },
        { 100, 50, 100, 0 },
        { 100, 50, 1000, 0 },
        { 0, 50, 0, 0 },
        { 100, 0, 0, 0 },
        { LIMIT_NONE, 7, 1000, 7 },
        { LIMIT_NONE, LIMIT_NONE, 1000, LIMIT_NONE },
        { UINT64_C(1) << 53, UINT64_C(1) << 52, UINT64_C(1) << 52, UINT64_C(1) << 50 },
        { UINT64_MAX - 1, UINT64_MAX - 1, 0, UINT64_MAX - 1 },
};

TEST(shares, .end = ARRAY_SIZE(shares)) {
        User *user = accounts_user(&accounts, 1), *other = accounts_user(&accounts, 2);
        Charge charge = CHARGE_NULL;

        accounts.total_maximum[LIMIT_BYTES] = shares[_i].total;
        accounts.user_maximum[LIMIT_BYTES] = shares[_i].own;
        charge_anyway(&charge, other, LIMIT_BYTES, shares[_i].others);
        ck_assert_uint_eq(user_share(user, LIMIT_BYTES), shares[_i].share);
        charge_give_back(&charge);
        user_unref(user);
        user_unref(other);
}

/* What one has does not make one's share smaller, and what others have does. */
TEST(own_use) {
        User *user = accounts_user(&accounts, 1), *other = accounts_user(&accounts, 2);
        Charge charge = CHARGE_NULL;

        ck_assert_int_eq(charge_take(&charge, user, LIMIT_BYTES, 60, &reached), 0);
        ck_assert_uint_eq(user_share(user, LIMIT_BYTES), 60);
        ck_assert_uint_eq(user_share(other, LIMIT_BYTES), 10);
        charge_give_back(&charge);
        user_unref(user);
        user_unref(other);
}

#define HOGS 1000

/*
 * However large the total: users who take all they can, one after the other, leave 1/(k+1) of it to
 * others, the next of them may have something, and those before them may have no more than before.
 */
TEST(hogs, .end = 4) {
        static const uint64_t totals[] = { UINT64_C(1) << 53, UINT64_C(1) << 33, 1000003, 100 };
        static Charge charges[HOGS];
        uint64_t total = totals[_i], left = total, n;
        Charge more = CHARGE_NULL;
        User *user;

        accounts.total_maximum[LIMIT_BYTES] = total;
        accounts.user_maximum[LIMIT_BYTES] = total / 2;
        for (n = 0; n < HOGS && left > 0; ++n) {
                user = accounts_user(&accounts, (uid_t) n);
                ck_assert_int_eq(charge_take(&charges[n], user, LIMIT_BYTES,
                                             user_share(user, LIMIT_BYTES), &reached),
                                 0);
                ck_assert_int_eq(charge_take(&more, user, LIMIT_BYTES, 1, &reached),
                                 CHARGE_E_LIMIT);
                ck_assert_int_eq(charge_take(&more, charges[n / 2].user, LIMIT_BYTES, 1, &reached),
                                 CHARGE_E_LIMIT);
                user_unref(user);
                left = total - accounts.total_used[LIMIT_BYTES];
                /* Rounding up takes one from each. */
                ck_assert_uint_ge(left + n + 1, total / (n + 2));
        }
        /* A hundred units are enough for fewer users than that, and the last one is of use, too. */
        ck_assert(n == HOGS ? left > 0 : total == 100);
        for (size_t i = 0; i < HOGS; ++i)
                charge_give_back(&charges[i]);
}

/* --- random operations beside a model of them */

#define THINGS 200
#define USERS 5
#define STEPS 6000

typedef struct Thing Thing;

struct Thing {
        bool there;
        uid_t uid;
        Limit limit;
        uint64_t amount;
        Charge charge;
};

static uint64_t sum(const Thing *things, Limit limit, int uid) {
        uint64_t total = 0;

        for (size_t i = 0; i < THINGS; ++i)
                if (things[i].there && things[i].limit == limit &&
                    (uid < 0 || things[i].uid == (uid_t) uid))
                        total += things[i].amount;
        return total;
}

static uint64_t divide_up(uint64_t value, uint64_t by) {
        return value / by + (value % by > 0);
}

/* What shmbroker.conf(5) says, of numbers that are small enough for it. */
static uint64_t expected_share(const Thing *things, Limit limit, uid_t uid) {
        uint64_t total = accounts.total_maximum[limit], own = accounts.user_maximum[limit];
        uint64_t others = sum(things, limit, -1) - sum(things, limit, (int) uid);
        uint64_t left = others < total ? total - others : 0, share = MAX(divide_up(total, 2), own);

        if (total == 0)
                return 0;
        share = divide_up(MIN(share, total) * left, total);
        return MIN(divide_up(share * left, total), own);
}

static void check_sums(const Thing *things) {
        const User *user;

        for (size_t i = 0; i < _LIMIT_N; ++i)
                ck_assert_uint_eq(accounts.total_used[i], sum(things, (Limit) i, -1));
        for (user = accounts.users; user; user = user->next)
                for (size_t i = 0; i < _LIMIT_N; ++i)
                        ck_assert_uint_eq(user->used[i], sum(things, (Limit) i, (int) user->uid));
}

static void try_to_take(Thing *things, Thing *thing, uint64_t *seed) {
        uid_t uid = (uid_t) unit_below(seed, USERS);
        Limit limit = (Limit) unit_below(seed, _LIMIT_N);
        uint64_t amount =
                unit_below(seed, 8) ? unit_below(seed, 12) : UINT64_MAX - unit_below(seed, 3);
        User *user = accounts_user(&accounts, uid);
        uint64_t share = expected_share(things, limit, uid);
        const char *expected = NULL;
        bool own = amount > accounts.user_maximum[limit] ||
                   sum(things, limit, (int) uid) > accounts.user_maximum[limit] - amount;
        bool total = amount > accounts.total_maximum[limit] ||
                     sum(things, limit, -1) > accounts.total_maximum[limit] - amount;
        int r;

        if (total && !own)
                expected = limit_total_name(limit);
        else if (own || sum(things, limit, (int) uid) + amount > share)
                expected = limit_user_name(limit);
        ck_assert_uint_eq(user_share(user, limit), share);
        r = charge_take(&thing->charge, user, limit, amount, &reached);
        ck_assert_int_eq(r, expected ? CHARGE_E_LIMIT : 0);
        if (expected)
                ck_assert_str_eq(reached.name, expected);
        if (expected == limit_user_name(limit))
                ck_assert_uint_eq(reached.maximum, share);
        if (!expected)
                *thing = (Thing){ true, uid, limit, amount, thing->charge };
        user_unref(user);
}

TEST(random, .end = 4) {
        static Thing things[THINGS];
        uint64_t seed = (uint64_t) _i;

        memset(things, 0, sizeof(things));
        for (unsigned int i = 0; i < STEPS; ++i) {
                Thing *thing = &things[unit_below(&seed, THINGS)],
                      *other = &things[unit_below(&seed, THINGS)];

                switch (unit_below(&seed, 16)) {
                case 0:
                        accounts.user_maximum[unit_below(&seed, _LIMIT_N)] = unit_below(&seed, 80);
                        break;
                case 1:
                        accounts.total_maximum[unit_below(&seed, _LIMIT_N)] =
                                unit_below(&seed, 160);
                        break;
                case 2:
                        /* The charge goes on to another thing. */
                        if (thing->there && !other->there) {
                                *other = *thing;
                                other->charge = steal_charge(&thing->charge);
                                thing->there = false;
                        }
                        break;
                default:
                        if (!thing->there) {
                                try_to_take(things, thing, &seed);
                        } else {
                                thing->there = false;
                                charge_give_back(&thing->charge);
                        }
                }
                check_sums(things);
        }
        for (size_t i = 0; i < THINGS; ++i)
                charge_give_back(&things[i].charge);
}

/* What turns out to be larger than it was made counts for its user, and for nobody else. */
TEST(found) {
        User *one = accounts_user(&accounts, 1), *other = accounts_user(&accounts, 2);
        Charge charges[64] = {}, more = CHARGE_NULL, others = CHARGE_NULL;

        accounts.total_maximum[LIMIT_BYTES] = 1000;
        accounts.user_maximum[LIMIT_BYTES] = 500;
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i) {
                charge_anyway(&charges[i], one, LIMIT_BYTES, 2);
                charge_force(&charges[i], UINT64_MAX);
                charge_force(&charges[i], INT64_MAX);
        }
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 128);
        ck_assert_uint_gt(one->used[LIMIT_BYTES], UINT64_C(1) << 48);
        ck_assert_int_eq(charge_take(&more, one, LIMIT_BYTES, 1, &reached), CHARGE_E_LIMIT);
        ck_assert_uint_gt(user_share(other, LIMIT_BYTES), 300);
        ck_assert_int_eq(charge_take(&others, other, LIMIT_BYTES, 300, &reached), 0);
        /* What became smaller takes less of all. */
        charge_force(&charges[0], 1);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 427);
        ck_assert_uint_eq(charges[0].amount, 1);
        charge_give_back(&others);
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i)
                charge_give_back(&charges[i]);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 0);
        ck_assert_uint_eq(one->used[LIMIT_BYTES], 0);
        user_unref(one);
        user_unref(other);
}
