/* SPDX-License-Identifier: MIT */
/* From the text of a call to the text of its reply: every error, with what it says. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/call/dispatch.h"
#include "proto/fd.h"
#include "proto/interface.h"
#include "proto/message.h"
#include "proto/util.h"
#include "tests/support/unit-service.h"
#include "tests/support/unit.h"

typedef struct Row Row;

struct Row {
        const char *call;
        const char *reply;
};

#define BROKER "org.shmbroker.Broker."
#define SERVICE "org.varlink.service."
#define CALL(method, parameters) "{\"method\":\"" method "\",\"parameters\":" parameters "}"
#define FLAG(method, flag) "{\"method\":\"" method "\",\"" flag "\":true}"
#define ACQUIRE(parameters) CALL(BROKER "Acquire", parameters)
#define FAULT(name) "{\"error\":\"" name "\"}"
#define FAULT_WITH(name, parameters) "{\"error\":\"" name "\",\"parameters\":" parameters "}"
#define INVALID(parameter)                                                                         \
        FAULT_WITH(SERVICE "InvalidParameter", "{\"parameter\":\"" parameter "\"}")
#define NOT_FOUND(method) FAULT_WITH(SERVICE "MethodNotFound", "{\"method\":\"" method "\"}")
#define NO_INTERFACE(interface)                                                                    \
        FAULT_WITH(SERVICE "InterfaceNotFound", "{\"interface\":\"" interface "\"}")

static Service service;
static Client client, other, root;
static int held_fd;
static int64_t held_id;

static int64_t find_int(const char *reply, const char *key) {
        char text[64];
        const char *at;

        (void) snprintf(text, sizeof(text), "\"%s\":", key);
        at = strstr(reply, text);
        ck_assert_msg(at, "no %s in %s", key, reply);
        return strtoll(at + strlen(text), NULL, 10);
}

/* "mine": 100 bytes, of user 1000, held; 0600. */
static void setup(void) {
        char *reply;

        unit_fds_begin();
        unit_service_begin(&service);
        unit_client(&client, &service, 1000, 1000);
        unit_client(&other, &service, 1001, 1001);
        unit_client(&root, &service, 0, 0);
        root.credentials.privileged = true;
        reply = unit_call(&service, &client,
                          ACQUIRE("{\"name\":\"mine\",\"create\":\"new\",\"sizeBytes\":100}"),
                          &held_fd);
        ck_assert_int_ge(held_fd, 0);
        held_id = find_int(strstr(reply, "\"segment\""), "id");
        free(reply);
}

static void teardown(void) {
        held_fd = fd_close(held_fd);
        client_deinit(&client);
        client_deinit(&other);
        client_deinit(&root);
        unit_service_end(&service);
        unit_fds_end();
}

static void expect(Client *who, const char *call, const char *reply) {
        size_t n_attachments = service.life.census.attachments.n_used,
               n_segments = service.registry.n_segments;
        char *got = unit_call(&service, who, call, NULL);

        ck_assert_msg(got && strcmp(got, reply) == 0, "%.200s\nexpected %s\nbut got  %s", call,
                      reply, got ? got : "nothing");
        /* Who gets an error has nothing, and nothing was made; what had ended may be gone. */
        if (strstr(reply, "\"error\"")) {
                ck_assert_uint_le(service.life.census.attachments.n_used, n_attachments);
                ck_assert_uint_le(service.registry.n_segments, n_segments);
        }
        free(got);
}

/* --- errors */

static const Row errors[] = {
        /* Methods and interfaces */
        { CALL("", "{}"), NOT_FOUND("") },
        { CALL("Acquire", "{}"), NOT_FOUND("Acquire") },
        { CALL(BROKER "Nothing", "{}"), NOT_FOUND(BROKER "Nothing") },
        { CALL(BROKER, "{}"), NOT_FOUND(BROKER) },
        { CALL(SERVICE "Acquire", "{}"), NOT_FOUND(SERVICE "Acquire") },
        { CALL("org.example.Foo.Bar", "{}"), NO_INTERFACE("org.example.Foo") },
        { CALL("org.example.", "{}"), NO_INTERFACE("org.example") },
        { CALL(".", "{}"), NO_INTERFACE("") },
        { CALL("a\\nb.\\\"c\\\"", "{}"), NO_INTERFACE("a\\u000ab") },
        { CALL("\\\"q\\\"", "{}"), NOT_FOUND("\\\"q\\\"") },
        { CALL(SERVICE "GetInterfaceDescription", "{\"interface\":\"org.example\"}"),
          NO_INTERFACE("org.example") },
        { CALL(SERVICE "GetInterfaceDescription", "{\"interface\":\"\"}"), NO_INTERFACE("") },
        { CALL(SERVICE "GetInterfaceDescription", "{}"), INVALID("interface") },
        { CALL(SERVICE "GetInterfaceDescription", "{\"interface\":1}"), INVALID("interface") },
        { CALL(SERVICE "GetInfo", "{\"x\":1}"), INVALID("x") },
        /* Parameters */
        { ACQUIRE("{\"foo\":1}"), INVALID("foo") },
        { ACQUIRE("{\"\\u0001\\\"\":1}"), INVALID("\\u0001\\\"") },
        { ACQUIRE("{\"\":1}"), INVALID("") },
        { ACQUIRE("{\"name\":1}"), INVALID("name") },
        { ACQUIRE("{\"name\":\"\"}"), INVALID("name") },
        { ACQUIRE("{\"name\":\"/a\"}"), INVALID("name") },
        { ACQUIRE("{\"name\":\"a b\"}"), INVALID("name") },
        { ACQUIRE("{\"id\":\"1\"}"), INVALID("id") },
        { ACQUIRE("{\"id\":1.5}"), INVALID("id") },
        { ACQUIRE("{\"id\":9223372036854775808}"), INVALID("id") },
        { ACQUIRE("{\"name\":\"mine\",\"id\":1}"), INVALID("id") },
        { ACQUIRE("{\"name\":\"mine\",\"create\":\"maybe\"}"), INVALID("create") },
        { ACQUIRE("{\"id\":1,\"create\":\"any\",\"sizeBytes\":1}"), INVALID("create") },
        { ACQUIRE("{\"id\":1,\"create\":\"new\",\"sizeBytes\":1}"), INVALID("create") },
        { ACQUIRE("{\"create\":\"open\"}"), INVALID("create") },
        { ACQUIRE("{\"create\":\"any\",\"sizeBytes\":1}"), INVALID("create") },
        { ACQUIRE("{\"name\":\"mine\",\"access\":\"write\"}"), INVALID("access") },
        { ACQUIRE("{\"name\":\"mine\",\"waitUSec\":-2}"), INVALID("waitUSec") },
        { ACQUIRE("{\"name\":\"mine\",\"waitUSec\":9007199254740993}"), INVALID("waitUSec") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"kind\":\"shm\"}"),
          INVALID("kind") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"mode\":512}"),
          INVALID("mode") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"mode\":-1}"),
          INVALID("mode") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"key\":-1}"),
          INVALID("key") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"key\":4294967296}"),
          INVALID("key") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"lingerUSec\":-1}"),
          INVALID("lingerUSec") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":1,\"removeOnLastDetach\":0}"),
          INVALID("removeOnLastDetach") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\"}"), INVALID("sizeBytes") },
        { ACQUIRE("{}"), INVALID("sizeBytes") },
        { ACQUIRE("{\"name\":\"a\",\"create\":\"new\",\"sizeBytes\":\"1\"}"),
          INVALID("sizeBytes") },
        { CALL(BROKER "Stat", "{}"), INVALID("name") },
        { CALL(BROKER "Stat", "{\"name\":\"a\",\"id\":1}"), INVALID("id") },
        { CALL(BROKER "Stat", "{\"name\":\"a//b\"}"), INVALID("name") },
        { CALL(BROKER "Stat", "{\"name\":\"mine\",\"access\":null}"), INVALID("access") },
        { CALL(BROKER "Remove", "{}"), INVALID("name") },
        { CALL(BROKER "Remove", "{\"name\":\"a\",\"id\":1}"), INVALID("id") },
        { CALL(BROKER "GetStatus", "{\"verbose\":true}"), INVALID("verbose") },
        /* Flags */
        { FLAG(BROKER "Acquire", "more"), INVALID("more") },
        { FLAG(BROKER "Acquire", "upgrade"), INVALID("upgrade") },
        { FLAG(BROKER "GetStatus", "upgrade"), INVALID("upgrade") },
        { FLAG(SERVICE "GetInfo", "upgrade"), INVALID("upgrade") },
        { FLAG(BROKER "List", "upgrade"), INVALID("upgrade") },
        { CALL(BROKER "List", "{}"), FAULT(SERVICE "ExpectedMore") },
        { CALL(BROKER "ListAttachments", "{\"name\":\"mine\"}"), FAULT(SERVICE "ExpectedMore") },
        { "{\"method\":\"" BROKER "List\",\"more\":false}", FAULT(SERVICE "ExpectedMore") },
        { "{\"method\":\"" BROKER "List\",\"more\":true,\"parameters\":{\"kind\":\"x\"}}",
          INVALID("kind") },
        { "{\"method\":\"" BROKER "ListAttachments\",\"more\":true}", INVALID("name") },
        { "{\"method\":\"" BROKER "ListAttachments\",\"more\":true,\"parameters\":{\"id\":999}}",
          FAULT(BROKER "NoSuchSegment") },
        /* Segments */
        { ACQUIRE("{\"name\":\"nothing\"}"), FAULT(BROKER "NoSuchSegment") },
        { ACQUIRE("{\"name\":\"nothing\",\"create\":\"open\",\"sizeBytes\":1}"),
          FAULT(BROKER "NoSuchSegment") },
        { ACQUIRE("{\"name\":\"nothing\",\"waitUSec\":0}"), FAULT(BROKER "NoSuchSegment") },
        { ACQUIRE("{\"id\":999}"), FAULT(BROKER "NoSuchSegment") },
        { ACQUIRE("{\"id\":-1}"), FAULT(BROKER "NoSuchSegment") },
        { ACQUIRE("{\"id\":9223372036854775807}"), FAULT(BROKER "NoSuchSegment") },
        { CALL(BROKER "Stat", "{\"name\":\"nothing\"}"), FAULT(BROKER "NoSuchSegment") },
        { CALL(BROKER "Stat", "{\"id\":0}"), FAULT(BROKER "NoSuchSegment") },
        { CALL(BROKER "Remove", "{\"name\":\"nothing\"}"), FAULT(BROKER "NoSuchSegment") },
        /* Sizes */
        { ACQUIRE("{\"name\":\"mine\",\"sizeBytes\":101}"),
          FAULT_WITH(BROKER "WrongSize",
                     "{\"sizeBytes\":100,\"minimumBytes\":0,\"maximumBytes\":100}") },
        { ACQUIRE("{\"name\":\"mine\",\"sizeBytes\":-1}"),
          FAULT_WITH(BROKER "WrongSize",
                     "{\"sizeBytes\":null,\"minimumBytes\":1,\"maximumBytes\":9007199254740992}") },
        { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":0}"),
          FAULT_WITH(BROKER "WrongSize",
                     "{\"sizeBytes\":null,\"minimumBytes\":1,\"maximumBytes\":9007199254740992}") },
        { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":9007199254740993}"),
          FAULT_WITH(BROKER "WrongSize",
                     "{\"sizeBytes\":null,\"minimumBytes\":1,\"maximumBytes\":9007199254740992}") },
};

SUITE("dispatch");
CASE("dispatch", .setup = setup, .teardown = teardown, .timeout = 30);

TEST(errors, .end = ARRAY_SIZE(errors)) {
        expect(&client, errors[_i].call, errors[_i].reply);
}

static void expect_denied(const char *call) {
        expect(&other, call, FAULT(SERVICE "PermissionDenied"));
}

TEST(denied) {
        expect_denied(ACQUIRE("{\"name\":\"mine\"}"));
        expect_denied(ACQUIRE("{\"name\":\"mine\",\"access\":\"readOnly\"}"));
        expect_denied(ACQUIRE("{\"name\":\"mine\",\"create\":\"any\",\"sizeBytes\":1}"));
        expect_denied(CALL(BROKER "Stat", "{\"name\":\"mine\"}"));
        expect_denied(CALL(BROKER "Remove", "{\"name\":\"mine\"}"));
        expect_denied("{\"method\":\"" BROKER
                      "ListAttachments\",\"more\":true,\"parameters\":{\"name\":\"mine\"}}");
        /* Who may read may not write, and not remove. */
        registry_find_name(&service.registry, NULL, "mine")->permission.mode = 0604;
        expect_denied(ACQUIRE("{\"name\":\"mine\"}"));
        expect_denied(CALL(BROKER "Remove", "{\"name\":\"mine\"}"));
        free(unit_call(&service, &other, CALL(BROKER "Stat", "{\"name\":\"mine\"}"), NULL));
}

/* As shmget(2) does: EEXIST before EINVAL before EACCES. */
TEST(order_of_checks) {
        char expected[128];

        (void) snprintf(expected, sizeof(expected),
                        FAULT_WITH(BROKER "SegmentExists", "{\"id\":%lld}"), (long long) held_id);
        expect(&client, ACQUIRE("{\"name\":\"mine\",\"create\":\"new\",\"sizeBytes\":1}"),
               expected);
        expect(&client, ACQUIRE("{\"name\":\"mine\",\"create\":\"new\",\"sizeBytes\":1000}"),
               expected);
        expect(&other, ACQUIRE("{\"name\":\"mine\",\"create\":\"new\",\"sizeBytes\":1000}"),
               expected);
        expect(&other, ACQUIRE("{\"name\":\"mine\",\"sizeBytes\":101}"),
               FAULT_WITH(BROKER "WrongSize",
                          "{\"sizeBytes\":100,\"minimumBytes\":0,\"maximumBytes\":100}"));
}

/* What this broker cannot do is said in a sentence, whatever the sentence. */
TEST(not_supported) {
        static const struct {
                const char *call;
                const char *cause;
        } rows[] = {
                { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":1,\"pageBytes\":1048576}"),
                  "pageSize" },
                { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":1,\"pageBytes\":1}"), "pageSize" },
                { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":1,\"kind\":\"posix\","
                          "\"pageBytes\":2097152}"),
                  "kind" },
                { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":1,\"kind\":\"file\","
                          "\"pageBytes\":2097152}"),
                  "kind" },
                { ACQUIRE("{\"create\":\"new\",\"sizeBytes\":1,\"kind\":\"sysv\","
                          "\"sealable\":true}"),
                  "kind" },
        };
        static const char head[] =
                "{\"error\":\"" BROKER "NotSupported\",\"parameters\":{\"reason\":\"";

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *reply = unit_call(&service, &client, rows[i].call, NULL), tail[64];

                ck_assert_ptr_nonnull(reply);
                (void) snprintf(tail, sizeof(tail), "\",\"cause\":\"%s\"}}", rows[i].cause);
                ck_assert_msg(strncmp(reply, head, strlen(head)) == 0 &&
                                      strlen(reply) > strlen(head) + strlen(tail) + 10 &&
                                      strcmp(reply + strlen(reply) - strlen(tail), tail) == 0,
                              "%s: %s", rows[i].call, reply);
                free(reply);
        }
}

/* In the interface and not served: said of all of them, with whatever flags and parameters. */
/* Every method that has a table has a handler: nothing but that answer is MethodNotImplemented. */
TEST(implemented) {
        char call[256], *reply;

        for (size_t i = 0; i < _METHOD_N; ++i) {
                if (!method_rows[i].parameters)
                        continue;
                (void) snprintf(call, sizeof(call), "{\"method\":\"%s\",\"more\":%s}",
                                method_rows[i].name, method_rows[i].more ? "true" : "false");
                reply = unit_call(&service, &client, call, NULL);
                ck_assert_ptr_nonnull(reply);
                ck_assert_msg(!strstr(reply, "MethodNotImplemented"), "%s", reply);
                free(reply);
        }
}

/* --- limits */

static void expect_limit(const char *call, const char *name, int64_t maximum, int64_t used,
                         int64_t requested) {
        uint64_t before = service.counters.n_limits_reached;
        char expected[256];

        (void) snprintf(expected, sizeof(expected),
                        FAULT_WITH(BROKER "LimitReached", "{\"limit\":\"%s\",\"maximum\":%lld,"
                                                          "\"used\":%lld,\"requested\":%lld}"),
                        name, (long long) maximum, (long long) used, (long long) requested);
        expect(&client, call, expected);
        ck_assert_uint_eq(service.counters.n_limits_reached, before + 1);
}

static void acquire(const char *call) {
        char *reply;
        int fd;

        reply = unit_call(&service, &client, call, &fd);
        ck_assert_msg(fd >= 0, "%s", reply);
        free(reply);
        fd_close(fd);
}

#define PRIVATE ACQUIRE("{\"sizeBytes\":4097}")
#define OPEN_MINE ACQUIRE("{\"name\":\"mine\"}")

TEST(limits) {
        Accounts *accounts = &service.accounts;

        accounts->user_maximum[LIMIT_SEGMENTS] = 1;
        expect_limit(PRIVATE, "segmentsPerUser", 1, 1, 1);
        accounts->user_maximum[LIMIT_SEGMENTS] = 100;
        accounts->total_maximum[LIMIT_SEGMENTS] = 1;
        expect_limit(PRIVATE, "segments", 1, 1, 1);
        accounts->total_maximum[LIMIT_SEGMENTS] = 100;
        /* Charged by pages: 4096 are, and 8192 would be. */
        accounts->user_maximum[LIMIT_BYTES] = 4096 + 8191;
        expect_limit(PRIVATE, "bytesPerUser", 4096 + 8191, 4096, 8192);
        accounts->user_maximum[LIMIT_BYTES] = 4096 + 8192;
        accounts->total_maximum[LIMIT_BYTES] = 4096 + 8191;
        expect_limit(PRIVATE, "bytes", 4096 + 8191, 4096, 8192);
        accounts->total_maximum[LIMIT_BYTES] = 4096 + 8192;
        accounts->user_maximum[LIMIT_ATTACHMENTS] = 1;
        expect_limit(PRIVATE, "attachmentsPerUser", 1, 1, 1);
        expect_limit(OPEN_MINE, "attachmentsPerUser", 1, 1, 1);
        accounts->user_maximum[LIMIT_ATTACHMENTS] = 2;
        accounts->total_maximum[LIMIT_ATTACHMENTS] = 1;
        expect_limit(OPEN_MINE, "attachments", 1, 1, 1);
        accounts->total_maximum[LIMIT_ATTACHMENTS] = 2;
        /* Exactly at each of them there is room. */
        acquire(PRIVATE);
}

/* What has ended meanwhile is given back before anybody is told of a limit. */
TEST(limits_after_release) {
        service.accounts.user_maximum[LIMIT_ATTACHMENTS] = 2;
        service.accounts.user_maximum[LIMIT_SEGMENTS] = 2;
        service.accounts.user_maximum[LIMIT_BYTES] = 8192;
        for (int i = 0; i < 50; ++i)
                acquire(OPEN_MINE);
        for (int i = 0; i < 50; ++i)
                acquire(ACQUIRE("{\"sizeBytes\":10,\"removeOnLastDetach\":true}"));
}

TEST(no_descriptors) {
        static const char expected[] = FAULT_WITH(
                BROKER "LimitReached",
                "{\"limit\":\"descriptors\",\"maximum\":null,\"used\":null,\"requested\":null}");
        char memory[256], *one, *other_reply;
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        uint64_t before;
        int next = unit_reopen(held_fd, 0);

        fd_close(next);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) next);
        one = unit_call(&service, &client, OPEN_MINE, NULL);
        other_reply = unit_call(&service, &client, PRIVATE, NULL);
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_str_eq(one, expected);
        ck_assert_str_eq(other_reply, expected);
        free(one);
        free(other_reply);
        dispatch_limit(&writer, &(LimitReached){ .name = "descriptors", .maximum = LIMIT_NONE });
        ck_assert_str_eq(memory, expected);
        acquire(OPEN_MINE);
}

TEST(file_size) {
        uint64_t before = unit_limit_lower(RLIMIT_FSIZE, 4096);
        char *reply = unit_call(&service, &client, PRIVATE, NULL);

        unit_limit_restore(RLIMIT_FSIZE, before);
        ck_assert_str_eq(
                reply,
                FAULT_WITH(
                        BROKER "NotSupported",
                        "{\"reason\":\"nothing of that kind can be as large here\",\"cause\":\"host\"}"));
        free(reply);
}

/* A segment that cannot be written down is not made, and the error says why: not lack of memory. */
TEST(no_state) {
        int fd = service.persist.state_file.fd, kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        size_t n_segments = service.registry.n_segments;
        char *reply;

        ck_assert_int_ge(kept, 0);
        ck_assert_int_ge(full, 0);
        ck_assert_int_eq(dup3(full, fd, O_CLOEXEC), fd);
        reply = unit_call(&service, &client, PRIVATE, NULL);
        ck_assert_int_eq(dup3(kept, fd, O_CLOEXEC), fd);
        fd_close(kept);
        fd_close(full);
        ck_assert_msg(strstr(reply, BROKER "NotSupported") && strstr(reply, "state directory") &&
                              strstr(reply, "\"cause\":\"directory\""),
                      "%s", reply);
        free(reply);
        ck_assert_uint_eq(service.registry.n_segments, n_segments);
}

/* --- text of the client's that is sent back */

static void check_echo(const char *format, size_t n_name, const char *piece, const char *error) {
        size_t n_piece = strlen(piece);
        char *name = malloc(n_name * n_piece + 1), *call = malloc(n_name * n_piece + 256), *reply;

        for (size_t i = 0; i < n_name; ++i)
                memcpy(name + i * n_piece, piece, n_piece);
        name[n_name * n_piece] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void) sprintf(call, format, name);
#pragma GCC diagnostic pop
        reply = unit_call(&service, &client, call, NULL);
        ck_assert_ptr_nonnull(reply);
        ck_assert_msg(strncmp(reply, error, strlen(error)) == 0, "%s", reply);
        /* Enough to know it by, and cut between characters, for scanning it has found it whole. */
        ck_assert_uint_lt(strlen(reply), 2048);
        ck_assert_uint_gt(strlen(reply), 200);
        free(name);
        free(call);
        free(reply);
}

TEST(giant_names) {
        static const char *const pieces[] = {
                "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9d\x84\x9e", "\\u0001", "\\\""
        };
        static const size_t sizes[] = { 250, 256, 257, 1000, 100000 };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); ++i)
                for (size_t j = 0; j < ARRAY_SIZE(sizes); ++j) {
                        check_echo("{\"method\":\"%s\"}", sizes[j], pieces[i],
                                   "{\"error\":\"" SERVICE "MethodNotFound\"");
                        check_echo("{\"method\":\"%s.A\"}", sizes[j], pieces[i],
                                   "{\"error\":\"" SERVICE "InterfaceNotFound\"");
                        check_echo("{\"method\":\"" BROKER "%s\"}", sizes[j], pieces[i],
                                   "{\"error\":\"" SERVICE "MethodNotFound\"");
                        check_echo(
                                CALL(SERVICE "GetInterfaceDescription", "{\"interface\":\"%s\"}"),
                                sizes[j], pieces[i], "{\"error\":\"" SERVICE "InterfaceNotFound\"");
                        check_echo(ACQUIRE("{\"%s\":1}"), sizes[j], pieces[i],
                                   "{\"error\":\"" SERVICE "InvalidParameter\"");
                }
}

/* --- broken input, oneway, and answers */

TEST(broken) {
        static const char *const calls[] = {
                "",
                "[]",
                "{}",
                "hello",
                "{\"method\":1}",
                "{\"method\":\"a\"}x",
                "{\"method\":\"a\",\"method\":\"a\"}",
                "{\"method\":\"" BROKER "GetStatus\",\"more\":null}",
                "{\"method\":\"" BROKER "GetStatus\",\"foo\":1}",
                "{\"method\":\"" BROKER "List\",\"more\":true,\"oneway\":true}",
                CALL(BROKER "Stat", "[]"),
                CALL(BROKER "Stat", "{\"id\":01}"),
                CALL(BROKER "Stat", "{\"id\":1,\"id\":1}"),
        };
        uint64_t n_calls = service.counters.n_calls;

        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                ck_assert_msg(!unit_call(&service, &client, calls[i], NULL), "answered: %s",
                              calls[i]);
        ck_assert_uint_eq(service.counters.n_calls, n_calls);
}

/* Nothing is said, neither answer nor error; what can be done is done. */
TEST(oneway) {
        static const char *const calls[] = {
                FLAG(BROKER "GetStatus", "oneway"),
                FLAG(BROKER "Acquire", "oneway"),
                FLAG(BROKER "List", "oneway"),
                FLAG(BROKER "Nothing", "oneway"),
                FLAG("a.b", "oneway"),
                FLAG(BROKER "Watch", "oneway"),
                "{\"method\":\"" BROKER "Stat\",\"oneway\":true,\"parameters\":{\"foo\":1}}",
                "{\"method\":\"" BROKER
                "Acquire\",\"oneway\":true,\"parameters\":{\"name\":\"mine\"}}",
                "{\"method\":\"" BROKER
                "Remove\",\"oneway\":true,\"parameters\":{\"name\":\"mine\"}}",
        };
        size_t n_attachments = service.life.census.attachments.n_used;

        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                expect(&client, calls[i], "");
        ck_assert_uint_eq(service.life.census.attachments.n_used, n_attachments);
        ck_assert_ptr_null(registry_find_name(&service.registry, NULL, "mine"));
}

TEST(service) {
        char *reply;

        reply = unit_call(&service, &client, CALL(SERVICE "GetInfo", "{}"), NULL);
        ck_assert_ptr_nonnull(
                strstr(reply, "\"interfaces\":[\"org.shmbroker.Broker\",\"org.varlink.service\"]"));
        ck_assert_ptr_nonnull(strstr(reply, "\"version\":\"" PACKAGE_VERSION "\""));
        free(reply);
        /* With 'more', what replies once replies once. */
        reply = unit_call(&service, &client, FLAG(SERVICE "GetInfo", "more"), NULL);
        ck_assert(reply && !strstr(reply, "continues"));
        free(reply);
}

TEST(description) {
        static const char *const texts[] = { interface_broker_description,
                                             interface_service_description };
        static const char *const calls[] = {
                CALL(SERVICE "GetInterfaceDescription", "{\"interface\":\"org.shmbroker.Broker\"}"),
                CALL(SERVICE "GetInterfaceDescription", "{\"interface\":\"org.varlink.service\"}"),
        };
        DescriptionReply description;
        Reply reply;

        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i) {
                char *text = unit_call(&service, &client, calls[i], NULL);

                ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
                ck_assert_int_eq(reply_read(&reply, &description_reply_type, &description), 0);
                ck_assert_str_eq(description.description, texts[i]);
                free(text);
        }
}

/* One segment through all that it can be asked. */
TEST(segment) {
        char *text, call[256];
        AcquireReply acquired;
        SegmentReply stat_reply;
        RemoveReply removed;
        struct stat st;
        Reply reply;
        int fd;

        text = unit_call(
                &service, &client,
                ACQUIRE("{\"name\":\"a/b\",\"create\":\"any\",\"sizeBytes\":5000,\"mode\":416,"
                        "\"lingerUSec\":7,\"kind\":\"memfd\",\"access\":\"readWrite\"}"),
                &fd);
        ck_assert_int_ge(fd, 0);
        ck_assert_uint_lt(strlen(text), 4096);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, 5000);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &acquire_reply_type, &acquired), 0);
        ck_assert(acquired.created && GIVEN(&acquired, ACQUIRE_REPLY_ATTACHMENT_ID));
        ck_assert_int_eq(acquired.file_descriptor_index, 0);
        ck_assert_uint_eq(acquired.access, ACCESS_READ_WRITE);
        ck_assert_str_eq(acquired.segment.name, "a/b");
        ck_assert_int_eq(acquired.segment.size_bytes, 5000);
        ck_assert_int_eq(acquired.segment.permissions.mode, 0640);
        ck_assert_int_eq(acquired.segment.permissions.owner_uid, 1000);
        ck_assert_int_eq(acquired.segment.attach_count, 1);
        ck_assert_int_eq(acquired.segment.linger_usec, 7);
        ck_assert(!GIVEN(&acquired.segment, INFO_KEY) &&
                  !GIVEN(&acquired.segment, INFO_MAXIMUM_BYTES));
        (void) snprintf(call, sizeof(call), CALL(BROKER "Stat", "{\"id\":%lld}"),
                        (long long) acquired.segment.id);
        free(text);

        text = unit_call(&service, &client, call, NULL);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &segment_reply_type, &stat_reply), 0);
        ck_assert_int_eq(stat_reply.segment.attach_count, 1);
        ck_assert(!stat_reply.segment.removed);
        free(text);

        text = unit_call(&service, &root, CALL(BROKER "Remove", "{\"name\":\"a/b\"}"), NULL);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &remove_reply_type, &removed), 0);
        ck_assert(!removed.destroyed);
        ck_assert_int_eq(removed.attach_count, 1);
        free(text);
        expect(&client, CALL(BROKER "Stat", "{\"name\":\"a/b\"}"), FAULT(BROKER "NoSuchSegment"));

        text = unit_call(&service, &client, call, NULL);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &segment_reply_type, &stat_reply), 0);
        ck_assert(stat_reply.segment.removed && !GIVEN(&stat_reply.segment, INFO_NAME));
        free(text);
        fd_close(fd);
        expect(&client, call, FAULT(BROKER "NoSuchSegment"));
        text = unit_call(&service, &client, CALL(BROKER "Remove", "{\"name\":\"mine\"}"), NULL);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &remove_reply_type, &removed), 0);
        ck_assert(!removed.destroyed && removed.attach_count == 1);
        ck_assert(GIVEN(&removed, REMOVE_REPLY_SEGMENT) && removed.segment.removed);
        ck_assert_int_eq(removed.segment.id, held_id);
        free(text);
}

TEST(undo) {
        char memory[8192], *copy = unit_copy(PRIVATE, sizeof(PRIVATE));
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        Answer answer = ANSWER_NULL;
        size_t n_attachments = service.life.census.attachments.n_used;

        ck_assert_int_eq(dispatch_call(&service, &client, copy, strlen(copy), &writer, &answer), 0);
        ck_assert_int_ge(answer.acquired.fd, 0);
        ck_assert_uint_eq(service.life.census.attachments.n_used, n_attachments + 1);
        call_acquire_undo(&service, &answer.acquired);
        ck_assert_int_eq(answer.acquired.fd, -EBADF);
        ck_assert_uint_eq(service.life.census.attachments.n_used, n_attachments);
        free(copy);
}

TEST(status) {
        StatusReply status;
        Reply reply;
        char *text;

        acquire(ACQUIRE("{\"sizeBytes\":1000}"));
        text = unit_call(&service, &client, CALL(BROKER "GetStatus", "null"), NULL);
        ck_assert_int_eq(reply_parse(text, strlen(text), &reply), 0);
        ck_assert_int_eq(reply_read(&reply, &status_reply_type, &status), 0);
        ck_assert_str_eq(status.version, PACKAGE_VERSION);
        ck_assert_int_eq(status.segment_count, 2);
        ck_assert_int_eq(status.attachment_count, 1);
        ck_assert_int_eq(status.total_bytes, 1100);
        /* hugeBytes is not set, and so is not told. */
        ck_assert_uint_eq(status.limits.n_entries, 2 * _LIMIT_N - 1);
        ck_assert_uint_gt(status.counters.n_entries, 0);
        free(text);
}
