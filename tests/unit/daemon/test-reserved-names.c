/* SPDX-License-Identifier: MIT */
/* Names that are reserved, and patterns: which of them no name can match, tried with all names. */

#include <stdlib.h>
#include <string.h>

#include "daemon/model/name-pattern.h"
#include "daemon/model/reserved-names.h"
#include "proto/name.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define USER 1000
#define OTHER 1001
#define GROUP 500

static ReservedNames names;

static void setup(void) {
        unit_fds_begin();
        names = (ReservedNames) RESERVED_NAMES_NULL;
}

static void teardown(void) {
        reserved_names_deinit(&names);
        ck_assert_ptr_null(names.first);
        /* Twice is harmless. */
        reserved_names_deinit(&names);
        unit_fds_end();
}

static void add(const char *pattern, bool for_group, id_t id) {
        ck_assert_int_eq(reserved_names_add(&names, pattern, for_group, id), 0);
}

static bool allows(const char *name, uid_t uid) {
        const Credentials credentials = { .uid = uid, .gid = OTHER };

        return reserved_names_allow(&names, name, &credentials);
}

SUITE("reserved names");
CASE("reserved names", .setup = setup, .teardown = teardown, .timeout = 120);

TEST(nothing) {
        ck_assert(allows("a", USER));
}

TEST(user) {
        const Credentials admin = { .uid = OTHER, .privileged = true };
        const Credentials unmapped = { .uid = USER, .unmapped = true };

        add("prod/*", false, USER);
        ck_assert(allows("prod/a/b", USER));
        ck_assert(!allows("prod/a/b", OTHER));
        ck_assert(!allows("prod/a", 0));
        ck_assert(allows("prod", OTHER));
        ck_assert(allows("a/prod/b", OTHER));
        ck_assert(reserved_names_allow(&names, "prod/a", &admin));
        ck_assert(!reserved_names_allow(&names, "prod/a", &unmapped));
}

/* Effective or supplementary, and no uid of the same number. */
TEST(group) {
        gid_t groups[] = { 7, GROUP };
        Credentials credentials = { .uid = OTHER, .gid = GROUP };

        add("g/*", true, GROUP);
        ck_assert(reserved_names_allow(&names, "g/a", &credentials));
        credentials.group_unmapped = true;
        ck_assert(!reserved_names_allow(&names, "g/a", &credentials));
        credentials = (Credentials){ .uid = GROUP, .gid = 1, .groups = groups, .n_groups = 1 };
        ck_assert(!reserved_names_allow(&names, "g/a", &credentials));
        credentials.n_groups = 2;
        ck_assert(reserved_names_allow(&names, "g/a", &credentials));
}

/* The last one that matches decides, in whatever order they say more. */
TEST(order) {
        ReservedNames more = RESERVED_NAMES_NULL, none = RESERVED_NAMES_NULL;

        add("p/*", false, USER);
        add("p/db/*", false, OTHER);
        ck_assert(allows("p/a", USER) && !allows("p/a", OTHER));
        ck_assert(allows("p/db/a", OTHER) && !allows("p/db/a", USER));
        ck_assert_int_eq(reserved_names_add(&more, "*", false, USER), 0);
        reserved_names_join(&names, &more);
        ck_assert_ptr_null(more.first);
        reserved_names_join(&names, &none);
        ck_assert(allows("p/db/a", USER) && !allows("p/db/a", OTHER));
        ck_assert(!allows("q", OTHER));
        reserved_names_join(&none, &names);
        ck_assert(allows("q", OTHER));
        reserved_names_join(&names, &none);
        ck_assert(!allows("q", OTHER));
}

static const struct {
        const char *pattern;
        bool possible;
} patterns[] = {
        { "*", true },
        { "?", true },
        { "a", true },
        { "prod/*", true },
        { "a:b/*", true },
        { "*:*", true },
        { "_*", true },
        { "[a-c]*", true },
        { "[!a-c]", true },
        { "[[:alpha:]]", true },
        { "[[:digit:]]x", true },
        { "x[.]]", false },
        { "\\a", true },
        { "a\\*", false },
        { ".../a", true },
        { "*..*", true },
        { "", false },
        { ".", false },
        { "..", false },
        { "./*", false },
        { "a/../b", false },
        { "/*", false },
        { "*/", false },
        { "a//b", false },
        { "-*", false },
        { "+a", false },
        { ":a", false },
        { "@*", false },
        { "[-+]a", false },
        { "[-a]a", true },
        { "a b", false },
        { "a[ ]b", false },
        { "a=b", false },
        { "caf\xc3\xa9", false },
        { "[", false },
        { "[a", false },
        { "[]a]", true },
        { "[]-]", false },
        { "[!/]", true },
        { "a[/]b", true },
        { "a[/][/]b", false },
        { "a*[ ]*", false },
        { "\\", false },
        { "a\\", false },
};

TEST(patterns, .end = ARRAY_SIZE(patterns)) {
        ck_assert_msg(name_pattern_possible(patterns[_i].pattern) == patterns[_i].possible, "%s",
                      patterns[_i].pattern);
}

#define LENGTH_MAX 5
#define PATTERN_MAX 4
#define PATTERNS 3000

static const char letters[] = "abc./:-";
static const char pattern_letters[] = "ab./:*?[]!-\\^";

/* All names of these letters that are not longer, one after the other; "" to begin. */
static bool next_text(char text[LENGTH_MAX + 1]) {
        size_t n = strlen(text);

        for (size_t i = n; i > 0; --i) {
                const char *at = strchr(letters, text[i - 1]);

                if (at[1]) {
                        text[i - 1] = at[1];
                        return true;
                }
                text[i - 1] = letters[0];
        }
        if (n == LENGTH_MAX)
                return false;
        text[n] = letters[0];
        text[n + 1] = '\0';
        return true;
}

static bool any_matches(const char *pattern) {
        char text[LENGTH_MAX + 1] = "";

        while (next_text(text))
                if (name_pattern_matches(pattern, text) && name_valid(text))
                        return true;
        return false;
}

TEST(random_patterns) {
        uint64_t seed = 11;
        size_t n_possible = 0;

        for (int i = 0; i < PATTERNS; ++i) {
                char pattern[PATTERN_MAX + 1] = "";
                size_t n = 1 + (size_t) unit_below(&seed, PATTERN_MAX);
                bool possible;

                for (size_t j = 0; j < n; ++j)
                        pattern[j] =
                                pattern_letters[unit_below(&seed, sizeof(pattern_letters) - 1)];
                possible = any_matches(pattern);
                ck_assert_msg(name_pattern_possible(pattern) == possible, "'%s' is %s", pattern,
                              possible ? "possible" : "impossible");
                n_possible += possible;
        }
        ck_assert_uint_gt(n_possible, PATTERNS / 10);
        ck_assert_uint_lt(n_possible, PATTERNS - PATTERNS / 10);
}
