/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_READER_H
#define SHMBROKER_PROTO_READER_H

/*
 * Walks a JSON text that scan_text() has accepted, once, from front to back, building nothing.
 * Strings are unescaped in place and terminated where their closing quote was, so they live as
 * long as the text does. Nothing is checked again; what was not scanned must not come here.
 */

#include <stdbool.h>
#include <stdint.h>

typedef enum JsonType JsonType;
typedef struct Reader Reader;

enum JsonType {
        JSON_NULL,
        JSON_BOOL,
        JSON_NUMBER,
        JSON_STRING,
        JSON_ARRAY,
        JSON_OBJECT,
};

enum {
        _READER_E_SUCCESS,
        /* A fraction, an exponent, or more than 64 bits */
        READER_E_NOT_INTEGER,
};

struct Reader {
        char *at;
};

#define READER_INIT(text)                                                                          \
        { .at = (text) }

JsonType reader_type(Reader *reader);
void reader_enter(Reader *reader);
bool reader_next(Reader *reader);
char *reader_key(Reader *reader);
char *reader_string(Reader *reader);
int reader_int(Reader *reader, int64_t *ret);
bool reader_bool(Reader *reader);
void reader_skip(Reader *reader);

#endif
