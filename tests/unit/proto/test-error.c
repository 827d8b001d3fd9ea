/* SPDX-License-Identifier: MIT */
/* How errors are passed on, and who is told. */

#include <errno.h>
#include <string.h>

#include "proto/error.h"
#include "tests/support/unit.h"

static unsigned int n_told;
static int told;
static const char *told_step, *told_function, *told_file;
static int told_line;

static void sink(int r, const char *step, const char *file, int line, const char *function) {
        ++n_told;
        told = r;
        told_step = step;
        told_file = file;
        told_line = line;
        told_function = function;
}

static void setup(void) {
        unit_fds_begin();
        n_told = 0;
        error_set_sink(sink);
}

static void teardown(void) {
        error_set_sink(NULL);
        unit_fds_end();
}

SUITE("error");
CASE("error", .setup = setup, .teardown = teardown);

TEST(origin) {
        int r = error_origin(-ENOMEM), line = __LINE__;

        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_int_eq(told, -ENOMEM);
        ck_assert_str_eq(told_step, "raised");
        ck_assert_int_eq(told_line, line);
        ck_assert_str_eq(told_function, __func__);
        ck_assert_ptr_nonnull(strstr(told_file, "test-error.c"));
}

/* Only what is fatal leaves a trace; everything comes through as it was. */
TEST(trace) {
        ck_assert_int_eq(error_trace(0), 0);
        ck_assert_int_eq(error_trace(1), 1);
        ck_assert_int_eq(error_trace(7), 7);
        ck_assert_uint_eq(n_told, 0);
        ck_assert_int_eq(error_trace(-EIO), -EIO);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_int_eq(told, -EIO);
        ck_assert_str_eq(told_step, "passed");
}

/* A code that nobody expected becomes fatal. */
TEST(fold) {
        ck_assert_int_eq(error_fold(0), 0);
        ck_assert_uint_eq(n_told, 0);
        ck_assert_int_eq(error_fold(-EIO), -EIO);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_str_eq(told_step, "passed");
        ck_assert_int_eq(error_fold(1), -ENOTRECOVERABLE);
        ck_assert_int_eq(error_fold(4711), -ENOTRECOVERABLE);
        ck_assert_uint_eq(n_told, 3);
        ck_assert_int_eq(told, -ENOTRECOVERABLE);
        ck_assert_str_eq(told_step, "folded");
}

static int innermost(void) {
        return error_origin(-ENOSPC);
}

static int middle(void) {
        return error_trace(innermost());
}

/* The argument is looked at once, and each step tells of itself. */
TEST(path) {
        ck_assert_int_eq(error_trace(middle()), -ENOSPC);
        ck_assert_uint_eq(n_told, 3);
        ck_assert_str_eq(told_function, __func__);
}

TEST(no_sink) {
        error_set_sink(NULL);
        ck_assert_int_eq(error_origin(-EIO), -EIO);
        ck_assert_int_eq(error_trace(-EIO), -EIO);
        ck_assert_int_eq(error_fold(1), -ENOTRECOVERABLE);
        ck_assert_uint_eq(n_told, 0);
}
