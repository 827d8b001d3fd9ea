/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_MAPPING_H
#define SHMBROKER_CLIENT_LIB_MAPPING_H

/* How memory is mapped, and why it is not. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct MapOptions MapOptions;
typedef struct Mapping Mapping;

enum {
        _MAP_E_SUCCESS,
        /* These options are not possible with this segment */
        MAP_E_OFFSET,
        MAP_E_LENGTH,
        MAP_E_ADDRESS,
        /* There is no descriptor, and: no other way to attach it either */
        MAP_E_NO_DESCRIPTOR,
        /* its number means something in another IPC namespace only */
        MAP_E_NAMESPACE,
        /* its number leads to another segment */
        MAP_E_OTHER,
        /* nobody can make a private copy of it */
        MAP_E_PRIVATE_COPY,
};

/* How memory is mapped. */
struct MapOptions {
        bool no_map;
        bool populate;
        bool reserve;
        bool private_copy;
        bool locked;
        /* NULL is where the kernel likes */
        void *address;
        uint64_t offset;
        /* 0 is up to the end */
        uint64_t length;
};

/* Where the memory is, and how it came there; all zero where it is not mapped. */
struct Mapping {
        void *data;
        size_t length;
        MapOptions options;
        /* The attachment by shmat(2) that it is a part of, NULL if it is a mapping of its own */
        void *native;
        /* It was asked for, even if there was nothing to map */
        bool wanted;
};

int mapping_check(const MapOptions *options, uint64_t page);
int mapping_errno(int r);

#endif
