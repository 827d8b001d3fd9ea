/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FIELD_H
#define SHMBROKER_PROTO_FIELD_H

/*
 * Structures and their JSON. A type is a table with one row for each field: its key, its type and
 * where it is in the C structure. The same table reads and writes, on both ends of the socket.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/reader.h"
#include "proto/writer.h"

/* Entries in a map of names to numbers; what a peer sends beyond is not kept. */
#define MAP_ENTRIES_MAX 64

typedef struct Field Field;
typedef enum FieldType FieldType;
typedef struct Map Map;
typedef struct MapEntry MapEntry;
typedef struct Names Names;
typedef struct Type Type;

enum FieldType {
        /* bool */
        FIELD_BOOL,
        /* int64_t, from minimum to maximum */
        FIELD_INT,
        /* const char *, owned by whoever owns the text */
        FIELD_STRING,
        /* unsigned int, an index into names */
        FIELD_ENUM,
        /* unsigned int, one bit for each of names; an array of strings in JSON */
        FIELD_SET,
        /* A structure of its own, with a table of its own */
        FIELD_STRUCT,
        /* Map */
        FIELD_MAP,
};

enum {
        _FIELD_E_SUCCESS,
        /* Unknown, missing, of another type, or out of range */
        FIELD_E_INVALID,
};

struct Names {
        const char *const *names;
        size_t n_names;
};

struct MapEntry {
        const char *key;
        int64_t value;
};

struct Map {
        size_t n_entries;
        MapEntry entries[MAP_ENTRIES_MAX];
};

struct Field {
        const char *key;
        size_t n_key;
        FieldType type;
        bool nullable;
        size_t offset;
        int64_t minimum;
        int64_t maximum;
        const Names *names;
        const Type *structure;
};

/* Each structure begins with a uint64_t, in which the bit of a row says that it is not null. */
struct Type {
        size_t size;
        const Field *fields;
        size_t n_fields;
};

#define FIELD_ROW(Structure, member, name)                                                         \
        .key = (name), .n_key = sizeof(name) - 1, .offset = offsetof(Structure, member)

#define FIELD_NULLABLE .nullable = true
#define FIELD_RANGE(least, most) .type = FIELD_INT, .minimum = (least), .maximum = (most)
#define FIELD_ANY_INT FIELD_RANGE(INT64_MIN, INT64_MAX)

#define GIVEN(object, row) ((object)->given >> (row) &1U)
#define GIVE(object, row) ((object)->given |= UINT64_C(1) << (row))

/* Sets a nullable member and says that it is there. */
#define GIVE_VALUE(object, row, member, value)                                                     \
        do {                                                                                       \
                (object)->member = (value);                                                        \
                GIVE((object), (row));                                                             \
        } while (false)

int type_read(const Type *type, Reader *reader, bool lenient, void *object, const char **ret_key);
void type_write(const Type *type, Writer *writer, const void *object);
void type_write_given(const Type *type, Writer *writer, const void *object);

bool names_find(const Names *names, const char *name, unsigned int *ret);

#endif
