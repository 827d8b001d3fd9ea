/* SPDX-License-Identifier: MIT */
#include "daemon/server/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/address.h"
#include "proto/error.h"
#include "proto/util.h"

#define STATE_DIRECTORY "/var/lib/shmbroker"
#define FILE_DIRECTORY "/var/lib/shmbroker/files"

static const char help[] =
        "Usage: shmbrokerd [OPTION...]\n"
        "\n"
        "Owns shared-memory segments and hands them to programs as file descriptors.\n"
        "\n"
        "      --address unix:PATH     where to listen; default $SHMBROKER_ADDRESS, else\n"
        "                              " ADDRESS_OF_SYSTEM "\n"
        "      --user                  be the user's own broker: listen at\n"
        "                              unix:$XDG_RUNTIME_DIR/shmbroker/socket\n"
        "      --state-directory DIR   what is kept for the next start; default\n"
        "                              $STATE_DIRECTORY, else " STATE_DIRECTORY "\n"
        "      --file-directory DIR    where segments of kind file are; default files in\n"
        "                              the directory of --state-directory, else\n"
        "                              " FILE_DIRECTORY "\n"
        "      --config FILE           default " OPTIONS_CONFIG_FILE "\n"
        "      --check-config          only say what is wrong with the configuration\n"
        "      --verbose               say more\n"
        "      --version               print the version and exit\n"
        "      --help                  print this and exit\n"
        "\n"
        "See shmbrokerd(8).\n";

static const struct option long_options[] = {
        { "address", required_argument, NULL, 'a' },
        { "user", no_argument, NULL, 'u' },
        { "state-directory", required_argument, NULL, 's' },
        { "file-directory", required_argument, NULL, 'f' },
        { "config", required_argument, NULL, 'c' },
        { "check-config", no_argument, NULL, 'C' },
        { "verbose", no_argument, NULL, 'v' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        {},
};

static int options_usage(const char *what, const char *argument) {
        fprintf(stderr, "shmbrokerd: %s: '%s'\nTry 'shmbrokerd --help'.\n", what, argument);
        return OPTIONS_E_USAGE;
}

static int set_path(char **path, const char *argument) {
        if (argument[0] != '/')
                return options_usage("a path must be absolute", argument);
        free(*path);
        *path = strdup(argument);
        return *path ? 0 : error_origin(-ENOMEM);
}

static int parse_one(Options *options, int option, const char *argument) {
        switch (option) {
        case 'a':
                free(options->address);
                options->address = strdup(argument);
                return options->address ? 0 : error_origin(-ENOMEM);
        case 'u':
                options->user = true;
                return 0;
        case 's':
                return set_path(&options->state_directory, argument);
        case 'f':
                return set_path(&options->file_directory, argument);
        case 'c':
                options->config_given = true;
                return set_path(&options->config, argument);
        case 'C':
                options->check_config = true;
                return 0;
        case 'v':
                options->verbose = true;
                return 0;
        case 'V':
                printf("shmbrokerd %s\n", PACKAGE_VERSION);
                return OPTIONS_E_DONE;
        case 'h':
                fputs(help, stdout);
                return OPTIONS_E_DONE;
        default:
                fputs("Try 'shmbrokerd --help'.\n", stderr);
                return OPTIONS_E_USAGE;
        }
}

/*
 * Where a path is if nobody said: what systemd sets (systemd.exec(5)); for the user's own broker
 * below @home_variable or, in the home directory, below @home_fallback; else the system's.
 */
static int default_path(char **path, const Options *options, const char *variable,
                        const char *home_variable, const char *home_fallback, const char *name,
                        const char *system) {
        const char *given = variable ? getenv(variable) : NULL, *base = getenv(home_variable),
                   *home = getenv("HOME");
        int n;

        if (*path)
                return 0;
        if (given && given[0] == '/')
                n = asprintf(path, "%s", given);
        else if (!options->user)
                n = asprintf(path, "%s", system);
        else if (base && base[0] == '/')
                n = asprintf(path, "%s/shmbroker%s", base, name);
        else if (home && home[0] == '/')
                n = asprintf(path, "%s/%s/shmbroker%s", home, home_fallback, name);
        else
                return options_usage("HOME is not set, so say where, by the options for",
                                     "state, files and configuration");
        return n < 0 ? error_origin(-ENOMEM) : 0;
}

static int default_paths(Options *options) {
        int r;

        if (options->state_directory && !options->file_directory &&
            asprintf(&options->file_directory, "%s/files", options->state_directory) < 0)
                return error_origin(-ENOMEM);

        r = default_path(&options->state_directory, options, "STATE_DIRECTORY", "XDG_STATE_HOME",
                         ".local/state", "", STATE_DIRECTORY);
        if (r)
                return r;
        r = default_path(&options->file_directory, options, NULL, "XDG_DATA_HOME", ".local/share",
                         "/files", FILE_DIRECTORY);
        if (r)
                return r;
        return default_path(&options->config, options, NULL, "XDG_CONFIG_HOME", ".config",
                            "/shmbroker.conf", OPTIONS_CONFIG_FILE);
}

/* Not where an administrator's socket belongs: everybody may connect to this one. */
static bool is_administrators(const char *address) {
        size_t n = strlen(address), n_end = strlen(".admin");

        return strcmp(address, ADDRESS_OF_ADMIN) == 0 ||
               (n > n_end && strcmp(address + n - n_end, ".admin") == 0);
}

static int default_address(Options *options) {
        _cleanup_(freep) char *given = steal_ptr(options->address);
        int r;

        r = address_find(given || !options->user ? given : ADDRESS_USER, &options->address);
        if (r == ADDRESS_E_INVALID) {
                const char *variable = getenv(ADDRESS_VARIABLE);

                return options_usage("not an address like unix:/path", given      ? given
                                                                       : variable ? variable
                                                                                  : "");
        }
        if (r == ADDRESS_E_NO_RUNTIME_DIRECTORY)
                return options_usage("XDG_RUNTIME_DIR is not set, so say where, by", "--address");
        if (r == 0 && is_administrators(options->address))
                return options_usage("an administrator's socket belongs here", options->address);
        return error_fold(r);
}

/**
 * options_parse() - read the command line
 * @options:    the object, OPTIONS_NULL before
 * @argc:       of main()
 * @argv:       of main()
 *
 * Return: 0, OPTIONS_E_DONE, OPTIONS_E_USAGE, or -ENOMEM. options_deinit() is due in any case.
 */
int options_parse(Options *options, int argc, char **argv) {
        int option, r;

        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                r = parse_one(options, option, optarg);
                if (r)
                        return r;
        }
        if (optind < argc)
                return options_usage("no arguments are taken", argv[optind]);
        r = default_address(options);
        if (r)
                return r;
        return default_paths(options);
}

void options_deinit(Options *options) {
        free(options->address);
        free(options->state_directory);
        free(options->file_directory);
        free(options->config);
        *options = (Options) OPTIONS_NULL;
}
