/* SPDX-License-Identifier: MIT */
#include "daemon/base/table.h"

#include <errno.h>
#include <sys/random.h>

#include "daemon/base/siphash.h"
#include "proto/error.h"

static SipKey table_key;

/* table_seed() - choose the key of all tables, before there are any; 0 or a negative errno */
int table_seed(void) {
        if (getrandom(&table_key, sizeof(table_key), 0) != sizeof(table_key))
                return error_origin(-errno);
        return 0;
}

/* table_hash() - what uthash.h goes by; see HASH_FUNCTION */
unsigned int table_hash(const void *key, size_t n_key) {
        return (unsigned int) siphash(&table_key, key, n_key);
}
