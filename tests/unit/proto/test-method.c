/* SPDX-License-Identifier: MIT */
/*
 * The tables that are made of the text of the interfaces. That a peer finds in replies what the
 * text promises is tested from outside, see tests/daemon/test-foreign.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/interface.h"
#include "proto/method.h"
#include "proto/types.h"
#include "proto/util.h"
#include "tests/support/unit.h"

SUITE("method");
CASE("method", .setup = unit_fds_begin, .teardown = unit_fds_end);

/* Each is found by its name and is complete. */
TEST(methods) {
        for (unsigned int i = 0; i < _METHOD_N; ++i) {
                const MethodRow *row = &method_rows[i];
                Method method;

                ck_assert_int_eq(method_find(row->name, &method), 0);
                ck_assert_uint_eq(method, i);
                ck_assert_ptr_nonnull(row->parameters);
                ck_assert_ptr_nonnull(row->reply);
                /* Replies that go on have no descriptor. */
                ck_assert(!row->more || (row->n_fds_in == 0 && row->n_fds_out == 0));
        }
}

static const Field *field_of(const Type *type, const char *key) {
        for (size_t i = 0; i < type->n_fields; ++i)
                if (strcmp(type->fields[i].key, key) == 0)
                        return &type->fields[i];
        ck_abort_msg("no %s", key);
}

/* What the notes say, and what is told from the text: the flag, descriptors, shared structures. */
TEST(rows) {
        const MethodRow *acquire = &method_rows[METHOD_ACQUIRE],
                        *adopt = &method_rows[METHOD_ADOPT];
        const Field *field;

        ck_assert_str_eq(acquire->name, "org.shmbroker.Broker.Acquire");
        ck_assert(acquire->n_fds_out == 1 && acquire->n_fds_in == 0 && !acquire->more);
        ck_assert(adopt->n_fds_out == 0 && adopt->n_fds_in == 1 && !adopt->more);
        ck_assert(method_rows[METHOD_WATCH].more && method_rows[METHOD_LIST].more);
        ck_assert_ptr_eq(method_rows[METHOD_STAT].parameters,
                         method_rows[METHOD_LIST_ATTACHMENTS].parameters);
        ck_assert_ptr_eq(method_rows[METHOD_SEAL].reply, adopt->reply);
        ck_assert_uint_eq(method_rows[METHOD_GET_INFO].parameters->n_fields, 0);

        field = field_of(acquire->parameters, "waitUSec");
        ck_assert(field->type == FIELD_INT && field->nullable);
        ck_assert(field->minimum == -1 && field->maximum == NUMBER_MAX);
        ck_assert_uint_eq(field->offset, offsetof(AcquireParameters, wait_usec));
        field = field_of(acquire->parameters, "kind");
        ck_assert(field->type == FIELD_ENUM && field->names == &kind_names);
        field = field_of(acquire->reply, "segment");
        ck_assert(field->type == FIELD_STRUCT && field->structure == &segment_info_type);
        field = field_of(&segment_info_type, "seals");
        ck_assert(field->type == FIELD_SET && field->names == &seal_names && !field->nullable);
        field = field_of(&user_usage_type, "limits");
        ck_assert(field->type == FIELD_MAP);
        field = field_of(&segment_info_type, "sizeBytes");
        ck_assert(field->minimum == INT64_MIN && field->maximum == INT64_MAX);
}

TEST(errors) {
        for (unsigned int i = FAULT_NONE + 1; i < _FAULT_N; ++i)
                ck_assert_int_eq(fault_find(fault_rows[i].name), i);
        ck_assert_int_eq(fault_find("org.shmbroker.Broker.NoSuchError"), FAULT_NONE);
        ck_assert_int_eq(fault_find(""), FAULT_NONE);
}

/* An error is read into, and written from, the union in Fault. */
TEST(error_sizes) {
        for (int i = FAULT_NONE + 1; i < _FAULT_N; ++i) {
                const Type *type = fault_rows[i].type;

                ck_assert_uint_le(type->size, sizeof(Fault) - offsetof(Fault, given));
                for (size_t j = 0; j < type->n_fields; ++j)
                        ck_assert_uint_le(type->fields[j].offset + sizeof(int64_t), type->size);
        }
}

TEST(find) {
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

/* What GetInterfaceDescription() returns are the files, byte for byte. */
TEST(descriptions) {
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
        ck_assert_str_eq(interface_names.names[INTERFACE_BROKER], "org.shmbroker.Broker");
        ck_assert_str_eq(interface_names.names[INTERFACE_SERVICE], "org.varlink.service");
}
