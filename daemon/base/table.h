/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_TABLE_H
#define SHMBROKER_DAEMON_BASE_TABLE_H

/*
 * uthash and utlist. A table that runs out of memory does not end the program: the element is not
 * added, which TABLE_HOLDS() tells.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1

/* Names are of clients' choice: without the key nobody can choose many that are in one bucket. */
#define HASH_FUNCTION(key, n_key, hash)                                                            \
        do {                                                                                       \
                (hash) = table_hash((key), (n_key));                                               \
        } while (0)

int table_seed(void);
unsigned int table_hash(const void *key, size_t n_key);

/* Its macros convert between signed and unsigned on purpose. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <uthash.h>
#include <utlist.h>
#pragma GCC diagnostic pop

#define TABLE_HOLDS(element, handle) ((element)->handle.tbl != NULL)

#endif
