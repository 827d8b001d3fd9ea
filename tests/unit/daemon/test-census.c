/* SPDX-License-Identifier: MIT */
/* Who is attached, from what the kernel answers. */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/kernel/lease.h"
#include "daemon/kernel/mark.h"
#include "daemon/life/census.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

static Census census;
static Events events;
static Segment *segment;

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGIO, SIG_IGN);
        ck_assert_int_eq(census_init(&census, &events), 0);
        segment = unit_segment(NULL, 4096);
}

static void teardown(void) {
        census_end_all(&census, segment);
        ck_assert_uint_eq(segment->n_attachments, 0);
        ck_assert_uint_eq(segment->n_unmarked, 0);
        segment = segment_free(segment);
        ck_assert_uint_eq(census.attachments.n_used, 0);
        census_deinit(&census);
        unit_fds_end();
}

static int attach(bool mark) {
        int fd = unit_open_segment(segment, ACCESS_READ_WRITE);
        Attachment *attachment = unit_attachment(&census.attachments, fd, mark);

        ck_assert_int_eq(attachment->marked, mark);
        segment_attach(segment, attachment);
        return fd;
}

static Holders ask(void) {
        Holders holders = census_ask(&census, segment);

        if (holders == HOLDERS_NONE)
                lease_drop(segment->master_fd);
        return holders;
}

SUITE("census", .skip = !unit_has_inotify());
CASE("census", .setup = setup, .teardown = teardown, .timeout = 30);

/* This kernel has all of them, which the other tests rest on. */
TEST(answers) {
        ck_assert(census.features.leases);
        ck_assert(census.features.closings);
}

TEST(ask) {
        int fd;

        ck_assert_int_eq(ask(), HOLDERS_NONE);
        fd = attach(true);
        ck_assert_int_eq(ask(), HOLDERS_SOME);
        fd_close(fd);
        /* What is on record does not matter for the lease. */
        ck_assert_int_eq(ask(), HOLDERS_NONE);
        fd = unit_reopen(segment->master_fd, O_RDONLY);
        ck_assert_int_eq(ask(), HOLDERS_SOME);
        fd_close(fd);
}

TEST(count) {
        int fds[5];

        for (int i = 0; i < 5; ++i)
                fds[i] = attach(true);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 5);
        fd_close(fds[1]);
        fd_close(fds[3]);
        segment->n_unexplained = 2;
        ck_assert_uint_eq(segment_attach_count(segment), 5);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 3);
        ck_assert_uint_eq(segment->n_unexplained, 0);
        ck_assert_uint_eq(segment_attach_count(segment), 3);
        ck_assert_uint_gt(segment->detach_usec, 0);
        ck_assert_int_eq(segment->last_pid, getpid());
        for (int i = 0; i < 5; i += 2)
                fd_close(fds[i]);
        /* While somebody else has it open, the last one may be who lost its mark alone. */
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 1);
        ck_assert_uint_eq(segment->n_unmarked, 1);
        ck_assert_int_eq(ask(), HOLDERS_NONE);
}

/* A holder that drops its own mark is taken for gone, but never the last of all. */
TEST(dropped_mark) {
        struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
        int fd = attach(true);

        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &unlock), 0);
        ck_assert_int_eq(ask(), HOLDERS_SOME);
        (void) census_count(&census, segment, USEC_INFINITY);
        census_conclude(&census, segment);
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        fd_close(fd);
}

/* Where others can have it open without the broker, the last attachment ends before they do. */
TEST(others) {
        int fd = attach(true), other = unit_reopen(segment->master_fd, O_RDWR);

        segment->adopted = true;
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 1);
        fd_close(fd);
        ck_assert_int_eq(ask(), HOLDERS_SOME);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 0);
        ck_assert_int_eq(ask(), HOLDERS_SOME);
        fd_close(other);
        ck_assert_int_eq(ask(), HOLDERS_NONE);
}

/* A lock of somebody's over all marks: nothing is known of them while it is there. */
TEST(covered) {
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        int one = attach(true), other = attach(true),
            holder = unit_reopen(segment->master_fd, O_RDWR);

        ck_assert_int_eq(fcntl(holder, F_OFD_SETLK, &lock), 0);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 2);
        fd_close(one);
        segment->n_unexplained = 1;
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_ge(segment->n_attachments, 1);
        ck_assert_uint_eq(segment_attach_count(segment), 1);
        fd_close(holder);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 1);
        ck_assert_uint_eq(segment->n_unmarked, 0);
        fd_close(other);
}

/* Without marks the events are what there is. */
TEST(conclude) {
        int fds[4];

        for (int i = 0; i < 4; ++i)
                fds[i] = attach(i == 0);
        ck_assert_uint_eq(segment->n_unmarked, 3);
        fd_close(fds[1]);
        segment->n_unexplained = 1;
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 4);
        ck_assert_uint_eq(segment_attach_count(segment), 3);
        census_conclude(&census, segment);
        ck_assert_uint_eq(segment->n_attachments, 3);
        ck_assert_uint_eq(segment->n_unmarked, 2);
        ck_assert_uint_eq(segment->n_unexplained, 0);
        /* A mark that is gone explains its event. */
        fd_close(fds[0]);
        segment->n_unexplained = 1;
        (void) census_count(&census, segment, USEC_INFINITY);
        census_conclude(&census, segment);
        ck_assert_uint_eq(segment->n_attachments, 2);
        ck_assert_uint_eq(segment->n_unmarked, 2);
        /* However many events there were, one is left while somebody has it. */
        segment->n_unexplained = 10;
        census_conclude(&census, segment);
        ck_assert_uint_eq(segment->n_attachments, 1);
        fd_close(fds[2]);
        fd_close(fds[3]);
}

static pid_t dead_process(void) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        return pid;
}

/* Of those without a mark, one whose process is gone ends first. */
TEST(conclude_dead_first) {
        Attachment *attachment;
        int fds[3];
        pid_t dead;

        dead = dead_process();
        for (int i = 0; i < 3; ++i)
                fds[i] = attach(false);
        segment->attachments->next->process.pid = dead;
        segment->n_unexplained = 1;
        census_conclude(&census, segment);
        ck_assert_uint_eq(segment->n_attachments, 2);
        ck_assert_int_eq(segment->last_pid, dead);
        DL_FOREACH(segment->attachments, attachment)
                ck_assert_int_eq(attachment->process.pid, getpid());
        for (int i = 0; i < 3; ++i)
                fd_close(fds[i]);
}

TEST(no_leases) {
        int one = attach(true), other;

        /* A failure alone says nothing: it counts as held. */
        fd_close(steal_fd(&segment->master_fd));
        ck_assert_int_eq(census_ask(&census, segment), HOLDERS_UNKNOWN);
        census.tried_usec = 0;
        ck_assert_int_eq(census_ask(&census, segment), HOLDERS_UNKNOWN);
        ck_assert(census.features.leases);
        fd_close(one);
        census_end_all(&census, segment);
        segment_free(segment);

        /* As if the kernel had none: the marks say when nobody is there. */
        segment = unit_segment(NULL, 4096);
        one = attach(true);
        other = attach(true);
        census.features.leases = false;
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 2);
        fd_close(one);
        fd_close(other);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(segment->n_attachments, 0);
}

static uint64_t ago(uint64_t usec) {
        return clock_boottime_usec() - usec;
}

/* What costs little is counted whenever it is asked for, unless it was since then. */
TEST(asked) {
        Budget budget = {};
        int one = attach(true), other = attach(true);

        census_update(&census, segment, &(Asker){ &budget, ago(0) });
        ck_assert_uint_eq(segment->n_attachments, 2);
        fd_close(one);
        census_update(&census, segment, &(Asker){ &budget, ago(1000000) });
        ck_assert_uint_eq(segment->n_attachments, 2);
        ck_assert(segment_count_known(segment));
        census_update(&census, segment, &(Asker){ &budget, USEC_INFINITY });
        ck_assert_uint_eq(segment->n_attachments, 1);
        ck_assert(segment_count_known(segment));
        fd_close(other);
}

/* What costs much is at the expense of who asks, and of nobody else. */
TEST(budgets) {
        Budget poor = { .paid_usec = clock_boottime_usec() + 60000000 }, rich = {};
        int one = attach(true), other = attach(true);

        fd_close(one);
        segment->count.cost_usec = 5000;
        census_update(&census, segment, &(Asker){ &poor, USEC_INFINITY });
        ck_assert_uint_eq(segment->n_attachments, 2);
        ck_assert(!segment_count_known(segment));
        census_update(&census, segment, &(Asker){ &rich, USEC_INFINITY });
        ck_assert_uint_eq(segment->n_attachments, 1);
        ck_assert(segment_count_known(segment));
        fd_close(other);
}

/* Work that nobody waits for goes on where it was. */
TEST(slices) {
        int fds[100];

        for (int i = 0; i < 100; ++i)
                fds[i] = attach(true);
        for (int i = 0; i < 99; ++i)
                fd_close(fds[i]);
        ck_assert(!census_count(&census, segment, 0));
        ck_assert_uint_gt(segment->n_attachments, 50);
        ck_assert_uint_lt(segment->n_attachments, 100);
        ck_assert_uint_eq(segment->count.done_usec, 0);
        for (int i = 0; i < 100 && !census_count(&census, segment, 0); ++i)
                ;
        ck_assert_uint_gt(segment->count.done_usec, 0);
        ck_assert_uint_eq(segment->n_attachments, 1);
        fd_close(fds[99]);
}

/* Charges go with the attachments they stand beside. */
TEST(charges) {
        Accounts accounts;
        User *user;
        LimitReached reached;
        int fds[3];

        accounts_init(&accounts, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        user = accounts_user(&accounts, 1);
        for (int i = 0; i < 3; ++i) {
                fds[i] = attach(true);
                ck_assert_int_eq(charge_take(&segment->attachments->prev->charge, user,
                                             LIMIT_ATTACHMENTS, 1, &reached),
                                 0);
        }
        user_unref(user);
        fd_close(fds[0]);
        (void) census_count(&census, segment, USEC_INFINITY);
        ck_assert_uint_eq(accounts.total_used[LIMIT_ATTACHMENTS], 2);
        fd_close(fds[1]);
        fd_close(fds[2]);
        census_end_all(&census, segment);
        ck_assert_ptr_null(accounts.users);
        accounts_deinit(&accounts);
}

static void copy_mark(int fd, int64_t id) {
        struct flock lock = {
                .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = mark_place(id), .l_len = 1
        };

        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

/* Attachments of a user, whose marks somebody else may copy. */
typedef struct Owned Owned;

struct Owned {
        Accounts accounts;
        User *user;
        int fds[3];
};

static void owned_begin(Owned *owned, bool mark) {
        LimitReached reached;

        accounts_init(&owned->accounts,
                      &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        owned->user = accounts_user(&owned->accounts, 1);
        for (int i = 0; i < 3; ++i) {
                owned->fds[i] = attach(mark);
                ck_assert_int_eq(charge_take(&segment->attachments->prev->charge, owned->user,
                                             LIMIT_ATTACHMENTS, 1, &reached),
                                 0);
        }
}

static void owned_end(Owned *owned) {
        for (int i = 0; i < 3; ++i)
                fd_close(owned->fds[i]);
        census_end_all(&census, segment);
        ck_assert(segment_count_known(segment));
        user_unref(owned->user);
        accounts_deinit(&owned->accounts);
}

/* In two goes, of which the first one may have been the end of a round. */
static bool yield_to(const User *user) {
        unsigned int n_lookups = 8;

        return census_yield(&census, segment, user, &n_lookups) ||
               census_yield(&census, segment, user, &n_lookups);
}

/* What nothing proves does not use up anybody's limit, but then it is not known how many there are.
 */
TEST(yield_unmarked) {
        Owned owned;

        owned_begin(&owned, false);
        ck_assert(!yield_to(NULL));
        ck_assert(segment_count_known(segment));
        ck_assert(yield_to(owned.user));
        ck_assert(!segment_count_known(segment));
        ck_assert(yield_to(owned.user));
        ck_assert(!yield_to(owned.user));
        ck_assert_uint_eq(owned.accounts.total_used[LIMIT_ATTACHMENTS], 1);
        owned_end(&owned);
}

/* Nor does what has a mark, if somebody may have copied that, and the process is gone or something
 * was closed that had no mark of its own. */
TEST(yield_copied) {
        int forger = attach(true);
        Owned owned;

        owned_begin(&owned, true);
        segment->permission = (Permission){ .owner_uid = 1, .creator_uid = 1, .mode = 0600 };
        segment->n_unexplained = 1;
        (void) census_count(&census, segment, USEC_INFINITY);
        census_conclude(&census, segment);
        ck_assert(segment->doubtful);
        ck_assert(!yield_to(owned.user));
        segment->permission.mode = 0644;
        copy_mark(forger, segment->attachments->next->id);
        owned.fds[0] = fd_close(owned.fds[0]);
        ck_assert(yield_to(owned.user));
        segment->doubtful = false;
        ck_assert_uint_eq(segment->n_attachments, 3);
        ck_assert(!yield_to(owned.user));
        segment->attachments->prev->process.pid = dead_process();
        ck_assert(yield_to(owned.user));
        ck_assert_uint_eq(owned.accounts.total_used[LIMIT_ATTACHMENTS], 1);
        fd_close(forger);
        owned_end(&owned);
}

/* However many attachments a user has, few processes are looked for at a time. */
TEST(yield_lookups) {
        unsigned int n_lookups = 2;
        Owned owned;

        owned_begin(&owned, true);
        segment->permission = (Permission){ .owner_uid = 1, .creator_uid = 1, .mode = 0644 };
        segment->attachments->prev->process.pid = dead_process();
        ck_assert(!census_yield(&census, segment, owned.user, &n_lookups));
        ck_assert_uint_eq(n_lookups, 0);
        n_lookups = 2;
        ck_assert(census_yield(&census, segment, owned.user, &n_lookups));
        ck_assert_uint_eq(segment->n_attachments, 2);
        owned_end(&owned);
}

#define MANY 300

/* At random, the count is always the number of descriptions that are open. */
TEST(random) {
        static int fds[MANY];
        uint64_t seed = 1;
        size_t n = 0;

        for (size_t i = 0; i < MANY; ++i)
                fds[i] = -EBADF;
        /* One that stays, so that the last one is never in doubt. */
        fds[0] = attach(true);
        n = 1;
        for (unsigned int i = 0; i < 2000; ++i) {
                size_t which = unit_below(&seed, MANY - 1) + 1;

                if (fds[which] >= 0) {
                        fds[which] = fd_close(fds[which]);
                        --n;
                } else {
                        fds[which] = attach(true);
                        ++n;
                }
                if (i % 20)
                        continue;
                (void) census_count(&census, segment, USEC_INFINITY);
                ck_assert_uint_eq(segment_attach_count(segment), n);
        }
        for (size_t i = 0; i < MANY; ++i)
                fd_close(fds[i]);
        ck_assert_int_eq(ask(), HOLDERS_NONE);
}
