/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_THREAD_H
#define SHMBROKER_DAEMON_BASE_THREAD_H

/* Threads beside the loop's, to which all signals are left. */

#include <pthread.h>

int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata);

#endif
