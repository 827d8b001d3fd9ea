/* SPDX-License-Identifier: MIT */
/*
 * Frames through a segment, from one producer to one consumer: what is in the memory. Both
 * languages read this, and know no more of each other.
 */

#ifndef RING_H
#define RING_H

#include <stdint.h>

#define RING_MAGIC UINT64_C(0x72696e672d303031)
#define RING_SLOTS 16U
#define RING_FRAME 1024U

struct ring_frame {
        uint64_t number;
        uint8_t bytes[RING_FRAME];
};

struct ring {
        uint64_t magic;
        /* How many frames there will be, were written, and were read; written by one side each */
        uint64_t n_frames;
        uint64_t n_written;
        uint64_t n_read;
        struct ring_frame frames[RING_SLOTS];
};

static inline uint8_t ring_byte(uint64_t number, unsigned int i) {
        return (uint8_t) (number * 31 + i * 7);
}

#endif
