/* SPDX-License-Identifier: MIT */
#include "daemon/state/oldstate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/state/record.h"
#include "proto/error.h"
#include "proto/fd.h"

#define STATE_FILE "state"
#define STATE_FORMAT "shmbroker 1\nepoch %" PRId64 "\nsegments %" PRId64 "\n"

/**
 * oldstate_read() - read what an older version left
 * @directory_fd: the state directory
 * @ret_generation: the last one
 * @ret_end_segment_id: ids of segments below may have been given away
 *
 * Return: 0, OLDSTATE_E_NONE, OLDSTATE_E_DAMAGED, or a negative errno.
 */
int oldstate_read(int directory_fd, int64_t *ret_generation, int64_t *ret_end_segment_id) {
        char text[256], again[sizeof(text)];
        _cleanup_fd_ int fd = -EBADF;
        int64_t generation, end_segment_id;
        ssize_t n;

        fd = openat(directory_fd, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? OLDSTATE_E_NONE : error_origin(-errno);
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return error_origin(-errno);
        text[n] = '\0';
        if (sscanf(text, STATE_FORMAT, &generation, &end_segment_id) != 2 || generation < 1 ||
            end_segment_id < 1)
                return OLDSTATE_E_DAMAGED;
        /* What is written back the same was read right. */
        (void) snprintf(again, sizeof(again), STATE_FORMAT, generation, end_segment_id);
        if ((size_t) n != strlen(again) || strcmp(text, again) != 0)
                return OLDSTATE_E_DAMAGED;
        if (generation >= RECORD_GENERATION_MAX || end_segment_id >= RECORD_ID_MAX)
                return OLDSTATE_E_DAMAGED;
        *ret_generation = generation;
        *ret_end_segment_id = end_segment_id;
        return 0;
}

/* oldstate_remove() - it was taken over; left behind, it says nothing that is not said elsewhere */
void oldstate_remove(int directory_fd) {
        (void) unlinkat(directory_fd, STATE_FILE, 0);
}
