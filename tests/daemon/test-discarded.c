/* SPDX-License-Identifier: MIT */
/*
 * Descriptors whose close(2) waits for as long as their sender likes: sockets with SO_LINGER and
 * unsent data. Wherever one is when the broker gets rid of it, nobody else waits.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

/* Closing waits that long, and what must not wait is quicker than half of it. */
#define LINGER_SEC 6

typedef struct Slow Slow;

/* A descriptor that is slow to close, and its other end, whose end it waits for as well. */
struct Slow {
        int fd;
        int other_fd;
};

static void up(void) {
        fixture_up(NULL);
}

static int listen_somewhere(struct sockaddr_in *address) {
        socklen_t n = sizeof(*address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        *address = (struct sockaddr_in){ .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        ck_assert_int_eq(bind(fd, (struct sockaddr *) address, n), 0);
        ck_assert_int_eq(listen(fd, 64), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *) address, &n), 0);
        return fd;
}

static Slow slow_new(void) {
        static const char data[65536];
        const struct linger linger = { .l_onoff = 1, .l_linger = LINGER_SEC };
        struct sockaddr_in address;
        int listener = listen_somewhere(&address);
        Slow slow;

        slow.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(slow.fd, 0);
        ck_assert_int_eq(connect(slow.fd, (struct sockaddr *) &address, sizeof(address)), 0);
        slow.other_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(slow.other_fd, 0);
        fd_close(listener);
        while (send(slow.fd, data, sizeof(data), MSG_DONTWAIT) > 0)
                ;
        ck_assert_int_eq(setsockopt(slow.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        return slow;
}

/* Goes with some bytes, and this process has it no more. */
static void pass(Wire *wire, const char *text, size_t n_text, Slow *slow) {
        size_t n_sent;

        ck_assert_int_eq(socket_send(wire->fd, text, n_text, slow->fd, &n_sent), 0);
        ck_assert_uint_eq(n_sent, n_text);
        slow->fd = fd_close(slow->fd);
}

static double now(void) {
        struct timespec time;

        (void) clock_gettime(CLOCK_MONOTONIC, &time);
        return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void assert_nobody_waits(void) {
        double begin = now();
        StatusReply status;
        Wire other;

        for (int i = 0; i < 20; ++i) {
                wire_open(&other);
                wire_status(&other, &status);
                wire_close(&other);
        }
        ck_assert_msg(now() - begin < LINGER_SEC / 2.0, "others waited for %g s", now() - begin);
}

#define ADOPT                                                                                      \
        "{\"method\":\"org.shmbroker.Broker.Adopt\",\"parameters\":{\"fileDescriptorIndex\":0}}"
#define STATUS "{\"method\":\"org.shmbroker.Broker.GetStatus\"}"
#define WAITS                                                                                      \
        "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"none\","          \
        "\"waitUSec\":-1}}"

static const struct {
        const char *what;
        /* Sent before it, and with it */
        const char *before;
        size_t n_before;
        const char *with;
        size_t n_with;
} places[] = {
        { "the call that takes one", "", 0, ADOPT, sizeof(ADOPT) },
        { "a call that takes none", "", 0, STATUS, sizeof(STATUS) },
        { "half a call", "", 0, "{", 1 },
        { "no call", "", 0, "hello", 6 },
        { "behind no call", "hello", 6, STATUS, sizeof(STATUS) },
        { "behind half a call", "{", 1, "{", 1 },
        { "behind a call that waits", WAITS, sizeof(WAITS), STATUS, sizeof(STATUS) },
        { "half a call behind one that waits", WAITS, sizeof(WAITS), "{", 1 },
};

SUITE("discarded");
CASE("discarded", .setup = up, .teardown = fixture_down, .timeout = 60);

/* Received or not, and whether the client stays or goes. */
TEST(places, .end = 2 * ARRAY_SIZE(places)) {
        size_t place = (size_t) _i / 2;
        bool goes = _i % 2;
        Slow slow = slow_new();
        size_t n_sent;
        Wire wire;

        wire_open(&wire);
        /* So that the broker does not end the connection in between. */
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        if (places[place].n_before > 0)
                ck_assert_int_eq(socket_send(wire.fd, places[place].before, places[place].n_before,
                                             -EBADF, &n_sent),
                                 0);
        pass(&wire, places[place].with, places[place].n_with, &slow);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        if (!goes)
                assert_nobody_waits();
        wire_close(&wire);
        assert_nobody_waits();
        fd_close(slow.other_fd);
}

/* Who has many of them is disconnected, and nobody else notices. */
TEST(many) {
        Slow slow[48];
        size_t n_passed = 0, n_sent;
        Reply reply;
        Wire wire;

        for (size_t i = 0; i < ARRAY_SIZE(slow); ++i)
                slow[i] = slow_new();
        wire_open(&wire);
        while (n_passed < ARRAY_SIZE(slow) &&
               socket_send(wire.fd, STATUS, sizeof(STATUS), slow[n_passed].fd, &n_sent) == 0) {
                slow[n_passed].fd = fd_close(slow[n_passed].fd);
                if (!wire_receive(&wire, &reply))
                        break;
                ++n_passed;
        }
        ck_assert_uint_ge(n_passed, 8);
        ck_assert_uint_lt(n_passed, ARRAY_SIZE(slow));
        assert_nobody_waits();
        wire_close(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(slow); ++i) {
                /* With what it has not read, this ends the other's waiting. */
                fd_close(slow[i].other_fd);
                fd_close(slow[i].fd);
        }
}

/* The end of the broker does not wait for them either. */
TEST(end) {
        Slow slow[4];
        Wire wires[ARRAY_SIZE(slow)];
        double begin;

        for (size_t i = 0; i < ARRAY_SIZE(slow); ++i) {
                slow[i] = slow_new();
                wire_open(&wires[i]);
                pass(&wires[i], i % 2 ? STATUS : "{", i % 2 ? sizeof(STATUS) : 1, &slow[i]);
        }
        assert_nobody_waits();
        begin = now();
        fixture_restart(SIGTERM, NULL);
        ck_assert_msg(now() - begin < LINGER_SEC / 2.0, "the end took %g s", now() - begin);
        for (size_t i = 0; i < ARRAY_SIZE(slow); ++i) {
                wire_close(&wires[i]);
                fd_close(slow[i].other_fd);
        }
}
