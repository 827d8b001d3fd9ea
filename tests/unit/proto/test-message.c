/* SPDX-License-Identifier: MIT */
/* Calls and replies: what is around the parameters, in both directions. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "proto/reader.h"
#include "proto/scan.h"
#include "proto/types.h"
#include "proto/util.h"
#include "tests/support/unit.h"

typedef struct Row Row;

struct Row {
        const char *name;
        const char *text;
};

/* --- calls */

static const Row broken_calls[] = {
        { "empty message", "" },
        { "not JSON", "hello" },
        { "array", "[]" },
        { "trailing bytes", "{\"method\":\"a.b\"} x" },
        { "no method", "{}" },
        { "parameters alone", "{\"parameters\":{}}" },
        { "method null", "{\"method\":null}" },
        { "method a number", "{\"method\":1}" },
        { "method an array", "{\"method\":[\"a.b\"]}" },
        { "method an object", "{\"method\":{}}" },
        { "method a boolean", "{\"method\":true}" },
        { "parameters an array", "{\"method\":\"a.b\",\"parameters\":[]}" },
        { "parameters a string", "{\"method\":\"a.b\",\"parameters\":\"{}\"}" },
        { "parameters a number", "{\"method\":\"a.b\",\"parameters\":0}" },
        { "parameters a boolean", "{\"method\":\"a.b\",\"parameters\":false}" },
        { "more null", "{\"method\":\"a.b\",\"more\":null}" },
        { "more a number", "{\"method\":\"a.b\",\"more\":1}" },
        { "more zero", "{\"method\":\"a.b\",\"more\":0}" },
        { "more a string", "{\"method\":\"a.b\",\"more\":\"true\"}" },
        { "more an object", "{\"method\":\"a.b\",\"more\":{}}" },
        { "oneway null", "{\"method\":\"a.b\",\"oneway\":null}" },
        { "oneway a number", "{\"method\":\"a.b\",\"oneway\":1}" },
        { "oneway a string", "{\"method\":\"a.b\",\"oneway\":\"\"}" },
        { "upgrade null", "{\"method\":\"a.b\",\"upgrade\":null}" },
        { "upgrade a number", "{\"method\":\"a.b\",\"upgrade\":0}" },
        { "upgrade a string", "{\"method\":\"a.b\",\"upgrade\":\"false\"}" },
        { "more and oneway", "{\"method\":\"a.b\",\"more\":true,\"oneway\":true}" },
        { "more and upgrade", "{\"method\":\"a.b\",\"more\":true,\"upgrade\":true}" },
        { "oneway and upgrade", "{\"method\":\"a.b\",\"oneway\":true,\"upgrade\":true}" },
        { "all flags", "{\"more\":true,\"oneway\":true,\"upgrade\":true,\"method\":\"a.b\"}" },
        { "unknown key", "{\"method\":\"a.b\",\"foo\":1}" },
        { "unknown key with null", "{\"foo\":null,\"method\":\"a.b\"}" },
        { "empty key", "{\"method\":\"a.b\",\"\":1}" },
        { "key in another case", "{\"method\":\"a.b\",\"More\":true}" },
        { "key of a reply", "{\"method\":\"a.b\",\"continues\":false}" },
        { "error in a call", "{\"method\":\"a.b\",\"error\":\"a.b\"}" },
        { "duplicate method", "{\"method\":\"a.b\",\"method\":\"a.b\"}" },
        { "duplicate method, escaped", "{\"method\":\"a.b\",\"m\\u0065thod\":\"a.b\"}" },
        { "duplicate flag", "{\"method\":\"a.b\",\"more\":true,\"more\":false}" },
        { "duplicate parameter", "{\"method\":\"a.b\",\"parameters\":{\"id\":1,\"id\":1}}" },
        { "duplicate parameter, escaped",
          "{\"method\":\"a.b\",\"parameters\":{\"id\":1,\"\\u0069d\":1}}" },
        { "U+0000 in the method", "{\"method\":\"a.b\\u0000c\"}" },
        { "U+0000 in a key", "{\"method\":\"a.b\",\"parameters\":{\"a\\u0000\":1}}" },
        { "lone surrogate", "{\"method\":\"a.b\",\"parameters\":{\"a\":\"\\ud800\"}}" },
        { "bad UTF-8", "{\"method\":\"a.\xc0\xaf\"}" },
        { "NaN", "{\"method\":\"a.b\",\"parameters\":{\"a\":NaN}}" },
        { "single quotes", "{'method':'a.b'}" },
        { "nesting over 16",
          "{\"method\":\"a.b\",\"parameters\":{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}}" },
};

SUITE("message");
CASE("call", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(broken_call, .end = ARRAY_SIZE(broken_calls)) {
        const Row *row = &broken_calls[_i];
        char *copy = unit_copy(row->text, strlen(row->text) + 1);
        Call call;

        ck_assert_msg(call_parse(copy, strlen(row->text), &call) == MESSAGE_E_BROKEN,
                      "%s: accepted", row->name);
        free(copy);
}

static const struct {
        const char *text;
        const char *parameters;
        bool more, oneway, upgrade;
} good_calls[] = {
        { "{\"method\":\"a.b\"}", NULL, false, false, false },
        { " { \"method\" : \"a.b\" } ", NULL, false, false, false },
        { "{\"m\\u0065thod\":\"\\u0061.b\"}", NULL, false, false, false },
        { "{\"method\":\"a.b\",\"parameters\":null}", NULL, false, false, false },
        { "{\"parameters\":{\"id\":[{}]},\"method\":\"a.b\"}", "{\"id\":[{}]}", false, false,
          false },
        { "{\"method\":\"a.b\",\"more\":true}", NULL, true, false, false },
        { "{\"more\":false,\"method\":\"a.b\",\"oneway\":true}", NULL, false, true, false },
        { "{\"parameters\":{\"a\":{\"b\":1}} , \"method\":\"a.b\" , \"more\":true}",
          "{\"a\":{\"b\":1}}", true, false, false },
        { "{\"method\":\"a.b\",\"parameters\": {\"a\":{\"parameters\":[]}} } ",
          "{\"a\":{\"parameters\":[]}}", false, false, false },
        { "{\"method\":\"a.b\",\"upgrade\":true,\"parameters\":{}}", "{}", false, false, true },
        { "{\"method\":\"a.b\",\"more\":false,\"oneway\":false,\"upgrade\":false}", NULL, false,
          false, false },
        { "{\"method\":\"a.b\",\"parameters\":{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}}",
          "{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}", false, false, false },
};

TEST(good_call, .end = ARRAY_SIZE(good_calls)) {
        const char *text = good_calls[_i].text, *parameters = good_calls[_i].parameters;
        char *copy = unit_copy(text, strlen(text) + 1);
        Call call;

        ck_assert_int_eq(call_parse(copy, strlen(text), &call), 0);
        ck_assert_str_eq(call.method, "a.b");
        ck_assert_int_eq(call.more, good_calls[_i].more);
        ck_assert_int_eq(call.oneway, good_calls[_i].oneway);
        ck_assert_int_eq(call.upgrade, good_calls[_i].upgrade);
        if (parameters)
                ck_assert_mem_eq(call.parameters, parameters, strlen(parameters));
        else
                ck_assert_ptr_null(call.parameters);
        free(copy);
}

/* Absent, null and {} are one. */
TEST(no_parameters) {
        static const char *const texts[] = {
                "{\"method\":\"a.b\"}",
                "{\"method\":\"a.b\",\"parameters\":null}",
                "{\"method\":\"a.b\",\"parameters\":{}}",
                "{\"method\":\"a.b\",\"parameters\":{\"name\":null,\"id\":null}}",
                "{\"parameters\":null,\"method\":\"a.b\"}",
                "{\"parameters\" : null , \"more\":false , \"method\":\"a.b\"}",
        };
        SegmentParameters parameters;
        DescriptionParameters description;
        const char *key;
        Call call;

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                char *copy = unit_copy(texts[i], strlen(texts[i]) + 1);

                ck_assert_int_eq(call_parse(copy, strlen(copy), &call), 0);
                memset(&parameters, 0xff, sizeof(parameters));
                ck_assert_int_eq(call_read(&call, &segment_parameters_type, &parameters, &key), 0);
                ck_assert_uint_eq(parameters.given, 0);
                ck_assert_ptr_null(parameters.name);
                ck_assert_int_eq(parameters.id, 0);
                free(copy);
        }
        for (size_t i = 0; i < 3; ++i) {
                char *copy = unit_copy(texts[i], strlen(texts[i]) + 1);

                ck_assert_int_eq(call_parse(copy, strlen(copy), &call), 0);
                ck_assert_int_eq(call_read(&call, &description_parameters_type, &description, &key),
                                 MESSAGE_E_INVALID_PARAMETER);
                ck_assert_str_eq(key, "interface");
                free(copy);
        }
}

TEST(invalid_parameter) {
        static const char text[] = "{\"method\":\"a.b\",\"parameters\":{\"id\":1,\"f\\u006fo\":2}}";
        char *copy = unit_copy(text, sizeof(text));
        SegmentParameters parameters;
        const char *key;
        Call call;

        ck_assert_int_eq(call_parse(copy, strlen(text), &call), 0);
        ck_assert_int_eq(call_read(&call, &segment_parameters_type, &parameters, &key),
                         MESSAGE_E_INVALID_PARAMETER);
        ck_assert_str_eq(key, "foo");
        free(copy);
}

/* The longest message there may be is read like any other. */
TEST(longest_call) {
        static const char head[] = "{\"method\":\"a.b\",\"parameters\":{\"name\":\"",
                          tail[] = "\"}}";
        SegmentParameters parameters;
        char *text = malloc(FRAME_MAX + 1);
        const char *key;
        Call call;

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', FRAME_MAX);
        memcpy(text, head, strlen(head));
        memcpy(text + FRAME_MAX - strlen(tail), tail, strlen(tail) + 1);
        ck_assert_int_eq(call_parse(text, FRAME_MAX, &call), 0);
        ck_assert_int_eq(call_read(&call, &segment_parameters_type, &parameters, &key), 0);
        ck_assert_uint_eq(strlen(parameters.name), FRAME_MAX - strlen(head) - strlen(tail));
        free(text);
}

/* What a client writes is what the broker reads, for each method that is served. */
TEST(call_round_trip) {
        static const char zero[8192];
        char memory[8192], again[8192], object[8192];
        const char *key;
        Call call;

        for (unsigned int i = 0; i < _METHOD_N; ++i) {
                const MethodRow *row = &method_rows[i];
                Writer writer = WRITER_INIT(memory, sizeof(memory));

                if (!row->parameters)
                        continue;
                memset(object, 0, sizeof(object));
                for (size_t f = 0; f < row->parameters->n_fields; ++f) {
                        const Field *field = &row->parameters->fields[f];
                        const char *name = "name";

                        if (!field->nullable && field->type == FIELD_STRING)
                                memcpy(object + field->offset, &name, sizeof(name));
                }
                call_write(&writer, (Method) i, object);
                ck_assert(!writer.overflow);
                ck_assert_uint_eq(strlen(memory), writer.n_data - 1);
                ck_assert_int_eq(call_parse(memory, writer.n_data - 1, &call), 0);
                ck_assert_str_eq(call.method, row->name);
                ck_assert_int_eq(call.more, row->more);
                ck_assert(!call.oneway && !call.upgrade);
                memset(again, 0xff, sizeof(again));
                ck_assert_uint_le(row->parameters->size, sizeof(again));
                ck_assert_int_eq(call_read(&call, row->parameters, again, &key), 0);
                if (row->parameters->n_fields == 0)
                        ck_assert_mem_eq(again, zero, row->parameters->size);
        }
}

/* --- replies */

static const Row broken_replies[] = {
        { "empty message", "" },
        { "array", "[]" },
        { "trailing bytes", "{}{}" },
        { "unknown key", "{\"foo\":1}" },
        { "key of a call", "{\"method\":\"a.b\"}" },
        { "error null", "{\"error\":null}" },
        { "error a number", "{\"error\":1}" },
        { "error an object", "{\"error\":{}}" },
        { "continues null", "{\"continues\":null}" },
        { "continues a number", "{\"continues\":1}" },
        { "continues a string", "{\"continues\":\"true\"}" },
        { "parameters an array", "{\"parameters\":[]}" },
        { "parameters a string", "{\"parameters\":\"\"}" },
        { "error that continues", "{\"error\":\"a.b\",\"continues\":true}" },
        { "duplicate", "{\"parameters\":{},\"parameters\":{}}" },
        { "duplicate, escaped", "{\"error\":\"a.b\",\"\\u0065rror\":\"a.b\"}" },
        { "bad UTF-8", "{\"error\":\"\xff\"}" },
};

CASE("reply", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(broken_reply, .end = ARRAY_SIZE(broken_replies)) {
        const Row *row = &broken_replies[_i];
        char *copy = unit_copy(row->text, strlen(row->text) + 1);
        Reply reply;

        ck_assert_msg(reply_parse(copy, strlen(row->text), &reply) == MESSAGE_E_BROKEN,
                      "%s: accepted", row->name);
        free(copy);
}

TEST(good_reply) {
        static const struct {
                const char *text;
                const char *error;
                bool parameters, continues;
        } rows[] = {
                { "{}", NULL, false, false },
                { "{\"parameters\":null}", NULL, false, false },
                { "{\"parameters\":{}}", NULL, true, false },
                { "{\"continues\":true}", NULL, false, true },
                { "{\"continues\":false,\"parameters\":{\"a\":1}}", NULL, true, false },
                { "{\"error\":\"a.b\"}", "a.b", false, false },
                { "{\"parameters\":{\"a\":1},\"error\":\"a.b\",\"continues\":false}", "a.b", true,
                  false },
        };
        Reply reply;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *copy = unit_copy(rows[i].text, strlen(rows[i].text) + 1);

                ck_assert_int_eq(reply_parse(copy, strlen(copy), &reply), 0);
                ck_assert_pstr_eq(reply.error, rows[i].error);
                ck_assert_int_eq(reply.parameters != NULL, rows[i].parameters);
                ck_assert_int_eq(reply.continues, rows[i].continues);
                free(copy);
        }
}

/* varlinkctl hangs up on any other key, and on null, at top level. */
static void expect_clean(const Writer *writer) {
        char *copy = unit_copy(writer->data, writer->n_data);
        Reader reader = READER_INIT(copy);

        ck_assert(!writer->overflow);
        ck_assert_uint_gt(writer->n_data, 0);
        ck_assert_int_eq(copy[writer->n_data - 1], '\0');
        ck_assert_uint_eq(strlen(copy), writer->n_data - 1);
        ck_assert_int_eq(scan_text(copy, writer->n_data - 1), 0);
        reader_enter(&reader);
        while (reader_next(&reader)) {
                const char *key = reader_key(&reader);

                if (strcmp(key, "continues") == 0) {
                        ck_assert_int_eq(reader_type(&reader), JSON_BOOL);
                        ck_assert(reader_bool(&reader));
                } else if (strcmp(key, "error") == 0) {
                        ck_assert_int_eq(reader_type(&reader), JSON_STRING);
                        ck_assert_ptr_nonnull(strchr(reader_string(&reader), '.'));
                } else {
                        ck_assert_str_eq(key, "parameters");
                        ck_assert_int_eq(reader_type(&reader), JSON_OBJECT);
                        ck_assert_str_ne(reader.at, "{}");
                        reader_skip(&reader);
                }
        }
        free(copy);
}

TEST(reply_write) {
        RemoveReply remove = { .destroyed = true }, again;
        static const char *const expected[] = {
                "{\"parameters\":{\"destroyed\":true,\"attachCount\":3,\"segment\":null}}",
                ("{\"parameters\":{\"destroyed\":true,\"attachCount\":3,\"segment\":null},"
                 "\"continues\":true}"),
                "{}",
                "{\"continues\":true}",
        };
        char memory[256];
        Reply reply;

        GIVE_VALUE(&remove, REMOVE_REPLY_ATTACH_COUNT, attach_count, 3);
        for (size_t i = 0; i < ARRAY_SIZE(expected); ++i) {
                Writer writer = WRITER_INIT(memory, sizeof(memory));

                reply_write(&writer, &remove_reply_type, i < 2 ? &remove : NULL, i % 2);
                expect_clean(&writer);
                ck_assert_str_eq(memory, expected[i]);
                ck_assert_int_eq(reply_parse(memory, writer.n_data - 1, &reply), 0);
                ck_assert_ptr_null(reply.error);
                ck_assert_int_eq(reply.continues, i % 2);
                if (i >= 2)
                        continue;
                ck_assert_int_eq(reply_read(&reply, &remove_reply_type, &again), 0);
                ck_assert(again.destroyed);
                ck_assert_int_eq(again.attach_count, 3);
        }
}

/* A client understands what a newer broker adds, and notices what is missing. */
TEST(reply_lenient) {
        static const char newer[] =
                "{\"parameters\":{\"when\":[1,{\"a\":null}],\"destroyed\":false,\"attachCount\":2,\"x\":null}}";
        static const char *const wrong[] = {
                "{\"parameters\":{\"attachCount\":2}}",
                "{\"parameters\":{\"destroyed\":0,\"attachCount\":2}}",
                "{\"parameters\":{\"destroyed\":false,\"attachCount\":2.5}}",
                "{\"parameters\":null}",
                "{}",
        };
        char *copy = unit_copy(newer, sizeof(newer));
        RemoveReply remove;
        Reply reply;

        ck_assert_int_eq(reply_parse(copy, strlen(copy), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &remove_reply_type, &remove), 0);
        ck_assert_int_eq(remove.attach_count, 2);
        free(copy);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i) {
                copy = unit_copy(wrong[i], strlen(wrong[i]) + 1);
                ck_assert_int_eq(reply_parse(copy, strlen(copy), &reply), 0);
                ck_assert_int_eq(reply_read(&reply, &remove_reply_type, &remove),
                                 MESSAGE_E_INVALID_PARAMETER);
                free(copy);
        }
}

/* --- errors */

static Fault some_fault(FaultCode code) {
        Fault fault = { .code = code };

        switch (code) {
        case FAULT_INTERFACE_NOT_FOUND:
        case FAULT_METHOD_NOT_FOUND:
        case FAULT_METHOD_NOT_IMPLEMENTED:
        case FAULT_INVALID_PARAMETER:
                fault.text.text = "a \"text\"\n";
                break;
        case FAULT_NOT_SUPPORTED:
                fault.not_supported.reason = "a \"text\"\n";
                GIVE_VALUE(&fault.not_supported, FAULT_NOT_SUPPORTED_CAUSE, cause, "sealed");
                break;
        case FAULT_SEGMENT_EXISTS:
                GIVE_VALUE(&fault.exists, FAULT_SEGMENT_EXISTS_ID, id, 17);
                break;
        case FAULT_WRONG_SIZE:
                fault.size.minimum_bytes = 1;
                fault.size.maximum_bytes = 2;
                GIVE_VALUE(&fault.size, FAULT_WRONG_SIZE_SIZE_BYTES, size_bytes, 3);
                break;
        case FAULT_LIMIT_REACHED:
                fault.limit.limit = "bytes";
                GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_MAXIMUM, maximum, 4);
                GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_USED, used, 5);
                GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_REQUESTED, requested, 6);
                break;
        case FAULT_SEGMENT_BUSY:
                GIVE_VALUE(&fault.busy, FAULT_SEGMENT_BUSY_ATTACH_COUNT, attach_count, 5);
                break;
        case FAULT_SEGMENT_UNAVAILABLE:
                fault.unavailable = (SegmentUnavailableFault){
                        .id = 6,
                        .cause = "denied",
                        .message = "a message",
                };
                break;
        case FAULT_FOREIGN_SEGMENT:
                fault.foreign = (ForeignSegmentFault){ .id = 7, .owner_uid = 8, .creator_uid = 9 };
                break;
        case FAULT_PERMISSION_DENIED:
        case FAULT_EXPECTED_MORE:
        case FAULT_NO_SUCH_SEGMENT:
        case FAULT_NO_DESCRIPTOR:
                break;
        default:
                ck_abort_msg("error %d has no example here", code);
        }
        return fault;
}

TEST(fault_round_trip, .first = FAULT_NONE + 1, .end = _FAULT_N) {
        Fault fault = some_fault((FaultCode) _i), again;
        const Type *type = fault_rows[fault.code].type;
        char memory[512];
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        char expected[128];
        Reply reply;

        reply_write_fault(&writer, &fault);
        expect_clean(&writer);
        (void) snprintf(expected, sizeof(expected), "{\"error\":\"%s\"%s",
                        fault_rows[fault.code].name,
                        type->n_fields > 0 ? ",\"parameters\":{" : "}");
        ck_assert_mem_eq(memory, expected, strlen(expected));
        ck_assert_int_eq(reply_parse(memory, writer.n_data - 1, &reply), 0);
        ck_assert_str_eq(reply.error, fault_rows[fault.code].name);
        memset(&again, 0xff, sizeof(again));
        reply_read_fault(&reply, &again);
        ck_assert_int_eq(again.code, fault.code);
        for (size_t i = 0; i < type->n_fields; ++i) {
                const Field *field = &type->fields[i];
                const char *a = (const char *) &fault.given + field->offset,
                           *b = (const char *) &again.given + field->offset;

                ck_assert(GIVEN(&again, i));
                if (field->type == FIELD_STRING)
                        ck_assert_str_eq(*(const char *const *) (const void *) a,
                                         *(const char *const *) (const void *) b);
                else
                        ck_assert_mem_eq(a, b, sizeof(int64_t));
        }
}

TEST(faults_not_understood) {
        static const char *const texts[] = {
                "{\"error\":\"org.example.Error\"}",
                "{\"error\":\"\"}",
                "{\"error\":\"org.shmbroker.Broker\"}",
                "{\"error\":\"NoSuchSegment\"}",
                "{\"error\":\"org.shmbroker.Broker.LimitReached\"}",
                "{\"error\":\"org.shmbroker.Broker.LimitReached\",\"parameters\":{\"limit\":1}}",
                "{\"error\":\"org.shmbroker.Broker.WrongSize\",\"parameters\":{\"sizeBytes\":1}}",
                "{\"error\":\"org.shmbroker.Broker.NotSupported\",\"parameters\":{\"reason\":null}}",
        };
        Reply reply;
        Fault fault;

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                char *copy = unit_copy(texts[i], strlen(texts[i]) + 1);

                ck_assert_int_eq(reply_parse(copy, strlen(copy), &reply), 0);
                reply_read_fault(&reply, &fault);
                ck_assert_int_eq(fault.code, FAULT_NONE);
                free(copy);
        }
}

TEST(fault_nullables) {
        static const char text[] =
                "{\"error\":\"org.shmbroker.Broker.LimitReached\",\"parameters\":{\"limit\":\"memory\","
                "\"maximum\":null,\"later\":[]}}";
        char *copy = unit_copy(text, sizeof(text));
        Reply reply;
        Fault fault;

        ck_assert_int_eq(reply_parse(copy, strlen(copy), &reply), 0);
        reply_read_fault(&reply, &fault);
        ck_assert_int_eq(fault.code, FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "memory");
        ck_assert(!GIVEN(&fault.limit, FAULT_LIMIT_REACHED_MAXIMUM));
        free(copy);
}
