/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_BOOT_H
#define SHMBROKER_DAEMON_BASE_BOOT_H

/* Since which boot does this host run? No clock tells, for that can be set. */

const char *boot_id(void);

#endif
