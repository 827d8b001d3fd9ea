/* SPDX-License-Identifier: MIT */
/* Which texts are one strict JSON object; and that json-c, asked about them, says the same. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/scan.h"
#include "proto/util.h"
#include "tests/support/compare.h"
#include "tests/support/unit.h"

typedef struct Row Row;
typedef struct Text Text;

struct Row {
        const char *name;
        const char *text;
        size_t n_text;
};

#define ROW(what, literal)                                                                         \
        { .name = (what), .text = (literal), .n_text = sizeof(literal) - 1 }

static int scan(const char *text, size_t n_text) {
        char *copy = unit_copy(text, n_text);
        int r = scan_text(copy, n_text);

        free(copy);
        return r;
}

#define OPEN_16 "{\"a\":[[[[[[[[[[[[[[["
#define CLOSE_16 "]]]]]]]]]]]]]]]}"
#define OBJECT_5 "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"

static const Row good[] = {
        ROW("empty object", "{}"),
        ROW("white space everywhere", " \t\r\n{ \n\"a\"\t:\r [ 1 , 2 ] , \"b\" : { } } \n"),
        ROW("literals", "{\"a\":true,\"b\":false,\"c\":null}"),
        ROW("empty key", "{\"\":1}"),
        ROW("empty array", "{\"a\":[]}"),
        ROW("numbers",
            "{\"a\":[0,-0,1,-1,10,0.5,-0.5,1.25,1e5,1E5,1e+5,1e-5,1.5e10,0e0,9007199254740993]}"),
        ROW("int64 and beyond",
            "{\"a\":[9223372036854775807,-9223372036854775808,9223372036854775808,"
            "18446744073709551616,-9223372036854775809,1e400]}"),
        ROW("all short escapes", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"),
        ROW("unicode escapes", "{\"a\":\"\\u0001\\u0041\\u00e9\\u20ac\\uD834\\udd1e\\uffff\"}"),
        ROW("two bytes", "{\"a\":\"\xc2\x80 \xdf\xbf\"}"),
        ROW("three bytes", "{\"a\":\"\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf\"}"),
        ROW("four bytes", "{\"a\":\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"}"),
        ROW("DEL is no control character here", "{\"a\":\"\x7f\"}"),
        ROW("keys that differ in case", "{\"a\":1,\"A\":1}"),
        ROW("a key that begins like another", "{\"a\":1,\"aa\":1,\"\":1}"),
        ROW("the same key on another level",
            "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"),
        ROW("backslash-u that is text", "{\"a\":1,\"\\\\u0061\":1}"),
        ROW("nesting of 16 in arrays", OPEN_16 CLOSE_16),
        ROW("nesting of 16 in objects", OBJECT_5 OBJECT_5 OBJECT_5 "{}}}}}}}}}}}}}}}}"),
        ROW("16 levels twice",
            "{\"b\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]],\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"),
};

static const Row broken[] = {
        /* Not one object */
        ROW("empty", ""),
        ROW("white space alone", " \n"),
        ROW("words", "hello"),
        ROW("HTTP", "GET / HTTP/1.1\r\n\r\n"),
        ROW("array at top level", "[]"),
        ROW("array of an object", "[{}]"),
        ROW("string at top level", "\"a\""),
        ROW("number at top level", "1"),
        ROW("true at top level", "true"),
        ROW("null at top level", "null"),
        ROW("byte order mark", "\xef\xbb\xbf{}"),
        ROW("trailing brace", "{}}"),
        ROW("trailing object", "{}{}"),
        ROW("trailing number", "{} 1"),
        ROW("trailing comma behind all", "{},"),
        ROW("trailing NUL", "{}\0"),
        ROW("leading NUL", "\0{}"),
        ROW("leading comma", ",{}"),
        ROW("form feed as white space", "{\f}"),
        ROW("vertical tab as white space", "{\v}"),
        ROW("no-break space as white space", "{\xc2\xa0}"),
        /* Objects and arrays */
        ROW("open object", "{"),
        ROW("open array", "{\"a\":["),
        ROW("closed by the wrong bracket", "{\"a\":[}]"),
        ROW("array closed by a brace", "{\"a\":[1}}"),
        ROW("object closed by a bracket", "{\"a\":1]"),
        ROW("no value", "{\"a\":}"),
        ROW("no colon", "{\"a\" 1}"),
        ROW("equals sign", "{\"a\"=1}"),
        ROW("two colons", "{\"a\"::1}"),
        ROW("no key", "{:1}"),
        ROW("key alone", "{\"a\"}"),
        ROW("key without quotes", "{a:1}"),
        ROW("key in single quotes", "{'a':1}"),
        ROW("number as key", "{1:1}"),
        ROW("null as key", "{null:1}"),
        ROW("comma behind the last member", "{\"a\":1,}"),
        ROW("comma before the first member", "{,\"a\":1}"),
        ROW("two commas", "{\"a\":1,,\"b\":2}"),
        ROW("no comma", "{\"a\":1 \"b\":2}"),
        ROW("comma alone", "{,}"),
        ROW("comma behind the last item", "{\"a\":[1,]}"),
        ROW("comma before the first item", "{\"a\":[,1]}"),
        ROW("comma alone in an array", "{\"a\":[,]}"),
        ROW("no comma in an array", "{\"a\":[1 2]}"),
        ROW("member in an array", "{\"a\":[\"b\":1]}"),
        ROW("value alone in an object", "{1}"),
        ROW("comment", "{/* */\"a\":1}"),
        ROW("comment to the end of line", "{\"a\":1}// a"),
        ROW("hash comment", "{\"a\":1 # a\n}"),
        /* Literals */
        ROW("upper-case literal", "{\"a\":TRUE}"),
        ROW("capital literal", "{\"a\":True}"),
        ROW("None", "{\"a\":None}"),
        ROW("cut literal", "{\"a\":tru}"),
        ROW("literal at the end", "{\"a\":tru"),
        ROW("literal with more", "{\"a\":truee}"),
        ROW("cut null", "{\"a\":nul}"),
        ROW("undefined", "{\"a\":undefined}"),
        /* Numbers */
        ROW("NaN", "{\"a\":NaN}"),
        ROW("nan", "{\"a\":nan}"),
        ROW("Infinity", "{\"a\":Infinity}"),
        ROW("-Infinity", "{\"a\":-Infinity}"),
        ROW("inf", "{\"a\":inf}"),
        ROW("leading zero", "{\"a\":01}"),
        ROW("leading zeros", "{\"a\":00}"),
        ROW("negative leading zero", "{\"a\":-01}"),
        ROW("plus sign", "{\"a\":+1}"),
        ROW("nothing behind the point", "{\"a\":1.}"),
        ROW("nothing between point and exponent", "{\"a\":1.e5}"),
        ROW("nothing before the point", "{\"a\":.5}"),
        ROW("minus before the point", "{\"a\":-.5}"),
        ROW("two points", "{\"a\":1.2.3}"),
        ROW("decimal comma", "{\"a\":[1,5,]}"),
        ROW("minus alone", "{\"a\":-}"),
        ROW("two minuses", "{\"a\":--1}"),
        ROW("empty exponent", "{\"a\":1e}"),
        ROW("sign as exponent", "{\"a\":1e+}"),
        ROW("fraction as exponent", "{\"a\":1e1.5}"),
        ROW("hexadecimal", "{\"a\":0x10}"),
        ROW("suffix", "{\"a\":1L}"),
        ROW("underscore", "{\"a\":1_000}"),
        ROW("space in a number", "{\"a\":1 0}"),
        ROW("space behind the minus", "{\"a\":- 1}"),
        ROW("full-width digit", "{\"a\":\xef\xbc\x91}"),
        ROW("number at the end", "{\"a\":1"),
        /* Strings */
        ROW("single quotes", "{\"a\":'b'}"),
        ROW("open string", "{\"a\":\"b}"),
        ROW("string that ends in a backslash", "{\"a\":\"b\\"),
        ROW("escaped closing quote", "{\"a\":\"b\\\"}"),
        ROW("newline in a string", "{\"a\":\"b\nc\"}"),
        ROW("tab in a string", "{\"a\":\"b\tc\"}"),
        ROW("U+0001 in a string", "{\"a\":\"\x01\"}"),
        ROW("U+001F in a string", "{\"a\":\"\x1f\"}"),
        ROW("NUL in a string", "{\"a\":\"\0\"}"),
        ROW("newline in a key", "{\"a\n\":1}"),
        ROW("NUL in a key", "{\"a\0\":1}"),
        ROW("unknown escape", "{\"a\":\"\\a\"}"),
        ROW("hexadecimal escape", "{\"a\":\"\\x41\"}"),
        ROW("octal escape", "{\"a\":\"\\101\"}"),
        ROW("capital U", "{\"a\":\"\\U0041\"}"),
        ROW("escaped single quote", "{\"a\":\"\\'\"}"),
        ROW("escaped NUL byte", "{\"a\":\"\\\0\"}"),
        ROW("escaped newline", "{\"a\":\"\\\n\"}"),
        ROW("unknown escape in a key", "{\"\\a\":1}"),
        ROW("three hex digits", "{\"a\":\"\\u041\"}"),
        ROW("no hex digits", "{\"a\":\"\\u\"}"),
        ROW("wrong hex digit", "{\"a\":\"\\u00g1\"}"),
        ROW("minus as hex digit", "{\"a\":\"\\u-041\"}"),
        ROW("hex digits cut by the end", "{\"a\":\"\\u00"),
        ROW("U+0000 in a value", "{\"a\":\"\\u0000\"}"),
        ROW("U+0000 within a value", "{\"a\":\"b\\u0000c\"}"),
        ROW("U+0000 in a key", "{\"\\u0000\":1}"),
        ROW("U+0000 at the end of a key", "{\"a\\u0000\":1}"),
        ROW("high surrogate alone", "{\"a\":\"\\ud834\"}"),
        ROW("high surrogate and text", "{\"a\":\"\\ud834abcdef\"}"),
        ROW("high surrogate and another escape", "{\"a\":\"\\ud834\\n\"}"),
        ROW("high surrogate and another character", "{\"a\":\"\\ud834\\u0041\"}"),
        ROW("two high surrogates", "{\"a\":\"\\ud834\\ud834\"}"),
        ROW("low surrogate alone", "{\"a\":\"\\udd1e\"}"),
        ROW("surrogates the wrong way round", "{\"a\":\"\\udd1e\\ud834\"}"),
        ROW("surrogate cut by the end", "{\"a\":\"\\ud834\\udd1"),
        ROW("lone surrogate in a key", "{\"\\udc00\":1}"),
        /* UTF-8 */
        ROW("continuation byte alone", "{\"a\":\"\x80\"}"),
        ROW("overlong in two bytes", "{\"a\":\"\xc0\xaf\"}"),
        ROW("overlong U+0000", "{\"a\":\"\xc0\x80\"}"),
        ROW("overlong in two bytes, the last one", "{\"a\":\"\xc1\xbf\"}"),
        ROW("overlong in three bytes", "{\"a\":\"\xe0\x80\xaf\"}"),
        ROW("overlong in three bytes, the last one", "{\"a\":\"\xe0\x9f\xbf\"}"),
        ROW("overlong in four bytes", "{\"a\":\"\xf0\x80\x80\xaf\"}"),
        ROW("overlong in four bytes, the last one", "{\"a\":\"\xf0\x8f\xbf\xbf\"}"),
        ROW("first surrogate", "{\"a\":\"\xed\xa0\x80\"}"),
        ROW("last surrogate", "{\"a\":\"\xed\xbf\xbf\"}"),
        ROW("surrogate pair in UTF-8", "{\"a\":\"\xed\xa1\x8c\xed\xbe\xb4\"}"),
        ROW("U+110000", "{\"a\":\"\xf4\x90\x80\x80\"}"),
        ROW("lead byte F5", "{\"a\":\"\xf5\x80\x80\x80\"}"),
        ROW("five bytes", "{\"a\":\"\xf8\x88\x80\x80\x80\"}"),
        ROW("six bytes", "{\"a\":\"\xfc\x84\x80\x80\x80\x80\"}"),
        ROW("byte FE", "{\"a\":\"\xfe\"}"),
        ROW("byte FF", "{\"a\":\"\xff\"}"),
        ROW("two bytes cut by the quote", "{\"a\":\"\xc3\"}"),
        ROW("three bytes cut by the quote", "{\"a\":\"\xe2\x82\"}"),
        ROW("four bytes cut by the quote", "{\"a\":\"\xf0\x9d\x84\"}"),
        ROW("two bytes cut by the end", "{\"a\":\"\xc3"),
        ROW("three bytes cut by the end", "{\"a\":\"\xe2\x82"),
        ROW("four bytes cut by the end", "{\"a\":\"\xf0\x9d\x84"),
        ROW("third byte is none", "{\"a\":\"\xe2\x82"
                                  "a\"}"),
        ROW("fourth byte is none", "{\"a\":\"\xf0\x9d\x84"
                                   "a\"}"),
        ROW("Latin-1", "{\"a\":\"\xe9t\xe9\"}"),
        ROW("UTF-16", "{\0\"\0a\0\"\0:\0001\0}\0"),
        ROW("bad UTF-8 in a key", "{\"\xff\":1}"),
        ROW("bad UTF-8 between", "{\"a\":1\xff}"),
        ROW("bad UTF-8 behind", "{\"a\":1}\xff"),
        /* Members twice */
        ROW("duplicate key", "{\"a\":1,\"a\":1}"),
        ROW("duplicate key, not neighbours", "{\"a\":1,\"b\":2,\"c\":3,\"a\":4}"),
        ROW("duplicate empty key", "{\"\":1,\"\":1}"),
        ROW("duplicate key, escaped", "{\"a\":1,\"\\u0061\":1}"),
        ROW("duplicate key, escaped first", "{\"\\u0061\":1,\"a\":1}"),
        ROW("duplicate key, hex digits in two cases", "{\"\\u00eb\":1,\"\\u00EB\":1}"),
        ROW("duplicate key, escaped and UTF-8", "{\"\xc3\xab\":1,\"\\u00eb\":1}"),
        ROW("duplicate key, surrogates and UTF-8", "{\"\\ud834\\udd1e\":1,\"\xf0\x9d\x84\x9e\":1}"),
        ROW("duplicate key, short escape", "{\"\\n\":1,\"\\u000a\":1}"),
        ROW("duplicate key, slash", "{\"a/b\":1,\"a\\/b\":1}"),
        ROW("duplicate key, quote", "{\"\\\"\":1,\"\\u0022\":1}"),
        ROW("duplicate key, backslash", "{\"\\\\\":1,\"\\u005c\":1}"),
        ROW("duplicate key in an object", "{\"a\":{\"b\":1,\"b\":1}}"),
        ROW("duplicate key in an array", "{\"a\":[0,{\"b\":1,\"b\":1}]}"),
        ROW("duplicate key behind an object", "{\"a\":{\"b\":1,\"c\":1},\"a\":1}"),
        ROW("duplicate key around an object", "{\"b\":1,\"a\":{\"c\":1,\"d\":2},\"b\":1}"),
        ROW("duplicate key on the innermost level",
            "{\"a\":[[[[[[[[[[[[[[{\"b\":1,\"b\":2}]]]]]]]]]]]]]]}"),
        /* Depth */
        ROW("nesting of 17 in arrays", OPEN_16 "[]" CLOSE_16),
        ROW("nesting of 17 in objects", OBJECT_5 OBJECT_5 OBJECT_5 "{\"a\":{}}}}}}}}}}}}}}}}}}"),
        ROW("nesting of 17 in both", OPEN_16 "{}" CLOSE_16),
};

/* scan_message() knows where the value of the last member begins. */
static const char *check_last(const char *text, size_t n_text) {
        char *copy = malloc(n_text + 1);
        const char *last = text, *expected = NULL;
        Reader reader;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, n_text);
        copy[n_text] = '\0';
        reader = (Reader) READER_INIT(copy);
        reader_enter(&reader);
        while (reader_next(&reader)) {
                (void) reader_key(&reader);
                (void) reader_type(&reader);
                expected = text + (reader.at - copy);
                reader_skip(&reader);
        }
        free(copy);
        if (scan_message(text, n_text, &last))
                return "refused by scan_message()";
        return last == expected ? NULL : "another last member";
}

SUITE("scan");
CASE("scan", .setup = unit_fds_begin, .teardown = unit_fds_end, .timeout = 60);

TEST(good, .end = ARRAY_SIZE(good)) {
        const Row *row = &good[_i];
        const char *different;

        ck_assert_msg(scan(row->text, row->n_text) == 0, "%s: refused", row->name);
        different = compare_text(row->text, row->n_text);
        ck_assert_msg(!different, "%s: json-c: %s", row->name, different);
        different = check_last(row->text, row->n_text);
        ck_assert_msg(!different, "%s: %s", row->name, different);
}

TEST(broken, .end = ARRAY_SIZE(broken)) {
        const Row *row = &broken[_i];

        ck_assert_msg(scan(row->text, row->n_text) == SCAN_E_BROKEN, "%s: accepted", row->name);
}

/* Whatever is cut off at the end, the rest is no object. */
TEST(prefixes, .end = ARRAY_SIZE(good)) {
        const Row *row = &good[_i];
        size_t n_text = row->n_text;

        while (n_text > 0 && row->text[n_text - 1] != '}')
                --n_text;
        for (size_t n = 0; n < n_text; ++n)
                ck_assert_msg(scan(row->text, n) == SCAN_E_BROKEN, "%s: %zu bytes of it accepted",
                              row->name, n);
}

/* One byte changed, to every value: never a crash, and json-c agrees with what is accepted. */
TEST(one_byte, .end = ARRAY_SIZE(good)) {
        const Row *row = &good[_i];
        char *copy = unit_copy(row->text, row->n_text);
        const char *different;

        for (size_t at = 0; at < row->n_text; ++at) {
                char kept = copy[at];

                for (unsigned int byte = 0; byte < 256; ++byte) {
                        copy[at] = (char) byte;
                        if (scan_text(copy, row->n_text))
                                continue;
                        different = compare_text(copy, row->n_text);
                        ck_assert_msg(!different, "%s, byte %zu is 0x%02x: json-c: %s", row->name,
                                      at, byte, different);
                }
                copy[at] = kept;
        }
        free(copy);
}

/* --- many members */

#define MEMBERS 100000U

struct Text {
        char *data;
        size_t n_data;
        size_t n_allocated;
};

static void put(Text *text, const char *data, size_t n_data) {
        if (n_data == 0)
                return;
        if (text->n_data + n_data > text->n_allocated) {
                text->n_allocated = (text->n_data + n_data) * 2;
                text->data = realloc(text->data, text->n_allocated);
                ck_assert_ptr_nonnull(text->data);
        }
        memcpy(text->data + text->n_data, data, n_data);
        text->n_data += n_data;
}

static void put_string(Text *text, const char *string) {
        put(text, string, strlen(string));
}

/* {"k0":0,"k1":0,...}, and once more the one with the number @twice. */
static Text many_members(unsigned int n, const char *format, unsigned int twice,
                         const char *format_twice) {
        Text text = {};
        char key[64];

        put_string(&text, "{");
        for (unsigned int i = 0; i < n; ++i) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void) snprintf(key, sizeof(key), format, i % 10 + '0', i);
                put_string(&text, key);
                if (i == n / 2 && twice < n) {
                        (void) snprintf(key, sizeof(key), format_twice, twice % 10 + '0', twice);
                        put_string(&text, key);
                }
#pragma GCC diagnostic pop
        }
        --text.n_data;
        put_string(&text, "}");
        return text;
}

#define PLAIN "\"%1$c%2$x\":0,"
#define ESCAPED "\"\\u00%1$x%2$x\":0,"

static void expect_many(const char *format, unsigned int twice, const char *format_twice,
                        int expected) {
        Text text = many_members(MEMBERS, format, twice, format_twice);
        clock_t begin = clock();

        ck_assert_int_eq(scan(text.data, text.n_data), expected);
        ck_assert_msg((clock() - begin) / CLOCKS_PER_SEC < 5, "%u members take too long", MEMBERS);
        free(text.data);
}

TEST(many_members) {
        static const unsigned int twice[] = { 0, 1, MEMBERS / 2, MEMBERS - 1 };

        expect_many(PLAIN, MEMBERS, PLAIN, 0);
        expect_many(ESCAPED, MEMBERS, ESCAPED, 0);
        for (size_t i = 0; i < ARRAY_SIZE(twice); ++i) {
                expect_many(PLAIN, twice[i], PLAIN, SCAN_E_BROKEN);
                expect_many(PLAIN, twice[i], ESCAPED, SCAN_E_BROKEN);
                expect_many(ESCAPED, twice[i], PLAIN, SCAN_E_BROKEN);
        }
}

/* The number of members at which comparing pairs ends, and those at which memory grows. */
TEST(some_members) {
        for (unsigned int n = 1; n < 120; ++n)
                for (unsigned int twice = 0; twice <= n; ++twice) {
                        Text text = many_members(n, PLAIN, twice, twice % 2 ? PLAIN : ESCAPED);

                        ck_assert_int_eq(scan(text.data, text.n_data),
                                         twice < n ? SCAN_E_BROKEN : 0);
                        free(text.data);
                }
}

/* Keys that share all but their end. */
TEST(long_keys) {
        Text text = {};
        char key[1100];
        clock_t begin;

        put_string(&text, "{");
        for (unsigned int i = 0; i < 1000; ++i) {
                (void) snprintf(key, sizeof(key), "\"%01000u\":0,", i);
                put_string(&text, key);
        }
        --text.n_data;
        put_string(&text, "}");
        begin = clock();
        ck_assert_int_eq(scan(text.data, text.n_data), 0);
        ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, 5);
        free(text.data);
}

/* --- texts made at random */

static void put_space(Text *text, uint64_t *seed) {
        static const char *const spaces[] = { "", "", "", "", "", " ", "\n", "\t", "\r\n", "  " };

        put_string(text, spaces[unit_below(seed, ARRAY_SIZE(spaces))]);
}

static void put_random_string(Text *text, uint64_t *seed, unsigned int unique) {
        static const char *const pieces[] = {
                "a",
                "method",
                "\\n",
                "\\\"",
                "\\\\",
                "\\/",
                "\\u0041",
                "\\u00e9",
                "\\uD834\\uDD1E",
                "\\u0001",
                "\xc3\xa9",
                "\xe2\x82\xac",
                "\xf0\x9d\x84\x9e",
                " ",
                "{",
                "]",
                ",",
                ":",
                "'",
                "//",
                "\x7f",
                "\\b\\f\\r\\t",
                "\\uffff",
        };
        char number[16];

        put_string(text, "\"");
        for (uint64_t n = unit_below(seed, 5); n > 0; --n)
                put_string(text, pieces[unit_below(seed, ARRAY_SIZE(pieces))]);
        if (unique) {
                (void) snprintf(number, sizeof(number), "#%u", unique);
                put_string(text, number);
        }
        put_string(text, "\"");
}

static void put_random_number(Text *text, uint64_t *seed) {
        char number[64];

        switch (unit_below(seed, 6)) {
        case 0:
                (void) snprintf(number, sizeof(number), "%lld", (long long) unit_random(seed));
                break;
        case 1:
                (void) snprintf(number, sizeof(number), "%llu",
                                (unsigned long long) unit_random(seed));
                break;
        case 2:
                (void) snprintf(number, sizeof(number), "%s%u.%02u", unit_below(seed, 2) ? "-" : "",
                                (unsigned int) unit_below(seed, 100),
                                (unsigned int) unit_below(seed, 100));
                break;
        case 3:
                (void) snprintf(number, sizeof(number), "%u%c%s%u",
                                (unsigned int) unit_below(seed, 100),
                                unit_below(seed, 2) ? 'e' : 'E', unit_below(seed, 2) ? "+" : "-",
                                (unsigned int) unit_below(seed, 20));
                break;
        case 4:
                (void) snprintf(number, sizeof(number), "%llu%llu",
                                (unsigned long long) unit_random(seed) | 1,
                                (unsigned long long) unit_random(seed));
                break;
        default:
                (void) snprintf(number, sizeof(number), "%d", (int) unit_below(seed, 20) - 10);
        }
        put_string(text, number);
}

static void put_random_value(Text *text, uint64_t *seed, unsigned int depth);

static void put_random_container(Text *text, uint64_t *seed, unsigned int depth, bool object) {
        uint64_t n = unit_below(seed, depth == 1 ? 8 : 4);

        put_string(text, object ? "{" : "[");
        for (unsigned int i = 1; i <= n; ++i) {
                if (i > 1)
                        put_string(text, ",");
                put_space(text, seed);
                if (object) {
                        put_random_string(text, seed, i);
                        put_space(text, seed);
                        put_string(text, ":");
                        put_space(text, seed);
                }
                put_random_value(text, seed, depth + 1);
                put_space(text, seed);
        }
        put_space(text, seed);
        put_string(text, object ? "}" : "]");
}

static void put_random_value(Text *text, uint64_t *seed, unsigned int depth) {
        static const char *const literals[] = { "true", "false", "null" };

        switch (unit_below(seed, depth > SCAN_DEPTH_MAX ? 4 : 8)) {
        case 0:
                put_string(text, literals[unit_below(seed, 3)]);
                break;
        case 1:
                put_random_string(text, seed, 0);
                break;
        case 2:
        case 3:
                put_random_number(text, seed);
                break;
        case 4:
        case 5:
                put_random_container(text, seed, depth, false);
                break;
        default:
                put_random_container(text, seed, depth, true);
        }
}

static void mutate(Text *text, uint64_t *seed) {
        static const char bytes[] = "{}[],:\"\\'/0123456789.eE+-truefalsnl \n\t\xc3\xa9\xed\x80";
        size_t at = unit_below(seed, text->n_data), n;

        switch (unit_below(seed, 3)) {
        case 0:
                text->data[at] = bytes[unit_below(seed, sizeof(bytes))];
                break;
        case 1:
                memmove(text->data + at, text->data + at + 1, text->n_data - at - 1);
                --text->n_data;
                break;
        default:
                n = unit_below(seed, 8) + 1;
                n = MIN(n, text->n_data - at);
                memmove(text->data + at, text->data + unit_below(seed, text->n_data - n + 1), n);
        }
}

#define RANDOM_TEXTS 4000

TEST(random, .end = 4) {
        uint64_t seed = (uint64_t) _i;
        unsigned int n_accepted = 0;
        const char *different;

        for (unsigned int i = 0; i < RANDOM_TEXTS; ++i) {
                Text text = {};

                put_space(&text, &seed);
                put_random_container(&text, &seed, 1, true);
                put_space(&text, &seed);
                ck_assert_msg(scan(text.data, text.n_data) == 0, "refused: %.*s", (int) text.n_data,
                              text.data);
                for (unsigned int j = 0; j < 8; ++j) {
                        if (scan(text.data, text.n_data) == 0) {
                                ++n_accepted;
                                different = compare_text(text.data, text.n_data);
                                ck_assert_msg(!different, "json-c: %s: %.*s", different,
                                              (int) text.n_data, text.data);
                                different = check_last(text.data, text.n_data);
                                ck_assert_msg(!different, "%s: %.*s", different, (int) text.n_data,
                                              text.data);
                        }
                        mutate(&text, &seed);
                        if (text.n_data == 0)
                                break;
                }
                free(text.data);
        }
        ck_assert_uint_ge(n_accepted, RANDOM_TEXTS);
}
