/* SPDX-License-Identifier: MIT */
/*
 * Tenants, each by its own socket, and the host: what one has is not there for the others, by any
 * method, but for what is exported.
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
#include "tests/support/tenants.h"
#include "tests/support/unit.h"

static Wire *const others_than_web[] = { &host, &db };

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
        ck_assert_int_eq(try_open_as(wire, NULL, id, ACCESS_READ_ONLY), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(try_open_as(wire, NULL, id, ACCESS_READ_WRITE), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(remove_as(wire, id), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_set_attributes(wire, &attributes, NULL, NULL), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_PUBLISH, &publish, NULL, &fault),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_RESIZE, &resize, NULL, &fault),
                         FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_call(wire, METHOD_SEAL, &seal, NULL, &fault), FAULT_NO_SUCH_SEGMENT);
        call_as(wire, METHOD_LIST_ATTACHMENTS, &segment);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.NoSuchSegment");
        call_as(wire, METHOD_WATCH, &watch);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.NoSuchSegment");
}

SUITE("tenants");
CASE("apart", .setup = tenants_up, .teardown = tenants_down, .timeout = 30);

/* One name, three segments; the same uid all the time. */
TEST(names) {
        int64_t of_host = create_as(&host, "same"), of_web = create_as(&web, "same"),
                of_db = create_as(&db, "same"), private;
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
        ck_assert_int_eq(try_create_as(&db, "same", CREATE_NEW, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, of_db);
        ck_assert_int_eq(try_create_as(&web, NULL, CREATE_NEW, NULL), FAULT_NONE);
        private = of_db + 1;
        assert_listed(&host, 1, &of_host);
        assert_listed(&web, 2, (int64_t[]){ of_web, private });
        assert_listed(&db, 1, &of_db);
        assert_listed(&admin, 4, (int64_t[]){ of_host, of_web, of_db, private });
        /* A name is free again for its own tenant alone. */
        ck_assert_int_eq(wire_remove(&web, "same", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_stat(&host, "same", &info), FAULT_NONE);
        ck_assert_int_eq(wire_stat(&web, "same", &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(remove_as(&web, private), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "same", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "same", NULL), FAULT_NONE);
}

/* Every method, by everybody else, of the same uid; modes grant nothing across. */
TEST(others) {
        SetAttributesParameters attributes = {};
        int64_t of_host = create_as(&host, "a"), of_web = create_as(&web, "b");

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
        ck_assert_int_eq(try_open_as(&admin, NULL, of_web, ACCESS_READ_WRITE), FAULT_NONE);
        ck_assert_int_eq(remove_as(&admin, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_as(&host, of_host), FAULT_NONE);
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
        int64_t of_host = create_as(&host, "a"), of_web = create_as(&web, "b");
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
        ck_assert_int_eq(remove_as(&web, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_as(&host, of_host), FAULT_NONE);
}

/* Of one uid there are three users. */
TEST(users) {
        int64_t of_web = create_as(&web, "b");
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
        ck_assert_int_eq(remove_as(&web, of_web), FAULT_NONE);
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
        call_as(wire, METHOD_ACQUIRE, &parameters);
        ck_assert_int_eq(try_open_as(&web, name, 0, ACCESS_READ_ONLY), FAULT_NO_SUCH_SEGMENT);
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
        of_host = create_as(&host, "later");
        (void) create_as(&db, "later");
        (void) create_as(&db, "pool");
        of_web = create_as(&web, "later");
        ck_assert_int_eq(end_wait(&own), of_web);
        exported = create_as(&host, "pool");
        ck_assert_int_eq(end_wait(&imported), exported);
        ck_assert_int_eq(remove_as(&host, of_host), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "later", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&db, "pool", NULL), FAULT_NONE);
        ck_assert_int_eq(remove_as(&web, of_web), FAULT_NONE);
        ck_assert_int_eq(remove_as(&host, exported), FAULT_NONE);
}

/* What happens to others' segments is told to nobody else. */
TEST(watches) {
        WatchParameters parameters = {};
        int64_t first, exported, ids[2];
        size_t n_first = 0;
        Wire watch;

        GIVE_VALUE(&parameters, WATCH_CHANGES_ONLY, changes_only, true);
        wire_open_tenant(&watch, "web");
        call_as(&watch, METHOD_WATCH, &parameters);
        ck_assert_int_eq(watched(&watch), 0);
        ids[0] = create_as(&host, "a");
        ids[1] = create_as(&db, "a");
        first = create_as(&web, "a");
        exported = create_as(&host, "frames/1");
        /* Each is created, attached and, when that was noticed, detached. */
        for (size_t i = 0; i < 6; ++i) {
                int64_t id = watched(&watch);

                ck_assert(id == first || id == exported);
                n_first += id == first;
        }
        ck_assert_uint_eq(n_first, 3);
        ck_assert_int_eq(remove_as(&host, ids[0]), FAULT_NONE);
        ck_assert_int_eq(remove_as(&db, ids[1]), FAULT_NONE);
        ck_assert_int_eq(remove_as(&host, exported), FAULT_NONE);
        ck_assert_int_eq(watched(&watch), exported);
        ck_assert_int_eq(remove_as(&web, first), FAULT_NONE);
        ck_assert_int_eq(watched(&watch), first);
        wire_close(&watch);
}

/* Of what is exported to it, a tenant is told of its own attachments which ones they are. */
TEST(watched_attachments) {
        int64_t exported = create_as(&host, "frames/1");
        WatchParameters parameters = { .changes_only = true, .id = exported };
        AcquireParameters acquire = { .name = "frames/1", .access = ACCESS_READ_ONLY };
        AcquireReply made;
        WatchReply event;
        Reply reply;
        Wire watch;

        GIVE(&parameters, WATCH_CHANGES_ONLY);
        GIVE(&parameters, WATCH_ID);
        GIVE(&acquire, ACQUIRE_NAME);
        GIVE(&acquire, ACQUIRE_ACCESS);
        wire_open_tenant(&watch, "web");
        call_as(&watch, METHOD_WATCH, &parameters);
        ck_assert_int_eq(watched(&watch), 0);
        for (int own = 0; own < 2; ++own) {
                close(wire_acquire(own ? &web : &host, &acquire, &made));
                for (int end = 0; end < 2; ++end) {
                        ck_assert(wire_receive(&watch, &reply));
                        ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
                        ck_assert_int_eq(event.event, end ? EVENT_DETACHED : EVENT_ATTACHED);
                        ck_assert_int_eq(GIVEN(&event, WATCH_REPLY_ATTACHMENT), own);
                        if (own)
                                ck_assert_int_eq(event.attachment.id, made.attachment_id);
                }
        }
        wire_close(&watch);
        ck_assert_int_eq(remove_as(&host, exported), FAULT_NONE);
}

CASE("exports", .setup = tenants_up, .teardown = tenants_down, .timeout = 30);

/* To be read, whatever its mode, and nothing else. */
TEST(exported) {
        int64_t id = create_as(&host, "frames/1");
        SetAttributesParameters attributes = {};
        SegmentInfo info;

        GIVE_VALUE(&attributes, SEGMENT_ID, id, id);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0666);
        ck_assert_int_eq(try_open_as(&web, "frames/1", 0, ACCESS_READ_ONLY), FAULT_NONE);
        ck_assert_int_eq(try_open_as(&web, NULL, id, ACCESS_READ_ONLY), FAULT_NONE);
        for (int i = 0; i < 2; ++i) {
                ck_assert_int_eq(try_open_as(&web, "frames/1", 0, ACCESS_READ_WRITE),
                                 FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(remove_as(&web, id), FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(wire_set_attributes(&web, &attributes, NULL, NULL),
                                 FAULT_PERMISSION_DENIED);
                ck_assert_int_eq(wire_set_attributes(&host, &attributes, NULL, NULL), FAULT_NONE);
        }
        ck_assert_int_eq(wire_stat_id(&web, id, &info), FAULT_NONE);
        ck_assert_ptr_null(info.tenant);
        assert_listed(&web, 1, &id);
        assert_not_there(&db, id);
        ck_assert_int_eq(remove_as(&host, id), FAULT_NONE);
        assert_not_there(&web, id);
}

/* Names that are exported are the host's; a tenant cannot be deceived by one of its own. */
TEST(names_of_exports) {
        int64_t id;
        Fault fault;

        ck_assert_int_eq(try_create_as(&web, "frames/2", CREATE_NEW, NULL),
                         FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(try_create_as(&web, "frames/2", CREATE_ANY, NULL),
                         FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(try_create_as(&web, "frames", CREATE_NEW, NULL), FAULT_NONE);
        id = create_as(&host, "frames/2");
        ck_assert_int_eq(try_create_as(&web, "frames/2", CREATE_NEW, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, id);
        ck_assert_int_eq(wire_remove(&web, "frames", NULL), FAULT_NONE);
        ck_assert_int_eq(remove_as(&host, id), FAULT_NONE);
}

static size_t count_attachments(Wire *wire, int64_t id, bool *ret_foreign) {
        SegmentParameters parameters = {};
        AttachmentReply attachment;
        size_t n = 0;
        Reply reply;

        *ret_foreign = false;
        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        call_as(wire, METHOD_LIST_ATTACHMENTS, &parameters);
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
        int64_t id = create_as(&host, "pool");
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
