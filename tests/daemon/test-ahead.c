/* SPDX-License-Identifier: MIT */
/*
 * What is taken from clients whose calls have to wait, or who do not read: many calls, answered in
 * order; and connections that would keep themselves, as their own other end is in them.
 */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define MIB (1024U * 1024)
#define WAITS                                                                                      \
        "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"none\","          \
        "\"waitUSec\":-1}}"
#define STATUS "{\"method\":\"org.shmbroker.Broker.GetStatus\"}"
#define ADOPT                                                                                      \
        "{\"method\":\"org.shmbroker.Broker.Adopt\",\"parameters\":{\"fileDescriptorIndex\":0}}"
#define WATCH "{\"method\":\"org.shmbroker.Broker.Watch\",\"more\":true}"

static void up(void) {
        fixture_up(NULL);
}

/* Sends until the socket takes no more for so long; returns how much that was. */
static size_t send_all(Wire *wire, const char *data, size_t n_data, int timeout_msec) {
        struct pollfd poller = { .fd = wire->fd, .events = POLLOUT };
        size_t n = 0, n_sent;

        while (n < n_data && poll(&poller, 1, timeout_msec) == 1)
                if (socket_send(wire->fd, data + n, n_data - n, -EBADF, &n_sent) == 0)
                        n += n_sent;
        return n;
}

/* So many calls that each can be told from the others: names that do not exist. */
static char *many_calls(size_t n_bytes, size_t *ret_n, size_t *ret_n_calls) {
        char *text = malloc(n_bytes + 512);
        size_t n = 0, n_calls = 0;

        ck_assert_ptr_nonnull(text);
        while (n < n_bytes) {
                n += (size_t) snprintf(text + n, 512,
                                       "{\"method\":\"org.shmbroker.Broker.M%zu\",\"parameters\":"
                                       "{\"padding\":\"%0200d\"}}",
                                       n_calls++, 0) +
                     1;
        }
        *ret_n = n;
        *ret_n_calls = n_calls;
        return text;
}

static void assert_answered(Wire *wire, size_t n_calls) {
        char expected[64];
        Reply reply;
        Fault fault;

        for (size_t i = 0; i < n_calls; ++i) {
                ck_assert(wire_receive(wire, &reply));
                reply_read_fault(&reply, &fault);
                ck_assert_int_eq(fault.code, FAULT_METHOD_NOT_FOUND);
                (void) snprintf(expected, sizeof(expected), "org.shmbroker.Broker.M%zu", i);
                ck_assert_str_eq(fault.text.text, expected);
        }
}

/* Somebody makes what was waited for. */
static void end_wait(Wire *wire, Wire *other) {
        int fd = wire_create_transient(other, "none", 4096);
        Reply reply;

        ck_assert(wire_receive(wire, &reply));
        ck_assert(!reply.error);
        while (wire->fds.n_fds > 0)
                fd_close(fd_queue_pop(&wire->fds));
        close(fd);
}

SUITE("ahead");
CASE("ahead", .setup = up, .teardown = fixture_down, .timeout = 60);

/* sd-varlink takes as much. */
TEST(unread) {
        size_t n_text, n_calls;
        char *text = many_calls(16 * MIB, &n_text, &n_calls);
        Wire wire;

        wire_open(&wire);
        ck_assert_uint_eq(send_all(&wire, text, n_text, 5000), n_text);
        free(text);
        assert_answered(&wire, n_calls);
        wire_close(&wire);
}

/* Behind one that waits, and that is answered first. */
TEST(behind_wait) {
        size_t n_text, n_calls;
        char *text = many_calls(4 * MIB, &n_text, &n_calls);
        Wire wire, other;

        wire_open(&wire);
        wire_open(&other);
        wire_send(&wire, WAITS, sizeof(WAITS));
        ck_assert_uint_eq(send_all(&wire, text, n_text, 5000), n_text);
        free(text);
        end_wait(&wire, &other);
        assert_answered(&wire, n_calls);
        wire_close(&wire);
        wire_close(&other);
}

/* There is an end of it, for one and for all of a user; what was taken is given back. */
TEST(bounded) {
        size_t n_text, n_calls, n_sent = 0;
        char *text = many_calls(24 * MIB, &n_text, &n_calls);
        Wire wires[8], other;
        StatusReply status;

        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                size_t n;

                wire_open(&wires[i]);
                wire_send(&wires[i], WAITS, sizeof(WAITS));
                n = send_all(&wires[i], text, n_text, 200);
                ck_assert_uint_lt(n, 20 * MIB);
                n_sent += n;
        }
        ck_assert_uint_gt(n_sent, 40 * MIB);
        ck_assert_uint_lt(n_sent, 90 * MIB);
        wire_open(&other);
        wire_status(&other, &status);
        wire_close(&other);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
        free(text);
}

static const struct {
        const char *before;
        size_t n_before;
        const char *with;
        size_t n_with;
        /* Replies are asked for that nobody reads */
        bool unread;
} ends[] = {
        { WAITS, sizeof(WAITS), "{", 1, false },
        { WAITS, sizeof(WAITS), STATUS, sizeof(STATUS), false },
        { WAITS, sizeof(WAITS), ADOPT, sizeof(ADOPT), false },
        { "{", 1, "{", 1, false },
        { WATCH, sizeof(WATCH), "{", 1, false },
        { WATCH, sizeof(WATCH), STATUS, sizeof(STATUS), false },
        { STATUS, sizeof(STATUS), "{", 1, true },
};

static bool is_alone(void) {
        StatusReply status;
        Wire other;

        wire_open(&other);
        wire_status(&other, &status);
        wire_close(&other);
        return status.connection_count == 1;
}

/* A connection whose other end is in it ends with whoever made it. */
TEST(own_end, .end = ARRAY_SIZE(ends)) {
        size_t n_sent;
        Wire wire;

        wire_open(&wire);
        for (int i = 0; i < (ends[_i].unread ? 2000 : 1); ++i)
                if (socket_send(wire.fd, ends[_i].before, ends[_i].n_before, -EBADF, &n_sent))
                        break;
        (void) socket_send(wire.fd, ends[_i].with, ends[_i].n_with, wire.fd, &n_sent);
        wire_close(&wire);
        for (int i = 0; !is_alone(); ++i) {
                ck_assert_int_lt(i, 200);
                (void) poll(NULL, 0, 10);
        }
}

/* Behind so much that nothing more is taken, or behind a file that waits for its call: then it ends
 * with the process. */
static int leave_behind(void *userdata) {
        size_t n_text, n_calls, n_sent;
        char *text = many_calls(24 * MIB, &n_text, &n_calls);
        bool file = *(bool *) userdata;
        int memory = memfd_create("test", MFD_CLOEXEC);
        Wire wire;

        wire_open(&wire);
        wire_send(&wire, WAITS, sizeof(WAITS));
        if (file)
                (void) socket_send(wire.fd, ADOPT, sizeof(ADOPT), memory, &n_sent);
        else
                (void) send_all(&wire, text, n_text, 200);
        if (socket_send(wire.fd, STATUS, sizeof(STATUS), wire.fd, &n_sent) && file)
                return 1;
        return 0;
}

TEST(own_end_behind, .end = 2) {
        bool file = _i == 1;

        ck_assert_int_eq(unit_fork(leave_behind, &file), 0);
        for (int i = 0; !is_alone(); ++i) {
                ck_assert_int_lt(i, 500);
                (void) poll(NULL, 0, 10);
        }
}

/* Each file comes to the call that it was sent with, however many are taken before it. */
TEST(files) {
        enum { N = 8 };
        size_t n_sent;
        SegmentReply adopted;
        Reply reply;
        Wire wire, other;

        wire_open(&wire);
        wire_open(&other);
        wire_send(&wire, WAITS, sizeof(WAITS));
        wire_send(&wire, STATUS, sizeof(STATUS));
        /* Later ones wait in the socket: there is room for one. */
        for (int i = 0; i < N; ++i) {
                int memory = memfd_create("test", MFD_CLOEXEC);

                ck_assert_int_eq(ftruncate(memory, 4096 * (i + 1)), 0);
                ck_assert_int_eq(socket_send(wire.fd, ADOPT, sizeof(ADOPT), memory, &n_sent), 0);
                ck_assert_int_eq(socket_send(wire.fd, STATUS, sizeof(STATUS), -EBADF, &n_sent), 0);
                close(memory);
        }
        end_wait(&wire, &other);
        ck_assert(wire_receive(&wire, &reply));
        for (int i = 0; i < N; ++i) {
                SegmentParameters parameters = {};

                ck_assert(wire_receive(&wire, &reply));
                ck_assert_msg(!reply.error, "%d: %s", i, reply.error);
                ck_assert_int_eq(reply_read(&reply, &segment_reply_type, &adopted), 0);
                ck_assert_int_eq(adopted.segment.size_bytes, 4096 * (i + 1));
                ck_assert(wire_receive(&wire, &reply));
                ck_assert(!reply.error);
                GIVE_VALUE(&parameters, SEGMENT_ID, id, adopted.segment.id);
                ck_assert_int_eq(
                        wire_call(&other, METHOD_REMOVE, &parameters, &(RemoveReply){}, &(Fault){}),
                        FAULT_NONE);
        }
        wire_close(&wire);
        wire_close(&other);
}
