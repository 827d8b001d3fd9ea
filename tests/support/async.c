/* SPDX-License-Identifier: MIT */
#include "tests/support/async.h"

#include <errno.h>

#include <check.h>

#include "tests/support/library.h"

/* What does not wait takes no longer, on a machine that is busy. */
#define AT_ONCE_MSEC 500

struct shmbroker *async_new(const char *address) {
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(shmbroker_new(address, &connection), 0);
        return connection;
}

int async_process(struct shmbroker *connection) {
        uint64_t begin = library_clock_msec();
        int r = shmbroker_process(connection);

        ck_assert_uint_lt(library_clock_msec() - begin, AT_ONCE_MSEC);
        return r;
}

/* An event loop with nothing else in it, for so long at most: one descriptor tells all. Return: the
 * next call that is done, or NULL. */
struct shmbroker_call *async_loop(struct shmbroker *connection, uint64_t msec) {
        uint64_t end = library_clock_msec() + msec, now;
        int fd = shmbroker_get_fd(connection), r;

        ck_assert_int_ge(fd, 0);
        while ((r = async_process(connection)) == 0 && (now = library_clock_msec()) < end)
                (void) library_readable(fd, (int) (end - now));
        ck_assert_int_ge(r, 0);
        ck_assert_int_eq(shmbroker_get_fd(connection), fd);
        return shmbroker_next_done(connection);
}

/* The call ends with this result, before any other one. */
void async_end(struct shmbroker *connection, struct shmbroker_call *call, int result) {
        ck_assert_ptr_eq(async_loop(connection, 10000), call);
        ck_assert_int_eq(shmbroker_call_result(call), result);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_call_error(call)), result);
}

void async_end_free(struct shmbroker *connection, struct shmbroker_call *call, int result) {
        async_end(connection, call, result);
        ck_assert_ptr_null(shmbroker_call_free(call));
}

/* What the call acquired, as soon as it is there. */
struct shmbroker_segment *async_finish(struct shmbroker *connection, struct shmbroker_call *call) {
        struct shmbroker_segment *segment = NULL;

        async_end(connection, call, 0);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), 0);
        ck_assert_ptr_nonnull(segment);
        shmbroker_call_free(call);
        return segment;
}

struct shmbroker_call *async_start(struct shmbroker *connection, const char *name,
                                   const struct shmbroker_options *options) {
        struct shmbroker_call *call = NULL;

        ck_assert_int_eq(shmbroker_acquire_start(connection, name, options, &call), 0);
        ck_assert_int_eq(shmbroker_call_result(call), -EINPROGRESS);
        return call;
}

struct shmbroker_call *async_stat(struct shmbroker *connection, const char *name) {
        struct shmbroker_call *call = NULL;

        ck_assert_int_eq(shmbroker_stat_start(connection, name, 0, &call), 0);
        return call;
}

struct shmbroker_options *async_waiting(uint64_t usec) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_wait(options, usec);
        return options;
}

uint64_t async_count(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;
        uint64_t n;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        n = shmbroker_status_segment_count(status);
        shmbroker_status_free(status);
        return n;
}
