/* SPDX-License-Identifier: MIT */
/* The configuration file. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "daemon/server/settings.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static char *directory, *path;
static Settings before, settings;

static void setup(void) {
        unit_fds_begin();
        /* What is not understood is logged; that is not for the eyes of who runs this. */
        log_set_level(LOG_EMERG);
        directory = unit_directory();
        path = unit_path(directory, "shmbroker.conf");
        memset(&before, 0, sizeof(before));
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                before.total_maximum[i] = 1000 + i;
                before.user_maximum[i] = 2000 + i;
        }
        before.log_level = LOG_INFO;
        settings = before;
}

static void teardown(void) {
        settings_deinit(&settings);
        free(directory);
        free(path);
        unit_fds_end();
}

static int read_text(const char *text) {
        unit_write_file(path, text, strlen(text));
        return settings_read(path, &settings);
}

static void expect_unchanged(const char *what) {
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                ck_assert_msg(settings.total_maximum[i] == before.total_maximum[i], "%s", what);
                ck_assert_msg(settings.user_maximum[i] == before.user_maximum[i], "%s", what);
        }
        ck_assert_msg(settings.log_level == before.log_level, "%s", what);
        ck_assert_msg(!settings.reserved_names.first, "%s", what);
}

SUITE("settings");
CASE("settings", .setup = setup, .teardown = teardown);

TEST(none) {
        ck_assert_int_eq(settings_read(path, &settings), SETTINGS_E_NONE);
        expect_unchanged("no file");
        ck_assert_int_eq(settings_read("/dev/null/x", &settings), -ENOTDIR);
        ck_assert_int_eq(settings_read(directory, &settings), -EISDIR);
        expect_unchanged("a directory");
}

TEST(good) {
        ck_assert_int_eq(read_text("# a comment\n"
                                   "; another\n"
                                   "\n"
                                   "[limits]\n"
                                   "bytes = 4G\n"
                                   "bytesPerUser=1.5MiB\n"
                                   "segments = 0\n"
                                   "segmentsPerUser = 12\n"
                                   "attachments = 3M\n"
                                   "connections = 9007199254740992\n"
                                   "connectionsPerUser = 1T\n"
                                   "\n"
                                   "[log]\n"
                                   "level = warning\n"),
                         0);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_BYTES], UINT64_C(4) << 30);
        ck_assert_uint_eq(settings.user_maximum[LIMIT_BYTES], 3 << 19);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_SEGMENTS], 0);
        ck_assert_uint_eq(settings.user_maximum[LIMIT_SEGMENTS], 12);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_ATTACHMENTS], 3 << 20);
        ck_assert_uint_eq(settings.user_maximum[LIMIT_ATTACHMENTS],
                          before.user_maximum[LIMIT_ATTACHMENTS]);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_CONNECTIONS], UINT64_C(1) << 53);
        ck_assert_uint_eq(settings.user_maximum[LIMIT_CONNECTIONS], UINT64_C(1) << 40);
        ck_assert_int_eq(settings.log_level, LOG_WARNING);
}

TEST(empty) {
        ck_assert_int_eq(read_text(""), 0);
        ck_assert_int_eq(read_text("\n\n# nothing\n"), 0);
        ck_assert_int_eq(read_text("[limits]\n[log]\n"), 0);
        expect_unchanged("empty");
}

/* A line of any length is one line. */
TEST(long_lines) {
        char text[2000] = "# ";

        memset(text + 2, 'x', 1000);
        strcpy(text + 300, "\n[limits]\nbytes = 5\n");
        ck_assert_int_eq(read_text(text), 0);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_BYTES], 5);
        memset(text, ' ', 400);
        strcpy(text, "[limits]\nbytes = 7");
        text[strlen(text)] = ' ';
        strcpy(text + 300, "\n");
        ck_assert_int_eq(read_text(text), SETTINGS_E_INVALID);
        /* What a comment says behind its 200th character is a comment. */
        settings = before;
        strcpy(text, "[limits]\n#");
        memset(text + 10, 'x', 188);
        strcpy(text + 198, "\nsegments = 6 # comment\n");
        text[198] = ' ';
        (void) read_text(text);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_SEGMENTS],
                          before.total_maximum[LIMIT_SEGMENTS]);
}

TEST(every_name) {
        char text[128];

        for (size_t i = 0; i < _LIMIT_N; ++i) {
                (void) snprintf(text, sizeof(text), "[limits]\n%s = %zu\n%s = %zu\n",
                                limit_total_name((Limit) i), i + 70, limit_user_name((Limit) i),
                                i + 80);
                ck_assert_int_eq(read_text(text), 0);
                ck_assert_uint_eq(settings.total_maximum[i], i + 70);
                ck_assert_uint_eq(settings.user_maximum[i], i + 80);
        }
}

TEST(levels) {
        static const struct {
                const char *name;
                int level;
        } rows[] = {
                { "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
                { "info", LOG_INFO }, { "debug", LOG_DEBUG },
        };
        char text[128];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                (void) snprintf(text, sizeof(text), "[log]\nlevel = %s\n", rows[i].name);
                ck_assert_int_eq(read_text(text), 0);
                ck_assert_int_eq(settings.log_level, rows[i].level);
        }
}

static const char *const invalid[] = {
        "[limits]\nbytes =\n",
        "[limits]\nbytes = -1\n",
        "[limits]\nbytes = +1\n",
        "[limits]\nbytes = 1.5\n",
        "[limits]\nbytes = 1 K\n",
        "[limits]\nbytes = K\n",
        "[limits]\nbytes = 0x10\n",
        "[limits]\nbytes = 1,000\n",
        "[limits]\nbytes = 50%\n",
        "[limits]\nbytes = Infinity\n",
        "[limits]\nbytes = infinityK\n",
        "[limits]\nbytes = 9007199254740993\n",
        "[limits]\nbytes = 18446744073709551615\n",
        "[limits]\nbytes = 18446744073709551616\n",
        "[limits]\nbytes = 99999999999999999999999\n",
        "[limits]\nbytes = 18014398509481984K\n",
        "[limits]\nbytes = 16777216T\n",
        "[log]\nlevel = 7\n",
        "[log]\nlevel = verbose\n",
        "[log]\nlevel = DEBUG\n",
        "[log]\nlevel =\n",
        "[limits\nbytes = 1\n",
        "[limits]\nbytes\n",
        "[limits]\nsegments = 5\nbytes = x\n",
        "[limits]\nbytes = x\nsegments = 5\n",
        "[limits] bytes = 1\n",
        "[names]\na = there-is-no-such-user\n",
        "[names]\na = @there-is-no-such-group\n",
        "[names]\na = @\n",
        "[names]\na =\n",
        "[names]\na = ; root\n",
        "[names]\na\n",
        "[names]\na: root\n",
        "[names]\n = root\n",
        "[names]\na = root root\n",
        "[names]\na = -1\n",
        "[names]\na = 4294967295\n",
        "[names]\n[ab]* = root\n",
        "[names]\na = root\nb = root\nc = there-is-no-such-user\nd = root\n",
        "[names]\na = there-is-no-such-user\nb = root\n",
        "[names]\na = root\n[limits]\nbytes = x\n",
};

static const char *const unknown[] = {
        "bytes = 1\n",          "[limit]\nbytes = 1\n",   "[Limits]\nbytes = 1\n",
        "[limits]\nbyte = 1\n", "[limits]\nBytes = 1\n",  "[limits]\nlevel = info\n",
        "[log]\nbytes = 1\n",   "[X-other]\nbytes = x\n", "[limits]\nX-bytes = x\n",
};

/* What is unknown is ignored, and the rest holds. */
TEST(unknown, .end = ARRAY_SIZE(unknown)) {
        char text[256];

        ck_assert_int_eq(read_text(unknown[_i]), 0);
        expect_unchanged(unknown[_i]);
        (void) snprintf(text, sizeof(text), "%s[limits]\nsegments = 5\n", unknown[_i]);
        ck_assert_int_eq(read_text(text), 0);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_SEGMENTS], 5);
}

/* A file with a wrong value in it changes nothing. */
TEST(invalid, .end = ARRAY_SIZE(invalid)) {
        ck_assert_msg(read_text(invalid[_i]) == SETTINGS_E_INVALID, "accepted:\n%s", invalid[_i]);
        expect_unchanged(invalid[_i]);
}

/* What comes of a text, and what is logged meanwhile, which is the caller's. */
static int read_logged(const char *text, char **ret_log) {
        _cleanup_(freep) char *log_path = unit_path(directory, "log");
        int before_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        int fd = open(log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        int r;

        ck_assert_int_ge(before_fd, 0);
        ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
        log_set_level(LOG_WARNING);
        r = read_text(text);
        log_set_level(LOG_EMERG);
        ck_assert_int_ge(dup2(before_fd, STDERR_FILENO), 0);
        fd_close(fd);
        fd_close(before_fd);
        *ret_log = unit_read_file(log_path, NULL);
        return r;
}

/* Each complaint says its line, whatever comments and long lines come before. */
TEST(lines) {
        _cleanup_(freep) char *text = NULL;

        ck_assert_int_eq(
                read_logged("# one\n\n[limits]\nnonsense = 1\n# five\nbytes = 1X\n", &text),
                SETTINGS_E_INVALID);
        ck_assert_msg(strstr(text, "shmbroker.conf:4: ") && strstr(text, "shmbroker.conf:6: "),
                      "%s", text);
}

static bool reserved(const char *name, uid_t uid, gid_t gid) {
        const Credentials other = { .uid = 12345, .gid = 12345 }, one = { .uid = uid, .gid = gid };

        return !reserved_names_allow(&settings.reserved_names, name, &other) &&
               reserved_names_allow(&settings.reserved_names, name, &one);
}

/* A pattern is taken as it stands, whatever inih makes of colons, indented lines and brackets. */
TEST(names) {
        ck_assert_int_eq(read_text("[names]\n"
                                   "# a comment\n"
                                   "prod/* = root\n"
                                   "   indented=root\n"
                                   "a:b:c/* = 4711 ; a comment\n"
                                   "X-ray/* = @root\n"
                                   "g/[ab]*=@ 4712\n"
                                   "[limits] # a comment\n"
                                   "segments = 5\n"),
                         SETTINGS_E_INVALID);
        expect_unchanged("a space behind @");
        ck_assert_int_eq(read_text("[names]\n"
                                   "# a comment\n"
                                   "prod/* = root\n"
                                   "   indented=root\n"
                                   "a:b:c/* = 4711 ; a comment\n"
                                   "X-ray/* = @root\n"
                                   "g/[ab]*=@4712\n"
                                   "[limits] # a comment\n"
                                   "segments = 5\n"),
                         0);
        ck_assert(reserved("prod/a", 0, 1));
        ck_assert(reserved("indented", 0, 1));
        ck_assert(reserved("a:b:c/d", 4711, 1));
        ck_assert(reserved("X-ray/x", 1, 0));
        ck_assert(reserved("g/b", 1, 4712));
        ck_assert(!reserved("g/c", 1, 4712));
        ck_assert(!reserved("a", 0, 0));
        ck_assert_uint_eq(settings.total_maximum[LIMIT_SEGMENTS], 5);
}

/* Each file adds to those before it, and the last line decides; of one that is wrong, nothing. */
TEST(names_of_files) {
        ck_assert_int_eq(read_text("[names]\na/* = 1\nb = 1\n"), 0);
        ck_assert_int_eq(read_text("[names]\na/b = 2\n"), 0);
        ck_assert_int_eq(read_text("[names]\na/* = 3\nb = there-is-no-such-user\n"),
                         SETTINGS_E_INVALID);
        ck_assert(reserved("a/a", 1, 0));
        ck_assert(reserved("a/b", 2, 0));
        ck_assert(reserved("b", 1, 0));
}

TEST(names_lines) {
        _cleanup_(freep) char *text = NULL, *other = NULL;

        ck_assert_int_eq(read_logged("[names]\na = root\n\nb:* = there-is-no-such-user\n", &text),
                         SETTINGS_E_INVALID);
        ck_assert_msg(strstr(text, "shmbroker.conf:4: cannot reserve 'b:*': the broker knows no "
                                   "user 'there-is-no-such-user'"),
                      "%s", text);
        /* It can be read, and is of no use. */
        ck_assert_int_eq(read_logged("[names]\n/prod/* = root\nprod/* = root\n", &other), 0);
        ck_assert_msg(strstr(other, "shmbroker.conf:2: this line reserves nothing: no segment can "
                                    "have a name that '/prod/*' matches."),
                      "%s", other);
        ck_assert_ptr_null(strstr(other, "shmbroker.conf:3"));
}

static const TenantSettings *find_tenant(const char *name) {
        const TenantSettings *tenant;

        DL_FOREACH(settings.tenants, tenant)
                if (strcmp(tenant->name, name) == 0)
                        return tenant;
        ck_abort_msg("no tenant %s", name);
        return NULL;
}

TEST(tenants) {
        const TenantSettings *web, *db;

        ck_assert_int_eq(read_text("[tenant web]\n"
                                   "[tenant\tdb ]\n"
                                   "socket = /run/db/socket\n"
                                   "mode = 0600\n"
                                   "owner = 1000\n"
                                   "group = root\n"
                                   "segments = 12\n"
                                   "bytesPerUser = infinity\n"
                                   "export = frames/*  pool\n"
                                   "  more\n"
                                   "export = last\n"
                                   "X-mine = 1\n"
                                   "unknown = 2\n"
                                   "[tenancy]\n"
                                   "socket = 3\n"),
                         0);
        web = find_tenant("web");
        ck_assert_ptr_null(web->problem);
        ck_assert_ptr_null(web->socket);
        ck_assert_ptr_null(web->exports);
        ck_assert_uint_eq(web->mode, 0666);
        ck_assert_uint_eq(web->owner, (uid_t) -1);
        ck_assert_uint_eq(web->total_maximum[LIMIT_BYTES], TENANT_LIMIT_UNSET);
        db = find_tenant("db");
        ck_assert_ptr_null(db->problem);
        ck_assert_str_eq(db->socket, "/run/db/socket");
        ck_assert_uint_eq(db->mode, 0600);
        ck_assert_uint_eq(db->owner, 1000);
        ck_assert_uint_eq(db->group, 0);
        ck_assert_uint_eq(db->total_maximum[LIMIT_SEGMENTS], 12);
        ck_assert_uint_eq(db->user_maximum[LIMIT_BYTES], LIMIT_NONE);
        ck_assert_uint_eq(db->user_maximum[LIMIT_SEGMENTS], TENANT_LIMIT_UNSET);
        ck_assert_str_eq(db->exports, "frames/*  pool more last");
        expect_unchanged("tenants");
}

/* What is wrong with a tenant: everything else is used. */
static const char *const wrong_tenants[] = {
        "[tenant web]\nmode = 1000\n",
        "[tenant web]\nmode = 8\n",
        "[tenant web]\nmode =\n",
        "[tenant web]\nsocket = relative\n",
        "[tenant web]\nsocket = /run/\n",
        "[tenant web]\nsocket =\n",
        "[tenant web]\nowner = no-such-user-here\n",
        "[tenant web]\nowner = 4294967295\n",
        "[tenant web]\ngroup = -1\n",
        "[tenant web]\nbytes = many\n",
        "[tenant web]\nno key\n",
        "[tenant web]\n  no key\n",
        "[tenant web]\nsegments = 1\nno key\nsegments = 2\n",
        "[tenant web/1]\nsegments = 1\n",
        "[tenant web/1]\n",
        "[tenant .]\n",
        "[tenant]\n",
        "[tenant ]\nmode = 0600\n",
        "[tenant 01234567890123456789012345678901234567890]\nmode = 0600\n",
        "[tenant 012345678901234567890123456789012345678901234567890123456789]\nmode = 0600\n",
};

TEST(wrong_tenant, .end = ARRAY_SIZE(wrong_tenants)) {
        char text[512];
        const TenantSettings *tenant;
        size_t n = 0;

        (void) snprintf(text, sizeof(text), "%s[limits]\nsegments = 7\n[tenant good]\n",
                        wrong_tenants[_i]);
        ck_assert_int_eq(read_text(text), 0);
        ck_assert_uint_eq(settings.total_maximum[LIMIT_SEGMENTS], 7);
        ck_assert_ptr_null(find_tenant("good")->problem);
        DL_FOREACH(settings.tenants, tenant) {
                n += tenant->problem != NULL;
                ck_assert(!tenant->problem || strstr(tenant->problem, "shmbroker.conf:"));
        }
        ck_assert_uint_eq(n, 1);
}

#define NAME_40 "0123456789012345678901234567890123456789"

/* As far as inih understands sections, and further than that. */
TEST(tenants_sections) {
        ck_assert_int_eq(read_text("\xef\xbb\xbf[tenant first]\n"
                                   "  [tenant blanks]\n"
                                   "  segments = 1\n"
                                   "[tenant           " NAME_40 "]\n"
                                   "segments = 2\n"
                                   "[tenant " NAME_40 "x]\n"
                                   "segments = 3\n"
                                   "[tenant list]\n"
                                   "export = a\n"
                                   "  [xy]* b\n"
                                   "  [tenant c]\n"),
                         0);
        ck_assert_ptr_null(find_tenant("first")->problem);
        ck_assert_uint_eq(find_tenant("blanks")->total_maximum[LIMIT_SEGMENTS], 1);
        ck_assert_uint_eq(find_tenant(NAME_40)->total_maximum[LIMIT_SEGMENTS], 2);
        ck_assert_ptr_null(find_tenant(NAME_40)->problem);
        ck_assert_str_eq(find_tenant("list")->exports, "a [xy]* b [tenant c]");
        ck_assert_uint_eq(find_tenant("list")->prev->total_maximum[LIMIT_SEGMENTS], 3);
        ck_assert_ptr_nonnull(find_tenant("list")->prev->problem);
}

/* What can match no name is said, and no more. */
TEST(tenants_exports) {
        _cleanup_(freep) char *log = NULL;

        ck_assert_int_eq(read_logged("[tenant web]\nexport = a /b\n", &log), 0);
        ck_assert_ptr_nonnull(strstr(log, "shmbroker.conf:2: tenant web: '/b' exports nothing"));
        ck_assert_ptr_null(strstr(log, "'a'"));
        ck_assert_ptr_null(find_tenant("web")->problem);
}

/* Patterns that are longer than a name. */
TEST(long_export) {
        char text[400];

        (void) snprintf(text, sizeof(text), "[tenant web]\nexport = a %0256d\n", 0);
        /* inih's lines are no longer than 200 bytes. */
        ck_assert_int_eq(read_text(text), 0);
        ck_assert_ptr_nonnull(find_tenant("web")->problem);
}
