/* SPDX-License-Identifier: MIT */
/*
 * Tenants, each by its own socket, and the host: what one has is not there for the others, by any
 * method, but for what is exported; limits hold for a tenant as a whole and keep nothing from
 * others; and all that after a restart, and when the configuration changes.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define CONFIG "[tenant web]\nexport = frames/* pool\nsegments = 3\nconnections = 4\n[tenant db]\n"
#define LISTED_MAX 16

typedef struct Listed Listed;

/* What a call with 'more' brought. */
struct Listed {
        size_t n;
        int64_t ids[LISTED_MAX];
        char tenants[LISTED_MAX][48];
};

/* The administrator, the host, and two tenants. */
static Wire admin, host, web, db;
static Wire *const others_than_web[] = { &host, &db };

static void wires_open(void) {
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        wire_open(&host);
        wire_open_tenant(&web, "web");
        wire_open_tenant(&db, "db");
}

static void wires_close(void) {
        wire_close(&admin);
        wire_close(&host);
        wire_close(&web);
        wire_close(&db);
}

static void up(void) {
        fixture_up(&(Setup){ .config = CONFIG });
        wires_open();
}

static void down(void) {
        wires_close();
        fixture_down();
}

static int64_t create(Wire *wire, const char *name) {
        AcquireParameters parameters = {};
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        close(wire_acquire(wire, &parameters, &reply));
        return reply.segment.id;
}

static FaultCode try_create(Wire *wire, const char *name, CreateMode mode, Fault *fault) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, mode);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        return wire_try_acquire(wire, &parameters, fault);
}

static FaultCode try_open(Wire *wire, const char *name, int64_t id, Access access) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        else
                GIVE_VALUE(&parameters, ACQUIRE_ID, id, id);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        return wire_try_acquire(wire, &parameters, NULL);
}

static FaultCode remove_id(Wire *wire, int64_t id) {
        SegmentParameters parameters = {};
        RemoveReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        return wire_call(wire, METHOD_REMOVE, &parameters, &reply, &fault);
}

static void call(Wire *wire, Method method, const void *parameters) {
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));

        call_write(&writer, method, parameters);
        wire_send(wire, writer.data, writer.n_data);
}

static Listed list(Wire *wire) {
        Listed listed = {};
        ListParameters parameters = {};
        ListReply item;
        Reply reply;

        GIVE_VALUE(&parameters, LIST_INCLUDE_REMOVED, include_removed, true);
        call(wire, METHOD_LIST, &parameters);
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

static void assert_listed(Wire *wire, size_t n, const int64_t *ids) {
        Listed listed = list(wire);

        ck_assert_uint_eq(listed.n, n);
        for (size_t i = 0; i < n; ++i)
                ck_assert_int_eq(listed.ids[i], ids[i]);
}

/* Nothing that one can do to a segment tells that it is there. */
static void assert_not_there(Wire *wire, int64_t id) {
        SetAttributesParameters attributes = {};
        PublishParameters publish = { .id = id, .name = "mine" };
        ResizeParameters resize = { .size_bytes = 8192 };
        SealParameters seal = { .seals = 1U << SEAL_WRITE };
        SegmentParameters segment = {};
        WatchParameters watch = {};
        SegmentInfo info;
        Fault fault;
        Reply reply;

        GIVE_VALUE(&segment, SEGMENT_ID, id, id);
        GIVE_VALUE(&attributes, SEGMENT_ID, id, id);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        GIVE_VALUE(&resize, SEGMENT_ID, id, id);
        GIVE_VALUE(&seal, SEGMENT_ID, id, id);
        GIVE_VALUE(&watch, WATCH_ID, id, id);
        ck_assert_int_eq(wire_stat_id(wire, id, &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(try_open(wire, NULL, id, ACCESS_READ_ONLY), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(try_open(wire, NULL, id, ACCESS_READ_WRITE), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(remove_id(wire, id), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_set_attributes(wire, &attributes, NULL, NULL), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_PUBLISH, &publish, NULL, &fault),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_RESIZE, &resize, NULL, &fault),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_SEAL, &seal, NULL, &fault), FAULT_NO_SUCH_SEGMENT);
        call(wire, METHOD_LIST_ATTACHMENTS, &segment);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.NoSuchSegment");
        call(wire, METHOD_WATCH, &watch);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.NoSuchSegment");
}

SUITE("tenants");
CASE("apart", .setup = up, .teardown = down, .timeout = 30);

/* One name, three segments; the same uid all the time. */
TEST(names) {
        int64_t of_host = create(&host, "same"), of_web = create(&web, "same"),
                of_db = create(&db, "same"), private;
        SegmentInfo info;
        Fault fault;

        ck_assert_int_eq(wire_stat(&host, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_host);
        ck_assert_ptr_null(info.tenant);
        ck_assert_int_eq(wire_stat(&web, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_web);
        ck_assert_str_eq(info.tenant, "web");
        ck_assert_int_eq(wire_stat(&db, "same", &info), FAULT_NONE);
        ck_assert_int_eq(info.id, of_db);
        ck_assert_int_eq(try_create(&db, "same", CREATE_NEW, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, of_db);
        ck_assert_int_eq(try_create(&web, NULL, CREATE_NEW, NULL), FAULT_NONE);
        private = of_db + 1;
        assert_listed(&host, 1, &of_host);
        assert_listed(&web, 2, (int64_t[]){ of_web, private });
        assert_listed(&db, 1, &of_db);
        assert_listed(&admin, 4, (int64_t[]){ of_host, of_web, of_db, private });
        /* A name is free again for its own tenant alone. */
        ck_assert_int_eq(wire_remove(&web, "same", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_stat(&host, "same", &info), FAULT_NONE);
        ck_assert_int_eq(wire_stat(&web, "same", &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(remove_id(&web, private), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "same", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "same", NULL), FAULT_NONE);
}

/* Every method, by everybody else, of the same uid; modes grant nothing across. */
TEST(others) {
        SetAttributesParameters attributes = {};
        int64_t of_host = create(&host, "a"), of_web = create(&web, "b");

        for (int i = 0; i < 2; ++i) {
                for (size_t j = 0; j < ARRAY_SIZE(others_than_web); ++j)
                        assert_not_there(others_than_web[j], of_web);
                assert_not_there(&web, of_host);
                assert_not_there(&db, of_host);
                GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
                GIVE_VALUE(&attributes, SEGMENT_ID, id, of_web);
                ck_assert_int_eq(wire_set_attributes(&web, &attributes, NULL, NULL), FAULT_NONE);
                attributes.id = of_host;
                ck_assert_int_eq(wire_set_attributes(&host, &attributes, NULL, NULL), FAULT_NONE);
        }
        /* The administrator does as it likes. */
        ck_assert_int_eq(try_open(&admin, NULL, of_web, ACCESS_READ_WRITE), FAULT_NONE);
        ck_assert_int_eq(remove_id(&admin, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_id(&host, of_host), FAULT_NONE);
}

/* What would be found on the host, or is the host's. */
TEST(kinds) {
        AcquireParameters parameters = {};
        AdoptParameters adopt = {};
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_POSIX);
        ck_assert_int_eq(wire_try_acquire(&web, &parameters, NULL), FAULT_NOT_SUPPORTED);
        parameters.kind = KIND_SYSV;
        ck_assert_int_eq(wire_try_acquire(&web, &parameters, NULL), FAULT_NOT_SUPPORTED);
        GIVE_VALUE(&adopt, ADOPT_POSIX_NAME, posix_name, "/none");
        ck_assert_int_eq(wire_call(&web, METHOD_ADOPT, &adopt, NULL, &fault), FAULT_NOT_SUPPORTED);
        adopt = (AdoptParameters){};
        GIVE_VALUE(&adopt, ADOPT_SHMID, shmid, 0);
        ck_assert_int_eq(wire_call(&web, METHOD_ADOPT, &adopt, NULL, &fault), FAULT_NOT_SUPPORTED);
        adopt = (AdoptParameters){};
        GIVE_VALUE(&adopt, ADOPT_KEY, key, 1);
        ck_assert_int_eq(wire_call(&web, METHOD_ADOPT, &adopt, NULL, &fault), FAULT_NOT_SUPPORTED);
}

/* Counts and limits that a tenant is told are its own. */
TEST(status) {
        int64_t of_host = create(&host, "a"), of_web = create(&web, "b");
        StatusReply status;

        wire_status(&web, &status);
        ck_assert_int_eq(status.segment_count, 1);
        ck_assert_int_eq(status.attachment_count, 0);
        ck_assert_int_eq(status.connection_count, 1);
        ck_assert_int_eq(status.total_bytes, 4096);
        ck_assert_int_eq(status.charged_bytes, 4096);
        ck_assert_uint_eq(status.counters.n_entries, 0);
        ck_assert_str_eq(status.caller.tenant, "web");
        ck_assert(!status.caller.privileged);
        wire_status(&db, &status);
        ck_assert_int_eq(status.segment_count, 0);
        ck_assert_int_eq(status.total_bytes, 0);
        wire_status(&host, &status);
        ck_assert_ptr_null(status.caller.tenant);
        ck_assert_int_eq(remove_id(&web, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_id(&host, of_host), FAULT_NONE);
}

static size_t count_users(Wire *wire, const char *tenant, UserUsage *ret) {
        UserReply user;
        size_t n = 0;
        Reply reply;

        call(wire, METHOD_LIST_USERS, &(NoParameters){});
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

/* Of one uid there are three users. */
TEST(users) {
        int64_t of_web = create(&web, "b");
        UserUsage usage = {};

        ck_assert_uint_eq(count_users(&admin, "web", &usage), 3);
        ck_assert_int_eq(usage.segment_count, 1);
        ck_assert_uint_eq(count_users(&admin, "db", &usage), 3);
        ck_assert_int_eq(usage.segment_count, 0);
        ck_assert_uint_eq(count_users(&admin, NULL, &usage), 3);
        ck_assert_int_eq(usage.segment_count, 0);
        ck_assert_uint_eq(count_users(&web, "web", &usage), 1);
        ck_assert_int_eq(usage.segment_count, 1);
        ck_assert_uint_eq(count_users(&host, NULL, &usage), 1);
        ck_assert_int_eq(usage.segment_count, 0);
        ck_assert_int_eq(remove_id(&web, of_web), FAULT_NONE);
}

static size_t count_tenants(Wire *wire, const char *name, TenantUsage *ret) {
        TenantReply tenant;
        size_t n = 0;
        Reply reply;

        call(wire, METHOD_LIST_TENANTS, &(NoParameters){});
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

/* Who may know which tenants there are. */
TEST(listed) {
        TenantUsage usage = {};

        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 2);
        ck_assert_ptr_nonnull(strstr(usage.address, "/tenants/web/socket"));
        ck_assert_str_eq(usage.exports, "frames/* pool");
        ck_assert_ptr_null(usage.problem);
        ck_assert_int_eq(usage.connection_count, 1);
        ck_assert_uint_eq(count_tenants(&db, "db", &usage), 1);
        ck_assert_ptr_null(usage.exports);
        ck_assert_uint_eq(count_tenants(&host, "web", &usage), 0);
}

/* Everybody can wait for a name, and is woken by the segment that would be opened. */
static void begin_wait(Wire *wire, const char *name) {
        AcquireParameters parameters = {};

        wire_open_tenant(wire, "web");
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, -1);
        call(wire, METHOD_ACQUIRE, &parameters);
        ck_assert_int_eq(try_open(&web, name, 0, ACCESS_READ_ONLY), FAULT_NO_SUCH_SEGMENT);
}

static int64_t end_wait(Wire *wire) {
        AcquireReply acquired;
        Reply reply;

        ck_assert(wire_receive(wire, &reply));
        ck_assert(!reply.error);
        ck_assert_int_eq(reply_read(&reply, &acquire_reply_type, &acquired), 0);
        wire_close(wire);
        return acquired.segment.id;
}

TEST(waits) {
        int64_t of_host, of_web, exported;
        Wire own, imported;

        begin_wait(&own, "later");
        begin_wait(&imported, "pool");
        of_host = create(&host, "later");
        (void) create(&db, "later");
        (void) create(&db, "pool");
        of_web = create(&web, "later");
        ck_assert_int_eq(end_wait(&own), of_web);
        exported = create(&host, "pool");
        ck_assert_int_eq(end_wait(&imported), exported);
        ck_assert_int_eq(remove_id(&host, of_host), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "later", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "pool", NULL), FAULT_NONE);
        ck_assert_int_eq(remove_id(&web, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_id(&host, exported), FAULT_NONE);
}

static int64_t watched(Wire *wire) {
        WatchReply event;
        Reply reply;

        ck_assert(wire_receive(wire, &reply));
        ck_assert(!reply.error);
        ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
        return GIVEN(&event, WATCH_REPLY_SEGMENT) ? event.segment.id : 0;
}

/* What happens to others' segments is told to nobody else. */
TEST(watches) {
        WatchParameters parameters = {};
        int64_t first, exported, ids[2];
        size_t n_first = 0;
        Wire watch;

        GIVE_VALUE(&parameters, WATCH_CHANGES_ONLY, changes_only, true);
        wire_open_tenant(&watch, "web");
        call(&watch, METHOD_WATCH, &parameters);
        ck_assert_int_eq(watched(&watch), 0);
        ids[0] = create(&host, "a");
        ids[1] = create(&db, "a");
        first = create(&web, "a");
        exported = create(&host, "frames/1");
        /* Each is created, attached and, when that was noticed, detached. */
        for (size_t i = 0; i < 6; ++i) {
                int64_t id = watched(&watch);

                ck_assert(id == first || id == exported);
                n_first += id == first;
        }
        ck_assert_uint_eq(n_first, 3);
        ck_assert_int_eq(remove_id(&host, ids[0]), FAULT_NONE);
        ck_assert_int_eq(remove_id(&db, ids[1]), FAULT_NONE);
        ck_assert_int_eq(remove_id(&host, exported), FAULT_NONE);
        ck_assert_int_eq(watched(&watch), exported);
        ck_assert_int_eq(remove_id(&web, first), FAULT_NONE);
        ck_assert_int_eq(watched(&watch), first);
        wire_close(&watch);
}

CASE("exports", .setup = up, .teardown = down, .timeout = 30);

/* To be read, whatever its mode, and nothing else. */
TEST(exported) {
        int64_t id = create(&host, "frames/1");
        SetAttributesParameters attributes = {};
        SegmentInfo info;

        GIVE_VALUE(&attributes, SEGMENT_ID, id, id);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        ck_assert_int_eq(try_open(&web, "frames/1", 0, ACCESS_READ_ONLY), FAULT_NONE);
        ck_assert_int_eq(try_open(&web, NULL, id, ACCESS_READ_ONLY), FAULT_NONE);
        for (int i = 0; i < 2; ++i) {
                ck_assert_int_eq(try_open(&web, "frames/1", 0, ACCESS_READ_WRITE),
                                 FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(remove_id(&web, id), FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(wire_set_attributes(&web, &attributes, NULL, NULL),
                                 FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(wire_set_attributes(&host, &attributes, NULL, NULL), FAULT_NONE);
        }
        ck_assert_int_eq(wire_stat_id(&web, id, &info), FAULT_NONE);
        ck_assert_ptr_null(info.tenant);
        assert_listed(&web, 1, &id);
        assert_not_there(&db, id);
        ck_assert_int_eq(remove_id(&host, id), FAULT_NONE);
        assert_not_there(&web, id);
}

/* Names that are exported are the host's; a tenant cannot be deceived by one of its own. */
TEST(names_of_exports) {
        int64_t id;
        Fault fault;

        ck_assert_int_eq(try_create(&web, "frames/2", CREATE_NEW, NULL), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(try_create(&web, "frames/2", CREATE_ANY, NULL), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(try_create(&web, "frames", CREATE_NEW, NULL), FAULT_NONE);
        id = create(&host, "frames/2");
        ck_assert_int_eq(try_create(&web, "frames/2", CREATE_NEW, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, id);
        ck_assert_int_eq(wire_remove(&web, "frames", NULL), FAULT_NONE);
        ck_assert_int_eq(remove_id(&host, id), FAULT_NONE);
}

static size_t count_attachments(Wire *wire, int64_t id, bool *ret_foreign) {
        SegmentParameters parameters = {};
        AttachmentReply attachment;
        size_t n = 0;
        Reply reply;

        *ret_foreign = false;
        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        call(wire, METHOD_LIST_ATTACHMENTS, &parameters);
        do {
                ck_assert(wire_receive(wire, &reply));
                ck_assert(!reply.error);
                ck_assert_int_eq(reply_read(&reply, &attachment_reply_type, &attachment), 0);
                if (!GIVEN(&attachment, REPLY_ITEM))
                        break;
                ++n;
                if (attachment.attachment.tenant)
                        *ret_foreign = true;
        } while (reply.continues);
        return n;
}

/* The memory is one, and it stays as long as the tenant has it; who else has it is not shown. */
TEST(holding) {
        int64_t id = create(&host, "pool");
        int own = wire_open_segment(&host, "pool", ACCESS_READ_WRITE), fd;
        RemoveReply removed;
        SegmentInfo info;
        bool foreign;
        char *map;

        fd = wire_open_segment(&web, "pool", ACCESS_READ_ONLY);
        ck_assert_int_eq(pwrite(own, "frame", 5, 0), 5);
        map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(map, MAP_FAILED);
        ck_assert_int_eq(memcmp(map, "frame", 5), 0);
        ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        ck_assert_int_lt(ftruncate(fd, 0), 0);
        ck_assert_uint_eq(count_attachments(&web, id, &foreign), 1);
        ck_assert(foreign);
        ck_assert_uint_eq(count_attachments(&host, id, &foreign), 2);
        ck_assert(foreign);
        close(own);
        ck_assert_int_eq(wire_remove(&host, "pool", &removed), FAULT_NONE);
        ck_assert(!removed.destroyed);
        ck_assert_int_eq(removed.attach_count, 1);
        ck_assert_int_eq(wire_stat_id(&web, id, &info), FAULT_NONE);
        close(fd);
        ck_assert_int_eq(memcmp(map, "frame", 5), 0);
        munmap(map, 4096);
        ck_assert_int_eq(wire_stat_id(&host, id, &info), FAULT_NO_SUCH_SEGMENT);
}

CASE("limits", .setup = up, .teardown = down, .timeout = 30);

/* A tenant meets its limits, whoever its users are, and nobody else notices. */
TEST(limits) {
        Wire more[4] = {}, refused;
        int64_t ids[3];
        Fault fault;
        Reply reply;

        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i)
                ids[i] = create(&web, (const char *[]){ "a", "b", "c" }[i]);
        ck_assert_int_eq(try_create(&web, "d", CREATE_NEW, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "segments");
        ck_assert_int_eq(fault.limit.maximum, 3);
        for (size_t i = 0; i < 3; ++i) {
                wire_open_tenant(&more[i], "web");
                (void) list(&more[i]);
        }
        wire_open_tenant(&refused, "web");
        ck_assert(wire_receive(&refused, &reply));
        ck_assert_ptr_nonnull(reply.error);
        wire_close(&refused);
        ck_assert_int_eq(try_create(&db, "d", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(try_create(&host, "d", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "d", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "d", NULL), FAULT_NONE);
        for (size_t i = 0; i < 3; ++i) {
                wire_close(&more[i]);
                ck_assert_int_eq(remove_id(&web, ids[i]), FAULT_NONE);
        }
}

CASE("restart", .setup = up, .teardown = down, .timeout = 30);

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
        wires_close();
        fixture_restart(SIGKILL, &(Setup){ .config = CONFIG });
        wires_open();
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
        ck_assert_int_eq(remove_id(&host, of_host), FAULT_NONE);
        ck_assert_int_eq(remove_id(&db, of_db), FAULT_NONE);
        ck_assert_int_eq(remove_id(&web, of_web), FAULT_NONE);
}

/* Those of a tenant that is served no more stay, and are the administrator's to remove. */
TEST(section_goes) {
        int64_t of_web = create(&web, "a");
        TenantUsage usage = {};
        Reply reply;
        Wire again;

        fixture_configure("[tenant db]\n");
        fixture_hang_up();
        ck_assert(!wire_receive(&web, &reply));
        ck_assert_uint_eq(count_tenants(&admin, "web", &usage), 2);
        ck_assert_ptr_null(usage.address);
        ck_assert_int_eq(usage.segment_count, 1);
        ck_assert_int_eq(try_create(&db, "a", CREATE_NEW, NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "a", NULL), FAULT_NONE);
        /* It comes back to what it had. */
        fixture_configure(CONFIG);
        fixture_hang_up();
        wire_open_tenant(&again, "web");
        assert_listed(&again, 1, &of_web);
        wire_close(&again);
        fixture_configure("[tenant db]\n");
        fixture_hang_up();
        ck_assert_int_eq(remove_id(&admin, of_web), FAULT_NONE);
        fixture_configure(CONFIG);
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
        call(&watch, METHOD_WATCH, &parameters);
        ck_assert_int_eq(watched(&watch), 0);
        /* More than its socket takes. */
        for (int i = 0; i < 600; ++i)
                ck_assert_int_eq(remove_id(&web, create(&web, "a")), FAULT_NONE);
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
        fixture_configure(CONFIG);
        fixture_hang_up();
}

/* What is wrong with one is its problem, and it is served as before. */
TEST(section_wrong) {
        TenantUsage usage = {};
        SegmentInfo info;

        ck_assert_int_eq(try_create(&web, "a", CREATE_NEW, NULL), FAULT_NONE);
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
        fixture_configure(CONFIG);
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

        ck_assert_int_eq(try_create(&web, "a", CREATE_NEW, NULL), FAULT_NONE);
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
        fixture_configure(CONFIG);
        fixture_hang_up();
        ck_assert_int_lt(stat(path, &st), 0);
        wire_open_tenant(&wire, "web");
        wire_close(&wire);
}

CASE("people", .setup = up, .teardown = down, .timeout = 30, .skip = geteuid() != 0,
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
                return (int) try_open(&wire, visitor->name, 0, ACCESS_READ_ONLY);
        return (int) try_create(&wire, visitor->name, visitor->create, NULL);
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
        ck_assert_int_eq(remove_id(&admin, 1), FAULT_NONE);
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
        fixture_configure(CONFIG);
        fixture_hang_up();
}
