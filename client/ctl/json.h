/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_JSON_H
#define SHMBROKER_CLIENT_CTL_JSON_H

/*
 * --json: puts together the texts that the broker sent, so that fields of a newer one are not lost.
 * What fails is remembered and told when it is printed. The only file that knows json-c.
 */

#include <stdbool.h>
#include <stdint.h>

struct json_object;

struct shmbroker_info;

typedef struct Json Json;

struct Json {
        struct json_object *top;
        /* What is picked from, and the object in the document that it goes to */
        struct json_object *whole;
        struct json_object *part;
        bool failed;
};

#define JSON_NULL_DOCUMENT                                                                         \
        { .failed = false }

void json_deinit(Json *json);
void json_begin_text(Json *json, const char *text);
void json_add_text(Json *json, const char *key, const char *text);
void json_add_id(Json *json, const char *key, int64_t id);
void json_add_list(Json *json, const char *key);
void json_append_text(Json *json, const char *key, const char *text);
void json_begin_part(Json *json, const char *text);
void json_append_part(Json *json, const char *key, const char *text);
void json_pick(Json *json, const char *paths);
void json_pick_text(Json *json, const char *name, const char *text);
void json_append_removed(Json *json, const char *key, const char *name, int64_t id,
                         const struct shmbroker_info *info);
char *json_quote(const char *text);
int json_print(const Json *json);
int json_print_line(const char *text);

#endif
