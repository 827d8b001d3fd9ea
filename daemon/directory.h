#ifndef SHMBROKER_DAEMON_DIRECTORY_H
#define SHMBROKER_DAEMON_DIRECTORY_H

/* Directories of the broker's own, made when they are not there. */

#include <sys/types.h>

int directory_make(const char *path, mode_t mode);

#endif
