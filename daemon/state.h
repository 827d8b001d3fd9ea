#ifndef SHMBROKER_DAEMON_STATE_H
#define SHMBROKER_DAEMON_STATE_H

/*
 * What must survive the daemon so that no id is ever used again: one small file in the state
 * directory, replaced as a whole, and written before the numbers that it gives away are used.
 */

#include <stdint.h>

typedef struct State State;

enum {
        _STATE_E_SUCCESS,
        /* Another broker has the directory */
        STATE_E_BUSY,
        /* The file is not one that this version wrote */
        STATE_E_DAMAGED,
        /* The numbers given away are used up, and more could not be written down */
        STATE_E_NO_IDS,
};

struct State {
        int directory_fd;
        int lock_fd;
        /* How often a broker began on this directory; the upper half of attachment ids */
        int64_t epoch;
        int64_t next_segment_id;
        /* Up to here, exclusively, the file has given segment ids away */
        int64_t end_segment_id;
        int64_t next_attachment;
};

#define STATE_NULL                                                                                 \
        { .directory_fd = -EBADF, .lock_fd = -EBADF }

int state_open(State *state, const char *path);
void state_close(State *state);

int state_segment_id(State *state, int64_t *ret);
int state_attachment_id(State *state, int64_t *ret);

#endif
