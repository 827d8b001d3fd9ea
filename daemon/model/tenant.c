/* SPDX-License-Identifier: MIT */
#include "daemon/model/tenant.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/table.h"
#include "daemon/model/name-pattern.h"
#include "proto/error.h"
#include "proto/util.h"

/* Names become directories, so that none begins with a dot. */
bool tenant_name_valid(const char *name) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789._-";
        size_t n = strlen(name);

        return n > 0 && n <= TENANT_NAME_MAX && name[0] != '.' && strspn(name, allowed) == n;
}

Tenant *tenants_find(const Tenants *tenants, const char *name) {
        Tenant *tenant;

        DL_FOREACH(tenants->first, tenant)
                if (strcmp(tenant->name, name) == 0)
                        return tenant;
        return NULL;
}

/* tenants_next() - the first tenant of that number or a higher one, or NULL */
Tenant *tenants_next(const Tenants *tenants, int64_t from_number) {
        Tenant *tenant;

        DL_FOREACH(tenants->first, tenant)
                if (tenant->number >= from_number)
                        return tenant;
        return NULL;
}

/**
 * tenants_get() - the tenant of that name, which is made if there is none
 * @tenants:    all of them
 * @name:       a valid name
 * @host:       what its accounts are a part of; whose maxima for a user a new tenant has
 * @ret:        the tenant; it stays until tenants_sweep() finds that nobody needs it
 *
 * Return: 0, or -ENOMEM.
 */
int tenants_get(Tenants *tenants, const char *name, Accounts *host, Tenant **ret) {
        Tenant *tenant = tenants_find(tenants, name);

        if (!tenant) {
                tenant = calloc(1, sizeof(*tenant));
                if (!tenant)
                        return error_origin(-ENOMEM);
                (void) strncpy(tenant->name, name, sizeof(tenant->name) - 1);
                tenant->number = ++tenants->n_made;
                accounts_init_part(&tenant->accounts, host, tenant);
                DL_APPEND(tenants->first, tenant);
        }
        *ret = tenant;
        return 0;
}

static void tenant_free(Tenants *tenants, Tenant *tenant) {
        assert(!tenant->by_name && !tenant->waits.by_name);
        DL_DELETE(tenants->first, tenant);
        accounts_deinit(&tenant->accounts);
        free(tenant->address);
        free(tenant->problem);
        free(tenant->exports);
        free(tenant->patterns);
        free(tenant);
}

/* tenants_sweep() - forget those that are in no configuration any more and have nothing: each
 * connection and each segment is charged to a user */
void tenants_sweep(Tenants *tenants) {
        Tenant *tenant, *next;

        DL_FOREACH_SAFE(tenants->first, tenant, next)
                if (!tenant->address && !tenant->problem && !tenant->accounts.users)
                        tenant_free(tenants, tenant);
}

/* tenant_imports() - is a name one of those of the host's that are exported to a tenant? */
bool tenant_imports(const Tenant *tenant, const char *name) {
        if (!tenant || !tenant->patterns || !name)
                return false;
        for (const char *pattern = tenant->patterns; *pattern; pattern += strlen(pattern) + 1)
                if (name_pattern_matches(pattern, name))
                        return true;
        return false;
}

/**
 * tenant_sees() - is a segment there, for that client?
 * @credentials: of the client
 * @permission: of the segment
 * @name:       what it is or was called, or NULL
 */
bool tenant_sees(const Credentials *credentials, const Permission *permission, const char *name) {
        return credentials->privileged || permission->tenant == credentials->tenant ||
               (!permission->tenant && tenant_imports(credentials->tenant, name));
}

/**
 * tenant_sees_attachment() - of a segment that it sees, is a client told which attachment it is?
 * @credentials: of the client
 * @permission: of the segment
 * @owner:      the tenant whose attachment it is
 *
 * Of what is exported to it, a tenant sees its own attachments.
 */
bool tenant_sees_attachment(const Credentials *credentials, const Permission *permission,
                            const Tenant *owner) {
        return !credentials->tenant || permission->tenant == credentials->tenant ||
               owner == credentials->tenant;
}

/* tenant_grants() - may a client attach a segment? As permission_grants(); what is exported may be
 * read, whatever its mode */
bool tenant_grants(const Credentials *credentials, const Permission *permission, const char *name,
                   bool write) {
        return permission_grants(permission, credentials, write) ||
               (!write && permission->tenant != credentials->tenant &&
                tenant_sees(credentials, permission, name));
}
