/* SPDX-License-Identifier: MIT */
#include "daemon/kind/object-name.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/model/tenant.h"

/* A name without slashes; a segment that has none is called by its id. False if it is too long. */
static bool make_name(const char *prefix, const char *segment_name, const char *private_prefix,
                      int64_t id, char slash, char ret[OBJECT_NAME_BYTES]) {
        int n;

        if (segment_name)
                n = snprintf(ret, OBJECT_NAME_BYTES, "%s%s", prefix, segment_name);
        else
                n = snprintf(ret, OBJECT_NAME_BYTES, "%s%s%" PRId64, prefix, private_prefix, id);
        for (char *at = ret; *at; ++at)
                if (*at == '/')
                        *at = slash;
        return n < OBJECT_NAME_BYTES;
}

/* object_posix_name() - behind the slash of a POSIX name; slashes become dots, as the interface
 * says */
void object_posix_name(const char *segment_name, int64_t id, char ret[OBJECT_NAME_BYTES]) {
        (void) make_name("", segment_name, "shmbroker.", id, '.', ret);
}

/**
 * object_file_name() - in the broker's file directory
 * @tenant:     whose segment it is; NULL is the host's
 * @segment_name: the segment's name, or NULL
 * @id:         its id
 * @ret:        the file's name
 *
 * Slashes become commas: no name of a segment or of a tenant has one, so that different segments
 * have different files. Those of tenants begin with a comma, and have two.
 *
 * Return: whether a file can be called so; else the name is too long, which of the host none is.
 */
bool object_file_name(const char *tenant, const char *segment_name, int64_t id,
                      char ret[OBJECT_NAME_BYTES]) {
        char prefix[TENANT_NAME_MAX + 3] = "";

        if (tenant)
                (void) snprintf(prefix, sizeof(prefix), ",%s,", tenant);
        return make_name(prefix, segment_name, ",", id, ',', ret);
}
