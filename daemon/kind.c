#include "daemon/kind.h"

#include <errno.h>

#include "proto/error.h"

const KindRow *const kind_rows[_KIND_N] = {
        [KIND_MEMFD] = &kind_memfd,
};

/* kind_error() - what an errno of a call that makes or opens a segment means to who asked for it */
int kind_error(int error) {
        switch (error) {
        case EMFILE:
        case ENFILE:
                return KIND_E_NO_DESCRIPTORS;
        case ENOMEM:
        case ENOSPC:
                return KIND_E_NO_MEMORY;
        case EFBIG:
        case EOVERFLOW:
                return KIND_E_TOO_LARGE;
        default:
                return error_origin(-error);
        }
}
