/* SPDX-License-Identifier: MIT */
/* What systemd keeps for the broker, when who stores it is killed, or the kernel is at its limits.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/manager.h"
#include "tests/support/unit-store.h"
#include "tests/support/unit.h"

static void add_until_stored(Store *store) {
        int64_t id = book->next_id++;

        for (int i = 0; i < 20 && child_try(store, id); ++i)
                store_collect(store);
        REQUIRE(book->items[id].stored);
}

/* Pairs are made, filled, written anew, emptied and removed. */
static void work(void *userdata) {
        int64_t first = book->next_id;
        Store store = STORE_NULL;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (int i = 0; i < 10; ++i)
                add_until_stored(&store);
        child_settle(&store);
        child_drop(&store, first + 1, true);
        child_drop(&store, first + 5, false);
        child_settle(&store);
        for (int i = 0; i < 4; ++i)
                add_until_stored(&store);
        for (int i = 4; i < 14; ++i)
                if (i != 7)
                        child_drop(&store, first + i, i % 3 == 0);
        child_settle(&store);
        for (int i = 0; i < 3; ++i)
                add_until_stored(&store);
        child_settle(&store);
        child_close(&store);
}

static bool run_killed(void (*child)(void *userdata), unsigned int at) {
        int status;

        book->struck = false;
        status = manager_run(&manager, child, &(Plan){ .calls = CALL_ALL, .at = at, .n = 1 });
        if (WIFEXITED(status)) {
                ck_assert_int_eq(WEXITSTATUS(status), 0);
                ck_assert(!book->struck);
                return false;
        }
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        return true;
}

static void begin(int trust) {
        book_clear();
        book->pair_max = 4;
        manager_forget(&manager);
        manager.trust = (ManagerTrust) trust;
        manager.n_removed = 0;
        manager.leaks_unasked = true;
}

static void check_and_work(void) {
        Plan nothing = {};

        store_look();
        store_run(work, &nothing);
        store_look();
}

SUITE("store-faults");
CASE("faults", .setup = store_setup, .teardown = store_teardown, .timeout = 600);

TEST(killed, .end = _MANAGER_TRUST_N) {
        unsigned int at = 1;

        for (;; ++at) {
                begin(_i);
                if (!run_killed(work, at))
                        break;
                check_and_work();
        }
        /* It was killed more than a handful of times, and did what there is to do. */
        ck_assert_uint_gt(at, 100);
        ck_assert_uint_gt(manager.n_removed, 0);
        printf("killed at %u steps\n", at - 1);
}

/* The one before was killed in the middle already, so that halves and copies come back. */
TEST(killed_again, .end = _MANAGER_TRUST_N) {
        Plan nothing = {};
        unsigned int at = 1;
        uint64_t seed = 7;

        for (;; ++at) {
                begin(_i);
                if (at % 2 == 0)
                        store_run(work, &nothing);
                else
                        (void) run_killed(work, (unsigned int) unit_below(&seed, 300) + 1);
                if (!run_killed(work, at))
                        break;
                check_and_work();
        }
        ck_assert_uint_gt(at, 100);
}

/* What the kernel says at its limits. A single failure is made good by trying again. */
static const int errors[] = { EMFILE, ETOOMANYREFS, EAGAIN, ENOBUFS };

TEST(failures, .end = ARRAY_SIZE(errors)) {
        Plan nothing = {};

        for (unsigned int at = 1;; ++at) {
                /* With one that waits, EAGAIN is not an answer to looking; close() does not fail.
                 */
                unsigned int calls = CALL_ALL & ~(unsigned int) CALL_CLOSE;

                if (errors[_i] == EAGAIN)
                        calls &= ~(unsigned int) CALL_RECVMSG;
                begin(MANAGER_TRUST_NONE);
                store_run(work, &nothing);
                manager.leaks_unasked = false;
                store_run(work, &(Plan){ .calls = calls, .at = at, .n = 1, .error = errors[_i] });
                manager.leaks_unasked = true;
                if (!book->struck)
                        break;
                store_look();
        }
}

static void work_carelessly(void *userdata) {
        Store store = STORE_NULL;
        uint64_t seed = 3;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (int i = 0; i < 30; ++i) {
                /* Else it waits for what cannot come. */
                store.pairs.stalled = true;
                (void) child_add(&store);
                child_drop(&store, 1 + (int64_t) unit_below(&seed, (uint64_t) book->next_id - 1),
                           i % 2 == 0);
                store_collect(&store);
        }
        plan.at = 0;
        child_settle(&store);
        child_close(&store);
}

/* One kind of call fails always: what was promised holds. */
TEST(failing, .end = ARRAY_SIZE(errors)) {
        Plan nothing = {};

        for (unsigned int call = CALL_SENDMSG; call < CALL_ALL; call <<= 1) {
                if (call == CALL_CLOSE || (call == CALL_RECVMSG && errors[_i] == EAGAIN))
                        continue;
                for (unsigned int at = 1; at < 20; at += 3) {
                        begin(MANAGER_TRUST_ALL);
                        store_run(work, &nothing);
                        store_run(work_carelessly, &(Plan){ .calls = call,
                                                            .at = at,
                                                            .n = 10000,
                                                            .error = errors[_i] });
                        store_look();
                }
        }
}

/* --- many */

static void work_at_random(void *userdata) {
        Store store = STORE_NULL;
        uint64_t *seed = &book->seed;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (uint64_t n = unit_below(seed, 200); n > 0; --n) {
                switch (unit_below(seed, 8)) {
                case 0:
                case 1:
                case 2:
                        REQUIRE(child_add(&store) == 0);
                        break;
                case 3:
                case 4:
                        child_drop(&store, 1 + (int64_t) unit_below(seed, (uint64_t) book->next_id),
                                   unit_below(seed, 4) == 0);
                        break;
                case 5:
                        child_settle(&store);
                        break;
                default:
                        store_collect(&store);
                        break;
                }
        }
        child_close(&store);
}

TEST(random, .end = 6) {
        uint64_t seed = (uint64_t) _i + 1;
        size_t n = 0;

        begin((int) unit_below(&seed, _MANAGER_TRUST_N));
        manager.max = 512;
        book->pair_max = 2 + unit_below(&seed, 20);
        book->seed = seed;
        for (int i = 0; i < 60; ++i) {
                (void) run_killed(work_at_random, (unsigned int) unit_below(&seed, 1000));
                store_look();
                n = MAX(n, store_count_wanted());
        }
        ck_assert_uint_gt(n, 20);
}
