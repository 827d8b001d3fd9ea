/* SPDX-License-Identifier: MIT */
/* Memory that is locked, or comes in huge pages: by a real broker, as the host has it. */

#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 8192

static Wire wire;

static void setup(void) {
        fixture_up(&(Setup){});
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

static void remove_segment(const char *name, int fd) {
        RemoveReply reply;

        fd_close(fd);
        ck_assert_int_eq(wire_remove(&wire, name, &reply), FAULT_NONE);
        ck_assert(reply.destroyed);
}

/* --- SHM_LOCK */

static SetAttributesParameters locking(const char *name, bool locked) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LOCKED, locked, locked);
        return parameters;
}

/* The sanitizers' mlock(2) does nothing, so that their shadow memory is never locked. */
static bool locks_nothing(void) {
        bool nothing = getenv("SANITIZERS");

        if (nothing)
                printf("the sanitizers lock no memory: not tried\n");
        return nothing;
}

SUITE("pages");
CASE("locked", .setup = setup, .teardown = teardown, .timeout = 30);

/* SHM_LOCK: every page is there, and stays; it is the same segment with and without. */
TEST(locked) {
        SetAttributesParameters lock = locking("a", true), unlock = locking("a", false);
        int fd = wire_create(&wire, "a", 4 * SIZE);
        SegmentInfo info;

        GIVE_VALUE(&lock, SET_ATTRIBUTES_MODE, mode, 0640);
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, &info, NULL), FAULT_NONE);
        if (locks_nothing()) {
                remove_segment("a", fd);
                return;
        }
        ck_assert(info.locked);
        ck_assert_int_eq(info.permissions.mode, 0640);
        ck_assert_int_eq(info.allocated_bytes, 4 * SIZE);
        ck_assert_uint_eq(unit_locked_kilobytes(fixture_daemon()), 4 * SIZE / 1024);
        /* Twice is once. */
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, &info, NULL), FAULT_NONE);
        ck_assert_uint_eq(unit_locked_kilobytes(fixture_daemon()), 4 * SIZE / 1024);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
        ck_assert_int_eq(wire_set_attributes(&wire, &unlock, &info, NULL), FAULT_NONE);
        ck_assert(!info.locked);
        ck_assert_uint_eq(unit_locked_kilobytes(fixture_daemon()), 0);
        /* The broker's own mapping is no holder: the last detach is seen with it, too. */
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, NULL, NULL), FAULT_NONE);
        remove_segment("a", fd);
        ck_assert_uint_eq(unit_locked_kilobytes(fixture_daemon()), 0);
}

/* What cannot be set together with the lock takes the lock back: nothing has changed. */
TEST(refused, .skip = geteuid() != 0, .reason = "only root can take capabilities from the broker") {
        SetAttributesParameters lock = locking("a", true);
        AcquireParameters parameters = {};
        SegmentInfo info;
        Fault fault;

        wire_close(&wire);
        fixture_restart(SIGTERM, &(Setup){ .no_capabilities = UINT64_C(1) << CAP_CHOWN });
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_FILE);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        close(wire_acquire(&wire, &parameters, NULL));
        GIVE_VALUE(&lock, SET_ATTRIBUTES_OWNER_UID, owner_uid, 1001);
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, NULL, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert(!info.locked);
        ck_assert_int_ne(info.permissions.owner_uid, 1001);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
}

/* Large ones are done by the worker, and taken away by the reaper. */
TEST(locked_large) {
        SetAttributesParameters lock = locking("a", true);
        struct rlimit limit;
        int fd;

        ck_assert_int_eq(prlimit(fixture_daemon(), RLIMIT_MEMLOCK, NULL, &limit), 0);
        if (limit.rlim_cur < 8 << 20) {
                printf("RLIMIT_MEMLOCK is too low to lock much: not tried\n");
                return;
        }
        fd = wire_create(&wire, "a", 4 << 20);
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, NULL, NULL), FAULT_NONE);
        close(fd);
        remove_segment("a", -1);
        for (int i = 0; unit_locked_kilobytes(fixture_daemon()) > 0; ++i) {
                ck_assert_int_lt(i, 500);
                usleep(10000);
        }
}

TEST(locked_limit) {
        SetAttributesParameters lock = locking("a", true);
        SegmentInfo info;
        Fault fault;
        int fd;

        fixture_configure("[limits]\nlockedBytesPerUser = 4K\n");
        fixture_hang_up();
        fd = wire_create(&wire, "a", SIZE);
        GIVE_VALUE(&lock, SET_ATTRIBUTES_MODE, mode, 0640);
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, NULL, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "lockedBytesPerUser");
        /* Nothing of it was done. */
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.permissions.mode, 0600);
        ck_assert(!info.locked);
        /* None at all is a limit like any other. */
        fixture_configure("[limits]\nlockedBytes = 0\n");
        fixture_hang_up();
        ck_assert_int_eq(wire_set_attributes(&wire, &lock, NULL, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "lockedBytes");
        ck_assert(GIVEN(&fault.limit, FAULT_LIMIT_REACHED_MAXIMUM));
        ck_assert_int_eq(fault.limit.maximum, 0);
        remove_segment("a", fd);
}

/* --- huge pages */

#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static long n_huge_pages(const char *path) {
        FILE *file = fopen(path, "re");
        long n = 0;

        if (file && fscanf(file, "%ld", &n) != 1)
                n = 0;
        if (file)
                fclose(file);
        return n;
}

static long n_free_huge_pages(void) {
        return n_huge_pages(HUGE_PAGES "free_hugepages");
}

static void set_huge_pages(long n) {
        FILE *file = fopen(HUGE_PAGES "nr_hugepages", "we");

        if (!file)
                return;
        (void) fprintf(file, "%ld", n);
        (void) fclose(file);
}

static bool made_huge_pages;

/* If the host has none, some for this test. */
static void setup_huge_pages(void) {
        made_huge_pages = n_huge_pages(HUGE_PAGES "nr_hugepages") == 0;
        if (made_huge_pages)
                set_huge_pages(4);
}

static void teardown_huge_pages(void) {
        if (made_huge_pages)
                set_huge_pages(0);
}

/* Once, so that it is undone even if a test fails. */
CASE("huge pages", .setup_once = setup_huge_pages, .teardown_once = teardown_huge_pages,
     .setup = setup, .teardown = teardown);

/* Huge pages are there for whoever maps the segment, or it is not made. */
TEST(huge_pages) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        Fault fault;
        char *at;
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_PAGE_BYTES, page_bytes, 2 << 20);
        if (n_free_huge_pages() == 0) {
                printf("no huge pages here: only their absence was tried\n");
                ck_assert_int_ne(wire_try_acquire(&wire, &parameters, &fault), FAULT_NONE);
                return;
        }
        fd = wire_acquire(&wire, &parameters, &reply);
        ck_assert_int_eq(reply.segment.page_bytes, 2 << 20);
        ck_assert_int_eq(reply.segment.size_bytes, SIZE);
        at = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        at[(2 << 20) - 1] = 'x';
        (void) munmap(at, 2 << 20);
        /* One user gets half of them, and nobody what is not there. */
        parameters.name = "b";
        parameters.size_bytes = n_huge_pages(HUGE_PAGES "nr_hugepages") << 20;
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "hugeBytesPerUser");
        fixture_configure("[limits]\nhugeBytesPerUser = infinity\n");
        fixture_hang_up();
        parameters.size_bytes = (n_huge_pages(HUGE_PAGES "nr_hugepages") + 1) << 21;
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "memory");
        remove_segment("a", fd);
}

/* SHM_HUGETLB: of the pool's pages, by its number as well, and found again by the next broker. */
TEST(huge_sysv) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        SegmentInfo info;
        Fault fault;
        char *at;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, KIND_SYSV);
        GIVE_VALUE(&parameters, ACQUIRE_PAGE_BYTES, page_bytes, 2 << 20);
        if (n_free_huge_pages() == 0 || geteuid() != 0) {
                printf("no huge pages here, or not for this user: only that was tried\n");
                ck_assert_int_ne(wire_try_acquire(&wire, &parameters, &fault), FAULT_NONE);
                return;
        }
        ck_assert_int_eq(wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, &fault), FAULT_NONE);
        fd_close(fd_queue_pop(&wire.fds));
        at = shmat((int) reply.segment.shmid, NULL, 0);
        ck_assert_ptr_ne(at, (void *) -1);
        at[(2 << 20) - 1] = 'x';
        wire_close(&wire);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.page_bytes, 2 << 20);
        ck_assert_int_eq(info.attach_count, 1);
        ck_assert_int_eq(shmdt(at), 0);
        remove_segment("a", -EBADF);
}
