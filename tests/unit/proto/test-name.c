/* SPDX-License-Identifier: MIT */
/* What a segment, a file and a POSIX object may be called. */

#include <stdio.h>
#include <string.h>

#include "proto/name.h"
#include "proto/util.h"
#include "tests/support/unit.h"

SUITE("name");
CASE("name", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(valid) {
        static const char *const rows[] = {
                "a",           "A",
                "0",           "a-",
                "_",           "a+",
                "a:",          "a@",
                "a.b",         ".a",
                "a.",          "...",
                "..a",         "a..",
                "a/b",         "a/.b/c.",
                "a/.../b",     "posix/name",
                "sysv/0x1234", "user@host:1000+x_y-z.0",
                "a/-/@",       "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                ck_assert_msg(name_valid(rows[i]), "'%s' is refused", rows[i]);
}

TEST(invalid) {
        static const char *const rows[] = {
                "",      ".",   "..",       "/",     "//",    "/a",    "a/",     "a//b",
                "a///b", "./a", "../a",     "a/.",   "a/..",  "a/./b", "a/../b", "a b",
                " a",    "a ",  "a\n",      "\n",    "a\tb",  "a\\b",  "a*",     "a?",
                "[a]",   "a;b", "a,b",      "a=b",   "a~",    "a%b",   "a#b",    "a!",
                "a\"",   "a'",  "a$b",      "a&b",   "a|b",   "a<b",   "(a)",    "{a}",
                "a^b",   "a`b", "\xc3\xa9", "a\x7f", "a\xff", "a\x01", "..//..", "-",
                "+",     ":",   "@",        "-a",    "+a",    ":1",    "@a/b",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                ck_assert_msg(!name_valid(rows[i]), "'%s' is accepted", rows[i]);
}

/* Every byte alone, and in the middle. */
TEST(bytes) {
        static const char allowed[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+:@-";
        char alone[2] = "x", within[4] = "x_y";

        for (unsigned int byte = 1; byte < 256; ++byte) {
                bool good = strchr(allowed, (int) byte);

                alone[0] = (char) byte;
                within[1] = (char) byte;
                ck_assert_msg(name_valid(alone) == (good && !strchr(".+:@-", (int) byte)),
                              "byte 0x%02x", byte);
                ck_assert_msg(name_valid(within) == (good || byte == '/'), "byte 0x%02x", byte);
        }
}

TEST(length) {
        char name[NAME_LENGTH_MAX + 2], *exact;

        ck_assert_int_eq(NAME_LENGTH_MAX, 255);
        memset(name, 'x', sizeof(name));
        name[NAME_LENGTH_MAX + 1] = '\0';
        ck_assert(!name_valid(name));
        name[NAME_LENGTH_MAX] = '\0';
        ck_assert(name_valid(name));
        exact = unit_copy(name, NAME_LENGTH_MAX + 1);
        ck_assert(name_valid(exact));
        free(exact);
        /* Nothing is read beyond what decides. */
        exact = malloc(NAME_LENGTH_MAX + 1);
        memset(exact, 'x', NAME_LENGTH_MAX + 1);
        ck_assert(!name_valid(exact));
        free(exact);
}

/* A file, and a POSIX object with a slash before it. */
TEST(files) {
        static const char *const good[] = { "a", ".a", "...", " ", "\n", "a b,c", "\xff", "-" };
        static const char *const bad[] = { "", ".", "..", "/", "a/", "/a", "a/b" };
        char name[FILE_NAME_LENGTH_MAX + 3];

        for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); ++i) {
                bool is_good = i < ARRAY_SIZE(good);

                (void) snprintf(name, sizeof(name), "/%s",
                                is_good ? good[i] : bad[i - ARRAY_SIZE(good)]);
                ck_assert_msg(file_name_valid(name + 1) == is_good, "%s", name + 1);
                ck_assert_msg(posix_name_valid(name) == is_good, "%s", name);
        }
        ck_assert(!posix_name_valid("") && !posix_name_valid("a"));
        memset(name, 'x', sizeof(name));
        name[FILE_NAME_LENGTH_MAX + 2] = '\0';
        name[0] = '/';
        ck_assert(!file_name_valid(name + 1) && !posix_name_valid(name));
        name[FILE_NAME_LENGTH_MAX + 1] = '\0';
        ck_assert(file_name_valid(name + 1) && posix_name_valid(name));
}
