/* SPDX-License-Identifier: MIT */
#include "daemon/server/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/server/dropins.h"
#include "proto/error.h"
#include "proto/util.h"

static int refuse_config(const char *path, int r) {
        if (r < 0)
                log_error("Cannot read %s: %s.", path, strerror(-r));
        return SETTINGS_E_INVALID;
}

static int read_dropin(const char *path, void *userdata) {
        int r = settings_read(path, userdata);

        return r && r != SETTINGS_E_NONE ? refuse_config(path, r) : 0;
}

/* What comes with packages is below /usr/lib; /run is for programs, and the rest for people. */
static int read_dropins(const Options *options, Settings *settings) {
        bool system = strcmp(options->config, OPTIONS_CONFIG_FILE) == 0;
        const char *directories[] = { NULL, "/run/shmbroker/shmbroker.conf.d",
                                      "/usr/lib/shmbroker/shmbroker.conf.d", NULL };
        _cleanup_(freep) char *beside = NULL;
        int r;

        if (asprintf(&beside, "%s.d", options->config) < 0)
                return error_origin(-ENOMEM);
        directories[0] = beside;
        if (!system)
                directories[1] = NULL;
        r = dropins_visit(directories, read_dropin, settings);
        return r < 0 ? refuse_config(beside, r) : r;
}

/**
 * config_read() - read the file and its drop-ins
 * @options:    say which
 * @settings:   what holds if they do not say; settings_deinit() is due in any case
 *
 * Return: 0, or SETTINGS_E_INVALID after a sentence in the log that says why.
 */
int config_read(const Options *options, Settings *settings) {
        int r;

        r = settings_read(options->config, settings);
        if (r == SETTINGS_E_NONE && options->config_given) {
                log_error("There is no configuration file %s.", options->config);
                return SETTINGS_E_INVALID;
        }
        if (r && r != SETTINGS_E_NONE)
                return refuse_config(options->config, r);
        return read_dropins(options, settings);
}

/**
 * config_check() - is the configuration valid?
 * @options:    say which
 *
 * A tenant's section that is wrong is reported and no more: the broker serves the others.
 *
 * Return: 0, or SETTINGS_E_INVALID after a sentence in the log for all that is wrong.
 */
int config_check(const Options *options) {
        _cleanup_(settings_deinit) Settings settings = {};

        return config_read(options, &settings);
}
