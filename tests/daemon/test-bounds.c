/* SPDX-License-Identifier: MIT */
/* Clients that ask and do not read: what waits for them is bounded, and told as a limit. */

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "proto/writer.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 4096

static Wire wire;

static void setup(void) {
        fixture_up(&(Setup){ .config = "[limits]\nunreadDescriptorsPerUser = 10\n"
                                       "outputBytesPerUser = 1M\n" });
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

/* Asks for the segment "a" so often, and waits until the broker has got as far. */
static void ask(Wire *asker, int n) {
        AcquireParameters parameters = {};
        char text[4096];
        Writer writer = WRITER_INIT(text, sizeof(text));
        StatusReply status;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        for (int i = 0; i < n; ++i)
                call_write(&writer, METHOD_ACQUIRE, &parameters);
        ck_assert(!writer.overflow);
        wire_send(asker, writer.data, writer.n_data);
        for (int i = 0; i < 3; ++i)
                wire_status(&wire, &status);
}

/* How many of the next answers carry a descriptor; the rest has to be that limit. */
static int read_answers(Wire *asker, int n) {
        int n_fds = 0;
        Reply reply;

        for (int i = 0; i < n; ++i) {
                ck_assert(wire_receive(asker, &reply));
                if (!reply.error) {
                        ck_assert_int_eq(close(fd_queue_pop(&asker->fds)), 0);
                        ++n_fds;
                        continue;
                }
                ck_assert_str_eq(reply.error, "org.shmbroker.Broker.LimitReached");
                ck_assert_ptr_nonnull(strstr(reply.parameters, "unreadDescriptorsPerUser"));
        }
        return n_fds;
}

SUITE("bounds");
CASE("bounds", .setup = setup, .teardown = teardown, .timeout = 60);

/* Descriptors under way count against the broker's user as a whole (unix(7), ETOOMANYREFS). */
TEST(unread_descriptors) {
        Wire one, two, three;
        int n;

        close(wire_create(&wire, "a", SIZE));
        wire_open(&one);
        wire_open(&two);
        wire_open(&three);
        ask(&one, 6);
        ask(&two, 6);
        ask(&three, 6);
        /* Somebody was told of the limit; what was asked behind that answer comes once it is read.
         */
        n = read_answers(&one, 6);
        n += read_answers(&two, 6);
        n += read_answers(&three, 6);
        ck_assert_int_ge(n, 10);
        ck_assert_int_lt(n, 18);
        /* All is read, which the broker finds out when it has to. */
        ask(&one, 6);
        ck_assert_int_eq(read_answers(&one, 6), 6);
        ask(&two, 6);
        ck_assert_int_eq(read_answers(&two, 6), 6);
        ask(&three, 6);
        ck_assert_int_eq(read_answers(&three, 6), 6);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        wire_close(&one);
        wire_close(&two);
        wire_close(&three);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

static int64_t n_connections(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status.connection_count;
}

static void send_list(Wire *asker) {
        static const char list[] = "{\"method\":\"org.shmbroker.Broker.List\",\"more\":true}";

        wire_send(asker, list, sizeof(list));
}

/* Replies that are not read are kept, one for each connection, as far as the limit goes. */
TEST(unread_replies) {
        enum { N = 2000 };
        Wire wires[3];
        char name[32];

        for (int i = 0; i < N; ++i) {
                (void) snprintf(name, sizeof(name), "s/%d", i);
                close(wire_create(&wire, name, 1));
        }
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                send_list(&wires[i]);
        }
        usleep(50000);
        ck_assert_int_eq(n_connections(), 4);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
        /* With no room at all, who does not read is hung up on. */
        fixture_configure("[limits]\noutputBytesPerUser = 0\n");
        fixture_hang_up();
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                send_list(&wires[i]);
        }
        for (int i = 0; n_connections() != 1; ++i) {
                ck_assert_int_lt(i, 500);
                usleep(10000);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
        for (int i = 0; i < N; ++i) {
                (void) snprintf(name, sizeof(name), "s/%d", i);
                ck_assert_int_eq(wire_remove(&wire, name, NULL), FAULT_NONE);
        }
}

/* --- groups of clients, of which each may have 65536 (subgid(5)) */

#define N_GROUPS 60000U
#define N_CLIENTS 20

static void set_up_groups(void) {
        fixture_up(&(Setup){ .config = "[limits]\ninputBytesPerUser = 1M\n" });
        wire_open(&wire);
}

static bool is_served(Wire *client) {
        static const char text[] = "{\"method\":\"org.shmbroker.Broker.GetStatus\"}";
        Reply reply;

        wire_send(client, text, sizeof(text));
        return wire_receive(client, &reply);
}

/* Connects with these groups; how many of the connections are served at the same time? */
static int connect_with_groups(void *userdata) {
        const bool *differ = userdata;
        static gid_t gids[N_GROUPS];
        Wire clients[N_CLIENTS];
        int n = 0;

        for (int i = 0; i < N_CLIENTS; ++i) {
                for (unsigned int k = 0; k < N_GROUPS; ++k)
                        gids[k] = 100000 + k + (*differ ? (unsigned int) i : 0);
                if (setgroups(N_GROUPS, gids) < 0 || !wire_try_open(&clients[i]))
                        return -1;
        }
        for (int i = 0; i < N_CLIENTS; ++i)
                n += is_served(&clients[i]);
        return n;
}

CASE("groups", .setup = set_up_groups, .teardown = teardown, .timeout = 60, .skip = geteuid() != 0,
     .reason = "only root can have groups of its choice");

/* Those that are the same are kept once; others are charged. */
TEST(groups) {
        bool differ = false;

        ck_assert_int_eq(unit_fork(connect_with_groups, &differ), N_CLIENTS);
        differ = true;
        ck_assert_int_eq(unit_fork(connect_with_groups, &differ), (1 << 20) / (4 * N_GROUPS));
}
