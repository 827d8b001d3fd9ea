/* SPDX-License-Identifier: MIT */
/* Values that programs give: copied, and as the protocol has them. */

#include "client/lib/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"
#include "proto/util.h"

/**
 * text_set() - keep a copy of a text
 * @text:       where it is kept; what was there before is freed
 * @value:      the text, or NULL for none
 * @n_max:      how long it may be
 *
 * Return: 0, -ENAMETOOLONG, or -ENOMEM.
 */
int text_set(char **text, const char *value, size_t n_max) {
        char *copy = NULL;

        if (value && strlen(value) > n_max)
                return error_origin(-ENAMETOOLONG);
        if (value) {
                copy = strdup(value);
                if (!copy)
                        return error_origin(-ENOMEM);
        }
        free(*text);
        *text = copy;
        return 0;
}

/* number_clamp() - as a number of the protocol; what is beyond those is beyond what is allowed */
int64_t number_clamp(uint64_t value) {
        return (int64_t) MIN(value, (uint64_t) INT64_MAX);
}

/* uids_set() - keep users as an array of the protocol; -EINVAL, and then nothing has changed, if
 * they are none or too many for that */
int uids_set(Numbers *numbers, const uid_t *uids, size_t n_uids) {
        if (n_uids == 0 || n_uids > NUMBERS_MAX)
                return error_origin(-EINVAL);
        for (size_t i = 0; i < n_uids; ++i)
                numbers->values[i] = uids[i];
        numbers->n_values = n_uids;
        return 0;
}
