/* SPDX-License-Identifier: MIT */
/* Clients that set locks where attachments are marked: what that costs others, and does not. */

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define SIZE 4096
#define NAME "marks/it"

/* kernel/mark.h, without the key */
#define MARK_BASE (INT64_C(1) << 62)
#define MARK_SECRET_BITS 20
#define MARK_SECRETS (INT64_C(1) << MARK_SECRET_BITS)

#define N_LOCKS 3000
#define N_HONEST 5
#define ATTACHMENTS_PER_USER 20

static Wire wire;

static void setup(void) {
        native_begin();
        fixture_up(&(Setup){ .config = "[limits]\nattachmentsPerUser = 20\n" });
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

static int make(void) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_POSIX);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0644);
        return wire_acquire(&wire, &parameters, NULL);
}

static void remove_segment(void) {
        ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
}

static void lock_byte(int fd, int64_t place) {
        struct flock lock = {
                .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1
        };

        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

/* Where the first lock of others is, from @first on, or 0. */
static int64_t find_lock(int fd, int64_t first) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first };

        ck_assert_int_eq(fcntl(fd, F_OFD_GETLK, &lock), 0);
        return lock.l_type == F_UNLCK ? 0 : lock.l_start;
}

/* Downwards, so that each one is set at the head of the kernel's list; not next to each other, for
 * the kernel would join them. */
static void set_many(int fd, int64_t n, int64_t n_ids) {
        for (int64_t i = n; i > 0; --i)
                lock_byte(fd,
                          MARK_BASE + (1 + i * n_ids / n) * MARK_SECRETS + i * 7919 % MARK_SECRETS);
}

static bool count_known(int64_t *ret) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, NAME, &info), FAULT_NONE);
        *ret = info.attach_count;
        return GIVEN(&info, INFO_ATTACH_COUNT);
}

static void restart(void) {
        wire_close(&wire);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
}

SUITE("marks", .skip = !unit_has_inotify());
CASE("marks", .setup = setup, .teardown = teardown, .timeout = 60);

/* Locks where a mark could be are none, before and after a restart. */
TEST(few_forged) {
        int fds[N_HONEST];
        int64_t n;

        fds[0] = make();
        for (int i = 1; i < N_HONEST; ++i)
                fds[i] = wire_open_segment(&wire, NAME, ACCESS_READ_ONLY);
        set_many(fds[N_HONEST - 1], 100, 900);
        ck_assert(count_known(&n));
        ck_assert_int_eq(n, N_HONEST);
        restart();
        for (int i = 0; i < 1000 && !count_known(&n); ++i)
                usleep(5000);
        ck_assert(count_known(&n));
        ck_assert_int_eq(n, N_HONEST);
        for (int i = 0; i < N_HONEST; ++i) {
                fd_close(fds[i]);
                ck_assert(count_known(&n));
                ck_assert_int_eq(n, N_HONEST - 1 - i);
        }
        remove_segment();
}

/* A restarted broker does not look through any number of them: who has the segment is known, and
 * how many there are is not. */
TEST(many_forged) {
        RemoveReply removed;
        int fd = make();
        int64_t n;

        set_many(fd, N_LOCKS, 900);
        restart();
        ck_assert(!count_known(&n));
        ck_assert_int_eq(wire_remove(&wire, NAME, &removed), FAULT_NONE);
        ck_assert(!removed.destroyed);
        ck_assert(!GIVEN(&removed, REMOVE_REPLY_ATTACH_COUNT));
        fd_close(fd);
}

/* Attachments that are still to come cannot be marked by others. */
TEST(coming) {
        int fd = make(), reader = wire_open_segment(&wire, NAME, ACCESS_READ_ONLY);
        int64_t n;

        set_many(reader, N_LOCKS, N_LOCKS);
        for (int64_t i = 0; i < 50; ++i)
                lock_byte(reader, MARK_BASE + i * 2);
        for (int i = 0; i < 3 * ATTACHMENTS_PER_USER; ++i)
                fd_close(wire_open_segment(&wire, NAME, ACCESS_READ_WRITE));
        ck_assert(count_known(&n));
        ck_assert_int_eq(n, 2);
        fd_close(reader);
        fd_close(fd);
        ck_assert(count_known(&n));
        ck_assert_int_eq(n, 0);
        remove_segment();
}

/* Those that are there can be: then what ended may be counted, but nobody's limit is used up. */
TEST(copied) {
        int fd = make(), reader = wire_open_segment(&wire, NAME, ACCESS_READ_ONLY);
        int64_t place = MARK_BASE, n;

        while ((place = find_lock(reader, place)) > 0)
                lock_byte(reader, place++);
        for (int i = 0; i < 3 * ATTACHMENTS_PER_USER; ++i) {
                int other = wire_open_segment(&wire, NAME, ACCESS_READ_WRITE);

                place = MARK_BASE;
                while ((place = find_lock(reader, place)) > 0)
                        lock_byte(reader, place++);
                fd_close(other);
        }
        /* A count that is not right is none. */
        ck_assert(!count_known(&n) || n <= 2);
        fd_close(reader);
        fd_close(fd);
        ck_assert(count_known(&n));
        ck_assert_int_eq(n, 0);
        remove_segment();
}
