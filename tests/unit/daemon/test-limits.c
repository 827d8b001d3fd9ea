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
        /* Nobody else notices, and another limit is another one. */
        ck_assert_int_eq(charge_take(&charges[1], other, LIMIT_BYTES, 40, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[2], one, LIMIT_SEGMENTS, 60, &reached), 0);
        ck_assert_int_eq(charge_take(&charges[3], other, LIMIT_BYTES, 1, &reached), CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "bytes");
        ck_assert_uint_eq(reached.maximum, 100);
        ck_assert_uint_eq(accounts.total_used[LIMIT_BYTES], 100);
        ck_assert_uint_eq(one->used[LIMIT_BYTES], 60);
        charge_give_back(&charges[0]);
        charge_give_back(&charges[0]);
        ck_assert_int_eq(charge_take(&charges[3], other, LIMIT_BYTES, 20, &reached), 0);
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

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Accounts fresh;

                accounts_init(&fresh, &(Resources){ .memory_bytes = rows[i][0],
                                                    .n_descriptors = rows[i][1],
                                                    .lockable_bytes = 1 << 20,
                                                    .huge_bytes = 1 << 22 });
                ck_assert_uint_le(fresh.total_maximum[LIMIT_BYTES], rows[i][0] / 2);
                ck_assert_uint_lt(fresh.total_maximum[LIMIT_SEGMENTS] +
                                          fresh.total_maximum[LIMIT_CONNECTIONS],
                                  rows[i][1]);
                for (size_t j = 0; j < _LIMIT_N; ++j) {
                        ck_assert_uint_ge(fresh.user_maximum[j], 1);
                        ck_assert_uint_lt(fresh.user_maximum[j], fresh.total_maximum[j]);
                }
                accounts_deinit(&fresh);
        }
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
        const char *expected = NULL;
        int r;

        if (amount > accounts.user_maximum[limit] ||
            sum(things, limit, (int) uid) > accounts.user_maximum[limit] - amount)
                expected = limit_user_name(limit);
        else if (amount > accounts.total_maximum[limit] ||
                 sum(things, limit, -1) > accounts.total_maximum[limit] - amount)
                expected = limit_total_name(limit);
        r = charge_take(&thing->charge, user, limit, amount, &reached);
        ck_assert_int_eq(r, expected ? CHARGE_E_LIMIT : 0);
        if (expected)
                ck_assert_str_eq(reached.name, expected);
        else
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
