/* SPDX-License-Identifier: MIT */
/* Structures and their JSON: all that the methods and errors have, as their tables say. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/field.h"
#include "proto/method.h"
#include "proto/scan.h"
#include "proto/types.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define TYPES_MAX 64
#define TEXT_MAX 65536

typedef union Object Object;

/* Room for the largest structure. */
union Object {
        uint64_t given;
        char bytes[16384];
        StatusReply status;
};

static const Type *types[TYPES_MAX];
static size_t n_types;

static void add_type(const Type *type) {
        if (!type)
                return;
        for (size_t i = 0; i < n_types; ++i)
                if (types[i] == type)
                        return;
        ck_assert_uint_lt(n_types, TYPES_MAX);
        types[n_types++] = type;
        for (size_t i = 0; i < type->n_fields; ++i)
                if (type->fields[i].type == FIELD_STRUCT)
                        add_type(type->fields[i].structure);
}

static void setup(void) {
        unit_fds_begin();
        n_types = 0;
        for (size_t i = 0; i < _METHOD_N; ++i) {
                add_type(method_rows[i].parameters);
                add_type(method_rows[i].reply);
        }
        for (int i = FAULT_NONE + 1; i < _FAULT_N; ++i)
                add_type(fault_rows[i].type);
}

static const char *random_string(uint64_t *seed) {
        static const char *const rows[] = {
                "",
                "a",
                "name/of.a-segment",
                "\"quoted\"",
                "back\\slash",
                "line\nand\ttab",
                "\x01\x1f\x7f",
                "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e",
                "null",
                "{}",
                "a slash / and another //",
        };

        return rows[unit_below(seed, ARRAY_SIZE(rows))];
}

static int64_t random_int(const Field *field, uint64_t *seed) {
        uint64_t range = (uint64_t) field->maximum - (uint64_t) field->minimum;

        switch (unit_below(seed, 4)) {
        case 0:
                return field->minimum;
        case 1:
                return field->maximum;
        default:
                return (int64_t) ((uint64_t) field->minimum +
                                  (range == UINT64_MAX ? unit_random(seed)
                                                       : unit_below(seed, range + 1)));
        }
}

static void random_numbers(const Field *field, Numbers *numbers, uint64_t *seed) {
        numbers->n_values = unit_below(seed, NUMBERS_MAX + 1);
        for (size_t i = 0; i < numbers->n_values; ++i)
                numbers->values[i] = random_int(field, seed);
}

static void random_map(Map *map, uint64_t *seed) {
        static const char *const keys[] = { "segments", "bytes", "a\"b", "", "\xc3\xa9", "calls" };

        map->n_entries = unit_below(seed, ARRAY_SIZE(keys) + 1);
        for (size_t i = 0; i < map->n_entries; ++i)
                map->entries[i] =
                        (MapEntry){ .key = keys[i], .value = (int64_t) unit_random(seed) };
}

static void random_object(const Type *type, void *object, uint64_t *seed) {
        uint64_t *given = object;

        memset(object, 0, type->size);
        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                void *value = (char *) object + field->offset;

                if (field->nullable && unit_below(seed, 2))
                        continue;
                *given |= UINT64_C(1) << i;
                switch (field->type) {
                case FIELD_BOOL:
                        *(bool *) value = unit_below(seed, 2);
                        break;
                case FIELD_INT:
                        *(int64_t *) value = random_int(field, seed);
                        break;
                case FIELD_NUMBERS:
                        random_numbers(field, value, seed);
                        break;
                case FIELD_STRING:
                        *(const char **) value = random_string(seed);
                        break;
                case FIELD_ENUM:
                        *(unsigned int *) value =
                                (unsigned int) unit_below(seed, field->names->n_names);
                        break;
                case FIELD_SET:
                        *(unsigned int *) value = (unsigned int) unit_below(
                                seed, UINT64_C(1) << field->names->n_names);
                        break;
                case FIELD_STRUCT:
                        random_object(field->structure, value, seed);
                        break;
                case FIELD_MAP:
                        random_map(value, seed);
                        break;
                }
        }
}

static void expect_equal_map(const Map *one, const Map *other) {
        MapEntry a, b;

        ck_assert_uint_eq(one->n_entries, other->n_entries);
        for (size_t i = 0; i < one->n_entries; ++i) {
                ck_assert(map_entry(one, i, &a) && map_entry(other, i, &b));
                ck_assert_str_eq(a.key, b.key);
                ck_assert_int_eq(a.value, b.value);
        }
        ck_assert(!map_entry(one, one->n_entries, &a) && !map_entry(other, one->n_entries, &b));
}

static void expect_equal(const Type *type, const void *one, const void *other) {
        const uint64_t *given = one;

        ck_assert_uint_eq(*given, *(const uint64_t *) other);
        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                const void *a = (const char *) one + field->offset,
                           *b = (const char *) other + field->offset;

                switch (field->type) {
                case FIELD_BOOL:
                        ck_assert_int_eq(*(const bool *) a, *(const bool *) b);
                        break;
                case FIELD_INT:
                        ck_assert_int_eq(*(const int64_t *) a, *(const int64_t *) b);
                        break;
                case FIELD_NUMBERS:
                        ck_assert(memcmp(a, b, sizeof(Numbers)) == 0);
                        break;
                case FIELD_STRING:
                        if (*given >> i & 1)
                                ck_assert_str_eq(*(const char *const *) a,
                                                 *(const char *const *) b);
                        break;
                case FIELD_ENUM:
                case FIELD_SET:
                        ck_assert_uint_eq(*(const unsigned int *) a, *(const unsigned int *) b);
                        break;
                case FIELD_STRUCT:
                        expect_equal(field->structure, a, b);
                        break;
                case FIELD_MAP:
                        expect_equal_map(a, b);
                        break;
                }
        }
}

/* The text of an object with a NUL behind it, the caller's; with nulls, or without. */
static char *write_how(const Type *type, const void *object, bool nulls) {
        char *text = malloc(TEXT_MAX);
        Writer writer = WRITER_INIT(text, TEXT_MAX);

        ck_assert_ptr_nonnull(text);
        (nulls ? type_write : type_write_given)(type, &writer, object);
        writer_text(&writer, "", 1);
        ck_assert(!writer.overflow);
        return text;
}

static char *write_object(const Type *type, const void *object) {
        return write_how(type, object, true);
}

/* Reads a constant; @ret_key is "" if nothing is wrong. */
static int read_text(const Type *type, const char *text, bool lenient, void *object,
                     char ret_key[64]) {
        char *copy = unit_copy(text, strlen(text) + 1);
        Reader reader = READER_INIT(copy);
        const char *key = "";
        int r;

        ck_assert_msg(scan_text(copy, strlen(copy)) == 0, "broken: %s", text);
        r = type_read(type, &reader, lenient, object, &key);
        (void) snprintf(ret_key, 64, "%s", key);
        free(copy);
        return r;
}

#define ROUNDS 300

SUITE("field");
CASE("field", .setup = setup, .teardown = unit_fds_end, .timeout = 30);

TEST(round_trip) {
        uint64_t seed = 7;
        Object object, again;
        const char *key;
        char *text, *copy;

        for (size_t t = 0; t < n_types; ++t)
                for (unsigned int i = 0; i < ROUNDS; ++i) {
                        const Type *type = types[t];
                        Reader reader;

                        ck_assert_uint_le(type->size, sizeof(object));
                        random_object(type, &object, &seed);
                        text = write_how(type, &object, i % 2);
                        ck_assert_msg(scan_text(text, strlen(text)) == 0, "broken: %s", text);
                        for (int lenient = 0; lenient < 2; ++lenient) {
                                copy = unit_copy(text, strlen(text) + 1);
                                reader = (Reader) READER_INIT(copy);
                                memset(&again, 0xff, sizeof(again));
                                ck_assert_msg(type_read(type, &reader, lenient, &again, &key) == 0,
                                              "not read: %s", text);
                                ck_assert_str_eq(reader.at, "");
                                expect_equal(type, &object, &again);
                                free(copy);
                        }
                        free(text);
                }
}

static void expect_text(const Type *type, const void *object, bool nulls, const char *expected) {
        char *text = write_how(type, object, nulls);

        ck_assert_str_eq(text, expected);
        free(text);
}

/* Every field of the interface is there, null or not. */
TEST(nulls_are_written) {
        AttachmentInfo info = { .id = 5 };
        AttachmentReply none = {};

        expect_text(
                &attachment_info_type, &info, true,
                "{\"id\":5,\"pid\":null,\"uid\":null,\"access\":null,\"sinceUSec\":null,\"inherited\":null,\"tenant\":null,\"process\":null}");
        GIVE_VALUE(&info, ATTACHMENT_PID, pid, 0);
        GIVE_VALUE(&info, ATTACHMENT_ACCESS, access, ACCESS_READ_WRITE);
        expect_text(
                &attachment_info_type, &info, true,
                "{\"id\":5,\"pid\":0,\"uid\":null,\"access\":\"readWrite\",\"sinceUSec\":null,\"inherited\":null,\"tenant\":null,\"process\":null}");
        expect_text(&attachment_info_type, &info, false,
                    "{\"id\":5,\"pid\":0,\"access\":\"readWrite\"}");
        expect_text(&attachment_reply_type, &none, true, "{\"attachment\":null}");
        expect_text(&attachment_reply_type, &none, false, "{}");
        expect_text(&no_parameters_type, &none, true, "{}");
}

/* Where each field of a text is, to leave it out or put something in its place. */
static void edit(char *out, const Type *type, const char *const *values, size_t which,
                 const char *value, bool leave_out) {
        bool first = true;
        char *at = out;

        at = stpcpy(at, "{");
        for (size_t i = 0; i < type->n_fields; ++i) {
                if (i == which && leave_out)
                        continue;
                if (!first)
                        at = stpcpy(at, ",");
                first = false;
                at += sprintf(at, "\"%s\":%s", type->fields[i].key, i == which ? value : values[i]);
        }
        (void) strcpy(at, "}");
}

/* The text of each field's value alone. */
static void write_values(const Type *type, const void *object, char **ret_values) {
        for (size_t i = 0; i < type->n_fields; ++i) {
                Field field = type->fields[i];
                Type one = { .size = type->size, .fields = &field, .n_fields = 1 };
                char *text, *value;

                field.nullable = false;
                text = write_object(&one, object);
                value = strchr(text, ':') + 1;
                value[strlen(value) - 1] = '\0';
                ret_values[i] = strdup(value);
                free(text);
        }
}

/* A value of each type; those that fit no field of a type are wrong for it. */
static const struct {
        const char *text;
        unsigned int fits;
} any_values[] = {
        { "true", 1U << FIELD_BOOL },
        { "false", 1U << FIELD_BOOL },
        { "1", 1U << FIELD_INT },
        { "0", 1U << FIELD_INT },
        { "1.0", 0 },
        { "1e0", 0 },
        { "9223372036854775808", 0 },
        { "-9223372036854775809", 0 },
        { "\"\"", 1U << FIELD_STRING },
        { "\"1\"", 1U << FIELD_STRING },
        { "\"true\"", 1U << FIELD_STRING },
        { "[]", 1U << FIELD_SET | 1U << FIELD_NUMBERS },
        { "[1]", 1U << FIELD_NUMBERS },
        { "[1.5]", 0 },
        { "[1,\"1\"]", 0 },
        { "[null]", 0 },
        { "[[]]", 0 },
        { "[\"no such name\"]", 0 },
        { "{}", 1U << FIELD_MAP },
        { "{\"a\":\"b\"}", 0 },
        { "{\"a\":null}", 0 },
        { "{\"a\":1.5}", 0 },
        { "{\"a\":{}}", 0 },
};

/* Each field of each type: missing, null, and of every other type than its own. */
TEST(each_field) {
        uint64_t seed = 3;
        Object object, again;
        char *values[64] = {}, text[TEXT_MAX], key[64];

        for (size_t t = 0; t < n_types; ++t) {
                const Type *type = types[t];

                do
                        random_object(type, &object, &seed);
                while (object.given != (UINT64_C(1) << type->n_fields) - 1);
                write_values(type, &object, values);
                for (size_t i = 0; i < type->n_fields; ++i) {
                        const Field *field = &type->fields[i];
                        int expected = field->nullable ? 0 : FIELD_E_INVALID;

                        edit(text, type, (const char *const *) values, i, "null", true);
                        ck_assert_int_eq(read_text(type, text, false, &again, key), expected);
                        ck_assert_str_eq(key, expected ? field->key : "");
                        ck_assert(expected || !GIVEN(&again, i));
                        edit(text, type, (const char *const *) values, i, "null", false);
                        ck_assert_int_eq(read_text(type, text, false, &again, key), expected);
                        ck_assert_str_eq(key, expected ? field->key : "");
                        ck_assert(expected || !GIVEN(&again, i));
                        for (size_t v = 0; v < ARRAY_SIZE(any_values); ++v) {
                                if (any_values[v].fits >> field->type & 1)
                                        continue;
                                edit(text, type, (const char *const *) values, i,
                                     any_values[v].text, false);
                                for (int lenient = 0; lenient < 2; ++lenient) {
                                        if (lenient && field->type == FIELD_SET &&
                                            strchr(any_values[v].text, 'n') &&
                                            any_values[v].text[1] == '"')
                                                continue;
                                        if (lenient && field->type == FIELD_ENUM &&
                                            any_values[v].text[0] == '"')
                                                continue;
                                        ck_assert_msg(read_text(type, text, lenient, &again, key) ==
                                                              FIELD_E_INVALID,
                                                      "%s may be %s", field->key,
                                                      any_values[v].text);
                                        ck_assert_str_eq(key, field->key);
                                }
                        }
                }
                for (size_t i = 0; i < type->n_fields; ++i)
                        free(values[i]);
        }
}

/* How many there may be, and each of them in its range. */
TEST(numbers) {
        static const struct {
                const char *text;
                int result;
        } rows[] = {
                { "{\"trustedUids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,4294967294]}", 0 },
                { "{\"trustedUids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,1]}", FIELD_E_INVALID },
                { "{\"trustedUids\":[0,4294967295]}", FIELD_E_INVALID },
        };
        AcquireParameters parameters = { .trusted_uids = { 1, { -1 } } };
        char key[64];

        ck_assert(!type_valid(&acquire_parameters_type, &parameters));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                ck_assert_int_eq(
                        read_text(&acquire_parameters_type, rows[i].text, i % 2, &parameters, key),
                        rows[i].result);
}

TEST(ranges) {
        uint64_t seed = 5;
        Object object, again;
        char key[64], *text;
        unsigned int n_bounded = 0;

        for (size_t t = 0; t < n_types; ++t)
                for (size_t i = 0; i < types[t]->n_fields; ++i) {
                        const Field *field = &types[t]->fields[i];

                        if (field->type != FIELD_INT || field->minimum == INT64_MIN)
                                continue;
                        ck_assert_int_lt(field->maximum, INT64_MAX);
                        ++n_bounded;
                        for (int64_t j = -1; j <= 1; j += 2)
                                for (int64_t beyond = 0; beyond < 2; ++beyond) {
                                        random_object(types[t], &object, &seed);
                                        object.given |= UINT64_C(1) << i;
                                        *(int64_t *) (void *) (object.bytes + field->offset) =
                                                j < 0 ? field->minimum - beyond
                                                      : field->maximum + beyond;
                                        text = write_object(types[t], &object);
                                        ck_assert_int_eq(
                                                read_text(types[t], text, false, &again, key),
                                                beyond ? FIELD_E_INVALID : 0);
                                        ck_assert_str_eq(key, beyond ? field->key : "");
                                        free(text);
                                }
                }
        ck_assert_uint_gt(n_bounded, 3);
}

/* What is 0 is not there, whether or not it is marked as given; structures say it themselves. */
TEST(nonzero) {
        AttachmentReply reply = { .attachment = { .since_usec = -7, .access = ACCESS_READ_WRITE } };
        char text[128];
        Writer writer = WRITER_INIT(text, sizeof(text));

        GIVE(&reply.attachment, ATTACHMENT_PID);
        type_write_nonzero(&attachment_reply_type, &writer, &reply);
        GIVE(&reply, REPLY_ITEM);
        type_write_nonzero(&attachment_reply_type, &writer, &reply);
        writer_text(&writer, "", 1);
        ck_assert_str_eq(text, "{}{\"attachment\":{\"id\":0,\"access\":\"readWrite\","
                               "\"sinceUSec\":-7}}");
}

static bool is_good(const char *string) {
        return strncmp(string, "good", 4) == 0;
}

typedef struct Checked Checked;

struct Checked {
        uint64_t given;
        const char *text;
        const char *good;
        int64_t number;
        unsigned int access;
        unsigned int seals;
};

static const Field checked_fields[] = {
        { FIELD_ROW(Checked, text, "text"), .type = FIELD_STRING },
        { FIELD_ROW(Checked, good, "good"), .type = FIELD_STRING, .valid = is_good,
          FIELD_NULLABLE },
        { FIELD_ROW(Checked, number, "number"), FIELD_RANGE(3, 5), FIELD_NULLABLE },
        { FIELD_ROW(Checked, access, "access"), .type = FIELD_ENUM, .names = &access_names },
        { FIELD_ROW(Checked, seals, "seals"), .type = FIELD_SET, .names = &seal_names },
};
static const Type checked_type = { sizeof(Checked), checked_fields, ARRAY_SIZE(checked_fields) };

/* What is valid can be read again, and nothing else is valid. */
TEST(valid) {
        static const struct {
                Checked checked;
                bool valid;
        } rows[] = {
                { { .text = "" }, true },
                { { .text = "a", .good = "good", .number = 3, .access = 1, .seals = 1 }, true },
                { { .text = "a", .good = "goods", .number = 5 }, true },
                { { .text = NULL }, false },
                { { .text = "\xff" }, false },
                { { .text = "", .good = "" }, false },
                { { .text = "", .good = "better" }, false },
                { { .text = "", .number = 2 }, false },
                { { .text = "", .number = 6 }, false },
                { { .text = "", .access = _ACCESS_N }, false },
                { { .text = "", .seals = 1U << _SEAL_N }, false },
        };
        Checked again;
        char key[64];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                ck_assert_msg(type_valid(&checked_type, &rows[i].checked) == rows[i].valid,
                              "row %zu", i);
#define REST "\"text\":\"\",\"access\":\"readOnly\",\"seals\":[]}"
        ck_assert_int_eq(read_text(&checked_type, "{\"good\":\"good\"," REST, false, &again, key),
                         0);
        ck_assert_int_eq(read_text(&checked_type, "{\"good\":\"bad\"," REST, false, &again, key),
                         FIELD_E_INVALID);
        ck_assert_str_eq(key, "good");
        ck_assert_int_eq(read_text(&checked_type, "{\"good\":7," REST, false, &again, key),
                         FIELD_E_INVALID);
#undef REST
}

/* What the table does not know: wrong in a call, skipped in a reply of a newer broker. */
TEST(unknown) {
        static const char *const unknown[] = {
                "1", "null", "\"a\\\"}\"", "{\"id\":[{\"id\":1}]}", "[[],[{}]]",
        };
        SegmentParameters parameters;
        char text[128], key[64];

        for (size_t i = 0; i < ARRAY_SIZE(unknown); ++i) {
                (void) snprintf(text, sizeof(text), "{\"foo\":%s,\"id\":7}", unknown[i]);
                ck_assert_int_eq(read_text(&segment_parameters_type, text, false, &parameters, key),
                                 FIELD_E_INVALID);
                ck_assert_str_eq(key, "foo");
                ck_assert_int_eq(read_text(&segment_parameters_type, text, true, &parameters, key),
                                 0);
                ck_assert(GIVEN(&parameters, SEGMENT_ID) && !GIVEN(&parameters, SEGMENT_NAME));
                ck_assert_int_eq(parameters.id, 7);
        }
        ck_assert_int_eq(read_text(&segment_parameters_type, "{\"ID\":7}", false, &parameters, key),
                         FIELD_E_INVALID);
        ck_assert_str_eq(key, "ID");
        ck_assert_int_eq(read_text(&no_parameters_type, "{\"\":7}", false, &parameters, key),
                         FIELD_E_INVALID);
        ck_assert_str_eq(key, "");
}

/* Keys and values may be written with escapes. */
TEST(escapes) {
        ListParameters parameters;
        char key[64];

        ck_assert_int_eq(read_text(&list_parameters_type, "{\"\\u006bind\":\"\\u0066ile\"}", false,
                                   &parameters, key),
                         0);
        ck_assert(GIVEN(&parameters, LIST_KIND));
        ck_assert_uint_eq(parameters.kind, KIND_FILE);
        ck_assert_int_eq(
                read_text(&list_parameters_type, "{\"kind\":\"Memfd\"}", false, &parameters, key),
                FIELD_E_INVALID);
        ck_assert_int_eq(
                read_text(&list_parameters_type, "{\"kind\":\"mem\"}", false, &parameters, key),
                FIELD_E_INVALID);
        ck_assert_int_eq(
                read_text(&list_parameters_type, "{\"kind\":\"memfd \"}", false, &parameters, key),
                FIELD_E_INVALID);
        ck_assert_int_eq(
                read_text(&list_parameters_type, "{\"kind\":\"\"}", false, &parameters, key),
                FIELD_E_INVALID);
}

/* A set knows no order and no repetition; a newer broker may know more names. */
TEST(set) {
        static const Field fields[] = {
                { .key = "seals", .n_key = 5, .type = FIELD_SET, .offset = 8, .names = &seal_names }
        };
        static const Type type = { .size = 16, .fields = fields, .n_fields = 1 };
        struct {
                uint64_t given;
                unsigned int seals;
        } object;
        char key[64];

        ck_assert_int_eq(read_text(&type, "{\"seals\":[ \"seal\" , \"shrink\",\"seal\"]}", false,
                                   &object, key),
                         0);
        ck_assert_uint_eq(object.seals, 1U << SEAL_SEAL | 1U << SEAL_SHRINK);
        ck_assert_int_eq(read_text(&type, "{\"seals\":[\"new\",\"grow\"]}", true, &object, key), 0);
        ck_assert_uint_eq(object.seals, 1U << SEAL_GROW);
        ck_assert_int_eq(read_text(&type, "{\"seals\":[\"new\",\"grow\"]}", false, &object, key),
                         FIELD_E_INVALID);
}

/* However many entries there are, and whatever is in their keys, they are kept. */
TEST(map_long) {
        static const Field fields[] = {
                { .key = "map", .n_key = 3, .type = FIELD_MAP, .offset = 8 },
                { .key = "i", .n_key = 1, FIELD_ANY_INT, .offset = 8 + sizeof(Map) },
        };
        static const Type type = { .size = 16 + sizeof(Map), .fields = fields, .n_fields = 2 };
        struct {
                uint64_t given;
                Map map;
                int64_t i;
        } object;
        char text[1 << 16], *at = text, expected[8];
        Reader reader = READER_INIT(text);
        const char *unread;
        MapEntry entry;

        at = stpcpy(at, "{\"map\":{");
        for (unsigned int i = 0; i < 1000; ++i)
                at += sprintf(at, i % 2 ? " \"%u\" : -%u ," : "\"%u\":%u,", i, i);
        at = stpcpy(at, "\"\":0,\"\\u0041\":-9223372036854775808,");
        (void) strcpy(at - 1, "},\"i\":5}");
        ck_assert_int_eq(type_read(&type, &reader, true, &object, &unread), 0);
        ck_assert_uint_eq(object.map.n_entries, 1002);
        for (unsigned int i = 0; i < 1000; ++i) {
                (void) snprintf(expected, sizeof(expected), "%u", i);
                ck_assert(map_entry(&object.map, i, &entry));
                ck_assert_str_eq(entry.key, expected);
                ck_assert_int_eq(entry.value, i % 2 ? -(int64_t) i : i);
        }
        ck_assert(map_entry(&object.map, 1000, &entry));
        ck_assert(!*entry.key && entry.value == 0);
        ck_assert(map_entry(&object.map, 1001, &entry));
        ck_assert_str_eq(entry.key, "A");
        ck_assert(entry.value == INT64_MIN);
        ck_assert_int_eq(object.i, 5);
}

/* A word that a newer broker has is one, where that is allowed; what it is remains to be read. */
TEST(unknown_word) {
        AttachmentInfo info;
        char key[64], text[] = "{\"id\":1,\"access\":\"exe\\u0063ute\",\"inherited\":false}";
        char memory[256];
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        Reader reader = READER_INIT(text);
        const char *unread;

        ck_assert_int_eq(read_text(&attachment_info_type, text, false, &info, key),
                         FIELD_E_INVALID);
        ck_assert_str_eq(key, "access");
        ck_assert_int_eq(type_read(&attachment_info_type, &reader, true, &info, &unread), 0);
        ck_assert(GIVEN(&info, ATTACHMENT_ACCESS));
        ck_assert_uint_eq(info.access, access_names.n_names);
        ck_assert_str_eq(info.access_word, "execute");
        type_write_given(&attachment_info_type, &writer, &info);
        memory[writer.n_data] = '\0';
        ck_assert_str_eq(memory, "{\"id\":1,\"access\":\"execute\",\"inherited\":false}");
}

TEST(names_find) {
        unsigned int found = 99;

        for (unsigned int i = 0; i < seal_names.n_names; ++i) {
                ck_assert(names_find(&seal_names, seal_names.names[i], &found));
                ck_assert_uint_eq(found, i);
        }
        found = 99;
        ck_assert(!names_find(&seal_names, "", &found));
        ck_assert(!names_find(&seal_names, "shrin", &found));
        ck_assert(!names_find(&seal_names, "shrinkk", &found));
        ck_assert_uint_eq(found, 99);
}

/* What the tables promise to whoever walks them. */
TEST(tables) {
        for (size_t t = 0; t < n_types; ++t) {
                ck_assert_uint_lt(types[t]->n_fields, 64);
                for (size_t i = 0; i < types[t]->n_fields; ++i) {
                        const Field *field = &types[t]->fields[i];

                        ck_assert_ptr_nonnull(field->key);
                        ck_assert_uint_eq(field->n_key, strlen(field->key));
                        ck_assert_uint_ge(field->offset, sizeof(uint64_t));
                        ck_assert_uint_lt(field->offset, types[t]->size);
                        if (field->type == FIELD_ENUM || field->type == FIELD_SET) {
                                ck_assert_uint_gt(field->names->n_names, 0);
                                ck_assert_uint_le(field->names->n_names, 32);
                                for (size_t n = 0; n < field->names->n_names; ++n)
                                        ck_assert_ptr_nonnull(field->names->names[n]);
                        }
                        if (field->type == FIELD_INT)
                                ck_assert_int_lt(field->minimum, field->maximum);
                        for (size_t j = 0; j < i; ++j) {
                                ck_assert_str_ne(field->key, types[t]->fields[j].key);
                                ck_assert_uint_ne(field->offset, types[t]->fields[j].offset);
                        }
                }
        }
}
