/* SPDX-License-Identifier: MIT */
/*
 * Tenants whose sections change, whose directory others have a hand in, and who are dealt with by
 * the administrator or hold what is not theirs.
 */

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define CONFIG "[tenant web]\nexport = frames/*\n[tenant db]\n"

typedef struct Known Known;

/* What the administrator is told of a tenant. */
struct Known {
        char address[160];
        char problem[256];
};

static Wire admin, host, web, db;

static void up(void) {
        fixture_up(&(Setup){ .config = CONFIG });
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        wire_open(&host);
        wire_open_tenant(&web, "web");
        wire_open_tenant(&db, "db");
}

static void down(void) {
        wire_close(&admin);
        wire_close(&host);
        wire_close(&web);
        wire_close(&db);
        fixture_down();
}

static void call(Wire *wire, Method method, const void *parameters) {
        char text[512];
        Writer writer = WRITER_INIT(text, sizeof(text));

        call_write(&writer, method, parameters);
        wire_send(wire, writer.data, writer.n_data);
}

/* Each @ in the text stands for the fixture's directory. */
static void configure(const char *text) {
        char config[2048];
        size_t n = 0;

        for (; *text; ++text)
                if (*text == '@')
                        n += (size_t) snprintf(config + n, sizeof(config) - n, "%s",
                                               fixture_directory());
                else
                        config[n++] = *text;
        config[n] = '\0';
        fixture_configure(config);
        fixture_hang_up();
}

static const char *place(const char *name) {
        static char path[192];

        (void) snprintf(path, sizeof(path), "%s/%s", fixture_directory(), name);
        return path;
}

static Known known(const char *name) {
        Known found = {};
        TenantReply tenant;
        Reply reply;

        call(&admin, METHOD_LIST_TENANTS, &(NoParameters){});
        do {
                ck_assert(wire_receive(&admin, &reply));
                ck_assert_int_eq(reply_read(&reply, &tenant_reply_type, &tenant), 0);
                if (!GIVEN(&tenant, REPLY_ITEM) || strcmp(tenant.tenant.name, name) != 0)
                        continue;
                if (tenant.tenant.address)
                        (void) snprintf(found.address, sizeof(found.address), "%s",
                                        tenant.tenant.address + strlen("unix:"));
                if (tenant.tenant.problem)
                        (void) snprintf(found.problem, sizeof(found.problem), "%s",
                                        tenant.tenant.problem);
        } while (reply.continues);
        return found;
}

/* It is told to be there, and one can connect there. */
static void assert_at(const char *tenant, const char *name) {
        Known found = known(tenant);
        StatusReply status;
        Wire wire;

        ck_assert_str_eq(found.address, place(name));
        wire = (Wire){ .fd = socket_connect(place(name)) };
        ck_assert_int_ge(wire.fd, 0);
        wire_status(&wire, &status);
        ck_assert_str_eq(status.caller.tenant, tenant);
        wire_close(&wire);
}

SUITE("tenants-settings");
CASE("sockets", .setup = up, .teardown = down, .timeout = 30);

/* Whichever section comes first. */
TEST(exchanged) {
        configure("[tenant a]\nsocket = @/1\n[tenant b]\nsocket = @/2\n");
        assert_at("a", "1");
        assert_at("b", "2");
        configure("[tenant a]\nsocket = @/2\n[tenant b]\nsocket = @/1\n");
        assert_at("a", "2");
        assert_at("b", "1");
        configure("[tenant a]\nsocket = @/1\n[tenant b]\nsocket = @/3\n");
        assert_at("a", "1");
        assert_at("b", "3");
        configure("[tenant b]\nsocket = @/1\n");
        assert_at("b", "1");
        configure(CONFIG);
}

/* Who was served before goes on. */
TEST(nowhere) {
        configure("[tenant a]\nsocket = @/1\n[tenant b]\nsocket = @/2\n");
        configure("[tenant a]\nsocket = /nonexistent/socket\n[tenant b]\nsocket = @/socket\n");
        assert_at("a", "1");
        assert_at("b", "2");
        ck_assert_str_eq(known("a").problem, "/nonexistent/socket: No such file or directory");
        ck_assert_ptr_nonnull(strstr(known("b").problem, "somebody else listens there"));
        /* The first that says so has it. */
        configure("[tenant a]\nsocket = @/2\n[tenant b]\nsocket = @/2\n");
        assert_at("b", "2");
        assert_at("a", "1");
        ck_assert_ptr_nonnull(strstr(known("a").problem, "somebody else listens there"));
        configure(CONFIG);
}

/* A socket where others have their directories would keep these from being served. */
TEST(reserved) {
        configure("[tenant a]\nsocket = @/tenants\n[tenant b]\nsocket = @/tenants/new\n"
                  "[tenant new]\n[tenant web]\n[tenant db]\n");
        ck_assert_ptr_nonnull(strstr(known("a").problem, "directories of tenants are there"));
        ck_assert_ptr_nonnull(strstr(known("b").problem, "directories of tenants are there"));
        assert_at("new", "tenants/new/socket");
        assert_at("web", "tenants/web/socket");
        configure(CONFIG);
        ck_assert_int_eq(rmdir(place("tenants/new")), 0);
}

TEST(lost) {
        ck_assert_int_eq(unlink(place("tenants/web/socket")), 0);
        fixture_hang_up();
        assert_at("web", "tenants/web/socket");
}

/* What root of a container puts there instead is neither followed nor taken away. */
TEST(planted) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int victim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        char path[192];
        struct stat st;

        (void) snprintf(path, sizeof(path), "%s", place("tenants/web/socket"));
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/victim",
                        fixture_directory());
        ck_assert_int_eq(bind(victim, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(victim, 1), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink(address.sun_path, path), 0);
        fixture_hang_up();
        ck_assert_ptr_nonnull(strstr(known("web").problem, "what is there is no socket"));
        ck_assert_int_lt(accept(victim, NULL, NULL), 0);
        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert(S_ISLNK(st.st_mode));
        ck_assert_int_eq(unlink(path), 0);
        fixture_hang_up();
        assert_at("web", "tenants/web/socket");
        /* When it is served no more, what is another one's by then stays. */
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(link(address.sun_path, path), 0);
        configure("[tenant db]\n");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(unlink(address.sun_path), 0);
        close(victim);
        configure(CONFIG);
}

/* Whose directory it is, and who may be given the socket, are two things. */
TEST(not_given, .skip = geteuid() != 0, .reason = "only root can do without CAP_CHOWN") {
        down();
        fixture_up(&(Setup){ .config = CONFIG, .no_capabilities = UINT64_C(1) << CAP_CHOWN });
        wire_as_administrator(true);
        wire_open(&admin);
        wire_as_administrator(false);
        configure("[tenant web]\nowner = 2001\n");
        ck_assert_ptr_nonnull(strstr(known("web").problem, "may not give it to that owner"));
        configure(CONFIG);
        wire_close(&admin);
        fixture_down();
        up();
}

CASE("exports", .setup = up, .teardown = down, .timeout = 30);

static void wait_for(Wire *wire, const char *name) {
        AcquireParameters parameters = {};
        StatusReply status;

        wire_open_tenant(wire, "web");
        wire_status(wire, &status);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, -1);
        call(wire, METHOD_ACQUIRE, &parameters);
        wire_status(&web, &status);
}

static bool is_acquired(Wire *wire, bool of_tenant) {
        AcquireReply acquired;
        Reply reply;

        ck_assert(wire_receive(wire, &reply));
        ck_assert_ptr_null(reply.error);
        ck_assert_int_eq(reply_read(&reply, &acquire_reply_type, &acquired), 0);
        return GIVEN(&acquired.segment, INFO_TENANT) == of_tenant;
}

/* Who waits is woken by what has the name now, and by what gets it. */
TEST(waits) {
        Wire early, late, back;

        close(wire_create(&host, "early", 4096));
        wait_for(&early, "early");
        wait_for(&late, "late");
        wait_for(&back, "frames/1");
        configure("[tenant web]\nexport = early late\n[tenant db]\n");
        ck_assert(is_acquired(&early, false));
        close(wire_create(&web, "frames/1", 4096));
        ck_assert(is_acquired(&back, true));
        close(wire_create(&host, "late", 4096));
        ck_assert(is_acquired(&late, false));
        wire_close(&early);
        wire_close(&late);
        wire_close(&back);
        ck_assert_int_eq(wire_remove(&web, "frames/1", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "early", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "late", NULL), FAULT_NONE);
        configure(CONFIG);
}

/* Who made and who has what is exported is not told. */
TEST(processes) {
        WatchParameters watch = {};
        ListReply item;
        WatchReply event;
        SegmentInfo info;
        Reply reply;

        close(wire_create(&host, "frames/1", 4096));
        ck_assert_int_eq(wire_stat(&host, "frames/1", &info), FAULT_NONE);
        ck_assert(GIVEN(&info, INFO_CREATOR_PID) && GIVEN(&info, INFO_LAST_PID));
        ck_assert_int_eq(wire_stat(&web, "frames/1", &info), FAULT_NONE);
        ck_assert(!GIVEN(&info, INFO_CREATOR_PID) && !GIVEN(&info, INFO_LAST_PID));
        call(&web, METHOD_LIST, &(ListParameters){});
        ck_assert(wire_receive(&web, &reply));
        ck_assert_int_eq(reply_read(&reply, &list_reply_type, &item), 0);
        ck_assert(!GIVEN(&item.segment, INFO_CREATOR_PID) && !GIVEN(&item.segment, INFO_LAST_PID));
        call(&db, METHOD_WATCH, &watch);
        call(&web, METHOD_WATCH, &watch);
        ck_assert(wire_receive(&web, &reply));
        for (int i = 0; i < 3; ++i) {
                ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &event), 0);
                if (GIVEN(&event, WATCH_REPLY_SEGMENT))
                        ck_assert(!GIVEN(&event.segment, INFO_CREATOR_PID) &&
                                  !GIVEN(&event.segment, INFO_LAST_PID));
                if (i == 1)
                        ck_assert_int_eq(wire_remove(&host, "frames/1", NULL), FAULT_NONE);
                ck_assert(i == 2 || wire_receive(&web, &reply));
        }
        ck_assert_int_eq(event.event, EVENT_DESTROYED);
}

CASE("administrator", .setup = up, .teardown = down, .timeout = 30);

static int64_t create_private(Wire *wire) {
        AcquireParameters parameters = {};
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        close(wire_acquire(wire, &parameters, &reply));
        return reply.segment.id;
}

static FaultCode publish(int64_t id, const char *name, bool replace, Fault *fault) {
        PublishParameters parameters = { .id = id, .name = name };
        PublishReply reply;

        if (replace)
                GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, true);
        return wire_call(&admin, METHOD_PUBLISH, &parameters, &reply, fault);
}

static int64_t id_of(Wire *wire, const char *name) {
        SegmentInfo info;

        return wire_stat(wire, name, &info) == FAULT_NONE ? info.id : 0;
}

/* It publishes a tenant's segment for the tenant, under a name that is free there. */
TEST(publishes) {
        int64_t private = create_private(&web), of_web, of_host;
        RemoveReply removed;
        Fault fault;

        close(wire_create(&web, "a", 4096));
        close(wire_create(&host, "b", 4096));
        of_web = id_of(&web, "a");
        of_host = id_of(&host, "b");
        ck_assert_int_eq(publish(private, "a", false, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert_int_eq(fault.exists.id, of_web);
        ck_assert_int_eq(publish(private, "frames/1", true, &fault), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(publish(private, "b", true, &fault), FAULT_NONE);
        ck_assert_int_eq(id_of(&web, "b"), private);
        ck_assert_int_eq(id_of(&host, "b"), of_host);
        private = create_private(&web);
        ck_assert_int_eq(publish(private, "a", true, &fault), FAULT_NONE);
        ck_assert_int_eq(id_of(&web, "a"), private);
        ck_assert_int_eq(wire_remove(&web, "a", &removed), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&web, "b", &removed), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&host, "b", &removed), FAULT_NONE);
}

/* The uid of a container's user is not that of one whom the administrator trusts. */
TEST(trusts) {
        AcquireParameters parameters = {};
        Fault fault;

        close(wire_create(&web, "a", 4096));
        GIVE_VALUE(&parameters, ACQUIRE_ID, id, id_of(&web, "a"));
        GIVE(&parameters, ACQUIRE_TRUSTED_UIDS);
        parameters.trusted_uids = (Numbers){ .n_values = 1, .values = { geteuid() } };
        ck_assert_int_eq(wire_try_acquire(&admin, &parameters, &fault), FAULT_FOREIGN_SEGMENT);
        ck_assert_int_eq(wire_try_acquire(&web, &parameters, &fault), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&web, "a", NULL), FAULT_NONE);
}

static void adopt(Wire *wire, int fd) {
        AdoptParameters parameters = {};
        char text[512];
        Writer writer = WRITER_INIT(text, sizeof(text));
        size_t n_sent;

        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        call_write(&writer, METHOD_ADOPT, &parameters);
        ck_assert_int_eq(socket_send(wire->fd, writer.data, writer.n_data, fd, &n_sent), 0);
        ck_assert_uint_eq(n_sent, writer.n_data);
}

static int64_t told_rival(Wire *wire, int fd) {
        Fault fault;
        Reply reply;

        adopt(wire, fd);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_ptr_nonnull(reply.error);
        reply_read_fault(&reply, &fault);
        ck_assert_int_eq(fault.code, FAULT_SEGMENT_EXISTS);
        return GIVEN(&fault.exists, FAULT_SEGMENT_EXISTS_ID) ? fault.exists.id : 0;
}

/* Whoever was given a descriptor does not learn whose it is. */
TEST(adopted) {
        int fd = wire_create(&web, "a", 4096);
        int64_t id = id_of(&web, "a");

        ck_assert_int_eq(told_rival(&web, fd), id);
        ck_assert_int_eq(told_rival(&admin, fd), id);
        ck_assert_int_eq(told_rival(&db, fd), 0);
        ck_assert_int_eq(told_rival(&host, fd), 0);
        close(fd);
        ck_assert_int_eq(wire_remove(&web, "a", NULL), FAULT_NONE);
}
