/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_STATE_CHECKSUM_H
#define SHMBROKER_DAEMON_STATE_CHECKSUM_H

/* CRC-32C (Castagnoli, RFC 3720): finds damage, and is no protection against anybody. */

#include <stddef.h>
#include <stdint.h>

uint32_t checksum(const void *data, size_t n_data);

#endif
