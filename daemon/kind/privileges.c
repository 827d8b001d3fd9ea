/* SPDX-License-Identifier: MIT */
#include "daemon/kind/privileges.h"

#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"

typedef struct PrivilegeRow PrivilegeRow;

struct PrivilegeRow {
        unsigned int number;
        const char *name;
        /* Without it: for the log */
        const char *lost;
        /* Without it: for who asked for what takes it */
        const char *missing;
};

#define MISSING(name) name " is missing, with which the broker could do this for other users"

static const PrivilegeRow rows[_PRIVILEGE_N] = {
        [PRIVILEGE_CHECKPOINT_RESTORE] = {
                CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE",
                "clients attach System V segments by shmid, and not by descriptor",
                "CAP_CHECKPOINT_RESTORE is missing, which makes descriptors of System V segments",
        },
        [PRIVILEGE_CHOWN] = {
                CAP_CHOWN, "CAP_CHOWN",
                "POSIX objects and files are made for the broker's own user alone",
                MISSING("CAP_CHOWN"),
        },
        [PRIVILEGE_DAC_OVERRIDE] = {
                CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
                "POSIX objects and files of other users are left alone",
                MISSING("CAP_DAC_OVERRIDE"),
        },
        [PRIVILEGE_LEASE] = {
                CAP_LEASE, "CAP_LEASE",
                "who holds POSIX objects and files of other users cannot be told",
                MISSING("CAP_LEASE"),
        },
        [PRIVILEGE_FOWNER] = {
                CAP_FOWNER, "CAP_FOWNER",
                "POSIX objects and files of other users cannot be removed",
                MISSING("CAP_FOWNER"),
        },
        [PRIVILEGE_IPC_OWNER] = {
                CAP_IPC_OWNER, "CAP_IPC_OWNER",
                "System V segments of other users cannot be adopted until they are handed over",
                MISSING("CAP_IPC_OWNER"),
        },
        [PRIVILEGE_SYS_ADMIN] = {
                CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
                "System V segments of other users cannot be adopted until they are handed over",
                "the segment is another user's, who can hand it over (shmbrokerctl adopt, run as "
                "its owner); with CAP_SYS_ADMIN the broker could take it",
        },
};

/* privileges_find() - those in force, as a set; see capget(2) */
unsigned int privileges_find(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
        unsigned int privileges = 0;

        if (syscall(SYS_capget, &header, data) < 0)
                return 0;
        for (size_t i = 0; i < _PRIVILEGE_N; ++i)
                if (data[rows[i].number / 32].effective >> rows[i].number % 32 & 1U)
                        privileges |= 1U << i;
        return privileges;
}

/* privileges_log() - say what cannot be done for want of one */
void privileges_log(unsigned int privileges) {
        for (size_t i = 0; i < _PRIVILEGE_N; ++i)
                if (!(privileges >> i & 1U))
                        log_info("Without %s, %s.", rows[i].name, rows[i].lost);
}

/**
 * privilege_missing() - what to tell who asked for more than the broker may
 * @privileges: those in force
 * @needed:     those that it takes
 *
 * Return: a sentence without its full stop, or NULL if none is missing.
 */
const char *privilege_missing(unsigned int privileges, unsigned int needed) {
        for (size_t i = 0; i < _PRIVILEGE_N; ++i)
                if ((needed & ~privileges) >> i & 1U)
                        return rows[i].missing;
        return NULL;
}
