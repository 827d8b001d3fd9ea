/* SPDX-License-Identifier: MIT */
#include "daemon/server/tenant-settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "daemon/base/table.h"
#include "proto/error.h"
#include "proto/name.h"
#include "proto/util.h"

#define SECTION "tenant"
#define BLANKS " \t"
#define MODE_DEFAULT 0666

TenantSettings *tenant_settings_free_all(TenantSettings *first) {
        TenantSettings *tenant, *next;

        DL_FOREACH_SAFE(first, tenant, next) {
                free(tenant->socket);
                free(tenant->exports);
                free(tenant->problem);
                free(tenant);
        }
        return NULL;
}

bool tenant_settings_is_section(const char *section) {
        size_t n = strlen(SECTION);

        return strncmp(section, SECTION, n) == 0 && (!section[n] || strchr(BLANKS, section[n]));
}

/* tenant_settings_refuse() - say what is wrong, unless something else is already */
void tenant_settings_refuse(TenantSettings *tenant, const char *problem) {
        if (!tenant->problem)
                tenant->problem = strdup(problem);
}

static TenantSettings *find(TenantSettings *first, const char *name) {
        TenantSettings *tenant;

        DL_FOREACH(first, tenant)
                if (strcmp(tenant->name, name) == 0)
                        return tenant;
        return NULL;
}

static TenantSettings *tenant_settings_new(const char *name) {
        TenantSettings *tenant = calloc(1, sizeof(*tenant));

        if (!tenant)
                return NULL;
        (void) strcpy(tenant->name, name);
        tenant->mode = MODE_DEFAULT;
        tenant->owner = (uid_t) -1;
        tenant->group = (gid_t) -1;
        for (size_t i = 0; i < _LIMIT_N; ++i)
                tenant->total_maximum[i] = tenant->user_maximum[i] = TENANT_LIMIT_UNSET;
        return tenant;
}

/* What is no name is shown as well as it can be, and is never taken for another one that is. */
static bool make_name(const char *section, char ret[TENANT_NAME_MAX + 1]) {
        const char *begin = section + strlen(SECTION);
        size_t n;
        bool valid;

        begin += strspn(begin, BLANKS);
        for (n = strlen(begin); n > 0 && strchr(BLANKS, begin[n - 1]); --n)
                ;
        (void) snprintf(ret, TENANT_NAME_MAX + 1, "%.*s", (int) n, begin);
        valid = n <= TENANT_NAME_MAX && tenant_name_valid(ret);
        if (!ret[0])
                (void) strcpy(ret, "?");
        if (n > TENANT_NAME_MAX)
                ret[TENANT_NAME_MAX - 1] = '?';
        for (char *at = ret; !valid && *at; ++at)
                if (*at < ' ' || *at > '~')
                        *at = '?';
        return valid;
}

/**
 * tenant_settings_get() - the settings of the tenant that a section is about
 * @first:      the list
 * @section:    what stands in the brackets, tenant_settings_is_section()
 * @ret:        those that are there, or new ones
 *
 * Return: 0, TENANT_SETTINGS_E_NAME, or -ENOMEM.
 */
int tenant_settings_get(TenantSettings **first, const char *section, TenantSettings **ret) {
        char name[TENANT_NAME_MAX + 1];
        bool valid = make_name(section, name);
        TenantSettings *tenant = find(*first, name);

        if (!tenant) {
                tenant = tenant_settings_new(name);
                if (!tenant)
                        return error_origin(-ENOMEM);
                DL_APPEND(*first, tenant);
        }
        *ret = tenant;
        return valid ? 0 : TENANT_SETTINGS_E_NAME;
}

static bool take_socket(TenantSettings *tenant, const char *path) {
        static const struct sockaddr_un address;

        if (path[0] != '/' || path[strlen(path) - 1] == '/' ||
            strlen(path) >= sizeof(address.sun_path))
                return false;
        free(tenant->socket);
        tenant->socket = strdup(path);
        return tenant->socket;
}

/* More patterns; a pattern is not longer than a name, which bounds what fnmatch(3) has to do. */
static bool take_exports(TenantSettings *tenant, const char *patterns) {
        char *exports;

        for (const char *at = patterns; *(at += strspn(at, BLANKS)); at += strcspn(at, BLANKS))
                if (strcspn(at, BLANKS) > NAME_LENGTH_MAX)
                        return false;
        if (asprintf(&exports, "%s%s%s", tenant->exports ? tenant->exports : "",
                     tenant->exports ? " " : "", patterns) < 0)
                return false;
        free(tenant->exports);
        tenant->exports = exports;
        return true;
}

/* tenant_settings_take() - take the value of a key */
SettingResult tenant_settings_take(TenantSettings *tenant, const char *key, const char *value) {
        bool good;

        if (strcmp(key, "socket") == 0)
                good = take_socket(tenant, value);
        else if (strcmp(key, "mode") == 0)
                good = value_mode(value, &tenant->mode);
        else if (strcmp(key, "owner") == 0)
                good = value_user(value, &tenant->owner);
        else if (strcmp(key, "group") == 0)
                good = value_group(value, &tenant->group);
        else if (strcmp(key, "export") == 0)
                good = take_exports(tenant, value);
        else
                return value_limit(key, value, tenant->total_maximum, tenant->user_maximum);
        return good ? SETTING_GOOD : SETTING_WRONG;
}
