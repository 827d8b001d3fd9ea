/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_TENANT_H
#define SHMBROKER_DAEMON_MODEL_TENANT_H

/*
 * Tenants: who comes by a socket of its own, as a container does. Names and uids of a tenant are
 * its own; limits hold for it as a whole, and as part of the host's. Of the host it sees what is
 * exported to it, and may read that. No tenant (NULL) is the host itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/limits.h"
#include "daemon/model/permission.h"
#include "daemon/model/waits.h"

#define TENANT_NAME_MAX 40U

typedef struct Segment Segment;
typedef struct Tenant Tenant;
typedef struct Tenants Tenants;

struct Tenant {
        char name[TENANT_NAME_MAX + 1];
        /* Grows in the order of the list, and is never used again */
        int64_t number;
        /* Where it connects, and what is wrong with its configuration or socket; NULL if it is not
         * served, or if nothing is wrong */
        char *address;
        char *problem;
        /* What everybody who came by its socket has, and may have */
        Accounts accounts;
        /* registry.c */
        Segment *by_name;
        Waits waits;
        /* Shell patterns of names of the host, with blanks between them, and NULL for none; and the
         * same, each ended by NUL and the last by another one */
        char *exports;
        char *patterns;
        Tenant *prev;
        Tenant *next;
};

struct Tenants {
        Tenant *first;
        int64_t n_made;
};

#define TENANTS_NULL                                                                               \
        {}

Tenant *tenants_find(const Tenants *tenants, const char *name);
Tenant *tenants_next(const Tenants *tenants, int64_t from_number);
int tenants_get(Tenants *tenants, const char *name, Accounts *host, Tenant **ret);
void tenants_sweep(Tenants *tenants);

bool tenant_name_valid(const char *name);
bool tenant_imports(const Tenant *tenant, const char *name);
bool tenant_sees(const Credentials *credentials, const Permission *permission, const char *name);
bool tenant_sees_attachment(const Credentials *credentials, const Permission *permission,
                            const Tenant *owner);
bool tenant_grants(const Credentials *credentials, const Permission *permission, const char *name,
                   bool write);

#endif
