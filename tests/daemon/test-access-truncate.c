/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor for writing does not allow where the kernel has Landlock: to truncate a POSIX
 * object or a file, whoever holds it. What the broker truncates itself goes on working.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define MAXIMUM 40000

/* With the right to truncate: Linux 6.2 */
#define LANDLOCK_ABI 3

/* Uid 0 as the root of a container has it. */
static const Person people[] = {
        { .name = "the owner", .uid = 2001, .gid = 2101 },
        { .name = "another user", .uid = 2007, .gid = 2107 },
        { .name = "uid 0" },
};

static const Kind kinds[] = { KIND_POSIX, KIND_FILE };

static Wire wire;

static void up_with(const Setup *setup) {
        native_begin();
        fixture_up(setup);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
}

static void up(void) {
        up_with(NULL);
}

static void down(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

static void restart(int signal_number, const Setup *setup) {
        wire_close(&wire);
        fixture_restart(signal_number, setup);
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
}

static bool has_landlock(void) {
        return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >=
               LANDLOCK_ABI;
}

static bool is_enforced(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status.features >> FEATURE_NO_TRUNCATE & 1U;
}

/* --- in the process of a person */

static int held_fd = -EBADF;

static AcquireParameters creation(Kind kind) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        return parameters;
}

static int make(Wire *own, void *data) {
        AcquireParameters parameters = creation(*(Kind *) data);

        held_fd = wire_acquire(own, &parameters, NULL);
        return 0;
}

static int open_by_id(Wire *own, void *data) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_ID, id, *(int64_t *) data);
        fd_close(held_fd);
        held_fd = wire_acquire(own, &parameters, NULL);
        return 0;
}

static int set_size(Wire *own, void *data) {
        (void) own;
        return ftruncate(held_fd, (off_t) * (size_t *) data) < 0 ? errno : 0;
}

/* As who may write to it by its mode. */
static int set_size_natively(Wire *own, void *data) {
        (void) own;
        return native_truncate(held_fd, *(size_t *) data);
}

static int write_everywhere(Wire *own, void *data) {
        char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, held_fd, 0);

        (void) own;
        (void) data;
        if (at == MAP_FAILED)
                return errno;
        memset(at, 'w', SIZE);
        return pwrite(held_fd, "x", 1, 0) < 0 ? errno : munmap(at, SIZE);
}

static int let_go(Wire *own, void *data) {
        (void) own;
        (void) data;
        held_fd = fd_close(held_fd);
        return 0;
}

/* --- here */

static int64_t size_now(void) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        return info.size_bytes;
}

/* Each of them opens it, and what they try comes to @expected. */
static void assert_truncated(int64_t id, int expected) {
        size_t sizes[] = { 1, SIZE + 1, SIZE };

        for (size_t i = 0; i < ARRAY_SIZE(people); ++i) {
                Actor actor = actor_start(&people[i]);

                ck_assert_int_eq(actor_do(&actor, open_by_id, &id, sizeof(id)), 0);
                for (size_t k = 0; k < ARRAY_SIZE(sizes); ++k)
                        ck_assert_msg(actor_do(&actor, set_size, &sizes[k], sizeof(*sizes)) ==
                                              expected,
                                      "%s, ftruncate to %zu", people[i].name, sizes[k]);
                ck_assert_int_eq(actor_do(&actor, write_everywhere, NULL, 0), 0);
                ck_assert_int_eq(actor_do(&actor, let_go, NULL, 0), 0);
                actor_end(&actor);
        }
}

static int64_t make_as_owner(Kind kind) {
        Actor owner = actor_start(&people[0]);
        SegmentInfo info;

        ck_assert_int_eq(actor_do(&owner, make, &kind, sizeof(kind)), 0);
        ck_assert_int_eq(actor_do(&owner, let_go, NULL, 0), 0);
        actor_end(&owner);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        return info.id;
}

SUITE("access-truncate", .skip = !person_possible());
CASE("landlock", .setup = up, .teardown = down, .skip = !has_landlock(),
     .reason = "this kernel has no Landlock that knows truncation (Linux 6.2, lsm=landlock)");

TEST(everybody, .end = ARRAY_SIZE(kinds)) {
        int64_t id = make_as_owner(kinds[_i]);

        ck_assert(is_enforced());
        assert_truncated(id, EACCES);
        ck_assert_int_eq(size_now(), SIZE);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* It is found again by a broker that opens it anew. */
TEST(found_again, .end = ARRAY_SIZE(kinds)) {
        int64_t id = make_as_owner(kinds[_i]);

        restart(SIGKILL, NULL);
        assert_truncated(id, EACCES);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* Its name is gone. */
TEST(removed, .end = ARRAY_SIZE(kinds)) {
        int64_t id = make_as_owner(kinds[_i]);
        int fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);

        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        assert_truncated(id, EACCES);
        close(fd);
}

/* Who made it has a descriptor that can do more, and nobody else. */
TEST(adopted) {
        AdoptParameters parameters = {};
        SegmentReply reply;
        int fd;

        native_make_posix(native_name("0"), SIZE, 0600);
        fd = native_open_posix(native_name("0"), O_RDWR);
        ck_assert_int_eq(fchmod(fd, 0666), 0);
        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, native_name("0"));
        GIVE_VALUE(&parameters, ADOPT_NAME, name, "a");
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &parameters, &reply, NULL), FAULT_NONE);
        assert_truncated(reply.segment.id, EACCES);
        ck_assert_int_eq(ftruncate(fd, SIZE / 2), 0);
        ck_assert_int_eq(size_now(), SIZE / 2);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* What the mode grants natively stays native: opened anew, without the broker, it is truncated. */
TEST(natively, .end = ARRAY_SIZE(kinds)) {
        int64_t id = make_as_owner(kinds[_i]);
        size_t size = SIZE / 2;
        Actor other = actor_start(&people[1]);

        ck_assert_int_eq(actor_do(&other, open_by_id, &id, sizeof(id)), 0);
        ck_assert_int_eq(actor_do(&other, set_size, &size, sizeof(size)), EACCES);
        ck_assert_int_eq(actor_do(&other, set_size_natively, &size, sizeof(size)), 0);
        ck_assert_int_eq(size_now(), SIZE / 2);
        ck_assert_int_eq(actor_do(&other, let_go, NULL, 0), 0);
        actor_end(&other);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* A segment that grows has its room from the beginning. */
TEST(resize, .end = ARRAY_SIZE(kinds)) {
        AcquireParameters parameters = creation(kinds[_i]);
        ResizeParameters resize = {};
        char *at;
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, MAXIMUM);
        fd = wire_acquire(&wire, &parameters, NULL);
        at = mmap(NULL, MAXIMUM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        GIVE_VALUE(&resize, SEGMENT_NAME, name, "a");
        GIVE_VALUE(&resize, RESIZE_SIZE_BYTES, size_bytes, MAXIMUM);
        ck_assert_int_eq(wire_call(&wire, METHOD_RESIZE, &resize, NULL, NULL), FAULT_NONE);
        ck_assert_int_eq(size_now(), MAXIMUM);
        at[MAXIMUM - 1] = 'x';
        ck_assert_int_lt(ftruncate(fd, SIZE), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_eq(munmap(at, MAXIMUM), 0);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* --- what the broker truncates itself */

static char *state_path(const char *name) {
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/state/%s", fixture_directory(), name), 0);
        return path;
}

/* In the broker's process: an earlier one has left a damaged file, and a new one half written. */
static void leave_files(void) {
        _cleanup_(freep) char *state = state_path("state"), *next = state_path("state.new");
        int state_fd = open(state, O_WRONLY | O_APPEND | O_CLOEXEC);
        int next_fd = open(next, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static const char junk[100000];

        if (write(state_fd, "damaged\n", 8) != 8 ||
            write(next_fd, junk, sizeof(junk)) != (ssize_t) sizeof(junk))
                _exit(98);
}

TEST(state_written_anew) {
        _cleanup_(freep) char *state = state_path("state"), *damaged = state_path("state.damaged");
        int64_t id = make_as_owner(KIND_POSIX);
        struct stat st;

        restart(SIGKILL, &(Setup){ .prepare = leave_files });
        ck_assert_int_eq(stat(damaged, &st), 0);
        ck_assert_int_eq(stat(state, &st), 0);
        ck_assert_int_lt(st.st_size, 100000);
        assert_truncated(id, EACCES);
        ck_assert_int_eq(unlink(damaged), 0);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

#define STATE_BYTES 4096

static void limit_files(void) {
        const struct rlimit limit = { STATE_BYTES, STATE_BYTES };

        if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
                _exit(98);
}

/* A line that does not fit is taken away again, and what was there is left. */
TEST(state_cut) {
        _cleanup_(freep) char *state = state_path("state");
        AcquireParameters parameters = {};
        char text[STATE_BYTES + 1];
        int64_t id = make_as_owner(KIND_POSIX);
        ssize_t n;
        int fd;

        restart(SIGTERM, &(Setup){ .prepare = limit_files });
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        for (int i = 0; i < STATE_BYTES; ++i)
                if (wire_try_acquire(&wire, &parameters, NULL) != FAULT_NONE)
                        break;
        fd = open(state, O_RDONLY | O_CLOEXEC);
        n = read(fd, text, sizeof(text));
        close(fd);
        ck_assert_int_gt(n, STATE_BYTES / 2);
        ck_assert_int_lt(n, STATE_BYTES);
        ck_assert_int_eq(text[n - 1], '\n');
        restart(SIGKILL, NULL);
        assert_truncated(id, EACCES);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* --- without Landlock */

static void up_without(void) {
        up_with(&(Setup){ .deny = "landlock" });
}

CASE("without", .setup = up_without, .teardown = down);

TEST(without, .end = ARRAY_SIZE(kinds)) {
        int64_t id = make_as_owner(kinds[_i]);

        ck_assert(!is_enforced());
        assert_truncated(id, 0);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}
