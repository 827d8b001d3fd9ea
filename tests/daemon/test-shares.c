/* SPDX-License-Identifier: MIT */
/*
 * Many users, as one person has them who has subordinate uids, each of whom takes all that it can
 * get: somebody else has enough left to work, and the administrator all that it needs to put an end
 * to it.
 */

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define PAGE 4096
#define N_HOGS 50
#define BYTES (INT64_C(1) << 30)
#define SEGMENTS 1000
#define CONNECTIONS 1000
#define NEWCOMER 3999

typedef struct Haul Haul;

/* What one user got, and what was said when there was no more. */
struct Haul {
        int number;
        int64_t bytes;
        int n_segments;
        int n_connections;
        char limit[32];
        int64_t maximum;
};

static Person hogs[N_HOGS];
static Actor actors[N_HOGS];

static void up(void) {
        fixture_up(&(Setup){ .n_files = 65536 });
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
}

/* Also where there is no place for anybody else. */
static void configure(const char *text) {
        fixture_configure(text);
        wire_as_administrator(true);
        fixture_hang_up();
        wire_as_administrator(false);
}

static void note(Haul *haul, const Fault *fault) {
        (void) snprintf(haul->limit, sizeof(haul->limit), "%s", fault->limit.limit);
        haul->maximum = fault->limit.maximum;
}

/* A segment of one's own, which stays. */
static FaultCode try_segment(Wire *wire, const Haul *haul, int64_t size_bytes, Fault *fault) {
        AcquireParameters parameters = {};
        char name[64];

        (void) snprintf(name, sizeof(name), "hog/%d/%d", haul->number, haul->n_segments);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, size_bytes);
        return wire_try_acquire(wire, &parameters, fault);
}

/* By halves, down to one page: then there is nothing more to be had. */
static int take_bytes(Wire *wire, void *data) {
        Haul *haul = data;
        Fault fault;

        for (int64_t size = BYTES; size >= PAGE; size /= 2)
                while (try_segment(wire, haul, size, &fault) == FAULT_NONE) {
                        haul->bytes += size;
                        ++haul->n_segments;
                }
        if (fault.code != FAULT_LIMIT_REACHED)
                return 1;
        note(haul, &fault);
        return 0;
}

static int take_segments(Wire *wire, void *data) {
        Haul *haul = data;
        Fault fault;

        while (try_segment(wire, haul, PAGE, &fault) == FAULT_NONE)
                ++haul->n_segments;
        if (fault.code != FAULT_LIMIT_REACHED)
                return 1;
        note(haul, &fault);
        return 0;
}

static Wire wires[CONNECTIONS];

/* Each is asked something, for who is one too many is told so in place of the answer. */
static int take_connections(Wire *wire, void *data) {
        static const char ask[] = "{\"method\":\"org.varlink.service.GetInfo\"}";
        Haul *haul = data;
        Fault fault;
        Reply reply;

        (void) wire;
        for (; haul->n_connections < CONNECTIONS; ++haul->n_connections) {
                Wire *next = &wires[haul->n_connections];

                if (!wire_try_open(next))
                        return 1;
                (void) send(next->fd, ask, sizeof(ask), MSG_NOSIGNAL);
                if (!wire_receive(next, &reply))
                        return 2;
                if (!reply.error)
                        continue;
                reply_read_fault(&reply, &fault);
                note(haul, &fault);
                wire_close(next);
                return fault.code == FAULT_LIMIT_REACHED ? 0 : 3;
        }
        return 4;
}

static int give_connections(Wire *wire, void *data) {
        Haul *haul = data;

        (void) wire;
        for (int i = 0; i < haul->n_connections; ++i)
                wire_close(&wires[i]);
        return 0;
}

static void start_hogs(void) {
        for (int i = 0; i < N_HOGS; ++i) {
                hogs[i] = (Person){ "a subordinate user",
                                    (uid_t) (4000 + i),
                                    (gid_t) (4000 + i),
                                    false,
                                    0,
                                    false };
                actors[i] = actor_start(&hogs[i]);
        }
}

static void end_hogs(void) {
        for (int i = 0; i < N_HOGS; ++i)
                actor_end(&actors[i]);
}

static void open_admin(Wire *wire) {
        wire_as_administrator(true);
        wire_open(wire);
        wire_as_administrator(false);
}

/* The administrator removes everything, which needs no leave of those who have it. */
static void remove_all(const Haul *hauls) {
        char name[64];
        Wire admin;

        open_admin(&admin);
        for (int i = 0; i < N_HOGS; ++i)
                for (int j = 0; j < hauls[i].n_segments; ++j) {
                        (void) snprintf(name, sizeof(name), "hog/%d/%d", i, j);
                        ck_assert_int_eq(wire_remove(&admin, name, NULL), FAULT_NONE);
                }
        wire_close(&admin);
}

SUITE("shares", .skip = geteuid() != 0, .reason = "only root can become many users");
CASE("shares", .setup = up, .teardown = fixture_down, .timeout = 120);

static int make_modest(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Fault fault;

        (void) data;
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "modest");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 64 * PAGE);
        return (int) wire_try_acquire(wire, &parameters, &fault) ||
               (int) wire_remove(wire, "modest", NULL);
}

static void newcomer_works(void) {
        static const Person newcomer = { "a newcomer", NEWCOMER, NEWCOMER, false, 0, false };
        Actor actor = actor_start(&newcomer);

        ck_assert_int_eq(actor_do(&actor, make_modest, NULL, 0), 0);
        actor_end(&actor);
}

/* Each takes all it can get, one after the other. */
static void let_all(int (*act)(Wire *wire, void *data), const char *limit, Haul *hauls) {
        for (int i = 0; i < N_HOGS; ++i) {
                hauls[i] = (Haul){ .number = i };
                ck_assert_int_eq(actor_do(&actors[i], act, &hauls[i], sizeof(hauls[i])), 0);
                ck_assert_str_eq(hauls[i].limit, limit);
        }
}

TEST(bytes) {
        Haul hauls[N_HOGS];
        int64_t total = 0;

        configure("[limits]\nbytes = 1G\nbytesPerUser = 512M\n");
        start_hogs();
        let_all(take_bytes, "bytesPerUser", hauls);
        for (int i = 0; i < N_HOGS; ++i) {
                /* All of its share, as far as pages go. */
                ck_assert_int_gt(hauls[i].bytes, 0);
                ck_assert_int_le(hauls[i].bytes, hauls[i].maximum);
                ck_assert_int_lt(hauls[i].maximum - hauls[i].bytes, PAGE);
                total += hauls[i].bytes;
        }
        /* The first could have half; what fifty leave is what shmbroker.conf(5) says. */
        ck_assert_int_eq(hauls[0].bytes, BYTES / 2);
        ck_assert_int_eq((BYTES - total) * 1000 / BYTES, 35);
        newcomer_works();
        remove_all(hauls);
        end_hogs();
}

TEST(segments) {
        Haul hauls[N_HOGS];
        int total = 0;

        configure("[limits]\nsegments = 1000\nsegmentsPerUser = 500\n");
        start_hogs();
        let_all(take_segments, "segmentsPerUser", hauls);
        for (int i = 0; i < N_HOGS; ++i) {
                ck_assert_int_gt(hauls[i].n_segments, 0);
                ck_assert_int_eq(hauls[i].n_segments, hauls[i].maximum);
                total += hauls[i].n_segments;
        }
        ck_assert_int_eq(hauls[0].n_segments, SEGMENTS / 2);
        ck_assert_int_lt(total, SEGMENTS);
        newcomer_works();
        remove_all(hauls);
        end_hogs();
}

/* Places are what anybody needs first, and the administrator has one even if none is left. */
TEST(connections) {
        Haul hauls[N_HOGS];
        int64_t total = N_HOGS;
        StatusReply status;
        Wire admin;

        configure("[limits]\nconnections = 1000\nconnectionsPerUser = 500\n");
        start_hogs();
        let_all(take_connections, "connectionsPerUser", hauls);
        for (int i = 0; i < N_HOGS; ++i)
                total += hauls[i].n_connections;
        ck_assert_int_lt(total, CONNECTIONS);
        newcomer_works();
        configure("[limits]\nconnections = 10\n");
        open_admin(&admin);
        wire_status(&admin, &status);
        ck_assert_int_eq(status.connection_count, total + 1);
        wire_close(&admin);
        for (int i = 0; i < N_HOGS; ++i)
                ck_assert_int_eq(
                        actor_do(&actors[i], give_connections, &hauls[i], sizeof(hauls[i])), 0);
        end_hogs();
}

/* Where nothing is left of what calls need, the administrator's calls are answered. */
TEST(administrator) {
        AcquireParameters parameters = {}, missing = {};
        Fault fault;
        Wire wire, admin;

        wire_open(&wire);
        close(wire_create(&wire, "a", PAGE));
        configure("[limits]\nattachments = 0\nattachmentsPerUser = 0\nwaitingCalls = 0\n"
                  "unreadDescriptors = 0\nwatches = 0\n");
        open_admin(&admin);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
        ck_assert_int_eq(wire_try_acquire(&admin, &parameters, &fault), FAULT_NONE);
        GIVE_VALUE(&missing, ACQUIRE_NAME, name, "b");
        GIVE_VALUE(&missing, ACQUIRE_WAIT_USEC, wait_usec, 1000);
        ck_assert_int_eq(wire_try_acquire(&admin, &missing, &fault), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_remove(&admin, "a", NULL), FAULT_NONE);
        wire_close(&admin);
        wire_close(&wire);
}
