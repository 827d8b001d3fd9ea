/* SPDX-License-Identifier: MIT */
#include "proto/scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"
#include "proto/util.h"

/* Up to here members are compared with each other, beyond they are sorted: no quadratic text. */
#define PAIRWISE_MAX 48

typedef struct Key Key;
typedef struct Scan Scan;

/* The text between the quotes of a member's name, escapes still in it. */
struct Key {
        const char *text;
        size_t n_text;
        bool escaped;
};

/*
 * The keys of all objects that are open at a time, outermost first. Those of an object that closes
 * are always the last ones, because whatever it contained has closed before.
 */
struct Scan {
        const char *at;
        const char *end;
        size_t depth;
        /* Where the value of the outermost object's last member begins */
        const char *last;
        Key *keys;
        size_t n_keys;
        size_t n_allocated;
        Key few[PAIRWISE_MAX * 2];
};

static int scan_value(Scan *scan);

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* The four digits behind \u; negative if they are not all there. */
static int32_t hex_four(const char *at, const char *end) {
        int32_t value = 0;

        if (end - at < 4)
                return -1;
        for (int i = 0; i < 4; ++i) {
                int digit = hex_digit(at[i]);

                if (digit < 0)
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

/*
 * The code point of a \u escape whose digits begin at @at, with the second half of a surrogate
 * pair. Returns how many bytes behind "\u" it takes, or 0 if it is broken: half a pair, or U+0000,
 * which no C string can hold.
 */
static size_t escape_decode(const char *at, const char *end, uint32_t *ret) {
        int32_t high = hex_four(at, end), low;

        if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
                return 0;
        if (high < 0xd800 || high > 0xdbff) {
                *ret = (uint32_t) high;
                return 4;
        }
        if (end - at < 10 || at[4] != '\\' || at[5] != 'u')
                return 0;
        low = hex_four(at + 6, end);
        if (low < 0xdc00 || low > 0xdfff)
                return 0;
        *ret = 0x10000 + (((uint32_t) high - 0xd800) << 10) + ((uint32_t) low - 0xdc00);
        return 10;
}

/* Length of the UTF-8 sequence at @at (RFC 3629: shortest form, no surrogates), 0 if it is none. */
static size_t utf8_length(const char *at, const char *end) {
        const unsigned char *u = (const unsigned char *) at;
        size_t left = (size_t) (end - at), n;
        unsigned char low = 0x80, high = 0xbf;

        if (u[0] < 0x80)
                return 1;
        if (u[0] >= 0xc2 && u[0] <= 0xdf) {
                n = 2;
        } else if (u[0] >= 0xe0 && u[0] <= 0xef) {
                n = 3;
                low = u[0] == 0xe0 ? 0xa0 : 0x80;
                high = u[0] == 0xed ? 0x9f : 0xbf;
        } else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
                n = 4;
                low = u[0] == 0xf0 ? 0x90 : 0x80;
                high = u[0] == 0xf4 ? 0x8f : 0xbf;
        } else {
                return 0;
        }
        if (left < n || u[1] < low || u[1] > high)
                return 0;
        for (size_t i = 2; i < n; ++i)
                if (u[i] < 0x80 || u[i] > 0xbf)
                        return 0;
        return n;
}

static void scan_space(Scan *scan) {
        while (scan->at < scan->end &&
               (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
                ++scan->at;
}

static bool scan_byte(Scan *scan, char c) {
        if (scan->at == scan->end || *scan->at != c)
                return false;
        ++scan->at;
        return true;
}

static int scan_escape(Scan *scan) {
        uint32_t code;
        size_t n;

        if (scan->at == scan->end)
                return SCAN_E_BROKEN;
        if (*scan->at != 'u')
                return *scan->at && strchr("\"\\/bfnrt", *scan->at++) ? 0 : SCAN_E_BROKEN;
        ++scan->at;
        n = escape_decode(scan->at, scan->end, &code);
        if (n == 0)
                return SCAN_E_BROKEN;
        scan->at += n;
        return 0;
}

static int scan_string(Scan *scan, Key *ret) {
        const char *begin;
        bool escaped = false;
        size_t n;
        int r;

        if (!scan_byte(scan, '"'))
                return SCAN_E_BROKEN;
        begin = scan->at;
        for (;;) {
                if (scan->at == scan->end || (unsigned char) *scan->at < 0x20)
                        return SCAN_E_BROKEN;
                if (*scan->at == '"')
                        break;
                if (*scan->at == '\\') {
                        escaped = true;
                        ++scan->at;
                        r = scan_escape(scan);
                        if (r)
                                return r;
                        continue;
                }
                if ((unsigned char) *scan->at < 0x80) {
                        ++scan->at;
                        continue;
                }
                n = utf8_length(scan->at, scan->end);
                if (n == 0)
                        return SCAN_E_BROKEN;
                scan->at += n;
        }
        if (ret)
                *ret = (Key){ .text = begin,
                              .n_text = (size_t) (scan->at - begin),
                              .escaped = escaped };
        ++scan->at;
        return 0;
}

static bool scan_digits(Scan *scan) {
        const char *begin = scan->at;

        while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
                ++scan->at;
        return scan->at > begin;
}

static int scan_number(Scan *scan) {
        (void) scan_byte(scan, '-');
        if (!scan_byte(scan, '0') && !scan_digits(scan))
                return SCAN_E_BROKEN;
        if (scan_byte(scan, '.') && !scan_digits(scan))
                return SCAN_E_BROKEN;
        if (scan_byte(scan, 'e') || scan_byte(scan, 'E')) {
                if (!scan_byte(scan, '+'))
                        (void) scan_byte(scan, '-');
                if (!scan_digits(scan))
                        return SCAN_E_BROKEN;
        }
        return 0;
}

static int scan_literal(Scan *scan, const char *literal) {
        size_t n = strlen(literal);

        if ((size_t) (scan->end - scan->at) < n || memcmp(scan->at, literal, n) != 0)
                return SCAN_E_BROKEN;
        scan->at += n;
        return 0;
}

/* The next character of a key, its escape undone; 0 at the end. */
static uint32_t key_next(const char **at, const char *end) {
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *found;
        uint32_t code = 0;

        if (*at == end)
                return 0;
        if (**at != '\\') {
                size_t n = utf8_length(*at, end);

                code = (unsigned char) *(*at)++;
                if (n > 1)
                        code &= 0x7fU >> n;
                for (size_t i = 1; i < n; ++i)
                        code = code << 6 | ((unsigned char) *(*at)++ & 0x3f);
                return code;
        }
        ++*at;
        if (**at == 'u') {
                ++*at;
                *at += escape_decode(*at, end, &code);
                return code;
        }
        found = strchr(from, **at);
        code = (unsigned char) (found ? to[found - from] : **at);
        ++*at;
        return code;
}

/* Any total order will do, as long as equal keys are equal however they are written. */
static int key_compare(const void *a, const void *b) {
        const Key *one = a, *other = b;
        const char *at_one = one->text, *at_other = other->text;
        uint32_t c_one, c_other;

        if (!one->escaped && !other->escaped && one->n_text == other->n_text)
                return memcmp(one->text, other->text, one->n_text);
        do {
                c_one = key_next(&at_one, one->text + one->n_text);
                c_other = key_next(&at_other, other->text + other->n_text);
        } while (c_one == c_other && c_one);
        return (c_one > c_other) - (c_one < c_other);
}

static bool keys_repeat(Key *keys, size_t n_keys) {
        if (n_keys <= PAIRWISE_MAX) {
                for (size_t i = 1; i < n_keys; ++i)
                        for (size_t j = 0; j < i; ++j)
                                if ((keys[i].escaped || keys[j].escaped ||
                                     keys[i].n_text == keys[j].n_text) &&
                                    key_compare(&keys[i], &keys[j]) == 0)
                                        return true;
                return false;
        }
        qsort(keys, n_keys, sizeof(*keys), key_compare);
        for (size_t i = 1; i < n_keys; ++i)
                if (key_compare(&keys[i - 1], &keys[i]) == 0)
                        return true;
        return false;
}

static int keys_add(Scan *scan, Key key) {
        size_t n_more;
        Key *more;

        if (scan->n_keys == scan->n_allocated) {
                n_more = scan->n_allocated * 2;
                more = realloc(scan->keys == scan->few ? NULL : scan->keys, n_more * sizeof(*more));
                if (!more)
                        return error_origin(-ENOMEM);
                if (scan->keys == scan->few)
                        memcpy(more, scan->few, sizeof(scan->few));
                scan->keys = more;
                scan->n_allocated = n_more;
        }
        scan->keys[scan->n_keys++] = key;
        return 0;
}

static int scan_member(Scan *scan) {
        Key key;
        int r;

        scan_space(scan);
        r = scan_string(scan, &key);
        if (r)
                return r;
        r = keys_add(scan, key);
        if (r)
                return r;
        scan_space(scan);
        if (!scan_byte(scan, ':'))
                return SCAN_E_BROKEN;
        scan_space(scan);
        if (scan->depth == 1)
                scan->last = scan->at;
        return scan_value(scan);
}

static int scan_container(Scan *scan, char close, int (*scan_item)(Scan *scan)) {
        size_t n_keys = scan->n_keys;
        int r;

        ++scan->at;
        if (++scan->depth > SCAN_DEPTH_MAX)
                return SCAN_E_BROKEN;
        scan_space(scan);
        if (!scan_byte(scan, close)) {
                do {
                        r = scan_item(scan);
                        if (r)
                                return r;
                } while (scan_byte(scan, ','));
                if (!scan_byte(scan, close) ||
                    keys_repeat(scan->keys + n_keys, scan->n_keys - n_keys))
                        return SCAN_E_BROKEN;
        }
        scan->n_keys = n_keys;
        --scan->depth;
        return 0;
}

/* A value and the white space around it. */
static int scan_value(Scan *scan) {
        int r;

        scan_space(scan);
        switch (scan->at < scan->end ? *scan->at : '\0') {
        case '{':
                r = scan_container(scan, '}', scan_member);
                break;
        case '[':
                r = scan_container(scan, ']', scan_value);
                break;
        case '"':
                r = scan_string(scan, NULL);
                break;
        case 't':
                r = scan_literal(scan, "true");
                break;
        case 'f':
                r = scan_literal(scan, "false");
                break;
        case 'n':
                r = scan_literal(scan, "null");
                break;
        default:
                r = scan_number(scan);
        }
        if (r == 0)
                scan_space(scan);
        return r;
}

/* scan_utf8() - is a string one that JSON can hold? */
bool scan_utf8(const char *text) {
        const char *end = text + strlen(text);
        size_t n;

        for (; text < end; text += n) {
                n = utf8_length(text, end);
                if (n == 0)
                        return false;
        }
        return true;
}

/**
 * scan_message() - check that a text is one strict JSON object
 * @text:       the text
 * @n_text:     its length in bytes, without a NUL behind it
 * @ret_last:   where the value of its last member begins, NULL if it has none
 *
 * More is asked than RFC 8259 does: no member twice in an object (however its name is escaped),
 * not more than SCAN_DEPTH_MAX objects and arrays inside each other, valid UTF-8, no U+0000 and no
 * half surrogates. No memory is allocated for texts with up to some dozens of members.
 *
 * Return: 0, SCAN_E_BROKEN, or -ENOMEM.
 */
int scan_message(const char *text, size_t n_text, const char **ret_last) {
        Scan scan;
        int r;

        /* Not initialised as a whole: clearing the keys would cost more than the rest. */
        scan.at = text;
        scan.end = text + n_text;
        scan.depth = 0;
        scan.last = NULL;
        scan.keys = scan.few;
        scan.n_keys = 0;
        scan.n_allocated = ARRAY_SIZE(scan.few);

        scan_space(&scan);
        if (scan.at == scan.end || *scan.at != '{')
                return SCAN_E_BROKEN;
        r = scan_value(&scan);
        if (r == 0 && scan.at != scan.end)
                r = SCAN_E_BROKEN;
        if (scan.keys != scan.few)
                free(scan.keys);
        if (r == 0)
                *ret_last = scan.last;
        return r;
}

/* scan_text() - the same for who does not care what is the last */
int scan_text(const char *text, size_t n_text) {
        const char *last;

        return scan_message(text, n_text, &last);
}
