/* SPDX-License-Identifier: MIT */
/*
 * acquire-many ADDRESS SEGMENTS CONNECTIONS ATTACHMENTS TRANSIENT SEALABLE
 *
 * Puts that many of each into a broker, then acquires one existing segment 64 times between two
 * calls of methods "begin" and "end", for test-system-calls to find them in what strace prints.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/socket.h"
#include "tests/support/fixture.h"

#define ROUNDS 64

static int n_segments, n_connections, n_attachments, transient, sealable, kind;

static int parse(const char *text) {
        return (int) strtol(text, NULL, 10);
}

static void call_marker(Wire *wire, const char *method) {
        char text[64];
        Reply reply;
        int n;

        n = snprintf(text, sizeof(text), "{\"method\":\"%s\"}", method);
        wire_send(wire, text, (size_t) n + 1);
        ck_assert(wire_receive(wire, &reply));
}

static void create(Wire *wire, const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, transient);
        GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, sealable);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, (unsigned int) kind);
        (void) wire_acquire(wire, &parameters, NULL);
}

START_TEST(acquire_many) {
        Wire wire, *idle;
        char name[64], first[64];

        (void) snprintf(first, sizeof(first), "many.%d.0", getpid());
        wire_open(&wire);
        for (int i = 0; i < n_segments; ++i) {
                (void) snprintf(name, sizeof(name), "many.%d.%d", getpid(), i);
                create(&wire, name);
        }
        for (int i = 0; i < n_attachments; ++i)
                (void) wire_open_segment(&wire, first, ACCESS_READ_ONLY);
        idle = calloc((size_t) n_connections + 1, sizeof(*idle));
        ck_assert_ptr_nonnull(idle);
        /* Answered, so that they are accepted. */
        for (int i = 0; i < n_connections; ++i) {
                wire_open(&idle[i]);
                call_marker(&idle[i], "idle");
        }
        call_marker(&wire, "begin");
        /* The first one comes after a reply without a descriptor. */
        for (int i = 0; i < ROUNDS; ++i)
                (void) wire_open_segment(&wire, first,
                                         i % 2 ? ACCESS_READ_ONLY : ACCESS_READ_WRITE);
        call_marker(&wire, "end");
        for (int i = 0; i < n_connections; ++i)
                wire_close(&idle[i]);
        free(idle);
        wire_close(&wire);
}
END_TEST

int main(int argc, char **argv) {
        TCase *t = tcase_create("acquire-many");
        Suite *s = suite_create("acquire-many");
        SRunner *runner;
        int n_failed;

        if (argc != 8)
                return 2;
        fixture_use(argv[1]);
        n_segments = parse(argv[2]);
        n_connections = parse(argv[3]);
        n_attachments = parse(argv[4]);
        transient = parse(argv[5]);
        sealable = parse(argv[6]);
        kind = parse(argv[7]);
        tcase_add_test(t, acquire_many);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
