/* SPDX-License-Identifier: MIT */
/*
 * What clients can do to a broker with bytes: good ones, broken ones, too many, and none at all.
 * Whatever it is, it costs at most their own connection, and nobody else notices.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define GET_INFO "{\"method\":\"org.varlink.service.GetInfo\"}"
#define MIB (1024U * 1024)

static void up(void) {
        fixture_up(NULL);
}

/* Text with its NUL. */
static void send_text(Wire *wire, const char *text) {
        wire_send(wire, text, strlen(text) + 1);
}

static void assert_answers(Wire *wire) {
        Reply reply;

        send_text(wire, GET_INFO);
        ck_assert(wire_receive(wire, &reply));
        ck_assert_ptr_null(reply.error);
}

static const char *const broken[] = {
        "",
        "x",
        "null",
        "[]",
        "{",
        "{}",
        "{} ",
        "{}x",
        "[" GET_INFO "]",
        GET_INFO " {}",
        GET_INFO ",",
        "{\"method\":1}",
        "{\"method\":null}",
        "{\"method\":\"a.b\",\"parameters\":[]}",
        "{\"method\":\"a.b\",\"parameters\":1}",
        "{\"method\":\"a.b\",\"method\":\"a.b\"}",
        "{\"method\":\"a.b\",\"m\\u0065thod\":\"a.b\"}",
        "{\"method\":\"a.b\",\"parameters\":{\"x\":1,\"x\":1}}",
        "{\"method\":\"a.b\",\"other\":1}",
        "{\"method\":\"a.b\",\"more\":null}",
        "{\"method\":\"a.b\",\"more\":1}",
        "{\"method\":\"a.b\",\"oneway\":\"true\"}",
        "{\"method\":\"a.b\",\"more\":true,\"oneway\":true}",
        "{\"method\":\"a.b\",\"more\":true,\"upgrade\":true}",
        "{\"method\":\"a\\u0000b\"}",
        "{\"method\":\"a.b\",\"parameters\":{\"\\u0000\":1}}",
        "{\"method\":\"\xff\"}",
        "{\"method\":\"\xc0\xaf\"}",
        "{\"method\":\"\xed\xa0\x80\"}",
        "{\"method\":\"\\ud800\"}",
        "{\"method\":\"a\nb\"}",
        "{'method':'a.b'}",
        "{\"method\":\"a.b\",\"parameters\":{\"x\":NaN}}",
        "{\"method\":\"a.b\",\"parameters\":{\"x\":01}}",
        "{\"method\":\"a.b\",\"parameters\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
        "{\"method\":\"a.b\",\"parameters\":{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}",
        "{\"method\":\"a.b\",}",
        "{\"method\":\"a.b\"/* */}",
};

SUITE("wire");
CASE("wire", .setup = up, .teardown = fixture_down, .timeout = 60);

/* The good calls before it are answered, then the connection is closed without another word. */
TEST(broken, .end = ARRAY_SIZE(broken)) {
        Wire wire, other;
        Reply reply;

        wire_open(&other);
        wire_open(&wire);
        send_text(&wire, GET_INFO);
        send_text(&wire, GET_INFO);
        send_text(&wire, broken[_i]);
        send_text(&wire, GET_INFO);
        for (int i = 0; i < 2; ++i)
                ck_assert(wire_receive(&wire, &reply));
        ck_assert_msg(!wire_receive(&wire, &reply), "answered: %s", broken[_i]);
        wire_close(&wire);
        assert_answers(&other);
        wire_close(&other);
}

static const struct {
        const char *call;
        const char *error;
        const char *parameter;
} wrong[] = {
        { "{\"method\":\"org.example.Foo\"}", "org.varlink.service.InterfaceNotFound",
          "{\"interface\":\"org.example\"}" },
        { "{\"method\":\"org.shmbroker.Foo.Acquire\"}", "org.varlink.service.InterfaceNotFound",
          "{\"interface\":\"org.shmbroker.Foo\"}" },
        { "{\"method\":\"org.shmbroker.Broker.acquire\"}", "org.varlink.service.MethodNotFound",
          "{\"method\":\"org.shmbroker.Broker.acquire\"}" },
        { "{\"method\":\"Acquire\"}", "org.varlink.service.MethodNotFound",
          "{\"method\":\"Acquire\"}" },
        { "{\"method\":\"\"}", "org.varlink.service.MethodNotFound", "{\"method\":\"\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Adopt\",\"parameters\":{\"nonsense\":1}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"nonsense\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"nam\":\"a\"}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"nam\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"name\":1}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"name\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"id\":1.0}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"id\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"id\":9223372036854775808}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"id\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\"}", "org.varlink.service.InvalidParameter",
          "{\"parameter\":\"name\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"id\":1}}",
          "org.shmbroker.Broker.NoSuchSegment", NULL },
        { "{\"method\":\"org.shmbroker.Broker.List\"}", "org.varlink.service.ExpectedMore", NULL },
        { "{\"method\":\"org.shmbroker.Broker.GetStatus\",\"parameters\":{\"x\":{}}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"x\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"create\":\"maybe\"}}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"create\"}" },
        { "{\"method\":\"org.shmbroker.Broker.Acquire\",\"more\":true}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"more\"}" },
        { "{\"method\":\"org.varlink.service.GetInfo\",\"upgrade\":true}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"upgrade\"}" },
        { "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
          "org.varlink.service.InvalidParameter", "{\"parameter\":\"interface\"}" },
        { "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"a.b\"}}",
          "org.varlink.service.InterfaceNotFound", "{\"interface\":\"a.b\"}" },
};

/* A wrong call is answered, to the letter, and the connection goes on. */
TEST(wrong, .end = ARRAY_SIZE(wrong)) {
        Reply reply;
        Wire wire;

        wire_open(&wire);
        send_text(&wire, wrong[_i].call);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_ptr_nonnull(reply.error);
        ck_assert_str_eq(reply.error, wrong[_i].error);
        if (wrong[_i].parameter)
                ck_assert_int_eq(
                        strncmp(reply.parameters, wrong[_i].parameter, strlen(wrong[_i].parameter)),
                        0);
        else
                ck_assert_ptr_null(reply.parameters);
        assert_answers(&wire);
        wire_close(&wire);
}

/* Absent, null and {} are one. */
TEST(no_parameters) {
        static const char *const calls[] = {
                GET_INFO,
                "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":null}",
                " \t\n{ \"parameters\" : { } , \"more\" : false, \"method\" : \"org.varlink.service.Get\\u0049nfo\" } ",
                "{\"method\":\"org.varlink.service.GetInfo\",\"oneway\":false,\"upgrade\":false,\"more\":true}",
        };
        Reply reply;
        Wire wire;

        wire_open(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i) {
                send_text(&wire, calls[i]);
                ck_assert(wire_receive(&wire, &reply));
                ck_assert_msg(!reply.error && !reply.continues, "%s", calls[i]);
        }
        wire_close(&wire);
}

/* The interface is served as it is in the sources, byte for byte. */
TEST(description) {
        DescriptionParameters parameters = { .interface = "org.shmbroker.Broker" };
        const char *source = getenv("top_srcdir");
        DescriptionReply reply;
        static char text[65536];
        char path[4096];
        FILE *file;
        size_t n;
        Wire wire;

        (void) snprintf(path, sizeof(path), "%s/proto/org.shmbroker.Broker.varlink",
                        source ? source : ".");
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        n = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        ck_assert_uint_gt(n, 1000);
        wire_open(&wire);
        ck_assert_int_eq(
                wire_call(&wire, METHOD_GET_INTERFACE_DESCRIPTION, &parameters, &reply, NULL),
                FAULT_NONE);
        ck_assert_str_eq(reply.description, text);
        parameters.interface = "org.varlink.service";
        ck_assert_int_eq(
                wire_call(&wire, METHOD_GET_INTERFACE_DESCRIPTION, &parameters, &reply, NULL),
                FAULT_NONE);
        ck_assert_ptr_nonnull(strstr(reply.description, "interface org.varlink.service"));
        wire_close(&wire);
}

TEST(oneway) {
        SegmentInfo info;
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = wire_create(&wire, "a", 4096);
        /* Nothing comes back, neither an answer nor an error; what it does is done. */
        send_text(
                &wire,
                "{\"method\":\"org.shmbroker.Broker.Remove\",\"parameters\":{\"name\":\"b\"},\"oneway\":true}");
        send_text(&wire, "{\"method\":\"org.shmbroker.Broker.List\",\"oneway\":true}");
        send_text(
                &wire,
                "{\"method\":\"org.shmbroker.Broker.Remove\",\"parameters\":{\"name\":\"a\"},\"oneway\":true}");
        /* A descriptor cannot be had so. */
        send_text(
                &wire,
                "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"sizeBytes\":1},\"oneway\":true}");
        assert_answers(&wire);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NO_SUCH_SEGMENT);
        close(fd);
        wire_close(&wire);
}

/* A message may come in any pieces. */
TEST(pieces) {
        Reply reply;
        Wire wire;

        wire_open(&wire);
        for (size_t n = 1; n < sizeof(GET_INFO); n += 7) {
                wire_send(&wire, GET_INFO, n);
                usleep(1000);
                wire_send(&wire, &GET_INFO[n], sizeof(GET_INFO) - n);
                ck_assert(wire_receive(&wire, &reply));
        }
        for (size_t i = 0; i < sizeof(GET_INFO); ++i)
                wire_send(&wire, &GET_INFO[i], 1);
        ck_assert(wire_receive(&wire, &reply));
        wire_close(&wire);
}

/* Many calls in one go; they are answered in their order. */
TEST(pipelined) {
        char text[200 * 128];
        size_t n = 0;
        Reply reply;
        Fault fault;
        Wire wire;

        for (int i = 0; i < 200; ++i) {
                n += (size_t) snprintf(text + n, sizeof(text) - n, "{\"method\":\"x%d\"}", i);
                text[n++] = '\0';
        }
        wire_open(&wire);
        wire_send(&wire, text, n);
        for (int i = 0; i < 200; ++i) {
                char name[8];

                (void) snprintf(name, sizeof(name), "x%d", i);
                ck_assert(wire_receive(&wire, &reply));
                reply_read_fault(&reply, &fault);
                ck_assert_str_eq(fault.text.text, name);
        }
        wire_close(&wire);
}

/* A last call, and then no more: it is answered all the same. */
TEST(half_closed) {
        Reply reply;
        Wire wire;

        wire_open(&wire);
        send_text(&wire, GET_INFO);
        ck_assert_int_eq(shutdown(wire.fd, SHUT_WR), 0);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert(!wire_receive(&wire, &reply));
        wire_close(&wire);
}

static void send_padded(Wire *wire, size_t n_text) {
        char *text = malloc(n_text + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, ' ', n_text);
        memcpy(text, GET_INFO, strlen(GET_INFO));
        text[n_text] = '\0';
        wire_send(wire, text, n_text + 1);
        free(text);
}

TEST(longest) {
        Reply reply;
        Wire wire;

        wire_open(&wire);
        send_padded(&wire, MIB);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_ptr_null(reply.error);
        send_padded(&wire, MIB + 1);
        ck_assert(!wire_receive(&wire, &reply));
        wire_close(&wire);
}

/* Calls that never end: what is kept of them is bounded, and who has met the bound is told so. */
TEST(endless_calls) {
        static char spaces[MIB];
        unsigned int n_told = 0;
        Wire wires[100], other;
        Fault fault;
        Reply reply;

        memset(spaces, ' ', sizeof(spaces));
        wire_open(&other);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                wire_send(&wires[i], spaces, sizeof(spaces));
        }
        assert_answers(&other);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                if (shutdown(wires[i].fd, SHUT_WR) == 0 && wire_receive(&wires[i], &reply)) {
                        reply_read_fault(&reply, &fault);
                        ck_assert_int_eq(fault.code, FAULT_LIMIT_REACHED);
                        ck_assert_str_eq(fault.limit.limit, "inputBytesPerUser");
                        ++n_told;
                }
                wire_close(&wires[i]);
        }
        ck_assert_uint_ge(n_told, 100 - 64);
        ck_assert_uint_lt(n_told, 100);
        assert_answers(&other);
        wire_close(&other);
}

/* So many members that comparing each with each would take minutes. */
TEST(many_members) {
        size_t n = 0, size = MIB;
        char *text = malloc(size);
        Reply reply;
        Wire wire;

        ck_assert_ptr_nonnull(text);
        n += (size_t) snprintf(
                text, size,
                "{\"method\":\"org.shmbroker.Broker.Stat\",\"parameters\":{\"name\":\"a\"");
        for (int i = 0; n < size - 32; ++i)
                n += (size_t) snprintf(text + n, size - n, ",\"%d\":1", i);
        n += (size_t) snprintf(text + n, size - n, "}}");
        wire_open(&wire);
        wire_send(&wire, text, n + 1);
        free(text);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_str_eq(reply.error, "org.varlink.service.InvalidParameter");
        wire_close(&wire);
}

/* What an error sends back of the client's own text is cut, and stays good UTF-8. */
TEST(long_echo) {
        size_t n_name = 100000;
        char *text = malloc(n_name + 64);
        Fault fault;
        Reply reply;
        Wire wire;
        size_t n;

        ck_assert_ptr_nonnull(text);
        wire_open(&wire);
        for (int shift = 0; shift < 3; ++shift) {
                n = (size_t) sprintf(text, "{\"method\":\"%.*s", shift, "xy");
                for (size_t i = 0; i < n_name / 3; ++i)
                        n += (size_t) sprintf(text + n, "\342\202\254");
                n += (size_t) sprintf(text + n, "\"}");
                wire_send(&wire, text, n + 1);
                ck_assert(wire_receive(&wire, &reply));
                reply_read_fault(&reply, &fault);
                ck_assert_int_eq(fault.code, FAULT_METHOD_NOT_FOUND);
                ck_assert_uint_le(strlen(fault.text.text), 256);
                ck_assert_uint_ge(strlen(fault.text.text), 250);
        }
        free(text);
        wire_close(&wire);
}

/*
 * Calls with and without a descriptor, mixed, and nothing read meanwhile: each reply's descriptor
 * comes with that reply, although the kernel would hand it out with unread bytes before it.
 */
TEST(descriptors_stay_with_their_replies) {
        static const char acquire[] =
                "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"%d\","
                "\"create\":\"new\",\"sizeBytes\":%d,\"removeOnLastDetach\":true}}";
        char text[1024];
        Reply reply;
        Wire wire;

        wire_open(&wire);
        for (int i = 1; i <= 20; ++i) {
                send_text(&wire, GET_INFO);
                (void) snprintf(text, sizeof(text), acquire, i, i);
                send_text(&wire, text);
                send_text(&wire, GET_INFO);
        }
        usleep(50000);
        for (int i = 1; i <= 20; ++i) {
                AcquireReply acquired;
                struct stat st;
                int fd;

                ck_assert(wire_receive(&wire, &reply));
                ck_assert_uint_eq(wire.fds.n_fds, 0);
                ck_assert(wire_receive(&wire, &reply));
                ck_assert_int_eq(reply_read(&reply, &acquire_reply_type, &acquired), 0);
                ck_assert_int_eq(acquired.segment.size_bytes, i);
                ck_assert_uint_eq(wire.fds.n_fds, 1);
                fd = fd_queue_pop(&wire.fds);
                ck_assert_int_eq(fstat(fd, &st), 0);
                ck_assert_int_eq(st.st_size, i);
                close(fd);
                ck_assert(wire_receive(&wire, &reply));
        }
        wire_close(&wire);
}

/* A client that never reads gets only so much ahead, and what it has not read goes with it. */
TEST(never_reads) {
        static const char acquire[] =
                "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"a\"}}";
        Wire wire, other;
        int64_t n_attached;
        size_t n_sent;
        int fd, r;

        wire_open(&other);
        fd = wire_create(&other, "a", 4096);
        wire_open(&wire);
        for (int i = 0; i < 20000; ++i) {
                r = socket_send(wire.fd, acquire, sizeof(acquire), -EBADF, &n_sent);
                if (r == SOCKET_E_AGAIN)
                        break;
                ck_assert_int_eq(r, 0);
        }
        for (int i = 0; i < 2000 && wire_attach_count(&other, "a") <= 1; ++i)
                usleep(5000);
        usleep(100000);
        n_attached = wire_attach_count(&other, "a");
        ck_assert_int_gt(n_attached, 1);
        ck_assert_int_le(n_attached, 1 + 8 + 1);
        wire_close(&wire);
        for (int i = 0; i < 2000 && wire_attach_count(&other, "a") > 1; ++i)
                usleep(5000);
        ck_assert_int_eq(wire_attach_count(&other, "a"), 1);
        close(fd);
        ck_assert_int_eq(wire_remove(&other, "a", NULL), FAULT_NONE);
        wire_close(&other);
}

/* The same without descriptors: the broker's memory does not grow with what is asked. */
TEST(never_reads_lists) {
        Wire wires[50], other;
        char name[16];
        int fds[200];

        wire_open(&other);
        for (int i = 0; i < (int) ARRAY_SIZE(fds); ++i) {
                (void) snprintf(name, sizeof(name), "%d", i);
                fds[i] = wire_create_transient(&other, name, 1);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                for (int k = 0; k < 10; ++k)
                        send_text(&wires[i],
                                  "{\"method\":\"org.shmbroker.Broker.List\",\"more\":true}");
        }
        for (int i = 0; i < 100; ++i)
                assert_answers(&other);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
        for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                close(fds[i]);
        wire_close(&other);
}

/* Descriptors that nobody wants are not taken in. */
TEST(unwanted_descriptors) {
        unsigned int n_fds;
        Reply reply;
        size_t n;
        Wire wire;
        int fd;

        wire_open(&wire);
        assert_answers(&wire);
        n_fds = count_fds(fixture_daemon());
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        for (int i = 0; i < 50; ++i) {
                ck_assert_int_eq(socket_send(wire.fd, GET_INFO, sizeof(GET_INFO), fd, &n), 0);
                ck_assert(wire_receive(&wire, &reply));
        }
        /* The last one is closed after the reply was sent. */
        for (int i = 0; i < 2000 && count_fds(fixture_daemon()) > n_fds; ++i)
                usleep(5000);
        ck_assert_uint_eq(count_fds(fixture_daemon()), n_fds);
        close(fd);
        wire_close(&wire);
}

/* Random bytes, and good calls with random bytes in them. */
TEST(noise) {
        Wire wire, other;
        char text[512];

        srandom(4711);
        wire_open(&other);
        for (int round = 0; round < 500; ++round) {
                size_t n = (size_t) random() % sizeof(text);

                for (size_t i = 0; i < n; ++i)
                        text[i] = (char) random();
                if (round % 2) {
                        n = sizeof(GET_INFO);
                        memcpy(text, GET_INFO, n);
                        text[(size_t) random() % n] = (char) random();
                }
                wire_open(&wire);
                wire_send(&wire, text, n);
                wire_close(&wire);
        }
        assert_answers(&other);
        wire_close(&other);
}
