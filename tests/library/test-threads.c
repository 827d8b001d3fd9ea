/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker in many threads, each with a connection of its own: makers publish what takers wait
 * for, each of them lets it grow under the other, and a watcher sees all of it.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE ((size_t) 4096)
#define USEC_PER_SEC UINT64_C(1000000)
#define N_PAIRS 4
#define N_ROUNDS 40

typedef struct Pair Pair;
typedef struct Board Board;

/* In the segment: how far the two are. */
struct Board {
        int step;
};

struct Pair {
        pthread_t maker, taker;
        int number;
};

static void up(void) {
        fixture_up(NULL);
}

/* What fails in a thread is the line that it returns. */
#define THREAD_ASSERT(condition)                                                                   \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        return (void *) (uintptr_t) __LINE__;                                      \
        } while (0)

static void reach(struct shmbroker_segment *segment, int step) {
        Board *board = shmbroker_segment_data(segment);

        __atomic_store_n(&board->step, step, __ATOMIC_RELEASE);
}

static bool await(struct shmbroker_segment *segment, int step) {
        Board *board = shmbroker_segment_data(segment);

        for (int i = 0; i < 20000; ++i) {
                if (__atomic_load_n(&board->step, __ATOMIC_ACQUIRE) >= step)
                        return true;
                usleep(500);
        }
        return false;
}

static void name_of(const Pair *pair, int round, char name[32]) {
        (void) snprintf(name, 32, "pair/%d/%d", pair->number, round);
}

static void *make(void *userdata) {
        const Pair *pair = userdata;
        struct shmbroker_options *options = NULL;
        struct shmbroker *connection = NULL;

        THREAD_ASSERT(shmbroker_connect(fixture_address(), &connection) == 0);
        THREAD_ASSERT(shmbroker_options_new(&options) == 0);
        shmbroker_options_set_size(options, PAGE);
        shmbroker_options_set_maximum(options, 4 * PAGE);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        for (int i = 0; i < N_ROUNDS; ++i) {
                struct shmbroker_segment *segment = NULL;
                int64_t id = 0;
                char name[32];

                name_of(pair, i, name);
                shmbroker_options_set_reserve(options, i % 2);
                THREAD_ASSERT(shmbroker_acquire(connection, NULL, options, &segment) == 0);
                THREAD_ASSERT(shmbroker_segment_id(segment, &id) == 0);
                strcpy((char *) shmbroker_segment_data(segment) + 100, name);
                THREAD_ASSERT(shmbroker_publish(connection, id, name, 0, NULL, NULL, NULL) == 0);
                /* The other one has let it grow, and has written there. */
                THREAD_ASSERT(await(segment, 1));
                THREAD_ASSERT(shmbroker_segment_refresh(segment, connection) == 0);
                THREAD_ASSERT(shmbroker_segment_size(segment) == 3 * PAGE);
                THREAD_ASSERT(strcmp((char *) shmbroker_segment_data(segment) + 2 * PAGE, name) ==
                              0);
                reach(segment, 2);
                shmbroker_release(segment);
        }
        shmbroker_options_free(options);
        shmbroker_close(connection);
        return NULL;
}

static void *take(void *userdata) {
        const Pair *pair = userdata;
        struct shmbroker_options *options = NULL;
        struct shmbroker *connection = NULL;

        THREAD_ASSERT(shmbroker_connect(fixture_address(), &connection) == 0);
        THREAD_ASSERT(shmbroker_options_new(&options) == 0);
        shmbroker_options_set_wait(options, 20 * USEC_PER_SEC);
        for (int i = 0; i < N_ROUNDS; ++i) {
                struct shmbroker_segment *segment = NULL;
                struct shmbroker_info *info = NULL;
                char name[32];

                name_of(pair, i, name);
                THREAD_ASSERT(shmbroker_acquire(connection, name, options, &segment) == 0);
                THREAD_ASSERT(strcmp((char *) shmbroker_segment_data(segment) + 100, name) == 0);
                THREAD_ASSERT(shmbroker_resize(connection, name, 0, 3 * PAGE, &info) == 0);
                THREAD_ASSERT(shmbroker_segment_remap(segment, shmbroker_info_size(info)) == 0);
                shmbroker_info_free(info);
                strcpy((char *) shmbroker_segment_data(segment) + 2 * PAGE, name);
                reach(segment, 1);
                THREAD_ASSERT(await(segment, 2));
                shmbroker_release(segment);
                THREAD_ASSERT(shmbroker_stat(connection, "nothing", 0, &info) == -ENOENT);
                THREAD_ASSERT(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "'nothing'"));
        }
        shmbroker_options_free(options);
        shmbroker_close(connection);
        return NULL;
}

static void *watch_all(void *userdata) {
        struct shmbroker_watch *watch = userdata;
        int n_created = 0, n_destroyed = 0;
        uint64_t next = 1;

        while (n_destroyed < N_PAIRS * N_ROUNDS) {
                struct shmbroker_event *event = NULL;

                THREAD_ASSERT(shmbroker_watch_wait(watch, 20 * USEC_PER_SEC, &event) == 1);
                THREAD_ASSERT(shmbroker_event_sequence(event) == next);
                ++next;
                n_created += shmbroker_event_kind(event) == SHMBROKER_EVENT_CREATED;
                n_destroyed += shmbroker_event_kind(event) == SHMBROKER_EVENT_DESTROYED;
                shmbroker_event_free(event);
        }
        THREAD_ASSERT(n_created == n_destroyed);
        return NULL;
}

static void start(pthread_t *thread, void *(*function)(void *userdata), void *userdata) {
        ck_assert_int_eq(pthread_create(thread, NULL, function, userdata), 0);
}

static void join(pthread_t thread) {
        void *line = NULL;

        ck_assert_int_eq(pthread_join(thread, &line), 0);
        ck_assert_msg(!line, "line %d", (int) (uintptr_t) line);
}

SUITE("library-threads");
CASE("threads", .setup = up, .teardown = fixture_down, .timeout = 60);

TEST(threads) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_watch *watch = NULL;
        struct shmbroker_event *event = NULL;
        Pair pairs[N_PAIRS];
        pthread_t watcher;

        ck_assert_int_eq(shmbroker_watch_new(connection, &watch), 0);
        shmbroker_close(connection);
        /* One thread after the other may use the same object. */
        ck_assert_int_eq(shmbroker_watch_set_changes_only(watch, 1), 0);
        ck_assert_int_eq(shmbroker_watch_wait(watch, 20 * USEC_PER_SEC, &event), 1);
        ck_assert_int_eq(shmbroker_event_kind(event), SHMBROKER_EVENT_SYNCHRONIZED);
        shmbroker_event_free(event);
        start(&watcher, watch_all, watch);
        for (int i = 0; i < N_PAIRS; ++i) {
                pairs[i].number = i;
                start(&pairs[i].taker, take, &pairs[i]);
                start(&pairs[i].maker, make, &pairs[i]);
        }
        for (int i = 0; i < N_PAIRS; ++i) {
                join(pairs[i].maker);
                join(pairs[i].taker);
        }
        join(watcher);
        shmbroker_watch_free(watch);
}
