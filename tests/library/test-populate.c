/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker: memory that is not there is told when it is asked for, and not by SIGBUS later. The
 * /dev/shm that is too small is one of this program's own.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define SHM_DIRECTORY "/dev/shm"
#define MIB ((size_t) 1 << 20)

static void up(void) {
        fixture_up(NULL);
}

static size_t free_bytes(void) {
        struct statvfs system;

        ck_assert_int_eq(statvfs(SHM_DIRECTORY, &system), 0);
        return system.f_bavail * system.f_frsize;
}

static struct shmbroker_options *options_new(size_t size) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, size);

        shmbroker_options_set_kind(options, SHMBROKER_KIND_POSIX);
        shmbroker_options_set_populate(options, 1);
        return options;
}

static void assert_full(struct shmbroker *connection, const char *name,
                        const struct shmbroker_options *options) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire(connection, name, options, &segment), -ENOSPC);
        ck_assert_ptr_null(segment);
        ck_assert_msg(strstr(shmbroker_error_message(error), "cannot be populated: its file system "
                                                             "is full"),
                      "%s", shmbroker_error_message(error));
        /* It is no limit of the broker's. */
        ck_assert_ptr_null(shmbroker_error_name(error));
}

static uint64_t segment_count(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;
        uint64_t count;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        count = shmbroker_status_segment_count(status);
        shmbroker_status_free(status);
        return count;
}

/* The broker may give much memory back in a thread of its own. */
static void assert_free(size_t expected) {
        const struct timespec pause = { .tv_nsec = 10000000 };

        for (int i = 0; i < 1000 && free_bytes() != expected; ++i)
                (void) nanosleep(&pause, NULL);
        ck_assert_uint_eq(free_bytes(), expected);
}

/* Four MiB, for this process and its children alone. */
static bool mount_own(void) {
        if (unshare(CLONE_NEWNS) == 0 &&
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
            mount("tmpfs", SHM_DIRECTORY, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=1777") == 0)
                return true;
        printf("skip: no /dev/shm of its own: %s\n", strerror(errno));
        return false;
}

SUITE("library-populate", .skip = !mount_own());
CASE("populate", .setup = up, .teardown = fixture_down, .timeout = 60);

/* Nothing of it is left, whatever it was to be called. */
TEST(full) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new(5 * MIB);
        struct shmbroker_segment *segment = NULL;
        size_t n_free = free_bytes();

        ck_assert_uint_lt(n_free, 5 * MIB);
        assert_full(connection, NULL, options);
        ck_assert_uint_eq(segment_count(connection), 0);
        assert_free(n_free);
        assert_full(connection, "a/b", options);
        ck_assert_uint_eq(segment_count(connection), 0);
        assert_free(n_free);
        ck_assert_int_lt(access(SHM_DIRECTORY "/a.b", F_OK), 0);
        /* What fits is there. */
        shmbroker_options_set_size(options, 2 * MIB);
        ck_assert_int_eq(shmbroker_acquire(connection, "a/b", options, &segment), 0);
        memset(shmbroker_segment_data(segment), 1, 2 * MIB);
        shmbroker_release(segment);
        library_remove(connection, "a/b");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* What others made stays, with what is in it; and so does a mapping that is there. */
TEST(opened) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new(5 * MIB), *how = NULL;
        struct shmbroker_segment *segment = NULL;

        shmbroker_options_set_populate(options, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        strcpy(shmbroker_segment_data(segment), "there");
        shmbroker_options_set_populate(options, 1);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_ANY);
        assert_full(connection, "a", options);
        ck_assert_uint_eq(segment_count(connection), 1);
        ck_assert_int_eq(shmbroker_options_new(&how), 0);
        shmbroker_options_set_populate(how, 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, how), -ENOSPC);
        shmbroker_options_free(how);
        ck_assert_str_eq(shmbroker_segment_data(segment), "there");
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
