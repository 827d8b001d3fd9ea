/* SPDX-License-Identifier: MIT */
#include "tests/support/tenants.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/support/unit.h"

Wire admin, host, web, db;

void tenants_connect(void) {
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        wire_open(&host);
        wire_open_tenant(&web, "web");
        wire_open_tenant(&db, "db");
}

void tenants_disconnect(void) {
        wire_close(&admin);
        wire_close(&host);
        wire_close(&web);
        wire_close(&db);
}

void tenants_up(void) {
        fixture_up(&(Setup){ .config = TENANTS_CONFIG });
        tenants_connect();
}

void tenants_down(void) {
        tenants_disconnect();
        fixture_down();
}

int64_t create_as(Wire *wire, const char *name) {
        AcquireParameters parameters = {};
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        close(wire_acquire(wire, &parameters, &reply));
        return reply.segment.id;
}

FaultCode try_create_as(Wire *wire, const char *name, CreateMode mode, Fault *fault) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, mode);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        return wire_try_acquire(wire, &parameters, fault);
}

FaultCode try_open_as(Wire *wire, const char *name, int64_t id, Access access) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        else
                GIVE_VALUE(&parameters, ACQUIRE_ID, id, id);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        return wire_try_acquire(wire, &parameters, NULL);
}

FaultCode remove_as(Wire *wire, int64_t id) {
        SegmentParameters parameters = {};
        RemoveReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        return wire_call(wire, METHOD_REMOVE, &parameters, &reply, &fault);
}

void call_as(Wire *wire, Method method, const void *parameters) {
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));

        call_write(&writer, method, parameters);
        wire_send(wire, writer.data, writer.n_data);
}

Listed list_as(Wire *wire) {
        Listed listed = {};
        ListParameters parameters = {};
        ListReply item;
        Reply reply;

        GIVE_VALUE(&parameters, LIST_INCLUDE_REMOVED, include_removed, true);
        call_as(wire, METHOD_LIST, &parameters);
        do {
                ck_assert(wire_receive(wire, &reply));
                ck_assert(!reply.error);
                ck_assert_int_eq(reply_read(&reply, &list_reply_type, &item), 0);
                if (!GIVEN(&item, REPLY_ITEM))
                        break;
                ck_assert_uint_lt(listed.n, LISTED_MAX);
                if (item.segment.tenant)
                        (void) snprintf(listed.tenants[listed.n], sizeof(listed.tenants[0]), "%s",
                                        item.segment.tenant);
                listed.ids[listed.n++] = item.segment.id;
        } while (reply.continues);
        return listed;
}

void assert_listed(Wire *wire, size_t n, const int64_t *ids) {
        Listed listed = list_as(wire);

        ck_assert_uint_eq(listed.n, n);
        for (size_t i = 0; i < n; ++i)
                ck_assert_int_eq(listed.ids[i], ids[i]);
}

size_t count_users(Wire *wire, const char *tenant, UserUsage *ret) {
        UserReply user;
        size_t n = 0;
        Reply reply;

        call_as(wire, METHOD_LIST_USERS, &(NoParameters){});
        do {
                ck_assert(wire_receive(wire, &reply));
                ck_assert_int_eq(reply_read(&reply, &user_reply_type, &user), 0);
                ++n;
                if (tenant ? user.user.tenant && strcmp(user.user.tenant, tenant) == 0
                           : !user.user.tenant)
                        *ret = user.user;
        } while (reply.continues);
        return n;
}

size_t count_tenants(Wire *wire, const char *name, TenantUsage *ret) {
        TenantReply tenant;
        size_t n = 0;
        Reply reply;

        call_as(wire, METHOD_LIST_TENANTS, &(NoParameters){});
        do {
                ck_assert(wire_receive(wire, &reply));
                ck_assert_int_eq(reply_read(&reply, &tenant_reply_type, &tenant), 0);
                if (!GIVEN(&tenant, REPLY_ITEM))
                        break;
                ++n;
                if (strcmp(tenant.tenant.name, name) == 0)
                        *ret = tenant.tenant;
        } while (reply.continues);
        return n;
}

int64_t watched(Wire *wire) {
        WatchReply event;
        Reply reply;

        ck_assert(wire_receive(wire, &reply));
        ck_assert(!reply.error);
        ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
        return GIVEN(&event, WATCH_REPLY_SEGMENT) ? event.segment.id : 0;
}
