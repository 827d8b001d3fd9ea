#include "client/ctl-json.h"

#include <stdio.h>

#include <json-c/json.h>

#include "client/ctl.h"

void json_deinit(Json *json) {
        (void) json_object_put(json->top);
        *json = (Json) JSON_NULL_DOCUMENT;
}

/* An object takes its value over only when that succeeds. */
static void add(Json *json, struct json_object *object, const char *key,
                struct json_object *value) {
        if (value && object && json_object_object_add(object, key, value) == 0)
                return;
        (void) json_object_put(value);
        json->failed = true;
}

static void append(Json *json, const char *key, struct json_object *value) {
        struct json_object *list = json_object_object_get(json->top, key);

        if (value && list && json_object_array_add(list, value) == 0)
                return;
        (void) json_object_put(value);
        json->failed = true;
}

static struct json_object *top(Json *json) {
        if (!json->top)
                json->top = json_object_new_object();
        return json->top;
}

/* json_begin_text() - the document is this text */
void json_begin_text(Json *json, const char *text) {
        json->top = json_tokener_parse(text);
        json->failed = !json->top;
}

/* json_add_text() - a member whose value is this text */
void json_add_text(Json *json, const char *key, const char *text) {
        add(json, top(json), key, json_tokener_parse(text));
}

/* json_add_list() - a member that is an array, still empty */
void json_add_list(Json *json, const char *key) {
        add(json, top(json), key, json_object_new_array());
}

/* json_append_text() - one more value of an array */
void json_append_text(Json *json, const char *key, const char *text) {
        append(json, key, json_tokener_parse(text));
}

/* json_append_removed() - one more value of an array: the reply to Remove, and of which segment */
void json_append_removed(Json *json, const char *key, const char *name, int64_t id, bool destroyed,
                         uint64_t attach_count) {
        struct json_object *removed = json_object_new_object();

        if (name)
                add(json, removed, "name", json_object_new_string(name));
        else
                add(json, removed, "id", json_object_new_int64(id));
        add(json, removed, "destroyed", json_object_new_boolean(destroyed));
        add(json, removed, "attachCount", json_object_new_int64((int64_t) attach_count));
        append(json, key, removed);
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
