/* SPDX-License-Identifier: MIT */
/*
 * The broker is killed after each system call of a method in turn. What the next broker finds is
 * either as it was before the call or as it is after it, in the registry and outside.
 */

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/tracee.h"
#include "tests/support/unit.h"

#define SIZE 10000
#define NAME "a"

/* No method needs as many. */
#define STEPS_MAX 500

typedef struct Case Case;

/* The private segment that is published, and the one that it replaces. */
struct Case {
        Kind kind, replaced;
        bool held;
};

static Wire wire;

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

SUITE("killed", .skip = !tracee_can());
CASE("killed", .setup = setup, .teardown = teardown, .timeout = 120);

/* --- stepping */

static bool has_answer(void) {
        struct pollfd poll_fd = { .fd = wire.fd, .events = POLLIN };

        return poll(&poll_fd, 1, 0) > 0;
}

/* Sends a call, and kills the broker after so many system calls; was the answer there by then? */
static bool kill_in_call(Method method, const void *parameters, int n_steps) {
        char text[4096];
        Writer writer = WRITER_INIT(text, sizeof(text));
        bool answered = false;

        call_write(&writer, method, parameters);
        ck_assert(!writer.overflow);
        tracee_stop(fixture_daemon());
        wire_send(&wire, writer.data, writer.n_data);
        for (int i = 0; i < n_steps && !answered; ++i) {
                tracee_step(fixture_daemon());
                answered = has_answer();
        }
        wire_close(&wire);
        fixture_restart(SIGKILL, NULL);
        wire_open(&wire);
        return answered;
}

/* --- what there is */

static int make(Kind kind, const char *name, const char *posix_name, int64_t *ret_id) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        int fd;

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name(posix_name));
        fd = wire_acquire(&wire, &parameters, &reply);
        *ret_id = reply.segment.id;
        return fd;
}

/* Its object stands where it is said to be, and is this one. */
static void assert_whole(const SegmentInfo *segment) {
        char path[512], name[32];
        struct stat st;

        ck_assert(!GIVEN(segment, INFO_UNAVAILABLE));
        if (segment->kind == KIND_SYSV)
                ck_assert(native_has_sysv((int) segment->shmid));
        if (segment->kind == KIND_POSIX) {
                ck_assert(native_has_posix(segment->posix_name, &st));
                ck_assert_uint_eq(st.st_ino, (ino_t) segment->inode);
        }
        if (segment->kind != KIND_FILE)
                return;
        (void) snprintf(name, sizeof(name), ",%lld", (long long) segment->id);
        (void) snprintf(path, sizeof(path), "%s/state/files/%s", fixture_directory(),
                        GIVEN(segment, INFO_NAME) ? segment->name : name);
        ck_assert_msg(stat(path, &st) == 0, "there is no %s", path);
        ck_assert_uint_eq(st.st_ino, (ino_t) segment->inode);
}

/* Is it there, and whole? Its name is in *ret. */
static bool look(int64_t id, SegmentInfo *ret) {
        if (wire_stat_id(&wire, id, ret) != FAULT_NONE)
                return false;
        if (!ret->removed)
                assert_whole(ret);
        return !ret->removed;
}

static size_t count_files(void) {
        char path[512];
        struct dirent *entry;
        size_t n = 0;
        DIR *directory;

        (void) snprintf(path, sizeof(path), "%s/state/files", fixture_directory());
        directory = opendir(path);
        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory)))
                n += entry->d_name[0] != '.';
        (void) closedir(directory);
        return n;
}

static void remove_id(int64_t id) {
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        ck_assert_int_eq(wire_call(&wire, METHOD_REMOVE, &parameters, NULL, NULL), FAULT_NONE);
}

/* --- tests */

static const Case cases[] = {
        { KIND_FILE, KIND_FILE, false },  { KIND_FILE, KIND_FILE, true },
        { KIND_FILE, KIND_POSIX, false }, { KIND_POSIX, KIND_FILE, false },
        { KIND_POSIX, KIND_FILE, true },  { KIND_POSIX, KIND_POSIX, false },
        { KIND_FILE, KIND_SYSV, false },  { KIND_SYSV, KIND_FILE, false },
};

/* One of the two has the name, and only one; who does not get it is as before, or gone. */
static void assert_one_has_name(int64_t id, int64_t replaced_id, bool answered) {
        SegmentInfo segment, replaced, named;
        bool is_there, is_published;

        ck_assert(look(id, &segment));
        is_there = look(replaced_id, &replaced);
        is_published = GIVEN(&segment, INFO_NAME);
        if (answered)
                ck_assert(is_published);
        ck_assert_msg(is_published || (is_there && GIVEN(&replaced, INFO_NAME)),
                      "nobody has the name");
        ck_assert_msg(!is_published || !is_there, "the replaced one is there as well");
        ck_assert_int_eq(wire_stat(&wire, NAME, &named), FAULT_NONE);
        ck_assert_int_eq(named.id, is_published ? id : replaced_id);
        ck_assert_uint_eq(count_files(), (size_t) (segment.kind == KIND_FILE) +
                                                 (is_there && replaced.kind == KIND_FILE));
}

/* Also a name that nobody had, and one that is had again after that. */
TEST(publish, .end = ARRAY_SIZE(cases)) {
        const Case *this_case = &cases[_i];
        PublishParameters publish = {};
        SegmentInfo segment;
        bool answered = false;

        GIVE_VALUE(&publish, PUBLISH_REPLACE, replace, true);
        for (int n = 0; !answered; ++n) {
                int64_t id, replaced_id;
                int fd;

                ck_assert_int_lt(n, STEPS_MAX);
                fd = make(this_case->replaced, NAME, "replaced", &replaced_id);
                if (!this_case->held)
                        fd = fd_close(fd);
                fd_close(make(this_case->kind, NULL, "published", &id));
                publish.id = id;
                publish.name = NAME;
                answered = kill_in_call(METHOD_PUBLISH, &publish, n);
                assert_one_has_name(id, replaced_id, answered);
                ck_assert(look(id, &segment));
                if (!GIVEN(&segment, INFO_NAME))
                        ck_assert_int_eq(wire_call(&wire, METHOD_PUBLISH, &publish, NULL, NULL),
                                         FAULT_NONE);
                assert_one_has_name(id, replaced_id, true);
                fd_close(fd);
                remove_id(id);
                ck_assert_uint_eq(count_files(), 0);
        }
}

/* Where a name is free, it is after a kill; what has it is whole. */
TEST(publish_new) {
        PublishParameters publish = {};
        bool answered = false;

        for (int n = 0; !answered; ++n) {
                SegmentInfo segment;
                int64_t id, other_id;

                ck_assert_int_lt(n, STEPS_MAX);
                fd_close(make(KIND_FILE, NULL, NULL, &id));
                publish.id = id;
                publish.name = NAME;
                answered = kill_in_call(METHOD_PUBLISH, &publish, n);
                ck_assert(look(id, &segment));
                if (!GIVEN(&segment, INFO_NAME)) {
                        fd_close(make(KIND_FILE, NAME, NULL, &other_id));
                        ck_assert(look(id, &segment));
                        remove_id(other_id);
                }
                remove_id(id);
                ck_assert_uint_eq(count_files(), 0);
        }
}

static const Kind named_kinds[] = { KIND_POSIX, KIND_FILE };

/* A creation that nobody was told of is whole or leaves nothing, and its name can be had. */
TEST(create, .end = ARRAY_SIZE(named_kinds)) {
        AcquireParameters parameters = {};
        Kind kind = named_kinds[_i];
        bool answered = false;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        for (int n = 0; !answered; ++n) {
                SegmentInfo segment;
                int64_t id;

                ck_assert_int_lt(n, STEPS_MAX);
                if (kind == KIND_POSIX)
                        GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name,
                                   native_name("created"));
                answered = kill_in_call(METHOD_ACQUIRE, &parameters, n);
                if (wire_stat(&wire, NAME, &segment) == FAULT_NONE) {
                        assert_whole(&segment);
                } else {
                        ck_assert(!answered);
                        ck_assert_uint_eq(count_files(), 0);
                        ck_assert(!native_has_posix(native_name("created"), &(struct stat){}));
                        fd_close(make(kind, NAME, "created", &id));
                }
                ck_assert_int_eq(wire_remove(&wire, NAME, NULL), FAULT_NONE);
                ck_assert_uint_eq(count_files(), 0);
        }
}

static const Kind kept_kinds[] = { KIND_POSIX, KIND_FILE, KIND_SYSV };

/* What is half removed is gone. */
TEST(remove, .end = ARRAY_SIZE(kept_kinds)) {
        SegmentParameters parameters = {};
        bool answered = false;

        for (int n = 0; !answered; ++n) {
                SegmentInfo before, after;
                int64_t id;

                ck_assert_int_lt(n, STEPS_MAX);
                fd_close(make(kept_kinds[_i], NAME, "removed", &id));
                ck_assert_int_eq(wire_stat_id(&wire, id, &before), FAULT_NONE);
                GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
                answered = kill_in_call(METHOD_REMOVE, &parameters, n);
                if (wire_stat_id(&wire, id, &after) == FAULT_NONE) {
                        ck_assert(!answered);
                        assert_whole(&after);
                        remove_id(id);
                }
                ck_assert_uint_eq(count_files(), 0);
                ck_assert(!native_has_posix(native_name("removed"), &(struct stat){}));
                if (kept_kinds[_i] == KIND_SYSV)
                        ck_assert(!native_has_sysv((int) before.shmid));
        }
}

/* Owner and mode of the object are those of the segment. */
TEST(change, .end = ARRAY_SIZE(kept_kinds)) {
        bool answered = false;

        for (int n = 0; !answered; ++n) {
                SetAttributesParameters parameters = {};
                SegmentInfo segment;
                int64_t id;

                ck_assert_int_lt(n, STEPS_MAX);
                fd_close(make(kept_kinds[_i], NAME, "changed", &id));
                GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
                GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, 0640);
                answered = kill_in_call(METHOD_SET_ATTRIBUTES, &parameters, n);
                ck_assert(look(id, &segment));
                ck_assert(segment.permissions.mode == 0600 || segment.permissions.mode == 0640);
                if (answered)
                        ck_assert_int_eq(segment.permissions.mode, 0640);
                if (kept_kinds[_i] == KIND_SYSV)
                        ck_assert_int_eq(native_stat_sysv((int) segment.shmid).shm_perm.mode & 0777,
                                         segment.permissions.mode);
                remove_id(id);
        }
}
