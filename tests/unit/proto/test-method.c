/* SPDX-License-Identifier: MIT */
/*
 * The tables of methods, errors and types against the text of the interfaces: the same names,
 * parameters, types, nullability and order, in both directions.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/interface.h"
#include "proto/method.h"
#include "proto/types.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define WORD_MAX 64
#define FIELDS_MAX 40
#define DEFINITIONS_MAX 64

typedef struct Definition Definition;
typedef struct Interface Interface;
typedef struct Row Row;
typedef struct Rows Rows;
typedef struct Text Text;

struct Row {
        char key[WORD_MAX];
        char type[WORD_MAX];
        bool nullable;
        bool array;
        bool map;
};

/* What is in parentheses: fields, or the names of an enum. */
struct Rows {
        bool names;
        size_t n_rows;
        Row rows[FIELDS_MAX];
};

struct Definition {
        char what[WORD_MAX];
        char name[WORD_MAX];
        bool more;
        Rows in;
        Rows out;
};

struct Interface {
        char name[WORD_MAX];
        size_t n_definitions;
        Definition definitions[DEFINITIONS_MAX];
};

static Interface interfaces[2];

/* --- a reader of Varlink's language, as much as is needed here */

struct Text {
        const char *at;
        /* A comment since the last definition said so. */
        bool more;
};

static void skip(Text *text) {
        for (;;) {
                while (isspace((unsigned char) *text->at))
                        ++text->at;
                if (*text->at != '#')
                        return;
                if (strncmp(text->at, "# [Requires 'more' flag]", 24) == 0)
                        text->more = true;
                text->at += strcspn(text->at, "\n");
        }
}

static bool take(Text *text, const char *token) {
        skip(text);
        if (strncmp(text->at, token, strlen(token)) != 0)
                return false;
        text->at += strlen(token);
        return true;
}

static void expect(Text *text, const char *token) {
        ck_assert_msg(take(text, token), "'%s' expected before: %.40s", token, text->at);
}

static void word(Text *text, char *ret) {
        size_t n;

        skip(text);
        n = strspn(text->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
        ck_assert_msg(n > 0 && n < WORD_MAX, "a word expected before: %.40s", text->at);
        memcpy(ret, text->at, n);
        ret[n] = '\0';
        text->at += n;
}

static void parse_rows(Text *text, Rows *rows) {
        expect(text, "(");
        if (take(text, ")"))
                return;
        do {
                Row *row = &rows->rows[rows->n_rows++];

                ck_assert_uint_le(rows->n_rows, FIELDS_MAX);
                word(text, row->key);
                rows->names = !take(text, ":");
                if (rows->names)
                        continue;
                row->nullable = take(text, "?");
                row->array = take(text, "[]");
                row->map = !row->array && take(text, "[string]");
                word(text, row->type);
        } while (take(text, ","));
        expect(text, ")");
}

static void parse_interface(const char *path, Interface *interface) {
        char *full = unit_source(path), *data = unit_read_file(full, NULL);
        Text text = { .at = data };

        expect(&text, "interface");
        word(&text, interface->name);
        for (;;) {
                Definition *definition = &interface->definitions[interface->n_definitions];

                text.more = false;
                skip(&text);
                if (!*text.at)
                        break;
                ck_assert_uint_lt(interface->n_definitions++, DEFINITIONS_MAX);
                word(&text, definition->what);
                word(&text, definition->name);
                definition->more = text.more;
                parse_rows(&text, &definition->in);
                if (strcmp(definition->what, "method") == 0) {
                        expect(&text, "->");
                        parse_rows(&text, &definition->out);
                }
        }
        free(data);
        free(full);
}

static void setup(void) {
        memset(interfaces, 0, sizeof(interfaces));
        parse_interface("proto/org.varlink.service.varlink", &interfaces[0]);
        parse_interface("proto/org.shmbroker.Broker.varlink", &interfaces[1]);
        unit_fds_begin();
}

/* --- comparisons */

static const Definition *find(const Interface *interface, const char *what, const char *name) {
        for (size_t i = 0; i < interface->n_definitions; ++i)
                if (strcmp(interface->definitions[i].what, what) == 0 &&
                    strcmp(interface->definitions[i].name, name) == 0)
                        return &interface->definitions[i];
        return NULL;
}

static void compare_names(const char *what, const Rows *rows, const Names *names) {
        ck_assert_msg(rows->n_rows == names->n_names,
                      "%s: %zu names in the interface, %zu in the table", what, rows->n_rows,
                      names->n_names);
        for (size_t i = 0; i < rows->n_rows; ++i)
                ck_assert_str_eq(rows->rows[i].key, names->names[i]);
}

static void compare_rows(const Interface *interface, const char *what, const Rows *rows,
                         const Type *type);

static void compare_named(const Interface *interface, const char *what, const Row *row,
                          const Field *field) {
        const Definition *definition = find(interface, "type", row->type);

        ck_assert_msg(definition, "%s: type %s is not in the interface", what, row->type);
        if (definition->in.names) {
                ck_assert_msg(field->type == FIELD_ENUM, "%s.%s: no enum in the table", what,
                              row->key);
                compare_names(row->type, &definition->in, field->names);
        } else {
                ck_assert_msg(field->type == FIELD_STRUCT, "%s.%s: no structure in the table", what,
                              row->key);
                compare_rows(interface, row->type, &definition->in, field->structure);
        }
}

static void compare_row(const Interface *interface, const char *what, const Row *row,
                        const Field *field) {
        FieldType expected;

        ck_assert_msg(strcmp(row->key, field->key) == 0, "%s: %s in the interface, %s in the table",
                      what, row->key, field->key);
        ck_assert_msg(row->nullable == field->nullable, "%s.%s: nullable in one of both", what,
                      row->key);
        if (row->array && strcmp(row->type, "string") == 0)
                expected = FIELD_SET;
        else if (row->map && strcmp(row->type, "int") == 0)
                expected = FIELD_MAP;
        else if (row->array || row->map)
                ck_abort_msg("%s.%s: no type of field for it", what, row->key);
        else if (strcmp(row->type, "string") == 0)
                expected = FIELD_STRING;
        else if (strcmp(row->type, "int") == 0)
                expected = FIELD_INT;
        else if (strcmp(row->type, "bool") == 0)
                expected = FIELD_BOOL;
        else {
                compare_named(interface, what, row, field);
                return;
        }
        ck_assert_msg(field->type == expected, "%s.%s: of type %d in the table", what, row->key,
                      field->type);
}

static void compare_rows(const Interface *interface, const char *what, const Rows *rows,
                         const Type *type) {
        ck_assert_msg(!rows->names, "%s: is an enum", what);
        ck_assert_msg(rows->n_rows == type->n_fields,
                      "%s: %zu fields in the interface, %zu in the table", what, rows->n_rows,
                      type->n_fields);
        for (size_t i = 0; i < rows->n_rows; ++i)
                compare_row(interface, what, &rows->rows[i], &type->fields[i]);
}

static bool has_descriptor(const Rows *rows) {
        for (size_t i = 0; i < rows->n_rows; ++i)
                if (strcmp(rows->rows[i].key, "fileDescriptorIndex") == 0)
                        return true;
        return false;
}

/* --- tests */

/* The reader above has read something, and what it should have. */
START_TEST(test_interfaces) {
        const Definition *acquire = find(&interfaces[1], "method", "Acquire");

        ck_assert_str_eq(interfaces[0].name, "org.varlink.service");
        ck_assert_str_eq(interfaces[1].name, "org.shmbroker.Broker");
        for (size_t i = 0; i < ARRAY_SIZE(interfaces); ++i)
                for (size_t j = 0; j < interfaces[i].n_definitions; ++j) {
                        const char *what = interfaces[i].definitions[j].what;

                        ck_assert_msg(strcmp(what, "type") == 0 || strcmp(what, "method") == 0 ||
                                              strcmp(what, "error") == 0,
                                      "unknown: %s", what);
                }
        ck_assert_ptr_nonnull(acquire);
        ck_assert(!acquire->more && has_descriptor(&acquire->out) && !has_descriptor(&acquire->in));
        ck_assert(find(&interfaces[1], "method", "Watch")->more);
}
END_TEST

/* All methods of the text in the table's order, and no other. */
START_TEST(test_methods) {
        char name[WORD_MAX * 2];
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(interfaces); ++i)
                for (size_t j = 0; j < interfaces[i].n_definitions; ++j) {
                        const Definition *definition = &interfaces[i].definitions[j];
                        const MethodRow *row = &method_rows[n];
                        Method method;

                        if (strcmp(definition->what, "method") != 0)
                                continue;
                        (void) snprintf(name, sizeof(name), "%.60s.%.60s", interfaces[i].name,
                                        definition->name);
                        ck_assert_msg(n < _METHOD_N, "%s: not in the table", name);
                        ck_assert_str_eq(row->name, name);
                        ck_assert_int_eq(method_find(name, &method), 0);
                        ck_assert_uint_eq(method, n);
                        ck_assert_msg(row->more == definition->more, "%s: 'more' in one of both",
                                      name);
                        ck_assert_uint_eq(row->n_fds_in, has_descriptor(&definition->in));
                        ck_assert_uint_eq(row->n_fds_out, has_descriptor(&definition->out));
                        ++n;
                        ck_assert_int_eq(row->parameters == NULL, row->reply == NULL);
                        if (!row->parameters)
                                continue;
                        compare_rows(&interfaces[i], name, &definition->in, row->parameters);
                        compare_rows(&interfaces[i], name, &definition->out, row->reply);
                }
        ck_assert_uint_eq(n, _METHOD_N);
}
END_TEST

START_TEST(test_errors) {
        char name[WORD_MAX * 2];
        int n = FAULT_NONE + 1;

        for (size_t i = 0; i < ARRAY_SIZE(interfaces); ++i)
                for (size_t j = 0; j < interfaces[i].n_definitions; ++j) {
                        const Definition *definition = &interfaces[i].definitions[j];

                        if (strcmp(definition->what, "error") != 0)
                                continue;
                        (void) snprintf(name, sizeof(name), "%.60s.%.60s", interfaces[i].name,
                                        definition->name);
                        ck_assert_msg(n < _FAULT_N, "%s: not in the table", name);
                        ck_assert_str_eq(fault_name((FaultCode) n), name);
                        ck_assert_int_eq(fault_find(name), n);
                        compare_rows(&interfaces[i], name, &definition->in,
                                     fault_type((FaultCode) n));
                        ++n;
                }
        ck_assert_int_eq(n, _FAULT_N);
        ck_assert_int_eq(fault_find("org.shmbroker.Broker.NoSuchError"), FAULT_NONE);
        ck_assert_int_eq(fault_find(""), FAULT_NONE);
}
END_TEST

/* An error is read into, and written from, the union in Fault. */
START_TEST(test_error_sizes) {
        for (int i = FAULT_NONE + 1; i < _FAULT_N; ++i) {
                const Type *type = fault_type((FaultCode) i);

                ck_assert_uint_le(type->size, sizeof(Fault) - offsetof(Fault, given));
                for (size_t j = 0; j < type->n_fields; ++j)
                        ck_assert_uint_le(type->fields[j].offset + sizeof(int64_t), type->size);
        }
}
END_TEST

/* Types of the text that no method of the table has reached yet are compared by their names. */
START_TEST(test_types) {
        static const struct {
                const char *name;
                const Type *type;
                const Names *names;
        } rows[] = {
                { "Kind", NULL, &kind_names },
                { "CreateMode", NULL, &create_names },
                { "Access", NULL, &access_names },
                { "Permissions", &permissions_type, NULL },
                { "SegmentInfo", &segment_info_type, NULL },
                { "Attachment", &attachment_info_type, NULL },
                { "UserUsage", &user_usage_type, NULL },
                { "EventKind", NULL, &event_names },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const Definition *definition = find(&interfaces[1], "type", rows[i].name);

                ck_assert_ptr_nonnull(definition);
                ck_assert_int_eq(definition->in.names, rows[i].names != NULL);
                if (rows[i].names)
                        compare_names(rows[i].name, &definition->in, rows[i].names);
                else
                        compare_rows(&interfaces[1], rows[i].name, &definition->in, rows[i].type);
        }
}
END_TEST

START_TEST(test_find) {
        static const struct {
                const char *name;
                int expected;
        } rows[] = {
                { "", METHOD_E_NO_METHOD },
                { "Acquire", METHOD_E_NO_METHOD },
                { "org.shmbroker.Broker.", METHOD_E_NO_METHOD },
                { "org.shmbroker.Broker.acquire", METHOD_E_NO_METHOD },
                { "org.shmbroker.Broker.AcquireX", METHOD_E_NO_METHOD },
                { "org.varlink.service.Acquire", METHOD_E_NO_METHOD },
                { "org.shmbroker.Broker", METHOD_E_NO_INTERFACE },
                { "org.shmbroker.Broke.Acquire", METHOD_E_NO_INTERFACE },
                { "org.shmbroker.Brokers.Acquire", METHOD_E_NO_INTERFACE },
                { "org.shmbroker.Broker.Acquire.", METHOD_E_NO_INTERFACE },
                { "org.shmbroker.Broker.Acquire.x", METHOD_E_NO_INTERFACE },
                { "org.shmbroker.Broker..Acquire", METHOD_E_NO_INTERFACE },
                { "org.example.Foo", METHOD_E_NO_INTERFACE },
                { ".", METHOD_E_NO_INTERFACE },
                { ".Acquire", METHOD_E_NO_INTERFACE },
                { "..", METHOD_E_NO_INTERFACE },
        };
        Method method = METHOD_WATCH;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                ck_assert_msg(method_find(rows[i].name, &method) == rows[i].expected, "'%s'",
                              rows[i].name);
                ck_assert_int_eq(method, METHOD_WATCH);
        }
}
END_TEST

/* What GetInterfaceDescription() returns are the files, byte for byte. */
START_TEST(test_descriptions) {
        static const struct {
                const char *path;
                const char *text;
        } rows[] = {
                { "proto/org.shmbroker.Broker.varlink", interface_broker_description },
                { "proto/org.varlink.service.varlink", interface_service_description },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *path = unit_source(rows[i].path), *data;
                size_t n;

                data = unit_read_file(path, &n);
                ck_assert_uint_eq(n, strlen(rows[i].text));
                ck_assert_str_eq(data, rows[i].text);
                free(data);
                free(path);
        }
        ck_assert_uint_eq(interface_names.n_names, 2);
        ck_assert_str_eq(interface_names.names[INTERFACE_BROKER], interfaces[1].name);
        ck_assert_str_eq(interface_names.names[INTERFACE_SERVICE], interfaces[0].name);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("method");
        TCase *tc = tcase_create("method");

        tcase_add_checked_fixture(tc, setup, unit_fds_end);
        tcase_add_test(tc, test_interfaces);
        tcase_add_test(tc, test_methods);
        tcase_add_test(tc, test_errors);
        tcase_add_test(tc, test_error_sizes);
        tcase_add_test(tc, test_types);
        tcase_add_test(tc, test_find);
        tcase_add_test(tc, test_descriptions);
        suite_add_tcase(suite, tc);
        return unit_main(suite);
}
