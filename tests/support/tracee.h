/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_TRACEE_H
#define SHMBROKER_TESTS_SUPPORT_TRACEE_H

/* A process of a test whose system calls are counted, or made to fail, by ptrace(2). */

#include <stdbool.h>
#include <sys/types.h>

/* May this process do so? If not, the reason is printed. */
bool tracee_can(void);
/* The same of making calls fail. */
bool tracee_can_fail(void);

/* Stops its first thread, where it is. */
void tracee_stop(pid_t pid);
/* Lets it make one system call. */
void tracee_step(pid_t pid);
/* The same, but the call fails with that errno and does nothing. Its number; negative, and then the
 * call was made, if @may_fail says that this one must not. */
long tracee_fail(pid_t pid, int error, bool (*may_fail)(long number));
void tracee_let_go(pid_t pid);

#endif
