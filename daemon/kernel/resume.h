/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_RESUME_H
#define SHMBROKER_DAEMON_KERNEL_RESUME_H

/*
 * When has the host been suspended? Timers of the loop stand still meanwhile, and what is waited
 * for on CLOCK_BOOTTIME does not. A timer on CLOCK_REALTIME that is cancelled when that clock is
 * set (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET) becomes readable after each suspend, and when
 * somebody sets the clock, which does no harm.
 */

int resume_open(void);
void resume_again(int fd);

#endif
