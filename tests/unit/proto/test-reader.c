/* SPDX-License-Identifier: MIT */
/* Walking a text that was scanned. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"
#include "proto/scan.h"
#include "proto/util.h"
#include "tests/support/unit.h"

/* A copy of @text to walk through, of which every byte is known to the sanitizer. */
static Reader begin(const char *text, char **ret_copy) {
        char *copy = unit_copy(text, strlen(text) + 1);

        *ret_copy = copy;
        return (Reader) READER_INIT(copy);
}

SUITE("reader");
CASE("reader", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(types) {
        static const struct {
                const char *text;
                JsonType type;
        } rows[] = {
                { " null", JSON_NULL },  { "\ttrue", JSON_BOOL }, { "\nfalse", JSON_BOOL },
                { "\r0", JSON_NUMBER },  { "-1", JSON_NUMBER },   { "9", JSON_NUMBER },
                { "\"\"", JSON_STRING }, { "[]", JSON_ARRAY },    { " \t\r\n{}", JSON_OBJECT },
        };
        char *copy;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Reader reader = begin(rows[i].text, &copy);

                ck_assert_int_eq(reader_type(&reader), rows[i].type);
                /* Nothing is consumed. */
                ck_assert_int_eq(reader_type(&reader), rows[i].type);
                free(copy);
        }
}

static const struct {
        const char *text;
        bool integer;
        int64_t value;
} numbers[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "7", true, 7 },
        { "-7", true, -7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551615", false, 0 },
        { "18446744073709551616", false, 0 },
        { "18446744073709551617", false, 0 },
        { "-18446744073709551617", false, 0 },
        { "184467440737095516160", false, 0 },
        { "99999999999999999999999999999999999999999", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "1E3", false, 0 },
        { "-1.5e+10", false, 0 },
        { "0e0", false, 0 },
        { "0.0", false, 0 },
};

TEST(number, .end = ARRAY_SIZE(numbers)) {
        static const char *const behind[] = { " ", ",", "]", "}" };
        int64_t value = 4711;
        char text[128], *copy;

        for (size_t i = 0; i < ARRAY_SIZE(behind); ++i) {
                Reader reader;

                (void) snprintf(text, sizeof(text), "%s%s", numbers[_i].text, behind[i]);
                reader = begin(text, &copy);
                if (numbers[_i].integer) {
                        ck_assert_int_eq(reader_int(&reader, &value), 0);
                        ck_assert_int_eq(value, numbers[_i].value);
                } else {
                        ck_assert_int_eq(reader_int(&reader, &value), READER_E_NOT_INTEGER);
                        ck_assert_int_eq(value, 4711);
                }
                /* Consumed in any case. */
                ck_assert_str_eq(reader.at, behind[i]);
                free(copy);
        }
}

static const struct {
        const char *text;
        const char *value;
} strings[] = {
        { "\"\"", "" },
        { "\"a\"", "a" },
        { " \n\"a b\"", "a b" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"a\\nb\"", "a\nb" },
        { "\"\\u0001\"", "\x01" },
        { "\"\\u007f\"", "\x7f" },
        { "\"\\u0080\"", "\xc2\x80" },
        { "\"\\u07ff\"", "\xdf\xbf" },
        { "\"\\u0800\"", "\xe0\xa0\x80" },
        { "\"\\uD7FF\"", "\xed\x9f\xbf" },
        { "\"\\ue000\"", "\xee\x80\x80" },
        { "\"\\uffff\"", "\xef\xbf\xbf" },
        { "\"\\uFFFF\"", "\xef\xbf\xbf" },
        { "\"\\ud800\\udc00\"", "\xf0\x90\x80\x80" },
        { "\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf" },
        { "\"\\ud834\\uDD1Ex\"", "\xf0\x9d\x84\x9ex" },
        { "\"\\u00e9t\xc3\xa9\"", "\xc3\xa9t\xc3\xa9" },
        { "\"\\\\u0041\"", "\\u0041" },
        { "\"{}[],:\"", "{}[],:" },
};

TEST(string, .end = ARRAY_SIZE(strings)) {
        char text[128], *copy;
        Reader reader;

        (void) snprintf(text, sizeof(text), "%s,1", strings[_i].text);
        reader = begin(text, &copy);
        ck_assert_str_eq(reader_string(&reader), strings[_i].value);
        ck_assert_str_eq(reader.at, ",1");
        free(copy);
}

/* Strings live as long as the text does, whatever is read behind them. */
TEST(strings_stay) {
        char *copy, *key, *value;
        Reader reader = begin("{ \"k\\u0065y\" : \"v\\u00e9\" , \"b\" : [ ] }", &copy);

        reader_enter(&reader);
        ck_assert(reader_next(&reader));
        key = reader_key(&reader);
        ck_assert_int_eq(reader_type(&reader), JSON_STRING);
        value = reader_string(&reader);
        ck_assert(reader_next(&reader));
        ck_assert_str_eq(reader_key(&reader), "b");
        ck_assert_int_eq(reader_type(&reader), JSON_ARRAY);
        reader_enter(&reader);
        ck_assert(!reader_next(&reader));
        ck_assert(!reader_next(&reader));
        ck_assert_str_eq(reader.at, "");
        ck_assert_str_eq(key, "key");
        ck_assert_str_eq(value, "v\xc3\xa9");
        free(copy);
}

TEST(walk) {
        char *copy;
        Reader reader = begin("{\"a\":[1,[true,[]],{},false],\"b\":null}", &copy);
        int64_t value;

        reader_enter(&reader);
        ck_assert(reader_next(&reader));
        ck_assert_str_eq(reader_key(&reader), "a");
        reader_enter(&reader);
        ck_assert(reader_next(&reader));
        ck_assert_int_eq(reader_int(&reader, &value), 0);
        ck_assert_int_eq(value, 1);
        ck_assert(reader_next(&reader));
        reader_enter(&reader);
        ck_assert(reader_next(&reader));
        ck_assert(reader_bool(&reader));
        ck_assert(reader_next(&reader));
        reader_enter(&reader);
        ck_assert(!reader_next(&reader));
        ck_assert(!reader_next(&reader));
        ck_assert(reader_next(&reader));
        reader_enter(&reader);
        ck_assert(!reader_next(&reader));
        ck_assert(reader_next(&reader));
        ck_assert(!reader_bool(&reader));
        ck_assert(!reader_next(&reader));
        ck_assert(reader_next(&reader));
        ck_assert_str_eq(reader_key(&reader), "b");
        ck_assert_int_eq(reader_type(&reader), JSON_NULL);
        reader_skip(&reader);
        ck_assert(!reader_next(&reader));
        ck_assert_str_eq(reader.at, "");
        free(copy);
}

/* Skipping steps over all of a value and changes nothing of it. */
TEST(skip) {
        static const char *const values[] = {
                "null",
                "true",
                "-1.5e+3",
                "\"\"",
                "\"a\\\"b\"",
                "\"\\\\\"",
                "\"}]{[\"",
                "[]",
                "{}",
                "[[],{},\"]\",1]",
                "{\"a\":{\"b\":[{\"c\":\"\\\"}\"}]},\"d\":null}",
                "[ 1 , 2 ]",
        };
        static const char *const behind[] = { "}", ",\"b\":1}", "]", " ]", "\n,1]" };
        char text[128], before[128], *copy;

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i)
                for (size_t j = 0; j < ARRAY_SIZE(behind); ++j) {
                        Reader reader;

                        (void) snprintf(text, sizeof(text), " %s%s", values[i], behind[j]);
                        strcpy(before, text);
                        reader = begin(text, &copy);
                        reader_skip(&reader);
                        ck_assert_str_eq(reader.at, behind[j]);
                        ck_assert_str_eq(copy, before);
                        free(copy);
                }
}
