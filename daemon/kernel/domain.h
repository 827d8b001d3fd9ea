/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KERNEL_DOMAIN_H
#define SHMBROKER_DAEMON_KERNEL_DOMAIN_H

/*
 * Descriptions that truncate nothing. A file descriptor for writing lets its holder shrink the
 * object (ftruncate(2)), and every mapping of the part that is gone faults with SIGBUS. What a
 * thread opens in a Landlock domain (landlock(7)) without the right to truncate stays without it,
 * whoever has the descriptor later: ftruncate(2) fails with EACCES.
 *
 * The loop's thread enters such a domain. A thread that stays outside opens the few files that the
 * broker truncates itself, and what else a domain forbids: it also hides what only ptrace(2) may
 * see of processes that are not in it.
 *
 * This concerns files with a path, such as those of a disk and of /dev/shm. The kernel does not
 * apply it to memory files and System V segments.
 */

#include <stdbool.h>
#include <sys/types.h>

void domain_enter(void);
bool domain_entered(void);
void domain_end(void);

int domain_open_outside(int directory_fd, const char *name, int flags, mode_t mode);

#endif
