/* SPDX-License-Identifier: MIT */
/* Who waits for a name is told of that name, and of no other. */

#include <stdio.h>
#include <string.h>

#include "daemon/model/waits.h"
#include "proto/util.h"
#include "tests/support/unit.h"

typedef struct Waiter Waiter;

struct Waiter {
        Wait wait;
        unsigned int n_told;
};

static void told(Wait *wait) {
        ++CONTAINER_OF(wait, Waiter, wait)->n_told;
}

SUITE("waits");
CASE("waits");

TEST(told) {
        Waiter one = { .wait.appeared = told }, two = one, other = one;
        Waits waits = WAITS_NULL;

        ck_assert_int_eq(waits_add(&waits, &one.wait, "a"), 0);
        ck_assert_int_eq(waits_add(&waits, &two.wait, "a"), 0);
        ck_assert_int_eq(waits_add(&waits, &other.wait, "a/b"), 0);
        waits_tell(&waits, "a");
        waits_tell(&waits, "b");
        ck_assert_uint_eq(one.n_told, 1);
        ck_assert_uint_eq(two.n_told, 1);
        ck_assert_uint_eq(other.n_told, 0);
        waits_remove(&waits, &one.wait);
        waits_tell(&waits, "a");
        waits_tell(&waits, "a/b");
        ck_assert_uint_eq(one.n_told, 1);
        ck_assert_uint_eq(two.n_told, 2);
        ck_assert_uint_eq(other.n_told, 1);
        waits_remove(&waits, &two.wait);
        waits_remove(&waits, &two.wait);
        waits_remove(&waits, &other.wait);
        ck_assert_ptr_null(waits.by_name);
}

TEST(long_names) {
        Waiter one = { .wait.appeared = told }, other = one;
        char name[NAME_LENGTH_MAX + 1];
        Waits waits = WAITS_NULL;

        memset(name, 'a', NAME_LENGTH_MAX);
        name[NAME_LENGTH_MAX] = '\0';
        ck_assert_int_eq(waits_add(&waits, &one.wait, name), 0);
        name[NAME_LENGTH_MAX - 1] = 'b';
        ck_assert_int_eq(waits_add(&waits, &other.wait, name), 0);
        waits_tell(&waits, name);
        ck_assert_uint_eq(one.n_told, 0);
        ck_assert_uint_eq(other.n_told, 1);
        waits_remove(&waits, &one.wait);
        waits_remove(&waits, &other.wait);
}

TEST(many) {
        static Waiter waiters[1000];
        Waits waits = WAITS_NULL;
        char name[16];

        for (size_t i = 0; i < ARRAY_SIZE(waiters); ++i) {
                waiters[i] = (Waiter){ .wait.appeared = told };
                (void) snprintf(name, sizeof(name), "n%zu", i % 100);
                ck_assert_int_eq(waits_add(&waits, &waiters[i].wait, name), 0);
        }
        waits_tell(&waits, "n7");
        for (size_t i = 0; i < ARRAY_SIZE(waiters); ++i) {
                ck_assert_uint_eq(waiters[i].n_told, i % 100 == 7);
                waits_remove(&waits, &waiters[i].wait);
        }
        ck_assert_ptr_null(waits.by_name);
}
