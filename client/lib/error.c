/* SPDX-License-Identifier: MIT */
/* The reason why a call failed, as programs read it. detail.c writes it. */

#include "client/lib/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"

/* error_clear() - nothing has failed */
void error_clear(struct shmbroker_error *error) {
        free(error->json);
        error->json = NULL;
        error->code = 0;
        error->kind = SHMBROKER_ERROR_NONE;
        error->fault = FAULT_NONE;
        error->n_members = 0;
        error->name[0] = error->message[0] = '\0';
}

/* error_move() - note what was noted of something else, where nothing is left of it */
void error_move(struct shmbroker_error *error, struct shmbroker_error *from) {
        free(error->json);
        *error = *from;
        from->json = NULL;
        error_clear(from);
}

/* Strings and whole numbers; what else there is only the text tells. */
static void keep_member(struct shmbroker_error *error, Reader *reader) {
        ErrorMember *member = &error->members[error->n_members];

        *member = (ErrorMember){ .key = reader_key(reader) };
        switch (reader_type(reader)) {
        case JSON_STRING:
                member->text = reader_string(reader);
                break;
        case JSON_NUMBER:
                if (reader_int(reader, &member->number))
                        return;
                break;
        default:
                reader_skip(reader);
                return;
        }
        ++error->n_members;
}

/**
 * error_keep() - note what was said with an error, unless there is no memory for it
 * @error:      where, with nothing noted yet
 * @text:       a JSON object, and anything behind it
 */
void error_keep(struct shmbroker_error *error, const char *text) {
        Reader reader = READER_INIT((char *) (uintptr_t) text);
        size_t n_text;

        reader_skip(&reader);
        n_text = (size_t) (reader.at - text);
        error->json = calloc(2, n_text + 1);
        if (!error->json)
                return;
        memcpy(error->json, text, n_text);
        reader = (Reader) READER_INIT(error->json + n_text + 1);
        memcpy(reader.at, text, n_text);
        reader_enter(&reader);
        while (error->n_members < ERROR_MEMBERS_MAX && reader_next(&reader))
                keep_member(error, &reader);
}

static const ErrorMember *find_member(const struct shmbroker_error *error, const char *key) {
        for (size_t i = 0; i < error->n_members; ++i)
                if (strcmp(error->members[i].key, key) == 0)
                        return &error->members[i];
        return NULL;
}

int shmbroker_error_code(const struct shmbroker_error *error) {
        return error->code;
}

int shmbroker_error_kind(const struct shmbroker_error *error) {
        return (int) error->kind;
}

const char *shmbroker_error_message(const struct shmbroker_error *error) {
        return error->message;
}

const char *shmbroker_error_name(const struct shmbroker_error *error) {
        return error->name[0] ? error->name : NULL;
}

const char *shmbroker_error_json(const struct shmbroker_error *error) {
        return error->json;
}

const char *shmbroker_error_text(const struct shmbroker_error *error, const char *parameter) {
        const ErrorMember *member = find_member(error, parameter);

        return member ? member->text : NULL;
}

int shmbroker_error_number(const struct shmbroker_error *error, const char *parameter,
                           int64_t *ret) {
        const ErrorMember *member = find_member(error, parameter);

        if (!member || member->text)
                return -ENODATA;
        *ret = member->number;
        return 0;
}
