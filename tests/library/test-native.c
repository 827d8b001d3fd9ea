/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker: System V segments of a broker that may not make descriptors of them. They are
 * attached by shmat(2), and whoever uses them sees no difference but what the manual says.
 */

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define PAGE ((size_t) 4096)

static struct shmbroker *connection;

static void up(void) {
        /* Of these, either would do. */
        const Setup setup = { .no_capabilities = UINT64_C(1) << CAP_CHECKPOINT_RESTORE |
                                                 UINT64_C(1) << CAP_SYS_ADMIN };

        native_begin();
        fixture_up(&setup);
        connection = library_connect();
}

static void down(void) {
        connection = shmbroker_close(connection);
        fixture_down();
        native_end();
}

static struct shmbroker_options *options_new(uint64_t size) {
        struct shmbroker_options *options =
                library_options(size ? SHMBROKER_CREATE_NEW : SHMBROKER_CREATE_OPEN, size);

        shmbroker_options_set_kind(options, SHMBROKER_KIND_SYSV);
        shmbroker_options_set_key(options, native_key());
        return options;
}

static struct shmbroker_segment *acquire(struct shmbroker *from,
                                         const struct shmbroker_options *options) {
        struct shmbroker_segment *segment = NULL;
        int r = shmbroker_acquire(from, "a", options, &segment);

        ck_assert_msg(r == 0, "%d: %s", r, shmbroker_error_message(shmbroker_get_error(from)));
        ck_assert_int_lt(shmbroker_segment_fd(segment), 0);
        return segment;
}

/* "a" of three pages, each full of its number, which can grow to ten. */
static void create(void) {
        struct shmbroker_options *options = options_new(3 * PAGE);
        struct shmbroker_segment *segment;

        shmbroker_options_set_maximum(options, 10 * PAGE);
        segment = acquire(connection, options);
        for (size_t i = 0; i < 3; ++i)
                memset((char *) shmbroker_segment_data(segment) + i * PAGE, (int) i, PAGE);
        shmbroker_release(segment);
        shmbroker_options_free(options);
}

static uint64_t attached(void) {
        struct shmbroker_info *info = NULL;
        uint64_t count;

        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        count = library_attach_count(info);
        shmbroker_info_free(info);
        return count;
}

static void pause_a_little(void) {
        const struct timespec time = { .tv_nsec = 10000000 };

        (void) nanosleep(&time, NULL);
}

/* It goes by itself, and soon. */
static void assert_gone(void) {
        struct shmbroker_info *info = NULL;

        for (int i = 0; i < 1000; ++i) {
                int r = shmbroker_stat(connection, "a", 0, &info);

                if (r == -ENOENT)
                        return;
                ck_assert_int_eq(r, 0);
                info = shmbroker_info_free(info);
                pause_a_little();
        }
        ck_abort_msg("it is there for ever");
}

static char *bytes(const struct shmbroker_segment *segment) {
        return shmbroker_segment_data(segment);
}

static void *free_range(size_t size) {
        void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(munmap(at, size), 0);
        return at;
}

static int write_there(void *userdata) {
        char *data = userdata;

        (void) signal(SIGSEGV, _exit);
        *data = 'x';
        return 0;
}

SUITE("library-native");
CASE("native", .setup = up, .teardown = down, .timeout = 60);

TEST(access) {
        struct shmbroker_options *options = options_new(0);
        struct shmbroker_segment *writer, *reader;
        int64_t id;

        create();
        ck_assert_uint_eq(attached(), 0);
        writer = acquire(connection, NULL);
        ck_assert_uint_eq(attached(), 1);
        ck_assert_int_eq(shmbroker_segment_attachment_id(writer, &id), -ENODATA);
        ck_assert_uint_eq(shmbroker_segment_size(writer), 3 * PAGE);
        ck_assert_uint_eq(shmbroker_segment_mapped(writer), 3 * PAGE);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        reader = acquire(connection, options);
        ck_assert_uint_eq(attached(), 2);
        strcpy(bytes(writer), "seen");
        ck_assert_str_eq(bytes(reader), "seen");
        ck_assert_int_eq(unit_fork(write_there, bytes(reader)), SIGSEGV);
        ck_assert_int_eq(unit_fork(write_there, bytes(writer)), 0);
        ck_assert_int_eq(bytes(reader)[0], 'x');
        ck_assert_int_eq(shmbroker_segment_sync(writer, 0, 0), 0);
        shmbroker_release(writer);
        ck_assert_uint_eq(attached(), 1);
        shmbroker_release(reader);
        ck_assert_uint_eq(attached(), 0);
        shmbroker_options_free(options);
        library_remove(connection, "a");
}

TEST(window) {
        struct shmbroker_options *options = options_new(0), *how = NULL;
        struct shmbroker_segment *segment = NULL;
        char *at;

        create();
        shmbroker_options_set_window(options, PAGE, 100);
        segment = acquire(connection, options);
        ck_assert_int_eq(bytes(segment)[0], 1);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), PAGE);
        ck_assert_uint_eq(shmbroker_segment_offset(segment), PAGE);
        /* How to acquire it says nothing of how to map it again. */
        ck_assert_int_eq(shmbroker_segment_map(segment, options), -EINVAL);
        ck_assert_int_eq(shmbroker_options_new(&how), 0);
        shmbroker_options_set_window(how, 2 * PAGE, 0);
        ck_assert_int_eq(shmbroker_segment_map(segment, how), 0);
        ck_assert_int_eq(bytes(segment)[0], 2);
        shmbroker_options_set_window(how, 2 * PAGE, PAGE + 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, how), -EINVAL);
        ck_assert_int_eq(bytes(segment)[0], 2);
        /* At an address, where the window is and not the segment. */
        at = (char *) free_range(20 * PAGE) + 4 * PAGE;
        shmbroker_options_set_window(how, 2 * PAGE, 0);
        shmbroker_options_set_address(how, at);
        ck_assert_int_eq(shmbroker_segment_map(segment, how), 0);
        ck_assert_ptr_eq(bytes(segment), at);
        ck_assert_int_eq(at[0], 2);
        ck_assert_uint_eq(attached(), 1);
        /* There it is already, for others not. */
        ck_assert_int_eq(shmbroker_segment_map(segment, how), 0);
        shmbroker_segment_unmap(segment);
        ck_assert_ptr_null(bytes(segment));
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 0);
        ck_assert_uint_eq(attached(), 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, NULL), 0);
        ck_assert_ptr_eq(bytes(segment), at);
        shmbroker_release(segment);
        ck_assert_uint_eq(attached(), 0);
        shmbroker_options_free(how);
        shmbroker_options_free(options);
        library_remove(connection, "a");
}

static void fails(const struct shmbroker_options *options, int expected, const char *words) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), expected);
        ck_assert_ptr_null(segment);
        ck_assert_msg(strstr(shmbroker_error_message(error), words), "'%s' has no '%s'",
                      shmbroker_error_message(error), words);
        ck_assert_uint_eq(attached(), 0);
}

TEST(fails) {
        struct shmbroker_options *options = options_new(0);
        char here[2 * PAGE];

        create();
        shmbroker_options_set_private_copy(options, 1);
        fails(options, -EOPNOTSUPP, "private copy: the broker has no descriptor");
        shmbroker_options_set_private_copy(options, 0);
        shmbroker_options_set_window(options, 4 * PAGE, 0);
        fails(options, -EINVAL, "window");
        shmbroker_options_set_window(options, 0, 0);
        shmbroker_options_set_address(options, (void *) (((uintptr_t) here + PAGE) & ~(PAGE - 1)));
        fails(options, -EADDRINUSE, "something else is there");
        shmbroker_options_set_address(options, (void *) PAGE);
        shmbroker_options_set_window(options, 2 * PAGE, 0);
        fails(options, -EINVAL, "address");
        shmbroker_options_free(options);
        library_remove(connection, "a");
}

TEST(grows) {
        struct shmbroker_options *options = options_new(0);
        struct shmbroker_segment *segment, *reserved;
        char *at;

        create();
        segment = acquire(connection, NULL);
        shmbroker_options_set_reserve(options, 1);
        shmbroker_options_set_populate(options, 1);
        shmbroker_options_set_mlock(options, 1);
        reserved = acquire(connection, options);
        ck_assert_uint_eq(shmbroker_segment_mapped(reserved), 10 * PAGE);
        at = bytes(reserved);
        ck_assert_int_eq(shmbroker_segment_remap(segment, 11 * PAGE), -EINVAL);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 8 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(reserved, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 8 * PAGE);
        ck_assert_ptr_eq(bytes(reserved), at);
        bytes(segment)[8 * PAGE - 1] = 'z';
        ck_assert_int_eq(at[8 * PAGE - 1], 'z');
        shmbroker_release(segment);
        shmbroker_release(reserved);
        ck_assert_uint_eq(attached(), 0);
        shmbroker_options_free(options);
        library_remove(connection, "a");
}

/* It is an attachment all the same. */
TEST(no_map) {
        struct shmbroker_options *options = options_new(PAGE);
        struct shmbroker_segment *segment;

        shmbroker_options_set_map(options, 0);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        segment = acquire(connection, options);
        ck_assert_ptr_null(bytes(segment));
        ck_assert_uint_eq(attached(), 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, NULL), 0);
        strcpy(bytes(segment), "later");
        shmbroker_segment_unmap(segment);
        ck_assert_uint_eq(attached(), 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, NULL), 0);
        ck_assert_str_eq(bytes(segment), "later");
        shmbroker_release(segment);
        assert_gone();
        shmbroker_options_free(options);
}

/* What ends at once was there nevertheless, though the connection by which it came stays open. */
TEST(short) {
        struct shmbroker_options *options = options_new(PAGE);
        struct shmbroker_segment *segment = NULL;

        shmbroker_options_set_remove_on_last_detach(options, 1);
        for (int i = 0; i < 20; ++i) {
                shmbroker_release(acquire(connection, options));
                assert_gone();
        }
        /* And what could not be shown is held by nobody. */
        shmbroker_options_set_window(options, PAGE, PAGE);
        for (int i = 0; i < 20; ++i) {
                ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EINVAL);
                assert_gone();
        }
        /* A private one is removed. */
        ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), -EINVAL);
        shmbroker_options_free(options);
}

static void hold(int control_fd, void *userdata) {
        struct shmbroker_segment *segment = userdata;

        child_step(control_fd);
        shmbroker_release(segment);
        child_step(control_fd);
}

TEST(forked) {
        struct shmbroker_segment *segment;
        struct shmbroker_options *options = options_new(PAGE);
        Child children[2];

        shmbroker_options_set_remove_on_last_detach(options, 1);
        segment = acquire(connection, options);
        for (size_t i = 0; i < 2; ++i) {
                children[i] = child_start(hold, segment);
                child_wait(&children[i]);
        }
        ck_assert_uint_eq(attached(), 3);
        shmbroker_release(segment);
        ck_assert_uint_eq(attached(), 2);
        /* One releases it, the other one is killed. */
        child_continue(&children[0]);
        child_wait(&children[0]);
        ck_assert_uint_eq(attached(), 1);
        child_end(&children[0]);
        child_kill(&children[1]);
        assert_gone();
        shmbroker_options_free(options);
}

static int acquire_elsewhere(void *userdata) {
        struct shmbroker_segment *segment = NULL;
        struct shmbroker *own = NULL;
        int r;

        (void) userdata;
        /* Who may not may be root of a user namespace. */
        if (unshare(CLONE_NEWIPC) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWIPC) < 0)
                return errno == EPERM ? 77 : 1;
        if (shmbroker_connect(fixture_address(), &own))
                return 2;
        r = shmbroker_acquire(own, "a", NULL, &segment);
        if (r != -EOPNOTSUPP ||
            !strstr(shmbroker_error_message(shmbroker_get_error(own)), "IPC namespace"))
                r = 3;
        else if (shmbroker_adopt_sysv(own, 1, "b", NULL, NULL) != -EOPNOTSUPP)
                r = 4;
        else
                r = 0;
        shmbroker_close(own);
        return r;
}

TEST(namespace) {
        int r;

        create();
        r = unit_fork(acquire_elsewhere, NULL);
        if (r == 77)
                printf("no other IPC namespace can be had here: not tried\n");
        else
                ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(attached(), 0);
        library_remove(connection, "a");
}

/* What another process made, and who was killed, is attached so as well. */
TEST(adopted) {
        int shmid = native_make_sysv(IPC_PRIVATE, 5000, 0600);
        struct shmbroker_segment *segment;

        native_write_sysv(shmid, "from before");
        ck_assert_int_eq(shmbroker_adopt_sysv(connection, shmid, "a", NULL, NULL), 0);
        segment = acquire(connection, NULL);
        ck_assert_str_eq(bytes(segment), "from before");
        ck_assert_uint_eq(attached(), 1);
        library_remove(connection, "a");
        strcpy(bytes(segment), "still there");
        shmbroker_release(segment);
        for (int i = 0; i < 1000 && native_has_sysv(shmid); ++i)
                pause_a_little();
        ck_assert(!native_has_sysv(shmid));
}
