/* SPDX-License-Identifier: MIT */
/* When a segment goes, with all of the kernel's answers there: real memory and real holders. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-life.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

SUITE("life", .skip = !unit_has_inotify());
CASE("life", .setup = unit_life_setup, .teardown = unit_life_teardown, .timeout = 30);

/* A lease that is neither granted nor refused, once: held. */
TEST(lease_fails_once) {
        static const int errors[] = { EINVAL, ENOLCK, EACCES, EBADF, ENOMEM, EINTR };
        Segment *segment;

        unit_life_begin(MISSING_NOTHING);
        for (size_t i = 0; i < ARRAY_SIZE(errors); ++i) {
                int64_t id;

                segment = unit_life_add(NULL, 4096);
                id = segment->id;
                life_begin(&unit_life, segment);
                unit_fail.leases = errors[i];
                ck_assert(!unit_remove(&unit_life, segment));
                ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
                unit_fail.leases = 0;
                life_drain(&unit_life);
                ck_assert(!life_settle(&unit_life, segment));
        }
}

/* Leases that come back are used again. */
TEST(leases_return) {
        Segment *segment;
        int fd;

        unit_life_begin(MISSING_LEASES);
        ck_assert(!unit_life.census.features.leases);
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        fd = unit_open_segment(segment, ACCESS_READ_WRITE);
        unit_fail.leases = 0;
        ck_assert(!unit_remove(&unit_life, segment));
        fd_close(fd);
        ck_assert(unit_life_run_until_gone(segment->id));
}

/* What segments wait for is told to the loop. */
TEST(due) {
        Segment *segment;
        uint64_t due, now;

        unit_life_begin(MISSING_NOTHING);
        ck_assert_uint_eq(life_due(&unit_life), USEC_INFINITY);
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        ck_assert_uint_eq(life_due(&unit_life), USEC_INFINITY);
        fd_close(unit_life_attach(segment));
        life_drain(&unit_life);
        now = clock_boottime_usec();
        due = life_due(&unit_life);
        ck_assert_uint_le(due, now + 1000);
        unit_life_run(300000);
        ck_assert_uint_eq(life_due(&unit_life), USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 0);

        segment = unit_life_add(NULL, 4096);
        segment->lingers = true;
        segment->linger_usec = UINT64_MAX;
        life_begin(&unit_life, segment);
        ck_assert_uint_eq(life_due(&unit_life), USEC_INFINITY);
        life_tick(&unit_life);
        segment = unit_life_add(NULL, 4096);
        segment->lingers = true;
        segment->linger_usec = 10000000;
        life_begin(&unit_life, segment);
        ck_assert_uint_le(life_due(&unit_life), clock_boottime_usec() + 10000000);
        ck_assert_uint_ge(life_due(&unit_life), clock_boottime_usec() + 9000000);
}

/* Those that linger go in the order of their times. */
TEST(linger_order) {
        static const uint64_t times[] = { 90000, 30000, 150000, 60000, 120000 };
        int64_t ids[ARRAY_SIZE(times)];
        uint64_t begun = clock_boottime_usec();

        unit_life_begin(MISSING_NOTHING);
        for (size_t i = 0; i < ARRAY_SIZE(times); ++i) {
                Segment *segment = unit_life_add(NULL, 4096);

                segment->lingers = true;
                segment->linger_usec = times[i];
                ids[i] = segment->id;
                life_begin(&unit_life, segment);
        }
        while (unit_registry.n_segments > 0) {
                uint64_t elapsed;

                unit_life_run(1000);
                elapsed = clock_boottime_usec() - begun;
                for (size_t i = 0; i < ARRAY_SIZE(times); ++i)
                        if (elapsed < times[i])
                                ck_assert_ptr_nonnull(registry_find(&unit_registry, ids[i]));
                ck_assert_uint_lt(elapsed, 20000000);
        }
}

/* Attached again in time, it stays. */
TEST(linger_again) {
        Segment *segment;
        int fd;

        unit_life_begin(MISSING_NOTHING);
        segment = unit_life_add("a", 4096);
        segment->lingers = true;
        segment->linger_usec = 1000000;
        life_begin(&unit_life, segment);
        for (int i = 0; i < 4; ++i) {
                fd = unit_life_attach(segment);
                unit_life_run(900000);
                fd_close(fd);
                unit_life_run(200000);
                ck_assert_ptr_eq(registry_find_name(&unit_registry, NULL, "a"), segment);
        }
        ck_assert(unit_life_run_until_gone(segment->id));
}

/* Held by who did not get it from the broker, it stays beyond its time, and goes then. */
/* An attachment that could not be handed out is none. */
/* Asked for while it goes, it is not there; asked for while it stays, nothing is found out. */
TEST(ask) {
        Segment *segment;
        int fd;

        unit_life_begin(MISSING_NOTHING);
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        ck_assert(life_ask(&unit_life, segment));
        fd = unit_life_attach(segment);
        segment->remove_on_last_detach = true;
        ck_assert(life_ask(&unit_life, segment));
        fd_close(fd);
        ck_assert(!life_ask(&unit_life, segment));
        segment = unit_life_add(NULL, 4096);
        segment->lingers = true;
        segment->linger_usec = 1000000;
        life_begin(&unit_life, segment);
        ck_assert(life_ask(&unit_life, segment));
        (void) sleep(1);
        (void) usleep(10000);
        /* Its time is over, though the loop has not come to it. */
        ck_assert(!life_ask(&unit_life, segment));
}

/* Lost events: all are asked. */
TEST(overflow) {
        Segment *segment, *noise[2];
        int64_t id;
        int fd, noise_fds[2];

        unit_life_begin(MISSING_NOTHING);
        for (int i = 0; i < 2; ++i) {
                noise[i] = unit_life_add(NULL, 4096);
                life_begin(&unit_life, noise[i]);
                noise_fds[i] = unit_life_attach(noise[i]);
        }
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        id = segment->id;
        fd = unit_life_attach(segment);
        ck_assert(!unit_remove(&unit_life, segment));
        for (int i = 0; i < 40000; ++i)
                fd_close(unit_reopen(noise_fds[i % 2], O_RDONLY));
        fd_close(fd);
        ck_assert(unit_life_run_until_gone(id));
        ck_assert_uint_ge(unit_life.n_overflows, 1);
        for (int i = 0; i < 2; ++i) {
                ck_assert_uint_eq(segment_attach_count(noise[i]), 1);
                fd_close(noise_fds[i]);
        }
}

/* Who meets a limit sees what has ended. */
/* Its end, with everything there can be under way. */
/* The event comes before the count drops: what is still held then is asked again. */
TEST(late) {
        static const uint64_t late_usec[] = { 0, 500, 5000, 50000 };
        Segment *segment;
        int64_t id;
        int fd;

        unit_life_begin(MISSING_NOTHING);
        for (size_t i = 0; i < ARRAY_SIZE(late_usec); ++i) {
                segment = unit_life_add(NULL, 4096);
                segment->remove_on_last_detach = true;
                life_begin(&unit_life, segment);
                id = segment->id;
                fd = unit_life_attach(segment);
                unit_fail.leases = EAGAIN;
                fd_close(fd);
                unit_life_run(late_usec[i]);
                ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
                unit_fail.leases = 0;
                ck_assert(unit_life_run_until_gone(id));
        }
}
