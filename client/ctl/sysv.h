/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_SYSV_H
#define SHMBROKER_CLIENT_CTL_SYSV_H

/* System V segments of the caller's IPC namespace, as the kernel tells of them to everybody. */

#include "client/ctl/native.h"

int sysv_list(Natives *natives);
void sysv_examine(Native *native);
int sysv_remove(const Native *native);

#endif
