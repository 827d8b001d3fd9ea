/* SPDX-License-Identifier: MIT */
/*
 * Whoever asks much is put off for whoever asks little: of all calls that are there when somebody
 * asks, only few are answered before.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define ASKER 2001
#define N_ASKERS 50
#define N_SEGMENTS 500

static Wire wire;

static void setup(void) {
        fixture_up(NULL);
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

/* While it stands still, calls wait for the broker in their sockets. */
static void stop_broker(void) {
        int status;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        ck_assert_int_eq(waitpid(fixture_daemon(), &status, WUNTRACED), fixture_daemon());
        ck_assert(WIFSTOPPED(status));
}

static void let_broker_go(void) {
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
}

/* As many as the socket takes, at most @limit; how many whole ones that were. */
static int send_calls(int fd, const char *call, size_t n_call, int limit) {
        int n = 0;
        ssize_t r;

        while (n < limit) {
                r = send(fd, call, n_call, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (r != (ssize_t) n_call)
                        break;
                ++n;
        }
        return n;
}

static int64_t counter(const StatusReply *status, const char *name) {
        MapEntry entry;

        for (size_t i = 0; map_entry(&status->counters, i, &entry); ++i)
                if (strcmp(entry.key, name) == 0)
                        return entry.value;
        return -1;
}

SUITE("turns");
CASE("turns", .setup = setup, .teardown = teardown, .timeout = 60);

/* The broker sees who connects (SO_PEERCRED), and not who uses the connection. */
static void open_as(Wire *ret, uid_t uid) {
        ck_assert_int_eq(seteuid(uid), 0);
        wire_open(ret);
        ck_assert_int_eq(seteuid(0), 0);
}

/* Small calls of one user on many connections, none of which wants an answer. As many as each of
 * them may have answered in a turn are not before another user's. */
TEST(calls, .end = 5, .skip = geteuid() != 0, .reason = "only root can be several users") {
        static const char call[] = "{\"method\":\"org.varlink.service.GetInfo\",\"oneway\":true}";
        static const char status_call[] = "{\"method\":\"org.shmbroker.Broker.GetStatus\"}";
        StatusReply before, after;
        Wire askers[N_ASKERS];
        int64_t n_sent = 0;
        Reply reply;

        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        for (int i = 0; i < N_ASKERS; ++i)
                open_as(&askers[i], ASKER);
        wire_status(&wire, &before);
        stop_broker();
        for (int i = 0; i < N_ASKERS; ++i)
                n_sent += send_calls(askers[i].fd, call, sizeof(call), 10000);
        wire_send(&wire, status_call, sizeof(status_call));
        let_broker_go();
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_int_eq(reply_read(&reply, method_rows[METHOD_GET_STATUS].reply, &after), 0);
        ck_assert_int_gt(n_sent, 5000);
        ck_assert_int_lt(counter(&after, "calls") - counter(&before, "calls"), 600);
        for (int i = 0; i < N_ASKERS; ++i)
                wire_close(&askers[i]);
}

/* What is looked through for a pattern that costs much and matches nothing. */
TEST(patterns) {
        static const char pattern[] = "*[[:alpha:]][[:alpha:]][[:alpha:]][[:alpha:]][[:alpha:]]"
                                      "[[:alpha:]][[:alpha:]][[:alpha:]]0";
        char name[256], text[512];
        Writer writer = WRITER_INIT(text, sizeof(text));
        ListParameters list = {};
        StatusReply status;
        SegmentInfo info;
        Wire lister;
        Reply reply;
        int n = 0;

        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        for (int i = 0; i < N_SEGMENTS; ++i) {
                (void) snprintf(name, 6, "%05d", i);
                name[5] = 'a';
                close(wire_create(&wire, name, 1));
        }
        GIVE_VALUE(&list, LIST_MATCH_NAME, match_name, pattern);
        call_write(&writer, METHOD_LIST, &list);
        wire_open(&lister);
        wire_send(&lister, writer.data, writer.n_data);
        /* The list is not at its end while others are answered many times. */
        for (; n < 50 && recv(lister.fd, text, 1, MSG_PEEK | MSG_DONTWAIT) < 0; ++n)
                wire_status(&wire, &status);
        ck_assert_int_ge(n, 10);
        ck_assert(wire_receive(&lister, &reply));
        ck_assert(!reply.error);
        ck_assert(!reply.continues);
        wire_close(&lister);
        for (int i = 0; i < N_SEGMENTS; ++i) {
                (void) snprintf(name, 6, "%05d", i);
                name[5] = 'a';
                ck_assert_int_eq(wire_stat(&wire, name, &info), FAULT_NONE);
                ck_assert_int_eq(wire_remove(&wire, name, NULL), FAULT_NONE);
        }
}
