/* SPDX-License-Identifier: MIT */
#include "daemon/kind/object-name.h"

#include <inttypes.h>
#include <stdio.h>

/* A name without slashes; a segment that has none is called by its id. */
static void make_name(const char *segment_name, char slash, const char *prefix, int64_t id,
                      char ret[OBJECT_NAME_BYTES]) {
        if (!segment_name) {
                (void) snprintf(ret, OBJECT_NAME_BYTES, "%s%" PRId64, prefix, id);
                return;
        }
        (void) snprintf(ret, OBJECT_NAME_BYTES, "%s", segment_name);
        for (char *at = ret; *at; ++at)
                if (*at == '/')
                        *at = slash;
}

/* object_posix_name() - behind the slash of a POSIX name; slashes become dots, as the interface
 * says */
void object_posix_name(const char *segment_name, int64_t id, char ret[OBJECT_NAME_BYTES]) {
        make_name(segment_name, '.', "shmbroker.", id, ret);
}

/*
 * object_file_name() - in the broker's file directory
 *
 * Slashes become commas: no name of a segment has one, so that different segments have different
 * files.
 */
void object_file_name(const char *segment_name, int64_t id, char ret[OBJECT_NAME_BYTES]) {
        make_name(segment_name, ',', ",", id, ret);
}
