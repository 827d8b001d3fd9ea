/* SPDX-License-Identifier: MIT */
#include "daemon/base/thread.h"

#include <signal.h>

#include "proto/error.h"

/**
 * thread_start() - start a thread that gets no signals
 * @ret:        the thread, which is to be joined or detached
 * @run:        what it does
 * @userdata:   passed to @run
 *
 * Return: 0, or a negative errno of pthread_create(3).
 */
int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata) {
        sigset_t all, before;
        int r;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(ret, NULL, run, userdata);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return r ? error_origin(-r) : 0;
}
