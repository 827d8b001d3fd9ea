/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_DROPINS_H
#define SHMBROKER_DAEMON_SERVER_DROPINS_H

/* Files that add to a configuration file: those in directories beside it whose names end in .conf.
 */

/* Reads one file. What is not 0 ends the visit and is returned by it. */
typedef int (*DropinsVisitFn)(const char *path, void *userdata);

int dropins_visit(const char *const *directories, DropinsVisitFn visit, void *userdata);

#endif
