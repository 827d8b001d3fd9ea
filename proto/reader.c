/* SPDX-License-Identifier: MIT */
#include "proto/reader.h"

#include <stddef.h>

static void reader_space(Reader *reader) {
        while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' ||
               *reader->at == '\r')
                ++reader->at;
}

/* reader_type() - what the next value is; nothing is consumed but white space */
JsonType reader_type(Reader *reader) {
        reader_space(reader);
        switch (*reader->at) {
        case '{':
                return JSON_OBJECT;
        case '[':
                return JSON_ARRAY;
        case '"':
                return JSON_STRING;
        case 't':
        case 'f':
                return JSON_BOOL;
        case 'n':
                return JSON_NULL;
        default:
                return JSON_NUMBER;
        }
}

/* reader_enter() - step into the object or array that is next */
void reader_enter(Reader *reader) {
        reader_space(reader);
        ++reader->at;
}

/**
 * reader_next() - is there another item in the object or array entered last?
 * @reader:     reader that stands before an item, behind one, or before the closing bracket
 *
 * Return: true if one follows; false if not, and then the closing bracket is consumed.
 */
bool reader_next(Reader *reader) {
        reader_space(reader);
        if (*reader->at == ']' || *reader->at == '}') {
                ++reader->at;
                return false;
        }
        if (*reader->at == ',')
                ++reader->at;
        return true;
}

static uint32_t reader_hex(const char *digits) {
        uint32_t value = 0;

        for (int i = 0; i < 4; ++i) {
                unsigned char c = (unsigned char) digits[i];

                value = value << 4 | (uint32_t) (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        return value;
}

static char *utf8_put(char *out, uint32_t code) {
        if (code < 0x80) {
                *out++ = (char) code;
        } else if (code < 0x800) {
                *out++ = (char) (0xc0 | code >> 6);
                *out++ = (char) (0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
                *out++ = (char) (0xe0 | code >> 12);
                *out++ = (char) (0x80 | (code >> 6 & 0x3f));
                *out++ = (char) (0x80 | (code & 0x3f));
        } else {
                *out++ = (char) (0xf0 | code >> 18);
                *out++ = (char) (0x80 | (code >> 12 & 0x3f));
                *out++ = (char) (0x80 | (code >> 6 & 0x3f));
                *out++ = (char) (0x80 | (code & 0x3f));
        }
        return out;
}

/* Undoes the escape at @in, which stands on the character behind the backslash. */
static char *reader_unescape(char **in, char *out) {
        uint32_t code;

        switch (*(*in)++) {
        case 'b':
                *out++ = '\b';
                return out;
        case 'f':
                *out++ = '\f';
                return out;
        case 'n':
                *out++ = '\n';
                return out;
        case 'r':
                *out++ = '\r';
                return out;
        case 't':
                *out++ = '\t';
                return out;
        case 'u':
                code = reader_hex(*in);
                *in += 4;
                if (code >= 0xd800 && code <= 0xdbff) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (reader_hex(*in + 2) - 0xdc00);
                        *in += 6;
                }
                return utf8_put(out, code);
        default: /* quote, backslash, slash */
                *out++ = (*in)[-1];
                return out;
        }
}

/* reader_string() - the string that is next, unescaped and terminated in place */
char *reader_string(Reader *reader) {
        char *begin, *in, *out;

        reader_space(reader);
        begin = ++reader->at;
        for (in = begin; *in != '"' && *in != '\\'; ++in)
                ;
        out = in;
        while (*in != '"') {
                if (*in == '\\') {
                        ++in;
                        out = reader_unescape(&in, out);
                } else {
                        *out++ = *in++;
                }
        }
        reader->at = in + 1;
        *out = '\0';
        return begin;
}

/* reader_key() - the name of the member that is next; its value follows */
char *reader_key(Reader *reader) {
        char *key = reader_string(reader);

        reader_space(reader);
        ++reader->at;
        return key;
}

/**
 * reader_int() - the number that is next
 * @reader:     reader that stands before a number
 * @ret:        the number, written on success only
 *
 * The number is consumed in any case.
 *
 * Return: 0, or READER_E_NOT_INTEGER.
 */
int reader_int(Reader *reader, int64_t *ret) {
        bool negative, overflow = false;
        uint64_t value = 0;

        reader_space(reader);
        negative = *reader->at == '-';
        if (negative)
                ++reader->at;
        for (; *reader->at >= '0' && *reader->at <= '9'; ++reader->at) {
                uint64_t digit = (uint64_t) (*reader->at - '0');

                overflow = overflow || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
                           __builtin_add_overflow(value, digit, &value);
        }
        if (*reader->at == '.' || *reader->at == 'e' || *reader->at == 'E') {
                reader_skip(reader);
                return READER_E_NOT_INTEGER;
        }
        if (overflow || value > (uint64_t) INT64_MAX + negative)
                return READER_E_NOT_INTEGER;
        *ret = negative ? (int64_t) (-value) : (int64_t) value;
        return 0;
}

bool reader_bool(Reader *reader) {
        bool value;

        reader_space(reader);
        value = *reader->at == 't';
        reader->at += value ? 4 : 5;
        return value;
}

static char *skip_string(char *at) {
        for (++at; *at != '"'; ++at)
                if (*at == '\\')
                        ++at;
        return at + 1;
}

static bool ends_scalar(char c) {
        switch (c) {
        case ',':
        case '}':
        case ']':
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case '\0':
                return true;
        default:
                return false;
        }
}

static char *skip_container(char *at) {
        size_t depth = 0;

        do {
                switch (*at) {
                case '"':
                        at = skip_string(at);
                        continue;
                case '{':
                case '[':
                        ++depth;
                        break;
                case '}':
                case ']':
                        --depth;
                        break;
                default:
                        break;
                }
                ++at;
        } while (depth > 0);
        return at;
}

/* reader_skip() - step over the value that is next, whatever it is, and leave it as it is */
void reader_skip(Reader *reader) {
        switch (reader_type(reader)) {
        case JSON_STRING:
                reader->at = skip_string(reader->at);
                break;
        case JSON_OBJECT:
        case JSON_ARRAY:
                reader->at = skip_container(reader->at);
                break;
        default:
                while (!ends_scalar(*reader->at))
                        ++reader->at;
        }
}
