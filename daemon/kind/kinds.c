/* SPDX-License-Identifier: MIT */
#include "daemon/kind/kinds.h"

const KindRow *const kind_rows[_KIND_N] = {
        [KIND_MEMFD] = &kind_memfd,
        [KIND_POSIX] = &kind_posix,
        [KIND_SYSV] = &kind_sysv,
        [KIND_FILE] = &kind_file,
};

/* kind_set() - make a segment, behind which there is nothing yet, one of a kind */
void kind_set(Segment *segment, Kind kind) {
        segment->kind = kind;
        segment->traits = &kind_rows[kind]->traits;
}
