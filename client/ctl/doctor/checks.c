/* SPDX-License-Identifier: MIT */
#include "client/ctl/doctor/checks.h"

const Check *const check_tables[] = {
        broker_checks, tenant_checks, kernel_checks, service_checks, config_checks, host_checks,
};
const size_t check_n_tables = ARRAY_SIZE(check_tables);
