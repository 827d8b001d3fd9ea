/* SPDX-License-Identifier: MIT */
/* All segments: by id, by name and by watch, in the order of their ids. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/registry.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static Registry registry;

static void setup(void) {
        unit_fds_begin();
        registry = (Registry) REGISTRY_NULL;
}

static void drop(Segment *segment) {
        registry_remove(&registry, segment);
        segment_free(segment);
}

static void teardown(void) {
        while (registry.first)
                drop(registry.first);
        ck_assert_uint_eq(registry.n_segments, 0);
        ck_assert_uint_eq(registry.n_bytes, 0);
        ck_assert_ptr_null(registry.by_id);
        ck_assert_ptr_null(registry.by_name);
        ck_assert_ptr_null(registry.by_wd);
        registry_deinit(&registry);
        unit_fds_end();
}

static Segment *make(int64_t id, const char *name, uint64_t size_bytes) {
        Segment *segment = segment_new();

        ck_assert_ptr_nonnull(segment);
        segment->id = id;
        segment->name = name ? strdup(name) : NULL;
        segment->size_bytes = size_bytes;
        return segment;
}

static Segment *add(int64_t id, const char *name) {
        Segment *segment = make(id, name, 10);

        ck_assert_int_eq(registry_add(&registry, segment), 0);
        return segment;
}

SUITE("registry");
CASE("registry", .setup = setup, .teardown = teardown);

TEST(find) {
        Segment *one = add(1, "one"), *two = add(2, NULL), *three = add(7, "three");

        ck_assert_ptr_eq(registry_find(&registry, 1), one);
        ck_assert_ptr_eq(registry_find(&registry, 2), two);
        ck_assert_ptr_eq(registry_find(&registry, 7), three);
        ck_assert_ptr_null(registry_find(&registry, 3));
        ck_assert_ptr_null(registry_find(&registry, 0));
        ck_assert_ptr_null(registry_find(&registry, -1));
        ck_assert_ptr_null(registry_find(&registry, INT64_MAX));
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "three"), three);
        ck_assert_ptr_null(registry_find_name(&registry, NULL, "two"));
        ck_assert_ptr_null(registry_find_name(&registry, NULL, ""));
        ck_assert_ptr_null(registry_find_name(&registry, NULL, "thre"));
        ck_assert_uint_eq(registry.n_segments, 3);
        ck_assert_uint_eq(registry.n_bytes, 30);
}

/* A taken name: nothing has changed. */
TEST(name_taken) {
        Segment *one = add(1, "one"), *other = make(2, "one", 5);

        ck_assert_int_eq(registry_add(&registry, other), REGISTRY_E_EXISTS);
        ck_assert_ptr_null(registry_find(&registry, 2));
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "one"), one);
        ck_assert_uint_eq(registry.n_segments, 1);
        ck_assert_uint_eq(registry.n_bytes, 10);
        /* It is free at once. */
        registry_unname(&registry, one);
        ck_assert_ptr_null(one->name);
        ck_assert_ptr_null(registry_find_name(&registry, NULL, "one"));
        ck_assert_ptr_eq(registry_find(&registry, 1), one);
        registry_unname(&registry, one);
        ck_assert_int_eq(registry_add(&registry, other), 0);
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "one"), other);
        drop(one);
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "one"), other);
}

TEST(wd) {
        Segment *one = add(1, NULL), *two = add(2, NULL);

        ck_assert_ptr_null(registry_find_wd(&registry, -1));
        ck_assert_int_eq(registry_set_wd(&registry, one, 1), 0);
        ck_assert_int_eq(registry_set_wd(&registry, two, 2), 0);
        ck_assert_ptr_eq(registry_find_wd(&registry, 1), one);
        ck_assert_int_eq(registry_set_wd(&registry, one, 3), 0);
        ck_assert_ptr_null(registry_find_wd(&registry, 1));
        ck_assert_ptr_eq(registry_find_wd(&registry, 3), one);
        ck_assert_int_eq(registry_set_wd(&registry, one, -1), 0);
        ck_assert_int_eq(registry_set_wd(&registry, one, -1), 0);
        ck_assert_ptr_null(registry_find_wd(&registry, 3));
        ck_assert_int_eq(one->wd, -1);
        drop(two);
        ck_assert_ptr_null(registry_find_wd(&registry, 2));
}

/* A walk may go on behind a segment that is gone. */
TEST(next) {
        Segment *segments[10];

        ck_assert_ptr_null(registry_next(&registry, 0));
        for (int i = 0; i < 10; ++i)
                segments[i] = add(i * 2 + 1, NULL);
        ck_assert_ptr_eq(registry_next(&registry, 0), segments[0]);
        for (int i = 0; i < 9; ++i) {
                ck_assert_ptr_eq(registry_next(&registry, i * 2 + 1), segments[i + 1]);
                ck_assert_ptr_eq(registry_next(&registry, i * 2 + 2), segments[i + 1]);
        }
        ck_assert_ptr_null(registry_next(&registry, 19));
        ck_assert_ptr_null(registry_next(&registry, INT64_MAX));
        drop(segments[5]);
        ck_assert_ptr_eq(registry_next(&registry, 11), segments[6]);
        drop(segments[9]);
        ck_assert_ptr_null(registry_next(&registry, 17));
        drop(segments[0]);
        ck_assert_ptr_eq(registry_next(&registry, 0), segments[1]);
}

#define NAMES 40
#define STEPS 20000

/* Against a plain array. */
TEST(random, .end = 2) {
        Segment *named[NAMES] = {}, *segment;
        uint64_t seed = (uint64_t) _i, n_bytes;
        int64_t next_id = 1, last;
        size_t n;
        char name[16];

        for (unsigned int i = 0; i < STEPS; ++i) {
                size_t which = unit_below(&seed, NAMES);

                (void) snprintf(name, sizeof(name), "name/%zu", which);
                if (!named[which]) {
                        named[which] = make(next_id++, name, unit_below(&seed, 1000));
                        ck_assert_int_eq(registry_add(&registry, named[which]), 0);
                        ck_assert_int_eq(registry_set_wd(&registry, named[which], (int) next_id),
                                         0);
                } else if (unit_below(&seed, 2)) {
                        drop(named[which]);
                        named[which] = NULL;
                } else {
                        segment = make(next_id, name, 1);
                        ck_assert_int_eq(registry_add(&registry, segment), REGISTRY_E_EXISTS);
                        segment_free(segment);
                        ck_assert_ptr_eq(registry_find(&registry, named[which]->id), named[which]);
                        ck_assert_ptr_eq(registry_find_wd(&registry, named[which]->wd),
                                         named[which]);
                }
                ck_assert_ptr_eq(registry_find_name(&registry, NULL, name), named[which]);
                if (i % 100)
                        continue;
                n = 0;
                n_bytes = 0;
                last = 0;
                for (segment = registry_next(&registry, 0); segment;
                     segment = registry_next(&registry, segment->id)) {
                        ck_assert_int_gt(segment->id, last);
                        last = segment->id;
                        n_bytes += segment->size_bytes;
                        ++n;
                }
                ck_assert_uint_eq(n, registry.n_segments);
                ck_assert_uint_eq(n_bytes, registry.n_bytes);
        }
}

/* Unavailable ones have their turn one after the other, until they are available or gone. */
TEST(unavailable) {
        Segment *segments[3];

        ck_assert_ptr_null(registry_turn(&registry));
        for (int i = 0; i < 3; ++i) {
                segments[i] = make(i + 1, NULL, 10);
                segments[i]->unavailable.cause = "error";
                ck_assert_int_eq(registry_add(&registry, segments[i]), 0);
        }
        (void) add(4, NULL);
        ck_assert_uint_eq(registry.n_unavailable, 3);
        for (int i = 0; i < 7; ++i)
                ck_assert_ptr_eq(registry_turn(&registry), segments[i % 3]);
        registry_set_available(&registry, segments[2]);
        registry_set_available(&registry, segments[2]);
        ck_assert(!segment_is_unavailable(segments[2]));
        ck_assert_uint_eq(registry.n_unavailable, 2);
        ck_assert_ptr_eq(registry_turn(&registry), segments[1]);
        drop(segments[0]);
        ck_assert_ptr_eq(registry_turn(&registry), segments[1]);
        drop(segments[1]);
        ck_assert_uint_eq(registry.n_unavailable, 0);
        ck_assert_ptr_null(registry_turn(&registry));
}
