/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_WRITER_H
#define SHMBROKER_PROTO_WRITER_H

/* Appends JSON text to memory of the caller's: no tree, no allocation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Writer Writer;

struct Writer {
        char *data;
        size_t n_data;
        size_t n_allocated;
        /* Something did not fit; what is there is of no use. */
        bool overflow;
};

#define WRITER_INIT(memory, size)                                                                  \
        { .data = (memory), .n_allocated = (size) }

void writer_text(Writer *writer, const char *text, size_t n_text);
void writer_string(Writer *writer, const char *string);
void writer_int(Writer *writer, int64_t value);
void writer_bool(Writer *writer, bool value);

#define writer_literal(writer, literal) writer_text((writer), "" literal, sizeof(literal) - 1)

#endif
