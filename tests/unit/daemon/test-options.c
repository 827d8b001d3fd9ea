/* SPDX-License-Identifier: MIT */
/* The command line, and where things are if it does not say. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/server/options.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static Options options;
static int kept[2];

/* What is printed is not for the eyes of who runs this. */
static void silence(void) {
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        fflush(NULL);
        kept[0] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        kept[1] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        (void) dup2(null_fd, STDOUT_FILENO);
        (void) dup2(null_fd, STDERR_FILENO);
        close(null_fd);
}

static void speak(void) {
        fflush(NULL);
        (void) dup2(kept[0], STDOUT_FILENO);
        (void) dup2(kept[1], STDERR_FILENO);
        close(kept[0]);
        close(kept[1]);
}

static void setup(void) {
        static const char *const variables[] = {
                "SHMBROKER_ADDRESS", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME",
                "XDG_CONFIG_HOME",   "STATE_DIRECTORY", "HOME",
        };

        unit_fds_begin();
        for (size_t i = 0; i < ARRAY_SIZE(variables); ++i)
                unsetenv(variables[i]);
        options = (Options) OPTIONS_NULL;
}

static void teardown(void) {
        options_deinit(&options);
        options_deinit(&options);
        unit_fds_end();
}

/* Arguments in one string, with blanks between. */
static int parse(const char *arguments) {
        char copy[512], *argv[32] = { copy }, *at, *save = NULL;
        int argc = 1, r;

        options_deinit(&options);
        (void) snprintf(copy, sizeof(copy), "%s", arguments);
        for (at = strtok_r(copy, " ", &save); at; at = strtok_r(NULL, " ", &save))
                argv[argc++] = at;
        argv[0] = (char[]){ "shmbrokerd" };
        optind = 0;
        silence();
        r = options_parse(&options, argc, argv);
        speak();
        return r;
}

SUITE("options");
CASE("options", .setup = setup, .teardown = teardown);

TEST(defaults) {
        ck_assert_int_eq(parse(""), 0);
        ck_assert_str_eq(options.address, "unix:/run/shmbroker/socket");
        ck_assert_str_eq(options.state_directory, "/var/lib/shmbroker");
        ck_assert_str_eq(options.file_directory, "/var/lib/shmbroker/files");
        ck_assert_str_eq(options.config, "/etc/shmbroker/shmbroker.conf");
        ck_assert(!options.config_given && !options.user && !options.verbose);
}

TEST(all) {
        ck_assert_int_eq(
                parse("--address unix:/a --state-directory /s --file-directory=/f --config /c --verbose"),
                0);
        ck_assert_str_eq(options.address, "unix:/a");
        ck_assert_str_eq(options.state_directory, "/s");
        ck_assert_str_eq(options.file_directory, "/f");
        ck_assert_str_eq(options.config, "/c");
        ck_assert(options.config_given && options.verbose && !options.user);
        /* The last one counts, and nothing leaks. */
        ck_assert_int_eq(
                parse("--address unix:/a --address unix:/b --config /c --config /d --state-directory /s "
                      "--state-directory /t"),
                0);
        ck_assert_str_eq(options.address, "unix:/b");
        ck_assert_str_eq(options.config, "/d");
        ck_assert_str_eq(options.state_directory, "/t");
}

TEST(user) {
        ck_assert_int_eq(parse("--user"), OPTIONS_E_USAGE);
        setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        ck_assert_int_eq(parse("--user"), OPTIONS_E_USAGE);
        setenv("HOME", "/home/u", 1);
        ck_assert_int_eq(parse("--user"), 0);
        ck_assert(options.user);
        ck_assert_str_eq(options.address, "unix:/run/user/7/shmbroker/socket");
        ck_assert_str_eq(options.state_directory, "/home/u/.local/state/shmbroker");
        ck_assert_str_eq(options.file_directory, "/home/u/.local/share/shmbroker/files");
        ck_assert_str_eq(options.config, "/home/u/.config/shmbroker/shmbroker.conf");
        setenv("XDG_STATE_HOME", "/state", 1);
        setenv("XDG_DATA_HOME", "/data", 1);
        setenv("XDG_CONFIG_HOME", "/config", 1);
        ck_assert_int_eq(parse("--user --file-directory /given"), 0);
        ck_assert_str_eq(options.state_directory, "/state/shmbroker");
        ck_assert_str_eq(options.file_directory, "/given");
        ck_assert_str_eq(options.config, "/config/shmbroker/shmbroker.conf");
        /* They are of a user's broker, not of the system's. */
        ck_assert_int_eq(parse(""), 0);
        ck_assert_str_eq(options.state_directory, "/var/lib/shmbroker");
        /* A path that is not absolute counts for nothing. */
        setenv("XDG_STATE_HOME", "state", 1);
        ck_assert_int_eq(parse("--user"), 0);
        ck_assert_str_eq(options.state_directory, "/home/u/.local/state/shmbroker");
}

TEST(environment) {
        setenv("SHMBROKER_ADDRESS", "unix:/e", 1);
        setenv("STATE_DIRECTORY", "/from/systemd", 1);
        ck_assert_int_eq(parse(""), 0);
        ck_assert_str_eq(options.address, "unix:/e");
        ck_assert_str_eq(options.state_directory, "/from/systemd");
        ck_assert_int_eq(parse("--address unix:/a --state-directory /s"), 0);
        ck_assert_str_eq(options.address, "unix:/a");
        ck_assert_str_eq(options.state_directory, "/s");
        setenv("SHMBROKER_ADDRESS", "/e", 1);
        ck_assert_int_eq(parse(""), OPTIONS_E_USAGE);
        ck_assert_int_eq(parse("--address unix:/a"), 0);
}

TEST(done) {
        ck_assert_int_eq(parse("--version"), OPTIONS_E_DONE);
        ck_assert_int_eq(parse("--help"), OPTIONS_E_DONE);
        ck_assert_int_eq(parse("--verbose --help --nonsense"), OPTIONS_E_DONE);
}

static const char *const wrong[] = {
        "argument",
        "--verbose argument",
        "--nonsense",
        "-x",
        "-h",
        "--address",
        "--config",
        "--verbose=1",
        "--address /a",
        "--address tcp:a",
        "--address unix:a",
        "--address unix:/a;mode=0600",
        /* Where an administrator's socket belongs */
        "--address admin:",
        "--address unix:/run/shmbroker-admin/socket",
        "--address unix:/a.admin",
        "--state-directory s",
        "--state-directory ./s",
        "--file-directory f",
        "--config c",
        "--config=",
};

TEST(wrong, .end = ARRAY_SIZE(wrong)) {
        ck_assert_msg(parse(wrong[_i]) == OPTIONS_E_USAGE, "accepted: %s", wrong[_i]);
}
