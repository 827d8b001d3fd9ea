/* SPDX-License-Identifier: MIT */
/* Standard error that nobody reads: the broker goes on, and counts what it could not say. */

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define CONFIG "[log]\nlevel = debug\n"

static int ends[2];
static Wire wire;

static void use_unread(void) {
        (void) dup2(ends[1], STDERR_FILENO);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        fd_close(ends[0]);
        fd_close(ends[1]);
}

SUITE("log");
CASE("log", .teardown = teardown, .timeout = 60);

static int64_t count_dropped(void) {
        StatusReply status;
        MapEntry entry;

        wire_status(&wire, &status);
        for (size_t i = 0; map_entry(&status.counters, i, &entry); ++i)
                if (strcmp(entry.key, "logEntriesDropped") == 0)
                        return entry.value;
        return -1;
}

/* With a few entries for each. */
static void go_on(void) {
        fixture_up(&(Setup){ .config = CONFIG, .prepare = use_unread });
        wire_open(&wire);
        ck_assert_int_eq(count_dropped(), 0);
        for (int i = 0; i < 1000; ++i) {
                fd_close(wire_create(&wire, "segment", 4096));
                ck_assert_int_eq(wire_remove(&wire, "segment", NULL), FAULT_NONE);
        }
        ck_assert_int_gt(count_dropped(), 0);
        /* It is the broker's description alone that does not wait. */
        ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}

TEST(pipe) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        go_on();
}

TEST(socket) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        go_on();
}
