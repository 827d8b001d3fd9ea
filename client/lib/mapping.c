/* SPDX-License-Identifier: MIT */
/* Checks and errors of mappings that do not depend on a segment. */

#include "client/lib/mapping.h"

#include <errno.h>

#include "proto/error.h"

/**
 * mapping_check() - can anything be mapped like this?
 * @options:    how
 * @page:       size of a page
 *
 * Return: 0, MAP_E_OFFSET, or MAP_E_ADDRESS.
 */
int mapping_check(const MapOptions *options, uint64_t page) {
        if (options->offset & (page - 1))
                return MAP_E_OFFSET;
        if ((uintptr_t) options->address & (page - 1))
                return MAP_E_ADDRESS;
        return 0;
}

/* mapping_errno() - what a function returns that has nobody to tell the rest */
int mapping_errno(int r) {
        if (r <= 0)
                return error_trace(r);
        return error_origin(r >= MAP_E_NO_DESCRIPTOR ? -EOPNOTSUPP : -EINVAL);
}
