/* SPDX-License-Identifier: MIT */
/*
 * When a segment goes while one of the kernel's answers is missing: real memory, real holders, and
 * the calls behind that answer fail. Whatever is missing, the broker never takes the memory from
 * who has it, and lets go in the end.
 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-life.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

int __real_fcntl(int fd, int command, ...);

/* Sizes that go at once, and by the reaper's thread. */
static const size_t sizes[] = { 4096, 3 << 20 };

SUITE("life-missing", .skip = !unit_has_inotify());
CASE("missing", .setup = unit_life_setup, .teardown = unit_life_teardown, .timeout = 60);

TEST(remove, .end = _MISSING_N) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                Segment *segment;
                int64_t id;
                int fd;

                unit_life_begin((Missing) _i);
                segment = unit_life_add("name", sizes[i]);
                id = segment->id;
                life_begin(&unit_life, segment);
                fd = unit_life_attach(segment);
                unit_life_fill(fd, sizes[i]);
                unit_life_fail_later((Missing) _i);
                life_drain(&unit_life);
                ck_assert(life_settle(&unit_life, segment));
                ck_assert_uint_eq(segment_attach_count(segment), 1);
                ck_assert(!unit_remove(&unit_life, segment));
                /* The name is free at once. */
                ck_assert_ptr_null(registry_find_name(&unit_registry, NULL, "name"));
                unit_life_run(PAST_SUSPICION_USEC);
                ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
                ck_assert_uint_eq(segment_attach_count(segment), 1);
                unit_life_expect_filled(fd, sizes[i]);
                fd_close(fd);
                /* Where marks are all there was, and fail, nobody can tell: held, to be on the safe
                 * side. */
                ck_assert(unit_life_run_until_gone(id));
                ck_assert_uint_eq(unit_life.n_destroyed, 1);
                unit_life_end();
        }
        unit_life_begin((Missing) _i);
}

/* Locks came long before the oldest kernel that is supported: nothing is done without them. */
TEST(no_locks) {
        Life life;

        unit_life_begin(MISSING_NOTHING);
        unit_fail.mark_sets = EINVAL;
        ck_assert_int_eq(life_init(&life, &unit_registry, unit_host(), NULL), -EOPNOTSUPP);
        life_deinit(&life);
}

TEST(remove_free, .end = _MISSING_N) {
        Segment *segment;

        unit_life_begin((Missing) _i);
        segment = unit_life_add("name", 4096);
        life_begin(&unit_life, segment);
        unit_life_fail_later((Missing) _i);
        ck_assert(unit_remove(&unit_life, segment));
        ck_assert_uint_eq(unit_registry.n_segments, 0);
}

TEST(last_detach, .end = _MISSING_N) {
        Segment *segment;
        int64_t id;
        int one, other;

        unit_life_begin((Missing) _i);
        segment = unit_life_add("name", 4096);
        segment->remove_on_last_detach = true;
        life_begin(&unit_life, segment);
        id = segment->id;
        /* Armed by the first attachment: until then it stays. */
        unit_life_run(30000);
        life_drain(&unit_life);
        ck_assert(life_settle(&unit_life, segment));
        one = unit_life_attach(segment);
        other = unit_life_attach(segment);
        unit_life_fill(one, 4096);
        unit_life_fail_later((Missing) _i);
        fd_close(one);
        unit_life_run(PAST_SUSPICION_USEC);
        ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
        unit_life_expect_filled(other, 4096);
        fd_close(other);
        ck_assert(unit_life_run_until_gone(id));
}

/* A request that comes behind a release sees it at once. */
TEST(request_sees_release, .end = _MISSING_N) {
        Segment *segment;
        int fds[3];

        unit_life_begin((Missing) _i);
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        for (int i = 0; i < 3; ++i)
                fds[i] = unit_life_attach(segment);
        for (size_t n = 3; n > 0; --n) {
                life_drain(&unit_life);
                ck_assert(life_settle(&unit_life, segment));
                ck_assert_uint_eq(segment_attach_count(segment), n);
                fds[n - 1] = fd_close(fds[n - 1]);
        }
        life_drain(&unit_life);
        ck_assert(life_settle(&unit_life, segment));
        ck_assert_uint_eq(segment_attach_count(segment), 0);
}

TEST(linger, .end = _MISSING_N) {
        Segment *segment;
        uint64_t begun;
        int64_t id;
        int fd;

        unit_life_begin((Missing) _i);
        segment = unit_life_add(NULL, 4096);
        segment->lingers = true;
        segment->linger_usec = 150000;
        life_begin(&unit_life, segment);
        id = segment->id;
        fd = unit_life_attach(segment);
        unit_life_fail_later((Missing) _i);
        /* While somebody has it, time does not run. */
        unit_life_run(200000);
        ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
        begun = clock_boottime_usec();
        fd_close(fd);
        unit_life_run(20000);
        ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
        ck_assert(unit_life_run_until_gone(id));
        ck_assert_uint_ge(clock_boottime_usec() - begun, 150000);
}

static int hold_until_told(void *userdata) {
        int *fds = userdata;
        char c;

        if (write(fds[1], "x", 1) != 1)
                return 1;
        return read(fds[2], &c, 1) != 1;
}

/* What a child inherited is held by it, and goes when it is killed. */
TEST(inherited, .end = _MISSING_N) {
        int fds[4], fd;
        Segment *segment;
        int64_t id;
        pid_t pid;
        char c;

        unit_life_begin((Missing) _i);
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(fds + 2, O_CLOEXEC), 0);
        segment = unit_life_add(NULL, 4096);
        segment->remove_on_last_detach = true;
        life_begin(&unit_life, segment);
        id = segment->id;
        fd = unit_life_attach(segment);
        unit_life_fill(fd, 4096);
        pid = fork();
        if (pid == 0) {
                /* A copy of the broker is no broker. */
                fd_close(unit_life.closings.fd);
                fd_close(segment->master_fd);
                _exit(hold_until_told(fds));
        }
        ck_assert_int_eq(read(fds[0], &c, 1), 1);
        unit_life_fail_later((Missing) _i);
        fd_close(fd);
        unit_life_run(PAST_SUSPICION_USEC);
        ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(unit_life_run_until_gone(id));
        for (int i = 0; i < 4; ++i)
                fd_close(fds[i]);
}

/* Who drops its own mark, or has it without the broker's knowledge, keeps its memory all the same.
 */
TEST(without_mark, .end = _MISSING_N) {
        struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i)
                for (int unknown = 0; unknown < 2; ++unknown) {
                        Segment *segment;
                        int64_t id;
                        void *memory;
                        int fd;

                        memset(&unit_fail, 0, sizeof(unit_fail));
                        unit_life_begin((Missing) _i);
                        segment = unit_life_add(NULL, sizes[i]);
                        id = segment->id;
                        life_begin(&unit_life, segment);
                        fd = unknown ? unit_open_segment(segment, ACCESS_READ_WRITE)
                                     : unit_life_attach(segment);
                        unit_life_fill(fd, sizes[i]);
                        if (!unknown)
                                ck_assert_int_eq(__real_fcntl(fd, F_OFD_SETLK, &unlock), 0);
                        memory = mmap(NULL, sizes[i], PROT_READ, MAP_SHARED, fd, 0);
                        ck_assert_ptr_ne(memory, MAP_FAILED);
                        unit_life_fail_later((Missing) _i);
                        (void) unit_remove(&unit_life, segment);
                        unit_life_run(PAST_SUSPICION_USEC);
                        if (unit_life_has_leases())
                                ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
                        unit_life_expect_filled(fd, sizes[i]);
                        fd_close(fd);
                        unit_life_run(20000);
                        if (unit_life_has_leases())
                                ck_assert_ptr_eq(registry_find(&unit_registry, id), segment);
                        for (size_t j = 0; j < sizes[i]; j += 4096)
                                ck_assert_int_eq(((unsigned char *) memory)[j], UNIT_PATTERN);
                        munmap(memory, sizes[i]);
                        ck_assert(unit_life_run_until_gone(id));
                        unit_life_end();
                }
        memset(&unit_fail, 0, sizeof(unit_fail));
        unit_life_begin((Missing) _i);
}

/* Memory that the reaper gives back, and descriptors, never belong to another segment. */
TEST(many, .end = _MISSING_N) {
        uint64_t seed = 3;
        Segment *segments[40];
        int fds[40];

        unit_life_begin((Missing) _i);
        for (size_t i = 0; i < ARRAY_SIZE(segments); ++i) {
                segments[i] = unit_life_add(NULL, unit_below(&seed, 2) ? 4096 : 2 << 20);
                life_begin(&unit_life, segments[i]);
                fds[i] = unit_life_attach(segments[i]);
                unit_life_fill(fds[i], segments[i]->size_bytes);
        }
        unit_life_fail_later((Missing) _i);
        for (size_t i = 0; i < ARRAY_SIZE(segments); ++i)
                ck_assert(!unit_remove(&unit_life, segments[i]));
        for (size_t i = 0; i < ARRAY_SIZE(segments); i += 2) {
                fd_close(fds[i]);
                unit_life_run(1000);
        }
        unit_life_run(250000);
        ck_assert_uint_eq(unit_registry.n_segments, ARRAY_SIZE(segments) / 2);
        for (size_t i = 1; i < ARRAY_SIZE(segments); i += 2) {
                unit_life_expect_filled(fds[i], segments[i]->size_bytes);
                fd_close(fds[i]);
        }
        for (unsigned int i = 0; i < 50 && unit_registry.n_segments > 0; ++i)
                unit_life_run(20000);
        ck_assert_uint_eq(unit_registry.n_segments, 0);
}

TEST(linger_unknown_holder, .end = _MISSING_N) {
        Segment *segment;
        int fd;

        unit_life_begin((Missing) _i);
        segment = unit_life_add(NULL, 4096);
        segment->lingers = true;
        segment->linger_usec = 20000;
        life_begin(&unit_life, segment);
        fd = unit_open_segment(segment, ACCESS_READ_ONLY);
        unit_life_fail_later((Missing) _i);
        unit_life_run(PAST_SUSPICION_USEC);
        if (unit_life_has_leases())
                ck_assert_uint_eq(unit_registry.n_segments, 1);
        fd_close(fd);
        for (unsigned int i = 0; i < 50 && unit_registry.n_segments > 0; ++i)
                unit_life_run(20000);
        ck_assert_uint_eq(unit_registry.n_segments, 0);
}

TEST(withdraw, .end = _MISSING_N) {
        Segment *segment;
        int fd, other;

        unit_life_begin((Missing) _i);
        segment = unit_life_add(NULL, 4096);
        life_begin(&unit_life, segment);
        other = unit_life_attach(segment);
        fd = unit_life_attach(segment);
        life_withdraw(&unit_life, segment, segment->attachments->prev, fd);
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        ck_assert_uint_eq(segment->n_unexplained, 0);
        ck_assert_uint_eq(unit_life.census.attachments.n_used, 1);
        fd_close(other);
        life_drain(&unit_life);
        ck_assert(life_settle(&unit_life, segment));
        ck_assert_uint_eq(segment_attach_count(segment), 0);
        segment->remove_on_last_detach = true;
        fd = unit_life_attach(segment);
        life_withdraw(&unit_life, segment, segment->attachments, fd);
        ck_assert_uint_eq(unit_registry.n_segments, 0);
}

TEST(catch_up, .end = _MISSING_N) {
        Segment *segments[10];
        int fds[10];

        unit_life_begin((Missing) _i);
        for (size_t i = 0; i < ARRAY_SIZE(segments); ++i) {
                segments[i] = unit_life_add(NULL, 4096);
                segments[i]->remove_on_last_detach = i % 2;
                life_begin(&unit_life, segments[i]);
                fds[i] = unit_life_attach(segments[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(segments); ++i)
                fd_close(fds[i]);
        life_catch_up(&unit_life, LIFE_FOREVER_USEC);
        ck_assert_uint_eq(unit_registry.n_segments, ARRAY_SIZE(segments) / 2);
        ck_assert_uint_eq(unit_life.census.attachments.n_used, 0);
}

TEST(deinit, .end = _MISSING_N) {
        int held, fd;
        Segment *segment;

        unit_life_begin((Missing) _i);
        segment = unit_life_add("held", 4096);
        life_begin(&unit_life, segment);
        held = unit_life_attach(segment);
        unit_life_fill(held, 4096);
        segment = unit_life_add("lingers", 4096);
        segment->lingers = true;
        segment->linger_usec = 1000000;
        life_begin(&unit_life, segment);
        segment = unit_life_add("suspect", 4096);
        life_begin(&unit_life, segment);
        fd = unit_life_attach(segment);
        fd_close(fd);
        life_drain(&unit_life);
        segment = unit_life_add("large", 64 << 20);
        life_begin(&unit_life, segment);
        fd = unit_life_attach(segment);
        unit_life_fill(fd, 64 << 20);
        fd_close(fd);
        (void) unit_remove(&unit_life, segment);
        unit_life_end();
        /* Whoever is attached keeps the memory. */
        unit_life_expect_filled(held, 4096);
        fd_close(held);
        memset(&unit_fail, 0, sizeof(unit_fail));
        unit_life_begin((Missing) _i);
}
