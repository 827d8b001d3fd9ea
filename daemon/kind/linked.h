/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_LINKED_H
#define SHMBROKER_DAEMON_KIND_LINKED_H

/*
 * Objects that are files with a name in a directory: what kinds posix and file have in common. The
 * owner and mode of the file are those of the segment, so that its user reaches it by its name as
 * well.
 */

#include "daemon/kind/kind.h"

int linked_create(const Host *host, Segment *segment, int directory_fd, KindFailure *failure);
int linked_link(const Host *host, Segment *segment, int directory_fd);
int linked_examine(const Host *host, Segment *segment, int fd, const Credentials *client,
                   KindFailure *failure);
int linked_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure);
int linked_find(const Host *host, Segment *segment, int directory_fd, KindFailure *failure);
bool linked_look(Segment *segment, int directory_fd, ObjectState *ret);
int linked_set_permission(const Host *host, Segment *segment, const Permission *permission,
                          KindFailure *failure);
int linked_unlink(Segment *segment, int directory_fd, KindFailure *failure);
bool linked_leads_to(int directory_fd, const char *name, int fd);

#endif
