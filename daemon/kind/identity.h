/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_IDENTITY_H
#define SHMBROKER_DAEMON_KIND_IDENTITY_H

/* Which file, object or directory is it, and is it the one that it was? */

#include <stdbool.h>

#include "daemon/model/segment.h"

Identity identity_of(int fd);
bool identity_known(const Identity *identity);
bool identity_shared(int fd, int other_fd);
bool identity_equal(const Identity *one, const Identity *other);

#endif
