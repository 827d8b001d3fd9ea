/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_NAMED_INODE_H
#define SHMBROKER_DAEMON_KIND_NAMED_INODE_H

/*
 * Objects that are files with a name in a directory: what kinds posix and file have in common. The
 * owner and mode of the file are those of the segment, so that its user reaches it by its name as
 * well.
 */

#include "daemon/kind/kind.h"

int named_inode_create(const Host *host, Segment *segment, int directory_fd, KindFailure *failure);
int named_inode_link(const Host *host, Segment *segment, int directory_fd);
int named_inode_examine(const Host *host, Segment *segment, int fd, const Credentials *client,
                        KindFailure *failure);
int named_inode_adopt(const Host *host, Segment *segment, int fd, KindFailure *failure);
int named_inode_find_read_only(Segment *segment, int directory_fd);
int named_inode_find(const Host *host, Segment *segment, int directory_fd, int read_only_fd,
                     KindFailure *failure);
bool named_inode_look(Segment *segment, int directory_fd, ObjectState *ret);
int named_inode_set_permission(const Host *host, Segment *segment, const Permission *permission,
                               KindFailure *failure);
int named_inode_unlink(Segment *segment, int directory_fd, KindFailure *failure);
bool named_inode_leads_to(int directory_fd, const char *name, int fd);

#endif
