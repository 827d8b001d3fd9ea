/* SPDX-License-Identifier: MIT */
/*
 * Who is attached: what processes do with what they were given, and whether the broker's count,
 * what it destroys and what it charges are right at the very next request. Each case runs on the
 * kernel as it is, and again for each answer of the kernel that is missing.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 8192
/* linux/magic.h, which may be older */
#define PID_FS_MAGIC 0x50494446
#define MARK_BASE (INT64_C(1) << 62)

/* Room for one segment of SIZE at a time: making another one shows that the first was given back.
 */
#define ONE_SEGMENT "[limits]\nsegmentsPerUser = 1\nbytesPerUser = 8192\n"

static const char *const denials[] = { NULL, "leases", "marks", "closings", "watches" };

static void up(int i) {
        const Setup setup = { .config = ONE_SEGMENT, .deny = denials[i] };

        fixture_up(&setup);
}

/* What nothing tells of is found by asking again: soon, but not at once. */
static bool told_at_once(int i) {
        return !denials[i] || !strstr(denials[i], "leases");
}

static void *map(int fd, int protection) {
        void *at = mmap(NULL, SIZE, protection, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(at, MAP_FAILED);
        return at;
}

/* The transient segment "t" is held: it is there, and it is charged. */
static void assert_held(Wire *wire, int64_t n_attached) {
        AcquireParameters another = {};
        Fault fault;

        ck_assert_int_eq(wire_attach_count(wire, "t"), n_attached);
        GIVE_VALUE(&another, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        ck_assert_int_eq(wire_try_acquire(wire, &another, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "segmentsPerUser");
}

/* It is gone, at the very next request, and another one can be made. */
static void assert_gone(Wire *wire) {
        close(wire_create_transient(wire, "u", SIZE));
        ck_assert_int_eq(wire_stat(wire, "t", NULL), FAULT_NO_SUCH_SEGMENT);
        ck_assert_int_eq(wire_stat(wire, "u", NULL), FAULT_NO_SUCH_SEGMENT);
}

SUITE("attach");
CASE("exact", .timeout = 60);

TEST(closed, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        int fd;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        assert_held(&wire, 1);
        close(fd);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

TEST(mapping_stays, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        char *at;
        int fd;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        at = map(fd, PROT_READ | PROT_WRITE);
        close(fd);
        assert_held(&wire, 1);
        at[SIZE - 1] = 'x';
        /* A part of it is enough. */
        ck_assert_int_eq(munmap(at, 4096), 0);
        assert_held(&wire, 1);
        ck_assert_int_eq(munmap(at + 4096, 4096), 0);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

TEST(private_mapping_stays, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        void *at;
        int fd;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        close(fd);
        assert_held(&wire, 1);
        ck_assert_int_eq(munmap(at, SIZE), 0);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

TEST(two_attachments, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        int one, other;

        up(_i);
        wire_open(&wire);
        one = wire_create_transient(&wire, "t", SIZE);
        other = wire_open_segment(&wire, "t", ACCESS_READ_ONLY);
        assert_held(&wire, 2);
        close(one);
        assert_held(&wire, 1);
        close(other);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* dup(2) makes no attachment. */
TEST(dup, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        int fd, copy;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        copy = dup(fd);
        assert_held(&wire, 1);
        close(fd);
        assert_held(&wire, 1);
        close(copy);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

TEST(connection_closed, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        int fd;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        wire_close(&wire);
        wire_open(&wire);
        assert_held(&wire, 1);
        close(fd);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* Acquires, forks, and ends; its child, with the mapping alone, goes on. */
static void fork_and_leave(int control_fd, void *userdata) {
        void *at;
        Wire wire;
        int fd;

        (void) userdata;
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        at = map(fd, PROT_READ | PROT_WRITE);
        close(fd);
        wire_close(&wire);
        (void) at;
        if (fork() > 0)
                _exit(0);
        child_step(control_fd);
}

static AttachmentInfo only_attachment(Wire *wire, const char *name) {
        SegmentParameters parameters = {};
        AttachmentReply reply;

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        ck_assert_int_eq(wire_call(wire, METHOD_LIST_ATTACHMENTS, &parameters, &reply, NULL),
                         FAULT_NONE);
        ck_assert(GIVEN(&reply, REPLY_ITEM));
        return reply.attachment;
}

static const char *const pidfd_denials[] = { NULL, "pidfds" };

/* Which process it is, whatever has its number: unknown before Linux 6.9. */
TEST(process, .end = ARRAY_SIZE(pidfd_denials)) {
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, getpid(), 0);
        AttachmentInfo attachment;
        struct statfs fs;
        struct stat st;
        Wire wire;
        int fd;

        ck_assert_int_eq(fstatfs(pidfd, &fs), 0);
        ck_assert_int_eq(fstat(pidfd, &st), 0);
        fixture_up(&(Setup){ .deny = pidfd_denials[_i] });
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        attachment = only_attachment(&wire, "t");
        ck_assert(GIVEN(&attachment, ATTACHMENT_PROCESS));
        ck_assert_int_eq(attachment.process.pid, getpid());
        ck_assert(GIVEN(&attachment.process, PROCESS_ID_BOOT_ID));
        ck_assert_uint_eq(strlen(attachment.process.boot_id), 32);
        ck_assert_int_eq(GIVEN(&attachment.process, PROCESS_ID_PIDFD_ID),
                         !pidfd_denials[_i] && fs.f_type == PID_FS_MAGIC);
        if (GIVEN(&attachment.process, PROCESS_ID_PIDFD_ID))
                ck_assert_int_eq(attachment.process.pidfd_id, (int64_t) st.st_ino);
        close(fd);
        wire_close(&wire);
        fixture_down();
}

TEST(parent_exits, .end = ARRAY_SIZE(denials)) {
        AttachmentInfo attachment;
        Child child;
        Wire wire;

        up(_i);
        /* Who loses its parent becomes a child of this process. */
        ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        wire_open(&wire);
        child = child_start(fork_and_leave, NULL);
        child_wait(&child);
        ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
        assert_held(&wire, 1);
        attachment = only_attachment(&wire, "t");
        ck_assert_int_eq(attachment.pid, child.pid);
        ck_assert(GIVEN(&attachment, ATTACHMENT_INHERITED) && attachment.inherited);
        /* Its end is the end of its memory; that its descriptors are closed would come before. */
        child_continue(&child);
        ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
        close(child.control_fd);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

typedef struct Exec Exec;

struct Exec {
        bool keep;
};

/* Becomes a program that waits for its input to end, with the descriptor or without it. */
static void execute(int control_fd, void *userdata) {
        const Exec *exec = userdata;
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        (void) map(fd, PROT_READ);
        child_step(control_fd);
        if (exec->keep)
                (void) fcntl(fd, F_SETFD, 0);
        (void) dup2(control_fd, STDIN_FILENO);
        (void) dup2(control_fd, STDOUT_FILENO);
        (void) unsetenv("LD_PRELOAD");
        /* It says that it is there by passing on what it reads. */
        (void) execl("/bin/cat", "cat", NULL);
        _exit(1);
}

static void exec_case(int i, bool keep) {
        Exec exec = { .keep = keep };
        Child child;
        Wire wire;

        up(i);
        wire_open(&wire);
        child = child_start(execute, &exec);
        child_wait(&child);
        assert_held(&wire, 1);
        child_continue(&child);
        child_continue(&child);
        child_wait(&child);
        if (keep)
                assert_held(&wire, 1);
        else
                assert_gone(&wire);
        child_kill(&child);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

TEST(exec_with_descriptor, .end = ARRAY_SIZE(denials)) {
        exec_case(_i, true);
}

TEST(exec_without_descriptor, .end = ARRAY_SIZE(denials)) {
        exec_case(_i, false);
}

/* Gets a descriptor from its parent, and keeps it. */
static void take_over(int control_fd, void *userdata) {
        FdQueue fds = FD_QUEUE_NULL;
        int passing_fd = *(int *) userdata, r;
        size_t n;
        char byte;

        do
                r = socket_receive(passing_fd, &byte, 1, &fds, &n);
        while (r == SOCKET_E_AGAIN);
        if (r || fds.n_fds != 1)
                _exit(1);
        child_step(control_fd);
}

TEST(passed_on, .end = ARRAY_SIZE(denials)) {
        int pair[2], fd;
        Child child;
        Wire wire;
        size_t n;

        up(_i);
        wire_open(&wire);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        child = child_start(take_over, &pair[1]);
        close(pair[1]);
        fd = wire_create_transient(&wire, "t", SIZE);
        ck_assert_int_eq(socket_send(pair[0], ".", 1, fd, &n), 0);
        close(fd);
        /* In flight or taken, it is held. */
        assert_held(&wire, 1);
        child_wait(&child);
        assert_held(&wire, 1);
        child_kill(&child);
        assert_gone(&wire);
        close(pair[0]);
        wire_close(&wire);
        fixture_down();
}

/* In flight in a socket that is closed unread. */
TEST(lost_in_flight, .end = ARRAY_SIZE(denials)) {
        int pair[2], fd;
        Wire wire;
        size_t n;

        up(_i);
        wire_open(&wire);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        fd = wire_create_transient(&wire, "t", SIZE);
        ck_assert_int_eq(socket_send(pair[0], ".", 1, fd, &n), 0);
        close(fd);
        close(pair[0]);
        assert_held(&wire, 1);
        close(pair[1]);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* Step by step through the life of an attachment; killed at any of them, nothing stays. */
static void live(int control_fd, void *userdata) {
        AcquireParameters parameters = {};
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;
        Wire wire;
        void *at;
        int fd;

        (void) userdata;
        child_step(control_fd);
        wire_open(&wire);
        child_step(control_fd);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "t");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        call_write(&writer, METHOD_ACQUIRE, &parameters);
        wire_send(&wire, writer.data, writer.n_data / 2);
        child_step(control_fd);
        wire_send(&wire, writer.data + writer.n_data / 2, writer.n_data - writer.n_data / 2);
        child_step(control_fd);
        if (!wire_receive(&wire, &reply))
                _exit(1);
        fd = fd_queue_pop(&wire.fds);
        child_step(control_fd);
        at = map(fd, PROT_READ | PROT_WRITE);
        memset(at, 'x', SIZE);
        child_step(control_fd);
        close(fd);
        child_step(control_fd);
        wire_close(&wire);
        child_step(control_fd);
        munmap(at, SIZE);
        child_step(control_fd);
}

#define LIFE_STEPS 9
#define LIFE_SENT 3
#define LIFE_GONE 8

TEST(killed, .end = ARRAY_SIZE(denials)) {
        Child child;
        Wire wire;

        up(_i);
        for (int step = 0; step < LIFE_STEPS; ++step) {
                wire_open(&wire);
                child = child_start(live, NULL);
                for (int i = 0; i < step; ++i) {
                        child_wait(&child);
                        child_continue(&child);
                }
                child_wait(&child);
                /* What is sent and not answered may still wait behind others. */
                if (step == LIFE_SENT)
                        while (wire_stat(&wire, "t", NULL) != FAULT_NONE)
                                usleep(1000);
                if (step >= LIFE_SENT && step < LIFE_GONE)
                        assert_held(&wire, 1);
                child_kill(&child);
                assert_gone(&wire);
                wire_close(&wire);
        }
        fixture_down();
}

/* The same at any moment, not only between steps. */
TEST(killed_anytime, .end = ARRAY_SIZE(denials)) {
        Child child;
        Wire wire;

        up(_i);
        wire_open(&wire);
        for (int round = 0; round < 100; ++round) {
                child = child_start(live, NULL);
                for (int i = 0; i < LIFE_STEPS; ++i)
                        child_continue(&child);
                usleep((useconds_t) (round * 20));
                child_kill(&child);
                assert_gone(&wire);
        }
        wire_close(&wire);
        fixture_down();
}

static int lock_bytes(int fd, int command, short type, int64_t start, int64_t length) {
        struct flock lock = {
                .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length
        };

        return fcntl(fd, command, &lock);
}

/* A client takes its own mark away: as long as it has the segment, it counts. */
TEST(unlocks_mark, .end = ARRAY_SIZE(denials)) {
        Wire wire;
        int fd;

        up(_i);
        wire_open(&wire);
        fd = wire_create_transient(&wire, "t", SIZE);
        ck_assert_int_eq(lock_bytes(fd, F_OFD_SETLK, F_UNLCK, 0, 0), 0);
        if (told_at_once(_i)) {
                assert_held(&wire, 1);
                assert_held(&wire, 1);
        }
        close(fd);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* What clients do to the marks, and many marks: on a kernel that has all answers. */
CASE("marked", .timeout = 60);

/* A client holds a write lock where the marks are: others cannot be marked, and count all
 * the same.
 */
TEST(holds_write_lock) {
        int one, other, third;
        Wire wire;

        up(_i);
        wire_open(&wire);
        one = wire_create_transient(&wire, "t", SIZE);
        ck_assert_int_eq(lock_bytes(one, F_OFD_SETLK, F_WRLCK, MARK_BASE, 0), 0);
        assert_held(&wire, 1);
        other = wire_open_segment(&wire, "t", ACCESS_READ_WRITE);
        assert_held(&wire, 2);
        third = wire_open_segment(&wire, "t", ACCESS_READ_ONLY);
        assert_held(&wire, 3);
        close(other);
        assert_held(&wire, 2);
        close(third);
        assert_held(&wire, 1);
        close(one);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* A read lock over everything lies over the marks: that they are set says nothing any more. */
TEST(holds_read_lock) {
        int one, other;
        Wire wire;

        up(_i);
        wire_open(&wire);
        one = wire_create_transient(&wire, "t", SIZE);
        other = wire_open_segment(&wire, "t", ACCESS_READ_ONLY);
        ck_assert_int_eq(lock_bytes(one, F_OFD_SETLK, F_RDLCK, 0, 0), 0);
        assert_held(&wire, 2);
        close(other);
        assert_held(&wire, 1);
        close(one);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* Many, and one after the other: the count follows. */
TEST(many) {
        int fds[200];
        Wire wire;

        up(_i);
        wire_open(&wire);
        fds[0] = wire_create_transient(&wire, "t", SIZE);
        for (int i = 1; i < (int) ARRAY_SIZE(fds); ++i)
                fds[i] =
                        wire_open_segment(&wire, "t", i % 2 ? ACCESS_READ_ONLY : ACCESS_READ_WRITE);
        ck_assert_int_eq(wire_attach_count(&wire, "t"), (int64_t) ARRAY_SIZE(fds));
        for (int i = 0; i < (int) ARRAY_SIZE(fds) - 1; ++i) {
                /* Not in the order in which they were opened. */
                int k = (i * 7) % (int) ARRAY_SIZE(fds);

                close(fds[k]);
                ck_assert_int_eq(wire_attach_count(&wire, "t"), (int64_t) ARRAY_SIZE(fds) - 1 - i);
        }
        close(fds[((int) ARRAY_SIZE(fds) - 1) * 7 % (int) ARRAY_SIZE(fds)]);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}

/* All at once, at the end of their process. */
static void hold_many(int control_fd, void *userdata) {
        Wire wire;

        (void) userdata;
        wire_open(&wire);
        (void) wire_create_transient(&wire, "t", SIZE);
        for (int i = 0; i < 99; ++i)
                (void) wire_open_segment(&wire, "t", ACCESS_READ_ONLY);
        child_step(control_fd);
}

TEST(many_at_once) {
        Child child;
        Wire wire;

        up(_i);
        wire_open(&wire);
        child = child_start(hold_many, NULL);
        child_wait(&child);
        assert_held(&wire, 100);
        child_kill(&child);
        assert_gone(&wire);
        wire_close(&wire);
        fixture_down();
}
