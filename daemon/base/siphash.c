/* SPDX-License-Identifier: MIT */
#include "daemon/base/siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t value, unsigned int n) {
        return value << n | value >> (64 - n);
}

static void sip_rounds(uint64_t v[static 4], unsigned int n) {
        for (; n > 0; --n) {
                v[0] += v[1];
                v[1] = rotate(v[1], 13) ^ v[0];
                v[0] = rotate(v[0], 32);
                v[2] += v[3];
                v[3] = rotate(v[3], 16) ^ v[2];
                v[0] += v[3];
                v[3] = rotate(v[3], 21) ^ v[0];
                v[2] += v[1];
                v[1] = rotate(v[1], 17) ^ v[2];
                v[2] = rotate(v[2], 32);
        }
}

static void sip_block(uint64_t v[static 4], uint64_t block) {
        v[3] ^= block;
        sip_rounds(v, 2);
        v[0] ^= block;
}

/**
 * siphash() - SipHash-2-4, with words in the byte order of the host
 * @key:        the key
 * @data:       what is hashed
 * @n_data:     its length
 */
uint64_t siphash(const SipKey *key, const void *data, size_t n_data) {
        uint64_t v[4] = {
                key->halves[0] ^ UINT64_C(0x736f6d6570736575),
                key->halves[1] ^ UINT64_C(0x646f72616e646f6d),
                key->halves[0] ^ UINT64_C(0x6c7967656e657261),
                key->halves[1] ^ UINT64_C(0x7465646279746573),
        };
        const unsigned char *at = data;
        uint64_t block, last = (uint64_t) n_data << 56;

        for (; n_data >= sizeof(block); n_data -= sizeof(block), at += sizeof(block)) {
                memcpy(&block, at, sizeof(block));
                sip_block(v, block);
        }
        for (size_t i = 0; i < n_data; ++i)
                last |= (uint64_t) at[i] << 8 * i;
        sip_block(v, last);
        v[2] ^= 0xff;
        sip_rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
