/* SPDX-License-Identifier: MIT */
/* Drop-ins of the configuration: which are read, and in which order. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server/dropins.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static char *root;
static const char *directories[4];
static char paths[3][256];
/* What was visited, each followed by a blank */
static char visited[1024];
static int result;

static void setup(void) {
        unit_fds_begin();
        root = unit_directory();
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i) {
                (void) snprintf(paths[i], sizeof(paths[i]), "%s/%zu", root, i);
                ck_assert_int_eq(mkdir(paths[i], 0700), 0);
                directories[i] = paths[i];
        }
        visited[0] = '\0';
        result = 0;
}

static void teardown(void) {
        free(root);
        unit_fds_end();
}

static void make_file(size_t directory, const char *name) {
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/%s", paths[directory], name);
        unit_write_file(path, "", 0);
}

static int visit(const char *path, void *userdata) {
        ck_assert_ptr_eq(userdata, root);
        (void) strcat(strcat(visited, path + strlen(root) + 1), " ");
        return result;
}

SUITE("dropins");
CASE("dropins", .setup = setup, .teardown = teardown);

TEST(order) {
        make_file(2, "10-a.conf");
        make_file(0, "90-z.conf");
        make_file(1, "50-m.conf");
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
        ck_assert_str_eq(visited, "2/10-a.conf 1/50-m.conf 0/90-z.conf ");
}

TEST(hidden) {
        make_file(0, "a.conf");
        make_file(1, "a.conf");
        make_file(2, "a.conf");
        make_file(1, "b.conf");
        make_file(2, "b.conf");
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
        ck_assert_str_eq(visited, "0/a.conf 1/b.conf ");
}

TEST(others) {
        static const char *const names[] = { ".a.conf", "a.conf~", "a.conf.rpmsave",
                                             "aconf",   ".conf",   "README" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                make_file(0, names[i]);
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
        ck_assert_str_eq(visited, "");
}

TEST(many) {
        char name[16];
        size_t n = 0;

        for (int i = 0; i < 100; ++i) {
                (void) snprintf(name, sizeof(name), "%d.conf", i % 10);
                make_file((size_t) i % 3, name);
        }
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
        for (const char *at = visited; (at = strchr(at, ' ')); ++at)
                ++n;
        ck_assert_uint_eq(n, 10);
}

TEST(missing) {
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i)
                ck_assert_int_eq(rmdir(paths[i]), 0);
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
        unit_write_file(paths[0], "", 0);
        ck_assert_int_eq(dropins_visit(directories, visit, root), 0);
}

TEST(end) {
        make_file(0, "a.conf");
        make_file(0, "b.conf");
        result = 7;
        ck_assert_int_eq(dropins_visit(directories, visit, root), 7);
        ck_assert_str_eq(visited, "0/a.conf ");
}
