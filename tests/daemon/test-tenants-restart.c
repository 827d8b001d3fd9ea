/* SPDX-License-Identifier: MIT */
/*
 * Tenants: limits hold for one as a whole and keep nothing from others; all is as before after a
 * restart and when the configuration changes; and users of a tenant are told apart.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/person.h"
#include "tests/support/tenants.h"
#include "tests/support/unit.h"

SUITE("tenants-restart");
CASE("limits", .setup = tenants_up, .teardown = tenants_down, .timeout = 30);

/* A tenant meets its limits, whoever its users are, and nobody else notices. */
TEST(limits) {
        Wire more[4] = {}, refused;
        int64_t ids[3];
        Fault fault;
        Reply reply;

        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i)
                ids[i] = create_as(&web, (const char *[]){ "a", "b", "c" }[i]);
        ck_assert_int_eq(try_create_as(&web, "d", CREATE_NEW, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "segments");
        ck_assert_int_eq(fault.limit.maximum, 3);
        for (size_t i = 0; i < 3; ++i) {
                wire_open_tenant(&more[i], "web");
                (void) list_as(&more[i]);
        }
        wire_open_tenant(&refused, "web");
        ck_assert(wire_receive(&refused, &reply));
        ck_assert_ptr_nonnull(reply.error);
        wire_close(&refused);
        ck_assert_int_eq(try_create_as(&db, "d", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(try_create_as(&host, "d", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "d", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "d", NULL), FAULT_NONE);
        for (size_t i = 0; i < 3; ++i) {
                wire_close(&more[i]);
                ck_assert_int_eq(remove_as(&web, ids[i]), FAULT_NONE);
        }
}

CASE("restart", .setup = tenants_up, .teardown = tenants_down, .timeout = 30);

static int64_t create_file(Wire *wire, const char *name) {
        AcquireParameters parameters = {};
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_FILE);
        close(wire_acquire(wire, &parameters, &reply));
        return reply.segment.id;
}

/* Files of one name, of each its own; the object of a tenant's is nobody's but the broker's. */
TEST(files) {
        int64_t of_host = create_file(&host, "same"), of_web = create_file(&web, "same"),
                of_db = create_file(&db, "same");
        SetAttributesParameters attributes = {};
        SegmentInfo info;
        struct stat st;
        UserUsage usage = {};

        GIVE_VALUE(&attributes, SEGMENT_ID, id, of_web);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_OWNER_UID, owner_uid, 4321);
        ck_assert_int_eq(wire_set_attributes(&admin, &attributes, &info, NULL), FAULT_NONE);
        ck_assert_int_eq(stat(info.file_path, &st), 0);
        ck_assert_uint_eq(st.st_uid, geteuid());
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        tenants_disconnect();
        fixture_restart(SIGKILL, &(Setup){ .config = TENANTS_CONFIG });
        tenants_connect();
        ck_assert_int_eq(wire_stat(&host, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_host);
        ck_assert_int_eq(wire_stat(&db, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_db);
        ck_assert_int_eq(wire_stat(&web, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_web);
        ck_assert_int_eq(info.permissions.owner_uid, 4321);
        ck_assert_int_eq(info.permissions.mode, 0666);
        ck_assert_str_eq(info.tenant, "web");
        (void) count_users(&admin, "web", &usage);
        ck_assert_int_eq(usage.segment_count, 1);
        ck_assert_int_eq(remove_as(&host, of_host), FAULT_NONE);
        ck_assert_int_eq(remove_as(&db, of_db), FAULT_NONE);
        ck_assert_int_eq(remove_as(&web, of_web), FAULT_NONE);
}

/* Those of a tenant that is served no more stay, and are the administrator's to remove. */
TEST(section_goes) {
        int64_t of_web = create_as(&web, "a");
        TenantUsage usage = {};
        Reply reply;
        Wire again;

        fixture_configure("[tenant db]\n");
        fixture_hang_up();
        ck_assert(!wire_receive(&web, &reply));
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 2);
        ck_assert_ptr_null(usage.address);
        ck_assert_int_eq(usage.segment_count, 1);
        ck_assert_int_eq(try_create_as(&db, "a", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "a", NULL), FAULT_NONE);
        /* It comes back to what it had. */
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
        wire_open_tenant(&again, "web");
        assert_listed(&again, 1, &of_web);
        wire_close(&again);
        fixture_configure("[tenant db]\n");
        fixture_hang_up();
        ck_assert_int_eq(remove_as(&admin, of_web), FAULT_NONE);
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 2);
        ck_assert_int_eq(usage.segment_count, 0);
}

/* What is told of a tenant's may be read when there is no such tenant any more. */
TEST(told_later) {
        WatchParameters parameters = {};
        TenantUsage usage = {};
        WatchReply event;
        Reply reply;
        Wire watch;

        GIVE_VALUE(&parameters, WATCH_CHANGES_ONLY, changes_only, true);
        wire_as_administrator(true);
        wire_open(&watch);
        wire_as_administrator(false);
        call_as(&watch, METHOD_WATCH, &parameters);
        ck_assert_int_eq(watched(&watch), 0);
        /* More than its socket takes. */
        for (int i = 0; i < 600; ++i)
                ck_assert_int_eq(remove_as(&web, create_as(&web, "a")), FAULT_NONE);
        fixture_configure("[tenant db]\n");
        fixture_hang_up();
        fixture_hang_up();
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 1);
        for (int i = 0; i < 1200; ++i) {
                ck_assert(wire_receive(&watch, &reply));
                ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
                ck_assert_str_eq(event.segment.tenant, "web");
        }
        wire_close(&watch);
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
}

/* What is wrong with one is its problem, and it is served as before. */
TEST(section_wrong) {
        TenantUsage usage = {};
        SegmentInfo info;

        ck_assert_int_eq(try_create_as(&web, "a", CREATE_NEW, NULL), FAULT_NONE);
        fixture_configure("[tenant web]\nmode = 1000\n[tenant db]\n[tenant new]\nsocket = "
                          "/nonexistent/socket\n[tenant ..]\n");
        fixture_hang_up();
        ck_assert_int_eq(wire_stat(&web, "a", &info), FAULT_NONE);
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 4);
        ck_assert_ptr_nonnull(usage.address);
        ck_assert_ptr_nonnull(strstr(usage.problem, "config:2: '1000' is no valid value"));
        (void) count_tenants(&admin, "new", &usage);
        ck_assert_ptr_null(usage.address);
        ck_assert_str_eq(usage.problem, "/nonexistent/socket: No such file or directory");
        (void) count_tenants(&admin, "..", &usage);
        ck_assert_ptr_null(usage.address);
        ck_assert_int_eq(wire_remove(&web, "a", NULL), FAULT_NONE);
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 2);
        ck_assert_ptr_null(usage.problem);
}

/* Another path, another mode: the old one is gone, and connections stay. */
TEST(socket_moves) {
        char text[256], path[128];
        SegmentInfo info;
        struct stat st;
        Wire wire;

        ck_assert_int_eq(try_create_as(&web, "a", CREATE_NEW, NULL), FAULT_NONE);
        (void) snprintf(path, sizeof(path), "%s/web-socket", fixture_directory());
        (void) snprintf(text, sizeof(text), "[tenant db]\n[tenant web]\nsocket = %s\nmode = 0640\n",
                        path);
        fixture_configure(text);
        fixture_hang_up();
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        ck_assert_int_eq(wire_stat(&web, "a", &info), FAULT_NONE);
        wire = (Wire){ .fd = socket_connect(path) };
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        wire_close(&wire);
        ck_assert_int_eq(wire_remove(&web, "a", NULL), FAULT_NONE);
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
        ck_assert_int_lt(stat(path, &st), 0);
        wire_open_tenant(&wire, "web");
        wire_close(&wire);
}

CASE("people", .setup = tenants_up, .teardown = tenants_down, .timeout = 30, .skip = geteuid() != 0,
     .reason = "only root can become another user, or give a socket to one");

typedef struct Visit Visit;

struct Visit {
        uid_t uid;
        const char *tenant;
        const char *name;
        CreateMode create;
};

static int visit(void *userdata) {
        const Visit *visitor = userdata;
        const Person person = { "a visitor", visitor->uid, visitor->uid, false, 0, false };
        char path[192];
        Wire wire;

        person_become(&person);
        (void) snprintf(path, sizeof(path), "%s/tenants/%s/socket", fixture_directory(),
                        visitor->tenant);
        wire = (Wire){ .fd = socket_connect(path) };
        if (wire.fd < 0)
                return 99;
        if (visitor->create == CREATE_OPEN)
                return (int) try_open_as(&wire, visitor->name, 0, ACCESS_READ_ONLY);
        return (int) try_create_as(&wire, visitor->name, visitor->create, NULL);
}

/* Modes hold between users of a tenant, and its root is a user. */
TEST(modes) {
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2001, "db", "a", CREATE_NEW }), FAULT_NONE);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2001, "db", "a", CREATE_OPEN }), FAULT_NONE);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2002, "db", "a", CREATE_OPEN }),
                         FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 0, "db", "a", CREATE_OPEN }),
                         FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2001, "web", "a", CREATE_OPEN }),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(remove_as(&admin, 1), FAULT_NONE);
}

/* Whom the socket is given to. */
TEST(owner) {
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        fixture_configure("[tenant web]\nexport = frames/* pool\n"
                          "[tenant db]\nmode = 0600\nowner = 2001\ngroup = 2101\n");
        fixture_hang_up();
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2001, "db", "x", CREATE_OPEN }),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(unit_fork(visit, &(Visit){ 2002, "db", "x", CREATE_OPEN }), 99);
        fixture_configure(TENANTS_CONFIG);
        fixture_hang_up();
}
