/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_COMPARE_H
#define SHMBROKER_TESTS_SUPPORT_COMPARE_H

/* A text as Reader sees it and as json-c does: two opinions that have to be the same. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "proto/reader.h"
#include "proto/scan.h"

/* json-c's own number of levels counts the innermost value too. */
#define COMPARE_DEPTH (SCAN_DEPTH_MAX + 2)

static inline const char *compare_number(Reader *reader, json_object *object) {
        int64_t value;

        if (reader_int(reader, &value) == 0) {
                if (json_object_is_type(object, json_type_int))
                        return json_object_get_int64(object) == value ? NULL : "another integer";
                /* json-c keeps the sign of -0, which takes a double. */
                if (value == 0 && json_object_is_type(object, json_type_double) &&
                    json_object_get_double(object) == 0)
                        return NULL;
                return "an integer for Reader alone";
        }
        if (json_object_is_type(object, json_type_double))
                return NULL;
        if (!json_object_is_type(object, json_type_int))
                return "a number for Reader alone";
        /* json-c keeps 64 bits without a sign too, and clamps what is beyond. */
        if (json_object_get_int64(object) == INT64_MAX ||
            json_object_get_int64(object) == INT64_MIN)
                return NULL;
        return "an integer for json-c alone";
}

/* What is different in the value that is next, or NULL. */
static inline const char *compare_value(Reader *reader, json_object *object) {
        const char *different = NULL, *key, *string;
        json_object *member;
        size_t n = 0;

        switch (reader_type(reader)) {
        case JSON_NULL:
                reader_skip(reader);
                return object ? "null for Reader alone" : NULL;
        case JSON_BOOL:
                if (!json_object_is_type(object, json_type_boolean))
                        return "a boolean for Reader alone";
                return reader_bool(reader) == json_object_get_boolean(object) ? NULL
                                                                              : "another boolean";
        case JSON_NUMBER:
                return compare_number(reader, object);
        case JSON_STRING:
                if (!json_object_is_type(object, json_type_string))
                        return "a string for Reader alone";
                string = reader_string(reader);
                if (strlen(string) != (size_t) json_object_get_string_len(object))
                        return "a string of another length";
                return strcmp(string, json_object_get_string(object)) == 0 ? NULL
                                                                           : "another string";
        case JSON_ARRAY:
                if (!json_object_is_type(object, json_type_array))
                        return "an array for Reader alone";
                reader_enter(reader);
                for (; !different && reader_next(reader); ++n)
                        different = n < json_object_array_length(object)
                                            ? compare_value(reader,
                                                            json_object_array_get_idx(object, n))
                                            : "more items for Reader";
                if (!different && n != json_object_array_length(object))
                        different = "fewer items for Reader";
                return different;
        case JSON_OBJECT:
                if (!json_object_is_type(object, json_type_object))
                        return "an object for Reader alone";
                reader_enter(reader);
                for (; !different && reader_next(reader); ++n) {
                        key = reader_key(reader);
                        different = json_object_object_get_ex(object, key, &member)
                                            ? compare_value(reader, member)
                                            : "a member for Reader alone";
                }
                if (!different && n != (size_t) json_object_object_length(object))
                        different = "another number of members";
                return different;
        }
        return "a value of no type";
}

/*
 * json-c 0.16 takes the character of a surrogate pair for half of another pair if its lower bits
 * look like one, as those of U+1D91E do, and drops it.
 */
static inline bool compare_misread(const char *text) {
        unsigned int high, low;

        while ((text = strstr(text, "\\u"))) {
                text += 2;
                if (sscanf(text, "%4x\\u%4x", &high, &low) != 2 || (high & 0xfc00) != 0xd800)
                        continue;
                if (((((high & 0x3ff) << 10) + (low & 0x3ff) + 0x10000) & 0xf800) == 0xd800)
                        return true;
        }
        return false;
}

/**
 * compare_text() - read a text that scan_text() has accepted in both ways
 * @text:       the text; it need not be terminated
 * @n_text:     its length
 *
 * Return: NULL if all is the same, or what is not.
 */
static inline const char *compare_text(const char *text, size_t n_text) {
        json_tokener *tokener = json_tokener_new_ex(COMPARE_DEPTH);
        char *copy = malloc(n_text + 1);
        Reader reader = READER_INIT(copy);
        const char *different = NULL, *end;
        json_object *object;

        memcpy(copy, text, n_text);
        copy[n_text] = '\0';
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        object = json_tokener_parse_ex(tokener, copy, (int) n_text + 1);
        if (json_tokener_get_error(tokener) != json_tokener_success)
                different = json_tokener_error_desc(json_tokener_get_error(tokener));
        if (!different && !compare_misread(copy)) {
                reader_skip(&reader);
                end = reader.at;
                reader.at = copy;
                different = compare_value(&reader, object);
                if (!different && reader.at != end)
                        different = "another end";
                if (!different && end[strspn(end, " \t\n\r")])
                        different = "an end before the end";
        }
        json_object_put(object);
        json_tokener_free(tokener);
        free(copy);
        return different;
}

#endif
