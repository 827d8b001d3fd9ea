/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

UnitFail unit_fail;
Registry unit_registry;
Life unit_life;

/* --- calls that fail when told to; the linker puts them in the place of the real ones */

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);

static int failing(int error) {
        errno = error;
        return -1;
}

/* The errno that a call of fcntl(2) fails with, or 0. */
static int fcntl_error(int command, const void *argument) {
        switch (command) {
        case F_SETLEASE:
                return argument == (const void *) F_UNLCK ? 0 : unit_fail.leases;
        case F_OFD_SETLK:
                return unit_fail.mark_sets;
        case F_OFD_GETLK:
                return unit_fail.mark_probes;
        default:
                return 0;
        }
}

int __wrap_fcntl(int fd, int command, ...) {
        va_list arguments;
        void *argument;
        int error;

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);
        error = fcntl_error(command, argument);
        return error ? failing(error) : __real_fcntl(fd, command, argument);
}

/* What it is called where large files are not the rule. */
int __wrap_fcntl64(int fd, int command, ...) {
        va_list arguments;
        void *argument;
        int error;

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);
        error = fcntl_error(command, argument);
        return error ? failing(error) : __real_fcntl64(fd, command, argument);
}

int __wrap_inotify_init1(int flags) {
        return unit_fail.queues ? failing(unit_fail.queues) : __real_inotify_init1(flags);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask) {
        return unit_fail.watches ? failing(unit_fail.watches)
                                 : __real_inotify_add_watch(fd, path, mask);
}

static void fail_from_start(Missing missing) {
        switch (missing) {
        case MISSING_LEASES:
                unit_fail.leases = EINVAL;
                break;
        case MISSING_CLOSINGS:
                unit_fail.queues = EMFILE;
                break;
        case MISSING_WATCHES:
                unit_fail.watches = ENOSPC;
                break;
        default:
                break;
        }
}

void unit_life_fail_later(Missing missing) {
        if (missing == MISSING_LEASES_LATER) {
                unit_fail.leases = EINVAL;
                /* It is tried again after a second; that second has passed. */
                unit_life.census.tried_usec = 0;
        } else if (missing == MISSING_MARKS_LATER) {
                unit_fail.mark_sets = ENOLCK;
                unit_fail.mark_probes = ENOLCK;
        }
}

bool unit_life_has_leases(void) {
        return unit_fail.leases == 0;
}

void unit_life_setup(void) {
        unit_fds_begin();
        (void) signal(SIGIO, SIG_IGN);
        memset(&unit_fail, 0, sizeof(unit_fail));
        unit_registry = (Registry) REGISTRY_NULL;
}

void unit_life_begin(Missing missing) {
        memset(&unit_fail, 0, sizeof(unit_fail));
        fail_from_start(missing);
        ck_assert_int_eq(life_init(&unit_life, &unit_registry, unit_host(), NULL), 0);
        /* Without any at the start there is no broker. */
        if (missing == MISSING_MARKS)
                unit_fail.mark_sets = EAGAIN;
}

void unit_life_teardown(void) {
        memset(&unit_fail, 0, sizeof(unit_fail));
        life_deinit(&unit_life);
        registry_deinit(&unit_registry);
        for (size_t i = 0; i < SUSPICION_STAGES; ++i)
                ck_assert_ptr_null(unit_life.suspects[i]);
        ck_assert_ptr_null(unit_life.lingering);
        ck_assert_uint_eq(unit_life.n_unsubscribed, 0);
        ck_assert_uint_eq(unit_life.census.attachments.n_used, 0);
        unit_fds_end();
}

Segment *unit_life_add(const char *name, uint64_t size_bytes) {
        Segment *segment = unit_segment(name, size_bytes);

        ck_assert_int_eq(registry_add(&unit_registry, segment), 0);
        return segment;
}

int unit_life_attach(Segment *segment) {
        int fd = unit_open_segment(segment, ACCESS_READ_WRITE);

        life_attach(&unit_life, segment,
                    unit_attachment(&unit_life.census.attachments, fd, unit_fail.mark_sets == 0));
        return fd;
}

/* Does what the loop would, for so long. */
void unit_life_run(uint64_t usec) {
        uint64_t end = clock_boottime_usec() + usec, now, due;

        for (;;) {
                now = clock_boottime_usec();
                if (now >= end)
                        return;
                due = life_due(&unit_life);
                if (due > now)
                        (void) usleep((useconds_t) (MIN(MIN(due, end) - now, 5000U)));
                life_tick(&unit_life);
        }
}

bool unit_life_run_until_gone(int64_t id) {
        uint64_t end = clock_boottime_usec() + 20000000;

        while (registry_find(&unit_registry, id) && clock_boottime_usec() < end)
                unit_life_run(1000);
        return !registry_find(&unit_registry, id);
}

void unit_life_fill(int fd, size_t size) {
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(memory, MAP_FAILED);
        memset(memory, UNIT_PATTERN, size);
        munmap(memory, size);
}

/* Nothing was taken from who has it. */
void unit_life_expect_filled(int fd, size_t size) {
        unsigned char *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(memory, MAP_FAILED);
        for (size_t i = 0; i < size; i += 512)
                ck_assert_msg(memory[i] == UNIT_PATTERN, "the memory is gone");
        munmap(memory, size);
}

void unit_life_end(void) {
        life_deinit(&unit_life);
}
