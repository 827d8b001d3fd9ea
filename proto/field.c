/* SPDX-License-Identifier: MIT */
#include "proto/field.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/scan.h"

/* Whether members that are nullable are written. */
typedef enum Nulls Nulls;

enum Nulls {
        /* All, as null if they are not marked as given */
        NULLS_WRITTEN,
        /* Those that are marked as given */
        NULLS_LEFT_OUT,
        /* Those that are not 0, false or NULL; of structures and maps, those that are given */
        ZEROS_LEFT_OUT,
};

/* What a value of a type is in JSON. */
static const JsonType json_types[] = {
        [FIELD_BOOL] = JSON_BOOL,     [FIELD_INT] = JSON_NUMBER,  [FIELD_NUMBERS] = JSON_ARRAY,
        [FIELD_STRING] = JSON_STRING, [FIELD_ENUM] = JSON_STRING, [FIELD_SET] = JSON_ARRAY,
        [FIELD_STRUCT] = JSON_OBJECT, [FIELD_MAP] = JSON_OBJECT,
};

static void write_members(const Type *type, Writer *writer, const void *object, Nulls nulls);

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

static bool in_range(const Field *field, int64_t value) {
        return value >= field->minimum && value <= field->maximum;
}

static bool numbers_valid(const Field *field, const Numbers *numbers) {
        if (numbers->n_values > NUMBERS_MAX)
                return false;
        for (size_t i = 0; i < numbers->n_values; ++i)
                if (!in_range(field, numbers->values[i]))
                        return false;
        return true;
}

/* Is it within the bounds of its row? */
static bool field_valid(const Field *field, const void *value) {
        const char *string;

        switch (field->type) {
        case FIELD_BOOL:
        case FIELD_MAP:
                return true;
        case FIELD_INT:
                return in_range(field, *(const int64_t *) value);
        case FIELD_NUMBERS:
                return numbers_valid(field, value);
        case FIELD_STRING:
                string = *(const char *const *) value;
                return string && (!field->valid || field->valid(string));
        case FIELD_ENUM:
                return *(const unsigned int *) value < field->names->n_names;
        case FIELD_SET:
                return *(const unsigned int *) value >> field->names->n_names == 0;
        case FIELD_STRUCT:
                return type_valid(field->structure, value);
        }
        return false;
}

static int read_numbers(Reader *reader, Numbers *numbers) {
        numbers->n_values = 0;
        reader_enter(reader);
        while (reader_next(reader)) {
                if (reader_type(reader) != JSON_NUMBER || numbers->n_values == NUMBERS_MAX)
                        return FIELD_E_INVALID;
                if (reader_int(reader, &numbers->values[numbers->n_values++]))
                        return FIELD_E_INVALID;
        }
        return 0;
}

static int read_set(const Names *names, Reader *reader, bool lenient, unsigned int *ret) {
        unsigned int set = 0, bit;

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

        text = reader_string(reader);
        if (names_find(field->names, text, value))
                return 0;
        if (!lenient)
                return FIELD_E_INVALID;
        *value = (unsigned int) field->names->n_names;
        *word = text;
        return 0;
}

static int field_read(const Field *field, Reader *reader, bool lenient, void *object) {
        void *value = (char *) object + field->offset;
        const char *key;

        if (reader_type(reader) != json_types[field->type])
                return FIELD_E_INVALID;
        switch (field->type) {
        case FIELD_BOOL:
                *(bool *) value = reader_bool(reader);
                return 0;
        case FIELD_INT:
                if (reader_int(reader, value))
                        return FIELD_E_INVALID;
                return field_valid(field, value) ? 0 : FIELD_E_INVALID;
        case FIELD_NUMBERS:
                if (read_numbers(reader, value))
                        return FIELD_E_INVALID;
                return field_valid(field, value) ? 0 : FIELD_E_INVALID;
        case FIELD_STRING:
                *(const char **) value = reader_string(reader);
                return field_valid(field, value) ? 0 : FIELD_E_INVALID;
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

/* Members mostly come in the order of the table, so it is searched from @next on, and round. */
static const Field *type_find(const Type *type, const char *key, size_t next) {
        for (size_t i = 0; i < type->n_fields; ++i, ++next) {
                if (next == type->n_fields)
                        next = 0;
                if (strcmp(type->fields[next].key, key) == 0)
                        return &type->fields[next];
        }
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

static void write_numbers(Writer *writer, const Numbers *numbers) {
        writer_literal(writer, "[");
        for (size_t i = 0; i < numbers->n_values; ++i) {
                if (i > 0)
                        writer_literal(writer, ",");
                writer_int(writer, numbers->values[i]);
        }
        writer_literal(writer, "]");
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

static void field_write(const Field *field, Writer *writer, const void *object, Nulls nulls) {
        const void *value = (const char *) object + field->offset;

        switch (field->type) {
        case FIELD_BOOL:
                writer_bool(writer, *(const bool *) value);
                break;
        case FIELD_INT:
                writer_int(writer, *(const int64_t *) value);
                break;
        case FIELD_NUMBERS:
                write_numbers(writer, value);
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
                write_members(field->structure, writer, value, nulls);
                break;
        case FIELD_MAP:
                write_map(writer, value);
                break;
        }
}

static bool is_zero(const Field *field, const void *value) {
        switch (field->type) {
        case FIELD_BOOL:
                return !*(const bool *) value;
        case FIELD_INT:
                return *(const int64_t *) value == 0;
        case FIELD_NUMBERS:
                return ((const Numbers *) value)->n_values == 0;
        case FIELD_STRING:
                return !*(const char *const *) value;
        case FIELD_ENUM:
        case FIELD_SET:
                return *(const unsigned int *) value == 0;
        case FIELD_STRUCT:
        case FIELD_MAP:
                break;
        }
        return false;
}

static bool is_null(const Field *field, const void *value, bool given, Nulls nulls) {
        if (!field->nullable)
                return false;
        if (nulls != ZEROS_LEFT_OUT || field->type == FIELD_STRUCT || field->type == FIELD_MAP)
                return !given;
        return is_zero(field, value);
}

static void write_members(const Type *type, Writer *writer, const void *object, Nulls nulls) {
        const uint64_t *given = object;
        bool first = true;

        writer_literal(writer, "{");
        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                const void *value = (const char *) object + field->offset;
                bool null = is_null(field, value, *given >> i & 1, nulls);

                if (null && nulls != NULLS_WRITTEN)
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
                        field_write(field, writer, object, nulls);
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
        write_members(type, writer, object, NULLS_WRITTEN);
}

/* type_write_given() - the same without what is null, which is as good as not there */
void type_write_given(const Type *type, Writer *writer, const void *object) {
        write_members(type, writer, object, NULLS_LEFT_OUT);
}

/* type_write_nonzero() - the same without what is nullable and 0, false or NULL, whether or not it
 * is marked as given; structures and maps have to be */
void type_write_nonzero(const Type *type, Writer *writer, const void *object) {
        write_members(type, writer, object, ZEROS_LEFT_OUT);
}

/* type_valid() - would what type_write_nonzero() writes be read again? */
bool type_valid(const Type *type, const void *object) {
        const uint64_t *given = object;

        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                const void *value = (const char *) object + field->offset;

                if (is_null(field, value, *given >> i & 1, ZEROS_LEFT_OUT))
                        continue;
                if (!field_valid(field, value))
                        return false;
                if (field->type == FIELD_STRING && !scan_utf8(*(const char *const *) value))
                        return false;
        }
        return true;
}
