/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_MARK_KEY_H
#define SHMBROKER_DAEMON_STATE_MARK_KEY_H

/*
 * The key that says where marks are (kernel/mark.h), in a file of its own in the state directory,
 * which only the broker reads. With another key the next broker does not find the marks of earlier
 * attachments: their segments are held as before, and how many there are is not known.
 */

#include "daemon/base/siphash.h"

int mark_key_open(int directory_fd, SipKey *ret);

#endif
