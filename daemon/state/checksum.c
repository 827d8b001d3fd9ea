/* SPDX-License-Identifier: MIT */
#include "daemon/state/checksum.h"

/* Of half a byte each: lines are short, and a small table stays in the cache. */
static const uint32_t remainders[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t checksum(const void *data, size_t n_data) {
        const unsigned char *at = data;
        uint32_t sum = UINT32_MAX;

        for (const unsigned char *end = at + n_data; at < end; ++at) {
                sum ^= *at;
                sum = sum >> 4 ^ remainders[sum & 0xf];
                sum = sum >> 4 ^ remainders[sum & 0xf];
        }
        return ~sum;
}
