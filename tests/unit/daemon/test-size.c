/* SPDX-License-Identifier: MIT */
/* Sizes as people write them: the configuration file and the command read the same texts alike. */

#include "client/ctl/size.h"
#include "daemon/server/size.h"
#include "proto/types.h"
#include "proto/util.h"
#include "tests/support/unit.h"

/* No size at all */
#define NONE UINT64_MAX

static const struct {
        const char *text;
        uint64_t size;
} rows[] = {
        { "0", 0 },
        { "00012", 12 },
        { "4096", 4096 },
        { "5B", 5 },
        { "5b", 5 },
        { "64K", 64 << 10 },
        { "64k", 64 << 10 },
        { "64KiB", 64 << 10 },
        { "64kib", 64 << 10 },
        { "64KIB", 64 << 10 },
        { "64KB", 64000 },
        { "10MB", 10000000 },
        { "1M", 1 << 20 },
        { "1.5G", UINT64_C(3) << 29 },
        { "1.5GiB", UINT64_C(3) << 29 },
        { "1.5GB", 1500000000 },
        { "0.5K", 512 },
        { "1.0001K", 1024 },
        { "0.001953125M", 2048 },
        { "1.9999999999K", 2047 },
        { "1.00000000000000000000000001K", 1024 },
        { "2T", UINT64_C(2) << 40 },
        { "2TB", UINT64_C(2000000000000) },
        { "8P", NUMBER_MAX },
        { "8192TiB", NUMBER_MAX },
        { "9007199254740992", NUMBER_MAX },
        { "9PB", UINT64_C(9000000000000000) },
        { "0E", 0 },
        { "0.0078125E", NUMBER_MAX },
        { "", NONE },
        { " 1", NONE },
        { "1 ", NONE },
        { "1 K", NONE },
        { "-1", NONE },
        { "+1", NONE },
        { "K", NONE },
        { ".5K", NONE },
        { "1.", NONE },
        { "1.K", NONE },
        { "1..5K", NONE },
        { "1.5", NONE },
        { "1.5B", NONE },
        { "1,5K", NONE },
        { "0x10", NONE },
        { "1e3", NONE },
        { "1i", NONE },
        { "1iB", NONE },
        { "1Ki", NONE },
        { "1KiBs", NONE },
        { "1KK", NONE },
        { "1BB", NONE },
        { "1Z", NONE },
        { "1\xc2\xb5", NONE },
        { "50%", NONE },
        { "infinity", NONE },
        { "18446744073709551616", NONE },
        { "99999999999999999999999999", NONE },
        { "16E", NONE },
        { "18014398509481984K", NONE },
};

SUITE("size");
CASE("size");

TEST(alike, .end = ARRAY_SIZE(rows)) {
        uint64_t size = NONE, other = NONE;
        bool is_one = size_read(rows[_i].text, &size);
        int r = size_parse(rows[_i].text, &other);

        ck_assert_msg(is_one == (rows[_i].size != NONE) && size == rows[_i].size,
                      "'%s' in the configuration", rows[_i].text);
        ck_assert_msg((r == 0) == is_one && other == rows[_i].size, "'%s' on the command line",
                      rows[_i].text);
}

static const char *const too_large[] = { "9007199254740993", "8.1P", "8193T", "15E",
                                         "18446744073709551615" };

/* What the protocol cannot tell is a number all the same, which the broker refuses. */
TEST(too_large, .end = ARRAY_SIZE(too_large)) {
        uint64_t size = NONE;

        ck_assert(!size_read(too_large[_i], &size));
        ck_assert_uint_eq(size, NONE);
        ck_assert_int_eq(size_parse(too_large[_i], &size), 0);
        ck_assert_uint_gt(size, NUMBER_MAX);
}
