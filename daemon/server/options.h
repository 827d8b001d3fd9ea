/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_OPTIONS_H
#define SHMBROKER_DAEMON_SERVER_OPTIONS_H

/* The command line, and where things are if it does not say. */

#include <stdbool.h>

/* The system's configuration file */
#define OPTIONS_CONFIG_FILE "/etc/shmbroker/shmbroker.conf"

typedef struct Options Options;

enum {
        _OPTIONS_E_SUCCESS,
        /* Help or version was printed: there is nothing more to do */
        OPTIONS_E_DONE,
        /* Wrong usage, which has been said */
        OPTIONS_E_USAGE,
};

struct Options {
        char *address;
        char *state_directory;
        char *file_directory;
        char *config;
        /* It was asked for by name, so it has to be there */
        bool config_given;
        bool user;
        bool verbose;
        /* Only say whether the configuration is right */
        bool check_config;
};

#define OPTIONS_NULL                                                                               \
        {}

int options_parse(Options *options, int argc, char **argv);
void options_deinit(Options *options);

#endif
