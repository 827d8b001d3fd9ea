/* SPDX-License-Identifier: MIT */
#include "tests/support/library.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include <check.h>

#include "tests/support/fixture.h"

struct shmbroker *library_connect(void) {
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(shmbroker_connect(fixture_address(), &connection), 0);
        ck_assert_ptr_nonnull(connection);
        return connection;
}

struct shmbroker_options *library_options(int create, uint64_t size) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_create(options, create);
        shmbroker_options_set_size(options, size);
        return options;
}

struct shmbroker_segment *library_create(struct shmbroker *connection, const char *name,
                                         uint64_t size) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, size);
        struct shmbroker_segment *segment = NULL;

        if (!name)
                shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, name, options, &segment), 0);
        shmbroker_options_free(options);
        return segment;
}

void library_remove(struct shmbroker *connection, const char *name) {
        ck_assert_int_eq(shmbroker_remove(connection, name, 0, 0, NULL), 0);
}

uint64_t library_attach_count(const struct shmbroker_info *info) {
        uint64_t count = 0;

        ck_assert_int_eq(shmbroker_info_attach_count(info, &count), 0);
        return count;
}

int library_readable(int fd, int msec) {
        struct pollfd wanted = { .fd = fd, .events = POLLIN };
        int n;

        ck_assert_int_ge(fd, 0);
        do
                n = poll(&wanted, 1, msec);
        while (n < 0 && errno == EINTR);
        ck_assert_int_ge(n, 0);
        return n;
}

uint64_t library_now(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

uint64_t library_clock_msec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}
