/* SPDX-License-Identifier: MIT */
#include "proto/field.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* names_find() - the index of @name, if it is one of @names */
bool names_find(const Names *names, const char *name, unsigned int *ret) {
        for (size_t i = 0; i < names->n_names; ++i)
                if (strcmp(names->names[i], name) == 0) {
                        *ret = (unsigned int) i;
                        return true;
                }
        return false;
}

/* Members that are there but null are as good as members that are not there. */
static bool read_null(Reader *reader) {
        if (reader_type(reader) != JSON_NULL)
                return false;
        reader_skip(reader);
        return true;
}

static int read_mistyped(Reader *reader) {
        reader_skip(reader);
        return FIELD_E_INVALID;
}

static int read_set(const Names *names, Reader *reader, bool lenient, unsigned int *ret) {
        unsigned int set = 0, bit;

        if (reader_type(reader) != JSON_ARRAY)
                return read_mistyped(reader);
        reader_enter(reader);
        while (reader_next(reader)) {
                if (reader_type(reader) != JSON_STRING)
                        return FIELD_E_INVALID;
                if (names_find(names, reader_string(reader), &bit))
                        set |= 1U << bit;
                else if (!lenient)
                        return FIELD_E_INVALID;
        }
        *ret = set;
        return 0;
}

/*
 * A key and its number, each with a NUL behind it, take less room than they took in JSON: they are
 * moved together where they are, so that there may be any number of them.
 */
static int read_map(Reader *reader, Map *map) {
        char *end, *key;
        int64_t value;

        if (reader_type(reader) != JSON_OBJECT)
                return read_mistyped(reader);
        map->n_entries = 0;
        map->text = end = reader->at;
        reader_enter(reader);
        while (reader_next(reader)) {
                key = reader_key(reader);
                if (reader_type(reader) != JSON_NUMBER || reader_int(reader, &value))
                        return FIELD_E_INVALID;
                end = memmove(end, key, strlen(key) + 1);
                end += strlen(end) + 1;
                end += sprintf(end, "%" PRId64, value) + 1;
                ++map->n_entries;
        }
        return 0;
}

/* map_entry() - the entry of that index, whether the map was read or is to be written; false if
 * there are no more */
bool map_entry(const Map *map, size_t index, MapEntry *ret) {
        const char *at = map->text;

        if (index >= map->n_entries)
                return false;
        if (!at) {
                *ret = map->entries[index];
                return true;
        }
        for (size_t n = 2 * index; n > 0; --n)
                at += strlen(at) + 1;
        ret->key = at;
        ret->value = strtoll(at + strlen(at) + 1, NULL, 10);
        return true;
}

static int read_enum(const Field *field, Reader *reader, bool lenient, void *object) {
        unsigned int *value = (void *) ((char *) object + field->offset);
        const char **word = (void *) ((char *) object + field->word_offset);
        const char *text;

        if (reader_type(reader) != JSON_STRING)
                return read_mistyped(reader);
        text = reader_string(reader);
        if (names_find(field->names, text, value))
                return 0;
        if (!lenient)
                return FIELD_E_INVALID;
        *value = (unsigned int) field->names->n_names;
        *word = text;
        return 0;
}

static int read_int(const Field *field, Reader *reader, int64_t *ret) {
        int64_t value;

        if (reader_type(reader) != JSON_NUMBER)
                return read_mistyped(reader);
        if (reader_int(reader, &value) || value < field->minimum || value > field->maximum)
                return FIELD_E_INVALID;
        *ret = value;
        return 0;
}

static int field_read(const Field *field, Reader *reader, bool lenient, void *object) {
        void *value = (char *) object + field->offset;
        const char *key;

        switch (field->type) {
        case FIELD_BOOL:
                if (reader_type(reader) != JSON_BOOL)
                        return read_mistyped(reader);
                *(bool *) value = reader_bool(reader);
                return 0;
        case FIELD_INT:
                return read_int(field, reader, value);
        case FIELD_STRING:
                if (reader_type(reader) != JSON_STRING)
                        return read_mistyped(reader);
                *(const char **) value = reader_string(reader);
                return 0;
        case FIELD_ENUM:
                return read_enum(field, reader, lenient, object);
        case FIELD_SET:
                return read_set(field->names, reader, lenient, value);
        case FIELD_STRUCT:
                return type_read(field->structure, reader, lenient, value, &key);
        case FIELD_MAP:
                return read_map(reader, value);
        }
        return FIELD_E_INVALID;
}

/* Members mostly come in the order of the table, so @next is tried first. */
static const Field *type_find(const Type *type, const char *key, size_t next) {
        if (next < type->n_fields && strcmp(type->fields[next].key, key) == 0)
                return &type->fields[next];
        for (size_t i = 0; i < type->n_fields; ++i)
                if (strcmp(type->fields[i].key, key) == 0)
                        return &type->fields[i];
        return NULL;
}

/**
 * type_read() - read an object into a structure
 * @type:       table of the structure
 * @reader:     reader that stands before the object, in a text that was scanned
 * @lenient:    skip what the table does not know, and take words that it does not know, as a client
 *              of a newer broker has to
 * @object:     the structure; strings in it belong to the text
 * @ret_key:    if FIELD_E_INVALID is returned, the key of the field that is wrong, else untouched
 *
 * What is null or not there keeps the value zero and is not marked as given.
 *
 * Return: 0, or FIELD_E_INVALID, and then neither @object nor the place of @reader is of use.
 */
int type_read(const Type *type, Reader *reader, bool lenient, void *object, const char **ret_key) {
        uint64_t *given = object;
        size_t next = 0;

        memset(object, 0, type->size);
        if (reader_type(reader) != JSON_OBJECT) {
                *ret_key = "parameters";
                return FIELD_E_INVALID;
        }
        reader_enter(reader);
        while (reader_next(reader)) {
                const char *key = reader_key(reader);
                const Field *field = type_find(type, key, next);

                if (!field && !lenient) {
                        *ret_key = key;
                        return FIELD_E_INVALID;
                }
                if (!field) {
                        reader_skip(reader);
                        continue;
                }
                next = (size_t) (field - type->fields) + 1;
                if (read_null(reader))
                        continue;
                if (field_read(field, reader, lenient, object)) {
                        *ret_key = field->key;
                        return FIELD_E_INVALID;
                }
                *given |= UINT64_C(1) << (field - type->fields);
        }
        for (size_t i = 0; i < type->n_fields; ++i)
                if (!type->fields[i].nullable && !(*given >> i & 1)) {
                        *ret_key = type->fields[i].key;
                        return FIELD_E_INVALID;
                }
        return 0;
}

static void write_set(const Names *names, Writer *writer, unsigned int set) {
        bool first = true;

        writer_literal(writer, "[");
        for (size_t i = 0; i < names->n_names; ++i) {
                if (!(set >> i & 1))
                        continue;
                if (!first)
                        writer_literal(writer, ",");
                first = false;
                writer_string(writer, names->names[i]);
        }
        writer_literal(writer, "]");
}

static void write_map(Writer *writer, const Map *map) {
        MapEntry entry;

        writer_literal(writer, "{");
        for (size_t i = 0; map_entry(map, i, &entry); ++i) {
                if (i > 0)
                        writer_literal(writer, ",");
                writer_string(writer, entry.key);
                writer_literal(writer, ":");
                writer_int(writer, entry.value);
        }
        writer_literal(writer, "}");
}

static const char *enum_word(const Field *field, const void *object) {
        unsigned int value = *(const unsigned int *) ((const char *) object + field->offset);

        if (value < field->names->n_names)
                return field->names->names[value];
        return *(const char *const *) (const void *) ((const char *) object + field->word_offset);
}

static void field_write(const Field *field, Writer *writer, const void *object) {
        const void *value = (const char *) object + field->offset;

        switch (field->type) {
        case FIELD_BOOL:
                writer_bool(writer, *(const bool *) value);
                break;
        case FIELD_INT:
                writer_int(writer, *(const int64_t *) value);
                break;
        case FIELD_STRING:
                writer_string(writer, *(const char *const *) value);
                break;
        case FIELD_ENUM:
                writer_string(writer, enum_word(field, object));
                break;
        case FIELD_SET:
                write_set(field->names, writer, *(const unsigned int *) value);
                break;
        case FIELD_STRUCT:
                type_write(field->structure, writer, value);
                break;
        case FIELD_MAP:
                write_map(writer, value);
                break;
        }
}

static void write_members(const Type *type, Writer *writer, const void *object, bool nulls) {
        const uint64_t *given = object;
        bool first = true;

        writer_literal(writer, "{");
        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                bool null = field->nullable && !(*given >> i & 1);

                if (null && !nulls)
                        continue;
                if (!first)
                        writer_literal(writer, ",");
                first = false;
                /* Keys of ours need no escapes. */
                writer_literal(writer, "\"");
                writer_text(writer, field->key, field->n_key);
                writer_literal(writer, "\":");
                if (null)
                        writer_literal(writer, "null");
                else
                        field_write(field, writer, object);
        }
        writer_literal(writer, "}");
}

/**
 * type_write() - append a structure as a JSON object
 * @type:       table of the structure
 * @writer:     where to
 * @object:     the structure
 *
 * A nullable field that is not marked as given is written as null, so that whoever reads it may
 * index every field of the interface without asking whether it is there.
 */
void type_write(const Type *type, Writer *writer, const void *object) {
        write_members(type, writer, object, true);
}

/* type_write_given() - the same without what is null, which is as good as not there */
void type_write_given(const Type *type, Writer *writer, const void *object) {
        write_members(type, writer, object, false);
}
