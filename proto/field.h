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

/* Entries in a map that is written */
#define MAP_ENTRIES_MAX 64
/* Numbers in an array */
#define NUMBERS_MAX 16

typedef struct Field Field;
typedef enum FieldType FieldType;
typedef struct Map Map;
typedef struct MapEntry MapEntry;
typedef struct Names Names;
typedef struct Numbers Numbers;
typedef struct Type Type;

enum FieldType {
        /* bool */
        FIELD_BOOL,
        /* int64_t, from minimum to maximum */
        FIELD_INT,
        /* Numbers, each from minimum to maximum; an array in JSON */
        FIELD_NUMBERS,
        /* const char *, owned by whoever owns the text */
        FIELD_STRING,
        /*
         * unsigned int, an index into names; or their number, for a word that is none of them,
         * which only a lenient reader takes. The word is in a member behind it, NULL for one of
         * names.
         */
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
        /* To be written */
        MapEntry entries[MAP_ENTRIES_MAX];
        /* As read, however many they are: see map_entry() */
        const char *text;
};

/* Without memory of its own, so that a structure that has it can be copied. */
struct Numbers {
        size_t n_values;
        int64_t values[NUMBERS_MAX];
};

struct Field {
        const char *key;
        size_t n_key;
        FieldType type;
        bool nullable;
        size_t offset;
        size_t word_offset;
        int64_t minimum;
        int64_t maximum;
        /* What a string has to be, or NULL */
        bool (*valid)(const char *string);
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

#define FIELD_WORD_ROW(Structure, member, name)                                                    \
        FIELD_ROW(Structure, member, name), .word_offset = offsetof(Structure, member##_word)

#define FIELD_NULLABLE .nullable = true
#define FIELD_RANGE(least, most) .type = FIELD_INT, .minimum = (least), .maximum = (most)
#define FIELD_NUMBERS_RANGE(least, most)                                                           \
        .type = FIELD_NUMBERS, .minimum = (least), .maximum = (most)
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
void type_write_nonzero(const Type *type, Writer *writer, const void *object);
bool type_valid(const Type *type, const void *object);

bool map_entry(const Map *map, size_t index, MapEntry *ret);
bool names_find(const Names *names, const char *name, unsigned int *ret);

#endif
