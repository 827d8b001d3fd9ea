/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_SETTINGS_H
#define SHMBROKER_DAEMON_SERVER_SETTINGS_H

/* The configuration file, shmbroker.conf(5): limits, reserved names, tenants, and how much is
 * logged. */

#include <stdbool.h>

#include "daemon/kind/kind.h"
#include "daemon/model/limits.h"
#include "daemon/model/reserved-names.h"
#include "daemon/server/tenant-settings.h"

typedef struct Settings Settings;

enum {
        _SETTINGS_E_SUCCESS,
        /* There is no such file */
        SETTINGS_E_NONE,
        /* A value is wrong, or a line is none, which has been logged; nothing is taken */
        SETTINGS_E_INVALID,
};

struct Settings {
        uint64_t total_maximum[_LIMIT_N];
        uint64_t user_maximum[_LIMIT_N];
        int log_level;
        HandOut sysv_descriptors;
        /* These own memory */
        ReservedNames reserved_names;
        TenantSettings *tenants;
};

int settings_read(const char *path, Settings *settings);
void settings_deinit(Settings *settings);

#endif
