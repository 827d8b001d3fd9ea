/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': tenants, and what is exported to them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/common.h"
#include "client/ctl/doctor/checks.h"

#define BLANKS " \t"
#define SEALS_WRITE (SHMBROKER_SEAL_WRITE | SHMBROKER_SEAL_FUTURE_WRITE)

static void find_problem(Doctor *doctor, const struct shmbroker_tenant *tenant) {
        bool served = shmbroker_tenant_address(tenant);

        if (!shmbroker_tenant_problem(tenant))
                return;
        doctor_find(doctor, CHECK_WARNING, "Tenant %s is %s: %s.", shmbroker_tenant_name(tenant),
                    served ? "served as before" : "not served", shmbroker_tenant_problem(tenant));
        doctor_advise(doctor,
                      "Mend its section in the configuration (shmbroker.conf(5)), and send the "
                      "broker SIGHUP%s.",
                      doctor->facts.unit && !doctor->facts.user
                              ? " ('systemctl reload shmbroker.service')"
                              : "");
}

/* A descriptor that can only be read is opened anew for writing by who has CAP_DAC_OVERRIDE,
 * unless a seal or a read-only mount forbids it. */
static bool is_writable(const Doctor *doctor, const struct shmbroker_info *info) {
        int kind = shmbroker_info_kind(info);

        if (kind == SHMBROKER_KIND_MEMFD)
                return !(shmbroker_info_seals(info) & SEALS_WRITE);
        return kind == SHMBROKER_KIND_SYSV ||
               !doctor_has_feature(doctor, SHMBROKER_FEATURE_READ_ONLY_MOUNTS);
}

static void find_exported(Doctor *doctor, const struct shmbroker_tenant *tenant,
                          const char *pattern, const struct shmbroker_list *segments) {
        const char *name = shmbroker_tenant_name(tenant);
        size_t n = 0;

        for (size_t i = 0; i < shmbroker_list_count(segments); ++i) {
                const struct shmbroker_info *info = shmbroker_list_get(segments, i);

                if (shmbroker_info_tenant(info))
                        continue;
                ++n;
                if (!is_writable(doctor, info))
                        continue;
                doctor_find(doctor, CHECK_NOTE,
                            "Segment %s, of kind %s, is exported to tenant %s: a process there "
                            "that has CAP_DAC_OVERRIDE on the host can write to it.",
                            shmbroker_info_name(info), shmbroker_info_kind_name(info), name);
                doctor_advise(doctor, "See shmbroker-containers(7), READ-ONLY.");
        }
        if (n == 0)
                doctor_find(doctor, CHECK_NOTE,
                            "No segment of the host has a name like '%s', which is exported to "
                            "tenant %s.",
                            pattern, name);
}

static void check_pattern(Doctor *doctor, const struct shmbroker_tenant *tenant,
                          const char *pattern) {
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *segments = NULL;
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        struct shmbroker *connection = doctor->facts.connection;

        if (shmbroker_filter_new(&filter) || shmbroker_filter_set_match(filter, pattern)) {
                doctor->failed = true;
                return;
        }
        if (shmbroker_list_segments(connection, filter, &segments))
                doctor_find(doctor, CHECK_UNKNOWN, "The broker does not say what '%s' matches.",
                            pattern);
        else
                find_exported(doctor, tenant, pattern, segments);
}

static void check_exports(Doctor *doctor, const struct shmbroker_tenant *tenant) {
        const char *exports = shmbroker_tenant_exports(tenant);
        _cleanup_(freep) char *copy = exports ? strdup(exports) : NULL;
        char *rest, *pattern;

        if (!exports)
                return;
        if (!copy) {
                doctor->failed = true;
                return;
        }
        for (pattern = strtok_r(copy, BLANKS, &rest); pattern;
             pattern = strtok_r(NULL, BLANKS, &rest))
                check_pattern(doctor, tenant, pattern);
}

static void check_tenants(Doctor *doctor) {
        const Facts *facts = &doctor->facts;
        size_t n = facts->tenants ? shmbroker_tenants_count(facts->tenants) : 0;
        size_t n_before = doctor->n_findings;
        int privileged = 0;

        (void) shmbroker_status_privileged(facts->status, &privileged);
        if (!privileged) {
                doctor_find(doctor, CHECK_OK, "Tenants are shown to the administrator alone.");
                return;
        }
        for (size_t i = 0; i < n; ++i) {
                find_problem(doctor, shmbroker_tenants_get(facts->tenants, i));
                check_exports(doctor, shmbroker_tenants_get(facts->tenants, i));
        }
        if (doctor->n_findings == n_before)
                doctor_find(doctor, CHECK_OK,
                            n > 0 ? "Every tenant is served." : "There are no tenants.");
}

const Check tenant_checks[] = {
        { "tenants", "tenants, and what is exported to them", NEEDS_ANSWER, check_tenants },
        {},
};
