/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_PRIVILEGES_H
#define SHMBROKER_DAEMON_KIND_PRIVILEGES_H

/*
 * Which of the capabilities(7) that are of use to it the broker has. None is needed for what it
 * makes for its own user; each opens one thing more, and what is missing is told by its name.
 */

#include <stdbool.h>

typedef enum Privilege Privilege;

enum Privilege {
        /* Makes descriptors of System V segments, /proc/PID/map_files */
        PRIVILEGE_CHECKPOINT_RESTORE,
        /* Gives objects to their users */
        PRIVILEGE_CHOWN,
        /* Opens, leases, and changes or removes what belongs to another user */
        PRIVILEGE_DAC_OVERRIDE,
        PRIVILEGE_LEASE,
        PRIVILEGE_FOWNER,
        /* Attaches System V segments whose mode does not let it */
        PRIVILEGE_IPC_OWNER,
        /* Removes and changes System V segments of other users */
        PRIVILEGE_SYS_ADMIN,
        _PRIVILEGE_N,
};

/* What objects take that belong to another user than the broker's */
#define PRIVILEGES_OF_FILES                                                                        \
        (1U << PRIVILEGE_DAC_OVERRIDE | 1U << PRIVILEGE_LEASE | 1U << PRIVILEGE_FOWNER)

unsigned int privileges_find(void);
void privileges_log(unsigned int privileges);
const char *privilege_missing(unsigned int privileges, unsigned int needed);

#endif
