/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_TENANTS_H
#define SHMBROKER_TESTS_SUPPORT_TENANTS_H

/* A broker with two tenants, a connection of everybody, and what they ask it. */

#include <stddef.h>
#include <stdint.h>

#include "tests/support/fixture.h"

/* Names that are exported to the first of them, which has limits. */
#define TENANTS_CONFIG                                                                             \
        "[tenant web]\nexport = frames/* pool\nsegments = 3\nconnections = 4\n[tenant db]\n"
#define LISTED_MAX 16

typedef struct Listed Listed;

/* What a call with 'more' brought. */
struct Listed {
        size_t n;
        int64_t ids[LISTED_MAX];
        char tenants[LISTED_MAX][48];
};

/* The administrator, the host, and two tenants. */
extern Wire admin, host, web, db;

/* Checked fixture. */
void tenants_connect(void);
void tenants_disconnect(void);
void tenants_up(void);
void tenants_down(void);
int64_t create_as(Wire *wire, const char *name);
FaultCode try_create_as(Wire *wire, const char *name, CreateMode mode, Fault *fault);
FaultCode try_open_as(Wire *wire, const char *name, int64_t id, Access access);
FaultCode remove_as(Wire *wire, int64_t id);
void call_as(Wire *wire, Method method, const void *parameters);
Listed list_as(Wire *wire);
void assert_listed(Wire *wire, size_t n, const int64_t *ids);
size_t count_users(Wire *wire, const char *tenant, UserUsage *ret);
size_t count_tenants(Wire *wire, const char *name, TenantUsage *ret);
int64_t watched(Wire *wire);

#endif
