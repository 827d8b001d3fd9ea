/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_DOCTOR_CHECKS_H
#define SHMBROKER_CLIENT_CTL_DOCTOR_CHECKS_H

/* The tables of all checks. */

#include "client/ctl/doctor/check.h"

/* In the order in which they run. */
extern const Check *const check_tables[];
extern const size_t check_n_tables;

/* The last has no name. */
extern const Check broker_checks[];
extern const Check config_checks[];
extern const Check host_checks[];
extern const Check kernel_checks[];
extern const Check service_checks[];
extern const Check tenant_checks[];

#endif
