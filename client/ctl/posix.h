/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_POSIX_H
#define SHMBROKER_CLIENT_CTL_POSIX_H

/*
 * POSIX shared memory objects: files that shm_open(3) makes. Whether somebody has one open or
 * mapped the kernel tells by a lease, which it grants only to the one open file description that
 * there is.
 */

#include "client/ctl/native.h"

int posix_list(Natives *natives);
void posix_examine(Native *native);
int posix_remove(const Native *native);

#endif
