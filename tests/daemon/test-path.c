/* SPDX-License-Identifier: MIT */
/* The path of an Acquire of an existing segment takes nothing from the heap. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define ROUNDS 500

static volatile uint64_t *counter;
static int counter_fd;

static void up(void) {
        counter_fd = memfd_create("counter", 0);
        ck_assert_int_ge(counter_fd, 0);
        ck_assert_int_eq(ftruncate(counter_fd, 4096), 0);
        counter = mmap(NULL, 4096, PROT_READ, MAP_SHARED, counter_fd, 0);
        ck_assert_ptr_ne((void *) (uintptr_t) counter, MAP_FAILED);
        fixture_up(&(Setup){ .counter_fd = counter_fd });
}

static void down(void) {
        fixture_down();
        ck_assert_int_eq(munmap((void *) (uintptr_t) counter, 4096), 0);
        close(counter_fd);
}

SUITE("path", .skip = getenv("SANITIZERS"),
      .reason = "the sanitizers have an allocator of their own, which cannot be counted");
CASE("path", .setup = up, .teardown = down, .timeout = 60);

/* Does it count at all? Then: not one allocation, whether attachments stay or go. */
TEST(no_allocation, .end = 2) {
        static int fds[ROUNDS];
        AcquireParameters parameters = {};
        uint64_t before;
        Wire wire;
        int fd;

        wire_open(&wire);
        before = *counter;
        fd = _i ? wire_create_transient(&wire, "a", 4096) : wire_create(&wire, "a", 4096);
        ck_assert_uint_gt(*counter, before);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        for (int i = 0; i < 10; ++i)
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, NULL), FAULT_NONE);

        before = *counter;
        for (int i = 0; i < ROUNDS; ++i)
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, NULL), FAULT_NONE);
        ck_assert_uint_eq(*counter, before);
        for (int i = 0; i < ROUNDS; ++i)
                fds[i] = wire_acquire(&wire, &parameters, NULL);
        ck_assert_uint_eq(*counter, before);

        for (int i = 0; i < ROUNDS; ++i)
                close(fds[i]);
        close(fd);
        if (!_i)
                ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}
