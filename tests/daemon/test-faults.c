/* SPDX-License-Identifier: MIT */
/*
 * Each system call of the broker's loop that a method makes fails once, in turn. The broker goes
 * on, what it has is what it says, nothing is left, and the next call is right.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/tracee.h"
#include "tests/support/unit.h"

#define SIZE 10000

/* No method needs as many. */
#define STEPS_MAX 500

/* How long an answer may take that waits for nobody. */
#define ANSWER_MSEC 10000

static Wire wire, other;

/* The system call that was made to fail last, by its number */
static long failed_call;

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        wire_open(&wire);
        wire_open(&other);
}

static void teardown(void) {
        wire_close(&wire);
        wire_close(&other);
        fixture_down();
        native_end();
}

SUITE("faults", .skip = !tracee_can_fail());
CASE("faults", .setup = setup, .teardown = teardown, .timeout = 120);

/* What cannot fail, or would lose by not being made what the test counts. */
static bool may_fail(long number) {
        switch (number) {
        case SYS_close:
        case SYS_epoll_ctl:
        case SYS_epoll_wait:
        case SYS_epoll_pwait:
        case SYS_exit_group:
        case SYS_futex:
        case SYS_munmap:
        case SYS_restart_syscall:
        case SYS_rt_sigaction:
        case SYS_rt_sigprocmask:
        case SYS_rt_sigreturn:
        case SYS_shmdt:
        /* The end of a connection, of which there is a test */
        case SYS_recvfrom:
        case SYS_recvmsg:
                return false;
        default:
                return true;
        }
}

static bool has_answer(int msec) {
        struct pollfd poll_fd = { .fd = wire.fd, .events = POLLIN };

        return poll(&poll_fd, 1, msec) > 0;
}

/*
 * Sends a call, of whose system calls the n-th fails. *ret_done says that the answer was there
 * before that. The answer's error, or that there is none; or that the connection was closed, after
 * which there is a new one.
 */
static bool fail_in_call(Method method, const void *parameters, int n_steps, int error,
                         Fault *fault, void *ret, bool *ret_done) {
        char text[4096];
        Writer writer = WRITER_INIT(text, sizeof(text));
        bool open;
        Reply reply;

        call_write(&writer, method, parameters);
        ck_assert(!writer.overflow);
        tracee_stop(fixture_daemon());
        wire_send(&wire, writer.data, writer.n_data);
        *ret_done = false;
        for (int i = 0; i < n_steps && !*ret_done; ++i) {
                tracee_step(fixture_daemon());
                *ret_done = has_answer(0);
        }
        failed_call = -1;
        while (failed_call < 0 && !*ret_done) {
                failed_call = tracee_fail(fixture_daemon(), error, may_fail);
                *ret_done = has_answer(0);
        }
        tracee_let_go(fixture_daemon());
        ck_assert_msg(has_answer(ANSWER_MSEC), "no answer after a fault at %d", n_steps);
        open = wire_receive(&wire, &reply);
        fault->code = FAULT_NONE;
        if (open && reply.error)
                reply_read_fault(&reply, fault);
        else if (open)
                ck_assert_int_eq(reply_read(&reply, method_rows[method].reply, ret), 0);
        while (wire.fds.n_fds > 0)
                fd_close(fd_queue_pop(&wire.fds));
        if (!open) {
                wire_close(&wire);
                wire_open(&wire);
        }
        return open;
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

static AcquireParameters creation(Kind kind, const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        return parameters;
}

static void remove_if_there(const char *name) {
        if (wire_stat(&other, name, &(SegmentInfo){}) == FAULT_NONE)
                ck_assert_int_eq(wire_remove(&other, name, NULL), FAULT_NONE);
}

/* What the kernel did not tell at one time is asked again after a second. */
static void assert_nothing(void) {
        StatusReply status;

        wire_status(&other, &status);
        for (int i = 0; status.segment_count > 0 && i < 500; ++i) {
                usleep(10000);
                wire_status(&other, &status);
        }
        ck_assert_msg(status.segment_count == 0, "a segment is left, after call %ld", failed_call);
        ck_assert_msg(count_files() == 0, "a file is left, after call %ld", failed_call);
        ck_assert_msg(!native_has_posix(native_name("0"), &(struct stat){}),
                      "an object is left, after call %ld", failed_call);
}

/* Two errors: what passes, and what does not. */
static const int errors[] = { ENOMEM, EIO };
static const Kind kinds[] = { KIND_MEMFD, KIND_POSIX, KIND_FILE, KIND_SYSV };

#define N_CASES (ARRAY_SIZE(kinds) * ARRAY_SIZE(errors))

static Kind kind_of(int i) {
        return kinds[(size_t) i % ARRAY_SIZE(kinds)];
}

static int error_of(int i) {
        return errors[(size_t) i / ARRAY_SIZE(kinds)];
}

/* It is made and told of, or it is not there. */
TEST(create, .end = N_CASES) {
        bool done = false;

        for (int n = 0; !done; ++n) {
                AcquireParameters parameters = creation(kind_of(_i), "a");
                AcquireReply reply;
                FaultCode code;
                Fault fault;
                bool open;

                ck_assert_int_lt(n, STEPS_MAX);
                open = fail_in_call(METHOD_ACQUIRE, &parameters, n, error_of(_i), &fault, &reply,
                                    &done);
                code = wire_stat(&other, "a", &(SegmentInfo){});
                if (open && fault.code == FAULT_NONE)
                        ck_assert_int_eq(code, FAULT_NONE);
                else if (open)
                        ck_assert_msg(code == FAULT_NO_SUCH_SEGMENT, "%s leaves it at %d",
                                      fault_rows[fault.code].name, n);
                /* Without a descriptor of System V it was told the shmid, and is waited for. */
                wire_close(&wire);
                wire_open(&wire);
                remove_if_there("a");
                assert_nothing();
                parameters = creation(kind_of(_i), "a");
                ck_assert_int_eq(wire_try_acquire(&other, &parameters, &fault), FAULT_NONE);
                remove_if_there("a");
        }
}

/* Who cannot have it is told so, and who asks next has it. */
TEST(open, .end = N_CASES) {
        AcquireParameters parameters = creation(kind_of(_i), "a");
        bool done = false;
        Fault fault;

        ck_assert_int_eq(wire_try_acquire(&other, &parameters, &fault), FAULT_NONE);
        parameters = (AcquireParameters){};
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        for (int n = 0; !done; ++n) {
                AcquireReply reply;

                ck_assert_int_lt(n, STEPS_MAX);
                (void) fail_in_call(METHOD_ACQUIRE, &parameters, n, error_of(_i), &fault, &reply,
                                    &done);
                ck_assert_int_eq(wire_try_acquire(&other, &parameters, &fault), FAULT_NONE);
                ck_assert_int_eq(wire_attach_count(&other, "a"), 0);
        }
        remove_if_there("a");
        assert_nothing();
}

/* It goes, or stays whole. */
TEST(remove, .end = N_CASES) {
        bool done = false;

        for (int n = 0; !done; ++n) {
                AcquireParameters create = creation(kind_of(_i), "a");
                SegmentParameters parameters = {};
                RemoveReply reply;
                Fault fault;
                bool open;

                ck_assert_int_lt(n, STEPS_MAX);
                ck_assert_int_eq(wire_try_acquire(&other, &create, &fault), FAULT_NONE);
                GIVE_VALUE(&parameters, SEGMENT_NAME, name, "a");
                open = fail_in_call(METHOD_REMOVE, &parameters, n, error_of(_i), &fault, &reply,
                                    &done);
                if (open && fault.code == FAULT_NONE)
                        ck_assert_int_eq(wire_stat(&other, "a", &(SegmentInfo){}),
                                         FAULT_NO_SUCH_SEGMENT);
                remove_if_there("a");
                assert_nothing();
        }
}

/* The mode is the one or the other, and the object has the same. */
TEST(change, .end = N_CASES) {
        AcquireParameters create = creation(kind_of(_i), "a");
        bool done = false;
        Fault fault;

        ck_assert_int_eq(wire_try_acquire(&other, &create, &fault), FAULT_NONE);
        for (int n = 0; !done; ++n) {
                SetAttributesParameters parameters = {};
                SegmentReply reply;
                SegmentInfo info;
                bool open;

                ck_assert_int_lt(n, STEPS_MAX);
                GIVE_VALUE(&parameters, SEGMENT_NAME, name, "a");
                GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, n % 2 ? 0640 : 0604);
                open = fail_in_call(METHOD_SET_ATTRIBUTES, &parameters, n, error_of(_i), &fault,
                                    &reply, &done);
                ck_assert_int_eq(wire_stat(&other, "a", &info), FAULT_NONE);
                if (open && fault.code == FAULT_NONE)
                        ck_assert_int_eq(info.permissions.mode, parameters.mode);
                ck_assert_int_eq(wire_set_attributes(&other, &parameters, &info, &fault),
                                 FAULT_NONE);
                ck_assert_int_eq(info.permissions.mode, parameters.mode);
        }
        remove_if_there("a");
        assert_nothing();
}

/* One of the two has the name. */
TEST(publish, .end = N_CASES) {
        bool done = false;

        for (int n = 0; !done; ++n) {
                AcquireParameters create = creation(KIND_FILE, "a"), private;
                PublishParameters parameters = {};
                AcquireReply made;
                PublishReply reply;
                SegmentInfo info;
                Fault fault;
                bool open;

                ck_assert_int_lt(n, STEPS_MAX);
                ck_assert_int_eq(wire_try_acquire(&other, &create, &fault), FAULT_NONE);
                private = creation(kind_of(_i), "b");
                private.given &= ~(UINT64_C(1) << ACQUIRE_NAME);
                fd_close(wire_acquire(&other, &private, &made));
                GIVE_VALUE(&parameters, PUBLISH_ID, id, made.segment.id);
                GIVE_VALUE(&parameters, PUBLISH_NAME, name, "a");
                GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, true);
                open = fail_in_call(METHOD_PUBLISH, &parameters, n, error_of(_i), &fault, &reply,
                                    &done);
                ck_assert_int_eq(wire_stat(&other, "a", &info), FAULT_NONE);
                if (open && fault.code == FAULT_NONE)
                        ck_assert_int_eq(info.id, made.segment.id);
                if (info.id != made.segment.id)
                        ck_assert_int_eq(
                                wire_call(&other, METHOD_PUBLISH, &parameters, NULL, &fault),
                                FAULT_NONE);
                remove_if_there("a");
                assert_nothing();
        }
}
