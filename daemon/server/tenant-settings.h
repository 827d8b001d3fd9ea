/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_TENANT_SETTINGS_H
#define SHMBROKER_DAEMON_SERVER_TENANT_SETTINGS_H

/* The sections [tenant NAME] of the configuration file. One that is wrong has a problem, and keeps
 * nothing else from being used. */

#include <stdint.h>
#include <sys/types.h>

#include "daemon/model/tenant.h"
#include "daemon/server/value.h"

/* A limit that the section does not say */
#define TENANT_LIMIT_UNSET (LIMIT_NONE - 1)

typedef struct TenantSettings TenantSettings;

enum {
        _TENANT_SETTINGS_E_SUCCESS,
        /* That is no name of a tenant; it is shown as one all the same */
        TENANT_SETTINGS_E_NAME,
};

struct TenantSettings {
        char name[TENANT_NAME_MAX + 1];
        /* NULL is the default */
        char *socket;
        mode_t mode;
        /* -1 leaves the broker's */
        uid_t owner;
        gid_t group;
        uint64_t total_maximum[_LIMIT_N];
        uint64_t user_maximum[_LIMIT_N];
        /* Patterns with blanks between them, NULL for none */
        char *exports;
        /* What is wrong first, NULL if nothing is */
        char *problem;
        TenantSettings *prev;
        TenantSettings *next;
};

TenantSettings *tenant_settings_free_all(TenantSettings *first);

bool tenant_settings_is_section(const char *section);
int tenant_settings_get(TenantSettings **first, const char *section, TenantSettings **ret);
SettingResult tenant_settings_take(TenantSettings *tenant, const char *key, const char *value);
void tenant_settings_refuse(TenantSettings *tenant, const char *problem);

#endif
