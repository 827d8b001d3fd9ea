/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_DOCTOR_FACTS_H
#define SHMBROKER_CLIENT_CTL_DOCTOR_FACTS_H

/* What several checks of 'doctor' go by: the broker, its process and its service, asked once. */

#include "client/ctl/ctl.h"

typedef struct Facts Facts;

struct Facts {
        /* The broker that is meant; what it is asked through is the administrator's socket of the
         * same, where that may be opened, and the command's then. */
        struct shmbroker *meant;
        struct shmbroker *connection;
        const char *address;
        /* The path in it */
        const char *path;
        /* 0 if the broker has answered, else a negative errno, and why */
        int error;
        char *reason;
        /* If it has; users and tenants only if it tells of them */
        struct shmbroker_status *status;
        struct shmbroker_users *users;
        struct shmbroker_tenants *tenants;
        /* The broker is where a service has it, of the user's manager if so asked */
        bool is_service;
        bool user;
        /* systemd runs, and what it says of that service, if it does */
        bool has_systemd;
        char *unit;
        /* Its process, 0 if it is not known */
        pid_t pid;
};

int facts_find(Ctl *ctl, Facts *ret);
void facts_deinit(Facts *facts);

const char *facts_systemctl(const Facts *facts);
char *facts_option(const Facts *facts, const char *option);
char *process_value(pid_t pid, const char *file, const char *key);

#endif
