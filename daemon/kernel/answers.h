/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_ANSWERS_H
#define SHMBROKER_DAEMON_KERNEL_ANSWERS_H

/* Which of the kernel's answers are there on this host: tried, not looked up. */

#include <stdbool.h>

typedef struct Answers Answers;

struct Answers {
        /* Whether anyone is attached */
        bool leases;
        /* Whether a certain one is attached */
        bool marks;
        /* When to ask */
        bool closings;
};

int answers_find(Answers *ret);
void answers_log(const Answers *answers);

#endif
