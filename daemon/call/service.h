/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_CALL_SERVICE_H
#define SHMBROKER_DAEMON_CALL_SERVICE_H

/* Everything that the methods work on, without the loop and the sockets they are reached by. */

#include <stdint.h>

#include "daemon/base/closer.h"
#include "daemon/base/overflow.h"
#include "daemon/base/worker.h"
#include "daemon/kind/host.h"
#include "daemon/life/life.h"
#include "daemon/model/limits.h"
#include "daemon/model/registry.h"
#include "daemon/model/reserved-names.h"
#include "daemon/model/tenant.h"
#include "daemon/model/waits.h"
#include "daemon/state/persist.h"

typedef struct Counters Counters;
typedef struct Recovery Recovery;
typedef struct Service Service;

/* Since the daemon started. */
struct Counters {
        uint64_t n_calls;
        uint64_t n_created;
        uint64_t n_adopted;
        uint64_t n_removed;
        uint64_t n_limits_reached;
        uint64_t n_broken_peers;
        uint64_t n_refused_peers;
};

/* recover.c: when unavailable segments are looked for, and how many in this round */
struct Recovery {
        uint64_t due_usec;
        uint64_t pause_usec;
        size_t n_left;
};

struct Service {
        Registry registry;
        /* The host's, and the tenants' with theirs */
        Accounts accounts;
        Tenants tenants;
        ReservedNames reserved_names;
        Life life;
        Persist persist;
        Waits waits;
        /* For what takes long and is asked for */
        Worker worker;
        /* For what clients passed, and for what nobody pays who could be named */
        Closer closer;
        DiscardOrigin strangers;
        Counters counters;
        /* Who gets a descriptor of a System V segment for writing; others attach it natively */
        HandOut sysv_descriptors;
        Overflow overflow;
        Host host;
        Recovery recovery;
        /* As many as this process can have open */
        uint64_t n_descriptors;
        uint64_t start_usec;
        /* Up to here it was looked last what memory segments take */
        int64_t looked_at_id;
};

#define SERVICE_NULL                                                                               \
        {                                                                                          \
                .life = LIFE_NULL, .persist = PERSIST_NULL, .worker = WORKER_NULL,                 \
                .closer = CLOSER_NULL, .host = HOST_NULL                                           \
        }

int service_init(Service *service, const char *state_directory, const char *file_directory);
void service_deinit(Service *service);

Accounts *service_accounts(Service *service, Tenant *tenant);
Waits *service_waits(Service *service, Tenant *tenant, const char *name);

#endif
