/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_SIPHASH_H
#define SHMBROKER_DAEMON_BASE_SIPHASH_H

/* SipHash-2-4: a number that nobody can tell from another one without the key. */

#include <stddef.h>
#include <stdint.h>

typedef struct SipKey SipKey;

struct SipKey {
        uint64_t halves[2];
};

uint64_t siphash(const SipKey *key, const void *data, size_t n_data);

#endif
