/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_OLDSTATE_H
#define SHMBROKER_DAEMON_STATE_OLDSTATE_H

/*
 * The file "state", which an older version had in the place of the state file: how often a broker
 * began on the directory, and below which number it may have given ids of segments away.
 */

#include <stdint.h>

enum {
        _OLDSTATE_E_SUCCESS,
        /* There is none */
        OLDSTATE_E_NONE,
        /* It is not one that that version wrote */
        OLDSTATE_E_DAMAGED,
};

int oldstate_read(int directory_fd, int64_t *ret_generation, int64_t *ret_end_segment_id);
void oldstate_remove(int directory_fd);

#endif
