/* SPDX-License-Identifier: MIT */
/* Appending JSON to memory that is given. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"
#include "proto/scan.h"
#include "proto/util.h"
#include "proto/writer.h"
#include "tests/support/unit.h"

/* Calls @put with every size of memory: too little is told, and nothing is written beyond it. */
static void check_sizes(void (*put)(Writer *writer), const char *expected) {
        size_t n_expected = strlen(expected);

        for (size_t size = 0; size <= n_expected + 1; ++size) {
                char *memory;
                Writer writer;

                memory = malloc(size ? size : 1);
                ck_assert_ptr_nonnull(memory);
                writer = (Writer) WRITER_INIT(memory, size);
                put(&writer);
                ck_assert_int_eq(writer.overflow, size < n_expected);
                ck_assert_uint_le(writer.n_data, size);
                if (!writer.overflow) {
                        ck_assert_uint_eq(writer.n_data, n_expected);
                        ck_assert_mem_eq(writer.data, expected, n_expected);
                }
                free(memory);
        }
}

static void put_text(Writer *writer) {
        writer_text(writer, "", 0);
        writer_text(writer, "abc", 3);
        writer_literal(writer, "{}");
}

static void put_string(Writer *writer) {
        writer_string(writer, "a\"b\\c/\n\x01\x1f\x7f\xc3\xa9");
}

static void put_empty(Writer *writer) {
        writer_string(writer, "");
}

static void put_ints(Writer *writer) {
        static const int64_t values[] = { 0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN };

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i) {
                writer_literal(writer, " ");
                writer_int(writer, values[i]);
        }
}

static void put_bools(Writer *writer) {
        writer_bool(writer, true);
        writer_bool(writer, false);
}

SUITE("writer");
CASE("writer", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(sizes) {
        check_sizes(put_text, "abc{}");
        check_sizes(put_string, "\"a\\\"b\\\\c/\\u000a\\u0001\\u001f\x7f\xc3\xa9\"");
        check_sizes(put_empty, "\"\"");
        check_sizes(put_ints, " 0 1 -1 9 10 -10 9223372036854775807 -9223372036854775808");
        check_sizes(put_bools, "truefalse");
}

/* Overflow stays, though less would have fit later. */
TEST(overflow_stays) {
        char memory[4];
        Writer writer = WRITER_INIT(memory, sizeof(memory));

        writer_literal(&writer, "12345");
        ck_assert(writer.overflow);
        writer_literal(&writer, "1");
        ck_assert(writer.overflow);
}

/* Every character comes back as it was. */
TEST(round_trip) {
        char memory[256], string[8], *value;

        for (uint32_t code = 1; code <= 0x10ffff; code += code < 0x900 ? 1 : 251) {
                Writer writer = WRITER_INIT(memory, sizeof(memory));
                Reader reader = READER_INIT(memory);
                size_t n = 0;

                if (code >= 0xd800 && code <= 0xdfff)
                        continue;
                if (code < 0x80) {
                        string[n++] = (char) code;
                } else if (code < 0x800) {
                        string[n++] = (char) (0xc0 | code >> 6);
                        string[n++] = (char) (0x80 | (code & 0x3f));
                } else if (code < 0x10000) {
                        string[n++] = (char) (0xe0 | code >> 12);
                        string[n++] = (char) (0x80 | (code >> 6 & 0x3f));
                        string[n++] = (char) (0x80 | (code & 0x3f));
                } else {
                        string[n++] = (char) (0xf0 | code >> 18);
                        string[n++] = (char) (0x80 | (code >> 12 & 0x3f));
                        string[n++] = (char) (0x80 | (code >> 6 & 0x3f));
                        string[n++] = (char) (0x80 | (code & 0x3f));
                }
                string[n] = '\0';
                writer_literal(&writer, "{");
                writer_string(&writer, string);
                writer_literal(&writer, ":");
                writer_string(&writer, string);
                writer_text(&writer, "}", sizeof("}"));
                ck_assert_int_eq(scan_text(memory, writer.n_data - 1), 0);
                reader_enter(&reader);
                ck_assert(reader_next(&reader));
                ck_assert_str_eq(reader_key(&reader), string);
                value = reader_string(&reader);
                ck_assert_str_eq(value, string);
                ck_assert(!reader_next(&reader));
        }
}

TEST(ints) {
        uint64_t seed = 1;
        char memory[32];

        for (unsigned int i = 0; i < 100000; ++i) {
                Writer writer = WRITER_INIT(memory, sizeof(memory));
                Reader reader = READER_INIT(memory);
                int64_t value = (int64_t) (unit_random(&seed) >> unit_below(&seed, 64)), again;
                char expected[32];

                if (i % 2)
                        value = (int64_t) (0 - (uint64_t) value);
                writer_int(&writer, value);
                writer_text(&writer, "", 1);
                (void) snprintf(expected, sizeof(expected), "%" PRId64, value);
                ck_assert_str_eq(memory, expected);
                ck_assert_int_eq(reader_int(&reader, &again), 0);
                ck_assert_int_eq(again, value);
        }
}
