/* SPDX-License-Identifier: MIT */
/*
 * Segments of kind file on a disk that is slow, that fails, or that lost what was not on it yet:
 * whoever asks for one waits, and nobody else does. What the power's loss leaves is made by hand;
 * test-power-loss makes it with a file system.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define ATTRIBUTE "user.shmbroker.new"

static Wire wire, other;
static char *slow;

/* Beside the directory of the fixture, which is not there yet. */
static void setup(void) {
        slow = unit_path(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
                         "shmbroker-test-slow.XXXXXX");
        fd_close(mkstemp(slow));
        ck_assert_int_eq(unlink(slow), 0);
        ck_assert_int_eq(setenv("SHMBROKER_TEST_SLOW", slow, true), 0);
        fixture_up(&(Setup){ .deny = "nothing" });
        wire_open(&wire);
        wire_open(&other);
}

static void teardown(void) {
        (void) unlink(slow);
        wire_close(&other);
        wire_close(&wire);
        fixture_down();
        ck_assert_int_eq(unsetenv("SHMBROKER_TEST_SLOW"), 0);
        free(slow);
}

SUITE("disk");
CASE("disk", .setup = setup, .teardown = teardown, .timeout = 60);

static void restart(const char *deny) {
        wire_close(&other);
        wire_close(&wire);
        fixture_restart(SIGKILL, &(Setup){ .deny = deny });
        wire_open(&wire);
        wire_open(&other);
}

static AcquireParameters creation(Kind kind, const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        return parameters;
}

static void create(Kind kind, const char *name) {
        const AcquireParameters parameters = creation(kind, name);
        AcquireReply reply;

        fd_close(wire_acquire(&wire, &parameters, &reply));
        ck_assert(reply.created);
}

static char *file_path(const char *name) {
        char text[300];

        (void) snprintf(text, sizeof(text), "state/files/%s", name);
        return unit_path(fixture_directory(), text);
}

static bool has_file(const char *name) {
        char *path = file_path(name);
        struct stat st;
        bool has = lstat(path, &st) == 0;

        free(path);
        return has;
}

static void set_slow(bool is_slow) {
        if (is_slow)
                fd_close(open(slow, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        else
                ck_assert_int_eq(unlink(slow), 0);
}

static void ask(Wire *by, Method method, const void *parameters) {
        char text[4096];
        Writer writer = WRITER_INIT(text, sizeof(text));

        call_write(&writer, method, parameters);
        ck_assert(!writer.overflow);
        wire_send(by, writer.data, writer.n_data);
}

static bool is_answered(const Wire *by) {
        struct pollfd poll_fd = { .fd = by->fd, .events = POLLIN };

        return poll(&poll_fd, 1, 0) > 0;
}

/* The loop has done all that it was asked before, and has not waited for the disk. */
static void use_memory(void) {
        for (int i = 0; i < 5; ++i) {
                SegmentInfo info;

                ck_assert_int_eq(wire_stat(&other, "memory", &info), FAULT_NONE);
                fd_close(wire_open_segment(&other, "memory", ACCESS_READ_WRITE));
        }
}

static void assert_waits(Method method, const void *parameters) {
        Reply reply;
        int fd;

        set_slow(true);
        ask(&wire, method, parameters);
        use_memory();
        ck_assert(!is_answered(&wire));
        set_slow(false);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_ptr_null(reply.error);
        while ((fd = fd_queue_pop(&wire.fds)) >= 0)
                fd_close(fd);
}

TEST(waits) {
        AcquireParameters parameters = creation(KIND_FILE, "file");
        SetAttributesParameters attributes = {};
        SegmentParameters segment = {};
        SegmentInfo info;

        create(KIND_MEMFD, "memory");
        assert_waits(METHOD_ACQUIRE, &parameters);
        ck_assert_int_eq(wire_stat(&wire, "file", &info), FAULT_NONE);
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_NAME, name, "file");
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0640);
        assert_waits(METHOD_SET_ATTRIBUTES, &attributes);
        GIVE_VALUE(&segment, SEGMENT_NAME, name, "file");
        assert_waits(METHOD_REMOVE, &segment);
        ck_assert_int_eq(wire_stat(&wire, "file", &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_remove(&wire, "memory", NULL), FAULT_NONE);
}

/* Others who find it wait as well. What is on the disk by now nobody waits for. */
TEST(found) {
        AcquireParameters parameters = creation(KIND_FILE, "file"), open_it = {};
        Wire third;
        Reply reply;

        create(KIND_MEMFD, "memory");
        GIVE_VALUE(&open_it, ACQUIRE_NAME, name, "file");
        wire_open(&third);
        set_slow(true);
        ask(&wire, METHOD_ACQUIRE, &parameters);
        use_memory();
        ask(&third, METHOD_ACQUIRE, &open_it);
        use_memory();
        ck_assert(!is_answered(&wire));
        ck_assert(!is_answered(&third));
        set_slow(false);
        ck_assert(wire_receive(&third, &reply));
        ck_assert_ptr_null(reply.error);
        fd_close(fd_queue_pop(&third.fds));
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_ptr_null(reply.error);
        fd_close(fd_queue_pop(&wire.fds));
        set_slow(true);
        fd_close(wire_open_segment(&third, "file", ACCESS_READ_WRITE));
        set_slow(false);
        wire_close(&third);
        ck_assert_int_eq(wire_remove(&wire, "file", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&wire, "memory", NULL), FAULT_NONE);
}

/* Whoever asked has gone meanwhile: the segment is there, with nobody attached. */
TEST(gone_client) {
        AcquireParameters parameters = creation(KIND_FILE, "file");
        Wire third;

        create(KIND_MEMFD, "memory");
        wire_open(&third);
        set_slow(true);
        ask(&third, METHOD_ACQUIRE, &parameters);
        use_memory();
        wire_close(&third);
        use_memory();
        set_slow(false);
        while (wire_attach_count(&wire, "file") > 0)
                (void) usleep(1000);
        ck_assert_int_eq(wire_remove(&wire, "file", NULL), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&wire, "memory", NULL), FAULT_NONE);
}

/* What does not get there is not made, and the rest goes on. */
TEST(fails) {
        AcquireParameters parameters = creation(KIND_FILE, "file");
        SegmentInfo info;
        Fault fault;

        restart("disk");
        create(KIND_MEMFD, "memory");
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_str_eq(fault.not_supported.cause, "directory");
        ck_assert_int_eq(wire_stat(&wire, "file", &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert(!has_file("file"));
        ck_assert_int_eq(wire_remove(&wire, "memory", NULL), FAULT_NONE);
        restart("nothing");
        create(KIND_FILE, "file");
        ck_assert_int_eq(wire_remove(&wire, "file", NULL), FAULT_NONE);
}

/* The name of what was removed is on the disk, and that it was is as well. */
TEST(back) {
        char *path, *kept = unit_path(fixture_directory(), "kept");
        SegmentParameters segment = {};
        SegmentInfo info;

        create(KIND_MEMFD, "memory");
        create(KIND_FILE, "file");
        path = file_path("file");
        ck_assert_int_eq(link(path, kept), 0);
        set_slow(true);
        GIVE_VALUE(&segment, SEGMENT_NAME, name, "file");
        ask(&wire, METHOD_REMOVE, &segment);
        use_memory();
        ck_assert(!has_file("file"));
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        set_slow(false);
        ck_assert_int_eq(rename(kept, path), 0);
        restart("nothing");
        ck_assert_int_eq(wire_stat(&wire, "file", &info), FAULT_NO_SUCH_SEGMENT);
        ck_assert(!has_file("file"));
        create(KIND_FILE, "file");
        ck_assert_int_eq(wire_remove(&wire, "file", NULL), FAULT_NONE);
        free(path);
        free(kept);
}

/* A file whose owner says that it was made by some broker for a segment, if @registry is not NULL.
 */
static bool leave(const char *name, const char *registry, int64_t id) {
        char *path = file_path(name), text[100];
        int n = snprintf(text, sizeof(text), "%s:%lld", registry ? registry : "", (long long) id);
        int r = 0;

        unit_write_file(path, "text", 4);
        if (registry)
                r = setxattr(path, ATTRIBUTE, text, (size_t) n, 0);
        free(path);
        return r == 0;
}

static void take_away(const char *name) {
        char *path = file_path(name);

        ck_assert_int_eq(unlink(path), 0);
        free(path);
}

/* The name of what was being made is on the disk, and nothing else of it. */
TEST(left_over) {
        char *path, registry[100];
        StatusReply status;

        create(KIND_FILE, "file");
        path = file_path("file");
        wire_status(&wire, &status);
        (void) snprintf(registry, sizeof(registry), "%s", status.registry_id);
        /* It goes before anybody is told. */
        ck_assert_int_lt(getxattr(path, ATTRIBUTE, NULL, 0), 0);
        free(path);
        if (leave("left", registry, 999)) {
                ck_assert(leave("foreign", "0123456789abcdef0123456789abcdef", 999));
                ck_assert(leave("plain", NULL, 0));
                restart("nothing");
                ck_assert(!has_file("left"));
                ck_assert(has_file("foreign"));
                ck_assert(has_file("plain"));
                ck_assert(has_file("file"));
                take_away("foreign");
                take_away("plain");
        } else {
                take_away("left");
                unit_skip("files have no attributes here");
        }
        ck_assert_int_eq(wire_remove(&wire, "file", NULL), FAULT_NONE);
}
