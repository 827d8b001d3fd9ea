/* SPDX-License-Identifier: MIT */
#include "client/ctl/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "client/ctl/ctl.h"

void json_deinit(Json *json) {
        (void) json_object_put(json->top);
        (void) json_object_put(json->whole);
        *json = (Json) JSON_NULL_DOCUMENT;
}

/* An object takes its value over only when that succeeds. */
static bool json_add(Json *json, struct json_object *object, const char *key,
                     struct json_object *value) {
        if (value && object && json_object_object_add(object, key, value) == 0)
                return true;
        (void) json_object_put(value);
        json->failed = true;
        return false;
}

static bool json_append(Json *json, const char *key, struct json_object *value) {
        struct json_object *list = json_object_object_get(json->top, key);

        if (value && list && json_object_array_add(list, value) == 0)
                return true;
        (void) json_object_put(value);
        json->failed = true;
        return false;
}

static struct json_object *json_top(Json *json) {
        if (!json->top)
                json->top = json_object_new_object();
        return json->top;
}

static struct json_object *json_parse(const char *text) {
        return text ? json_tokener_parse(text) : NULL;
}

/* json_begin_text() - the document is this text */
void json_begin_text(Json *json, const char *text) {
        json->top = json_parse(text);
        json->failed = !json->top;
}

/* json_add_text() - a member whose value is this text */
void json_add_text(Json *json, const char *key, const char *text) {
        (void) json_add(json, json_top(json), key, json_parse(text));
}

/* The value null: json_add() takes no value for lack of memory. */
static void add_null(Json *json, struct json_object *object, const char *key) {
        if (!object || json_object_object_add(object, key, NULL))
                json->failed = true;
}

/* json_add_id() - a member that is a number, or null if it is 0 */
void json_add_id(Json *json, const char *key, int64_t id) {
        struct json_object *object = json_top(json);

        if (id)
                (void) json_add(json, object, key, json_object_new_int64(id));
        else
                add_null(json, object, key);
}

/* json_add_list() - a member that is an array, still empty */
void json_add_list(Json *json, const char *key) {
        (void) json_add(json, json_top(json), key, json_object_new_array());
}

/* json_append_text() - one more value of an array */
void json_append_text(Json *json, const char *key, const char *text) {
        (void) json_append(json, key, json_parse(text));
}

/* json_begin_part() - the document is an object for what is picked of this text */
void json_begin_part(Json *json, const char *text) {
        json->whole = json_parse(text);
        json->part = json_top(json);
        json->failed |= !json->whole;
}

/* json_append_part() - one more value of an array: an object for what is picked of this text */
void json_append_part(Json *json, const char *key, const char *text) {
        (void) json_object_put(json->whole);
        json->whole = json_parse(text);
        json->part = json_object_new_object();
        json->failed |= !json->whole;
        if (!json_append(json, key, json->part))
                json->part = NULL;
}

static struct json_object *json_member(Json *json, struct json_object *object, const char *key) {
        struct json_object *value = json_object_object_get(object, key);

        if (value)
                return value;
        value = json_object_new_object();
        return json_add(json, object, key, value) ? value : NULL;
}

/* Of a path such as "permissions.mode", the objects on the way are made if they are not there. */
static void pick_path(Json *json, char *path) {
        struct json_object *from = json->whole, *to = json->part;
        char *dot;

        while ((dot = strchr(path, '.'))) {
                *dot = '\0';
                from = json_object_object_get(from, path);
                to = json_member(json, to, path);
                path = dot + 1;
        }
        /* NULL is the JSON null. */
        if (!to ||
            json_object_object_add(to, path, json_object_get(json_object_object_get(from, path))))
                json->failed = true;
}

/* json_pick() - take over these members, whose paths have blanks between them */
void json_pick(Json *json, const char *paths) {
        char *copy = strdup(paths), *rest = copy;

        json->failed |= !copy;
        while (!json->failed && rest)
                pick_path(json, strsep(&rest, " "));
        free(copy);
}

/* json_pick_text() - a member that is not in the text, named in small letters; null for NULL */
void json_pick_text(Json *json, const char *name, const char *text) {
        char key[32] = "";

        for (size_t i = 0; name[i] && i + 1 < sizeof(key); ++i)
                key[i] = (char) tolower((unsigned char) name[i]);
        if (text)
                (void) json_add(json, json->part, key, json_object_new_string(text));
        else
                add_null(json, json->part, key);
}

/* json_append_removed() - one more value of an array: which segment was removed, and what remains
 * of it, if anything does */
void json_append_removed(Json *json, const char *key, const char *name, int64_t id,
                         const struct shmbroker_info *info) {
        struct json_object *removed = json_object_new_object();
        uint64_t count = 0;
        bool known = !info || shmbroker_info_attach_count(info, &count) == 0;

        if (name)
                (void) json_add(json, removed, "name", json_object_new_string(name));
        else
                (void) json_add(json, removed, "id", json_object_new_int64(id));
        (void) json_add(json, removed, "destroyed", json_object_new_boolean(!info));
        if (known)
                (void) json_add(json, removed, "attachCount",
                                json_object_new_int64((int64_t) count));
        else
                add_null(json, removed, "attachCount");
        (void) json_append(json, key, removed);
}

/* json_quote() - this text as JSON, to be freed, or null if it is NULL. Return: NULL if memory is
 * short. */
char *json_quote(const char *text) {
        struct json_object *object;
        const char *json;
        char *copy;

        if (!text)
                return strdup("null");
        object = json_object_new_string(text);
        json = object ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) : NULL;
        copy = json ? strdup(json) : NULL;
        (void) json_object_put(object);
        return copy;
}

/* json_print() - print the document. Return: CTL_SUCCESS, or CTL_FAILED if it is not complete. */
int json_print(const Json *json) {
        const char *text = NULL;

        if (json->top && !json->failed)
                text = json_object_to_json_string_ext(
                        json->top, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                           JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text)
                return ctl_no_memory();
        (void) puts(text);
        return CTL_SUCCESS;
}

/* json_print_line() - print this text as a document of one line. Return: an exit code. */
int json_print_line(const char *text) {
        struct json_object *object = json_parse(text);
        const char *line = NULL;

        if (object)
                line = json_object_to_json_string_ext(
                        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (line)
                (void) puts(line);
        (void) json_object_put(object);
        return line ? CTL_SUCCESS : ctl_no_memory();
}
