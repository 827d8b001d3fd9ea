/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_FEATURES_H
#define SHMBROKER_DAEMON_KERNEL_FEATURES_H

/* Which of the kernel's answers are there on this host: tried, not looked up. */

#include <stdbool.h>

typedef struct Features Features;

struct Features {
        /* Whether anyone is attached */
        bool leases;
        /* When to ask */
        bool closings;
};

int features_find(Features *ret);
void features_log(const Features *features);

#endif
