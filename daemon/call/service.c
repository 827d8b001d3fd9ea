/* SPDX-License-Identifier: MIT */
#include "daemon/call/service.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/kernel/mark.h"
#include "daemon/kind/hugepages.h"
#include "daemon/state/mark-key.h"
#include "proto/error.h"

/* Each segment and each connection takes a descriptor, so the soft limit is of no use. */
static uint64_t raise_descriptors(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 1024;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        (void) getrlimit(RLIMIT_NOFILE, &limit);
        return limit.rlim_cur;
}

static uint64_t lockable_bytes(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return 0;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_MEMLOCK, &limit);
        return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

static uint64_t memory_bytes(void) {
        long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

        return pages > 0 && page_bytes > 0 ? (uint64_t) pages * (uint64_t) page_bytes
                                           : UINT64_C(1) << 30;
}

/**
 * service_init() - be ready for calls
 * @service:    the object, SERVICE_NULL before
 * @state_directory: absolute path
 * @file_directory: the same, made when it is needed
 *
 * Return: what state_file_open() returns, or a negative errno. service_deinit() is due in any case.
 */
int service_init(Service *service, const char *state_directory, const char *file_directory) {
        SipKey mark_key;
        int r;

        service->start_usec = clock_realtime_usec();
        service->n_descriptors = raise_descriptors();
        service->overflow = overflow_find();
        r = host_init(&service->host, file_directory);
        if (r)
                return error_trace(r);
        accounts_init(&service->accounts,
                      &(Resources){ .memory_bytes = memory_bytes(),
                                    .huge_bytes = hugepages_bytes(),
                                    .lockable_bytes = lockable_bytes(),
                                    .n_descriptors = service->n_descriptors,
                                    .two_per_segment = service->host.read_only_path });
        r = state_file_open(&service->persist.state_file, state_directory);
        if (r)
                return r;
        r = mark_key_open(service->persist.state_file.directory_fd, &mark_key);
        if (r)
                return error_trace(r);
        mark_set_key(&mark_key);
        service->host.registry_id = service->persist.state_file.registry_id;
        r = sync_init(&service->persist.sync, &service->persist.state_file,
                      &service->host.files_fd);
        if (r)
                return error_trace(r);
        r = closer_init(&service->closer);
        if (r)
                return error_trace(r);
        r = worker_init(&service->worker, WORKER_THREADS_MAX);
        if (r)
                return error_trace(r);
        return error_trace(
                life_init(&service->life, &service->registry, &service->host, &service->persist));
}

void service_deinit(Service *service) {
        bool keep;

        /* First, for what was asked for may still change segments. */
        worker_deinit(&service->worker);
        closer_deinit(&service->closer);
        keep = service->registry.n_segments > 0;
        life_deinit(&service->life);
        registry_deinit(&service->registry);
        tenants_sweep(&service->tenants);
        accounts_deinit(&service->accounts);
        reserved_names_deinit(&service->reserved_names);
        store_deinit(&service->persist.store);
        sync_deinit(&service->persist.sync);
        attach_times_close(&service->persist.attach_times, keep);
        state_file_close(&service->persist.state_file);
        host_deinit(&service->host);
}

/* service_accounts() - where the users of a tenant, or of the host (NULL), are found */
Accounts *service_accounts(Service *service, Tenant *tenant) {
        return tenant ? &tenant->accounts : &service->accounts;
}

/* service_waits() - who waits where a tenant, or the host (NULL), has a name */
Waits *service_waits(Service *service, Tenant *tenant, const char *name) {
        return tenant && !tenant_imports(tenant, name) ? &tenant->waits : &service->waits;
}
