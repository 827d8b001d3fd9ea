/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_DOCTOR_CHECKS_H
#define SHMBROKER_CLIENT_CTL_DOCTOR_CHECKS_H

/* The tables of all checks. */

#include "client/ctl/doctor/check.h"

/* The last has no name. */
extern const Check broker_checks[];
extern const Check host_checks[];
extern const Check kernel_checks[];
extern const Check service_checks[];

#endif
