/* SPDX-License-Identifier: MIT */
/* The end of a segment in this process: of its mapping, its attachment and its descriptor. */

#include "client/lib/release.h"

#include <errno.h>
#include <stdlib.h>

#include "client/lib/map.h"
#include "client/lib/native.h"
#include "client/lib/segment.h"
#include "proto/fd.h"

/* segment_close() - end the attachment of a segment, of which the rest is still to be told */
void segment_close(struct shmbroker_segment *segment) {
        map_deinit(&segment->mapping);
        segment->native = native_detach(segment->native);
        if (segment_owns_fd(segment))
                fd_close(segment->fd);
        segment->fd = -EBADF;
}

struct shmbroker_segment *shmbroker_release(struct shmbroker_segment *segment) {
        int saved = errno;

        if (!segment)
                return NULL;
        segment_close(segment);
        free(segment->fresh);
        free(segment->own_name);
        free(segment);
        errno = saved;
        return NULL;
}
