/* SPDX-License-Identifier: MIT */
/* Acquire, Remove, Stat and the lists, over the socket of a real broker. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define NOBODY 65534

static void up(void) {
        fixture_up(NULL);
}

static AcquireParameters named(const char *name) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        return parameters;
}

static AcquireParameters creation(const char *name, CreateMode create, int64_t size_bytes) {
        AcquireParameters parameters = named(name);

        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, create);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, size_bytes);
        return parameters;
}

static void assert_invalid(Wire *wire, const AcquireParameters *parameters, const char *key) {
        Fault fault;

        ck_assert_int_eq(wire_try_acquire(wire, parameters, &fault), FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, key);
}

SUITE("acquire");
CASE("acquire", .setup = up, .teardown = fixture_down, .timeout = 30);

TEST(create_modes) {
        AcquireParameters parameters;
        AcquireReply reply;
        Fault fault;
        Wire wire;
        int fd;

        wire_open(&wire);
        parameters = creation("a", CREATE_OPEN, 1);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NO_SUCH_SEGMENT);
        parameters = creation("a", CREATE_ANY, 5000);
        fd = wire_acquire(&wire, &parameters, &reply);
        ck_assert(reply.created);
        ck_assert_int_eq(reply.segment.size_bytes, 5000);
        ck_assert_int_eq(reply.segment.attach_count, 1);
        close(fd);
        fd = wire_acquire(&wire, &parameters, &reply);
        ck_assert(!reply.created);
        close(fd);
        parameters.create = CREATE_NEW;
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_SEGMENT_EXISTS);
        ck_assert(GIVEN(&fault.exists, FAULT_SEGMENT_EXISTS_ID));
        ck_assert_int_eq(fault.exists.id, reply.segment.id);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}

TEST(private) {
        AcquireParameters parameters = {}, by_id = {};
        AcquireReply reply, again;
        Wire wire;
        int fd, other_fd;

        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 100);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        fd = wire_acquire(&wire, &parameters, &reply);
        ck_assert(!GIVEN(&reply.segment, INFO_NAME));
        GIVE_VALUE(&by_id, ACQUIRE_ID, id, reply.segment.id);
        other_fd = wire_acquire(&wire, &by_id, &again);
        ck_assert_int_eq(again.segment.id, reply.segment.id);
        close(fd);
        close(other_fd);
        ck_assert_int_eq(wire_try_acquire(&wire, &by_id, NULL), FAULT_NO_SUCH_SEGMENT);
        wire_close(&wire);
}

/* The memory is the same, its end reads zero, and what lies beyond the size is nobody's. */
TEST(memory) {
        char *one, *other;
        int fd, other_fd;
        struct stat st;
        Wire wire;

        wire_open(&wire);
        fd = wire_create_transient(&wire, "a/b.c", 5000);
        other_fd = wire_open_segment(&wire, "a/b.c", ACCESS_READ_ONLY);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, 5000);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        other = mmap(NULL, 8192, PROT_READ, MAP_SHARED, other_fd, 0);
        ck_assert_ptr_ne(one, MAP_FAILED);
        ck_assert_ptr_ne(other, MAP_FAILED);
        for (int i = 0; i < 8192; ++i)
                ck_assert_int_eq(other[i], 0);
        memset(one, 'x', 5000);
        ck_assert_int_eq(memcmp(one, other, 8192), 0);
        ck_assert_int_eq(other[4999], 'x');
        munmap(one, 8192);
        munmap(other, 8192);
        close(fd);
        close(other_fd);
        wire_close(&wire);
}

/* Nobody can take the size away under a mapping, and a read-only descriptor is read-only. */
TEST(sealed) {
        int fd, other_fd;
        char *at;
        Wire wire;

        wire_open(&wire);
        fd = wire_create_transient(&wire, "a", 4096);
        ck_assert_int_lt(ftruncate(fd, 0), 0);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_lt(ftruncate(fd, 8192), 0);
        ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
        ck_assert_int_eq(errno, EPERM);
        other_fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_lt(write(other_fd, "x", 1), 0);
        ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, other_fd, 0), MAP_FAILED);
        ck_assert_int_eq(errno, EACCES);
        at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other_fd, 0);
        ck_assert_int_lt(mprotect(at, 4096, PROT_READ | PROT_WRITE), 0);
        munmap(at, 4096);
        close(fd);
        close(other_fd);
        wire_close(&wire);
}

TEST(sizes) {
        static const int64_t wrong[] = { 0, -1, INT64_MIN, (INT64_C(1) << 53) + 1, INT64_MAX };
        AcquireParameters parameters;
        Fault fault;
        Wire wire;
        int fd;

        wire_open(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i) {
                parameters = creation("a", CREATE_NEW, wrong[i]);
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_WRONG_SIZE);
                ck_assert(!GIVEN(&fault.size, FAULT_WRONG_SIZE_SIZE_BYTES));
                ck_assert_int_eq(fault.size.minimum_bytes, 1);
                ck_assert_int_eq(fault.size.maximum_bytes, INT64_C(1) << 53);
        }
        /* In range, and more than there can be. */
        parameters = creation("a", CREATE_NEW, INT64_C(1) << 53);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "bytesPerUser");
        ck_assert(GIVEN(&fault.limit, FAULT_LIMIT_REACHED_MAXIMUM));

        fd = wire_create_transient(&wire, "a", 5000);
        /* Larger than asked is fine, and 0 asks for nothing; that pages are larger does not help.
         */
        parameters = creation("a", CREATE_OPEN, 5000);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NONE);
        parameters = creation("a", CREATE_ANY, 0);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NONE);
        parameters = creation("a", CREATE_OPEN, 8192);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_WRONG_SIZE);
        ck_assert_int_eq(fault.size.size_bytes, 5000);
        ck_assert_int_eq(fault.size.maximum_bytes, 5000);
        close(fd);
        wire_close(&wire);
}

TEST(wrong_parameters) {
        static const char *const names[] = { "",   "/",      "a/",  "/a",  "a//b",     ".",
                                             "..", "a/../b", "a b", "a\n", "\303\244", "a*" };
        AcquireParameters parameters;
        char long_name[257];
        Wire wire;

        wire_open(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                parameters = creation(names[i], CREATE_ANY, 1);
                assert_invalid(&wire, &parameters, "name");
        }
        memset(long_name, 'a', 256);
        long_name[256] = '\0';
        parameters = creation(long_name, CREATE_ANY, 1);
        assert_invalid(&wire, &parameters, "name");

        parameters = named("a");
        GIVE_VALUE(&parameters, ACQUIRE_ID, id, 1);
        assert_invalid(&wire, &parameters, "id");
        parameters = named("a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        assert_invalid(&wire, &parameters, "sizeBytes");
        parameters = (AcquireParameters){};
        assert_invalid(&wire, &parameters, "sizeBytes");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_OPEN);
        assert_invalid(&wire, &parameters, "create");
        parameters = (AcquireParameters){};
        GIVE_VALUE(&parameters, ACQUIRE_ID, id, 1);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_ANY);
        assert_invalid(&wire, &parameters, "create");
        parameters = creation("a", CREATE_NEW, 1);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 01000);
        assert_invalid(&wire, &parameters, "mode");
        parameters = creation("a", CREATE_NEW, 1);
        GIVE_VALUE(&parameters, ACQUIRE_LINGER_USEC, linger_usec, -1);
        assert_invalid(&wire, &parameters, "lingerUSec");
        parameters = creation("a", CREATE_NEW, 1);
        GIVE_VALUE(&parameters, ACQUIRE_KEY, key, 1);
        assert_invalid(&wire, &parameters, "key");
        parameters = creation("a", CREATE_NEW, 1);
        GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, "/a");
        assert_invalid(&wire, &parameters, "posixName");
        wire_close(&wire);
}

/* What the host does not have is refused with a reason, never left out. */
TEST(not_supported) {
        AcquireParameters parameters;
        Fault fault;
        Wire wire;

        wire_open(&wire);
        for (unsigned int kind = KIND_POSIX; kind < _KIND_N; ++kind) {
                parameters = creation("a", CREATE_NEW, 1);
                GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
                GIVE_VALUE(&parameters, ACQUIRE_SEALABLE, sealable, true);
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NOT_SUPPORTED);
                ck_assert_ptr_nonnull(strstr(fault.text.text, "memfd"));
        }
        /* No architecture has pages of one byte, nor of eight kilobytes beside those of four. */
        parameters = creation("a", CREATE_NEW, 1);
        GIVE_VALUE(&parameters, ACQUIRE_PAGE_BYTES, page_bytes, 1);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(fault.text.text, "/sys/kernel/mm/hugepages"));
        GIVE_VALUE(&parameters, ACQUIRE_PAGE_BYTES, page_bytes, 3 << 20);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, "pageBytes");
        wire_close(&wire);
}

TEST(remove) {
        AcquireParameters by_id = {};
        SegmentInfo info, another;
        RemoveReply removed;
        Wire wire;
        int fd, fd_by_id, new_fd;

        wire_open(&wire);
        fd = wire_create(&wire, "a", 4096);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(wire_remove(&wire, "a", &removed), FAULT_NONE);
        ck_assert(!removed.destroyed);
        ck_assert_int_eq(removed.attach_count, 1);
        /* The name is free at once, for another segment of another id. */
        ck_assert_int_eq(wire_stat(&wire, "a", NULL), FAULT_NO_SUCH_SEGMENT);
        new_fd = wire_create(&wire, "a", 4096);
        ck_assert_int_eq(wire_stat(&wire, "a", &another), FAULT_NONE);
        ck_assert_int_gt(another.id, info.id);
        /* The old one is there by its id as long as it is held. */
        GIVE_VALUE(&by_id, ACQUIRE_ID, id, info.id);
        fd_by_id = wire_acquire(&wire, &by_id, NULL);
        ck_assert_int_eq(wire_stat_id(&wire, by_id.id, &info), FAULT_NONE);
        ck_assert(info.removed);
        ck_assert(!GIVEN(&info, INFO_NAME));
        ck_assert_int_eq(info.attach_count, 2);
        close(fd);
        ck_assert_int_eq(wire_stat_id(&wire, by_id.id, NULL), FAULT_NONE);
        close(fd_by_id);
        ck_assert_int_eq(wire_try_acquire(&wire, &by_id, NULL), FAULT_NO_SUCH_SEGMENT);
        close(new_fd);
        /* Nobody has it any more, so it is gone at once. */
        ck_assert_int_eq(wire_remove(&wire, "a", &removed), FAULT_NONE);
        ck_assert(removed.destroyed);
        ck_assert_int_eq(removed.attach_count, 0);
        ck_assert_int_eq(wire_remove(&wire, "a", &removed), FAULT_NO_SUCH_SEGMENT);
        wire_close(&wire);
}

/* A second IPC_RMID succeeds, as shmctl(2) has it. */
TEST(remove_twice) {
        SegmentParameters parameters = {};
        RemoveReply removed;
        SegmentInfo info;
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = wire_create(&wire, "a", 4096);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        GIVE_VALUE(&parameters, SEGMENT_ID, id, info.id);
        for (int i = 0; i < 2; ++i) {
                ck_assert_int_eq(wire_call(&wire, METHOD_REMOVE, &parameters, &removed, NULL),
                                 FAULT_NONE);
                ck_assert_int_eq(removed.attach_count, 1);
        }
        close(fd);
        wire_close(&wire);
}

TEST(persists) {
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = wire_create(&wire, "a", 4096);
        ck_assert_int_eq(write(fd, "kept", 4), 4);
        close(fd);
        wire_close(&wire);
        wire_open(&wire);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_int_eq(read(fd, &(char[4]){}, 4), 4);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}

/* Long enough for what has to happen before its end on a machine that is busy. */
#define LINGER_USEC 800000

static int create_lingering(Wire *wire, int64_t linger_usec) {
        AcquireParameters parameters = creation("a", CREATE_NEW, 4096);

        GIVE_VALUE(&parameters, ACQUIRE_LINGER_USEC, linger_usec, linger_usec);
        return wire_acquire(wire, &parameters, NULL);
}

TEST(linger) {
        SegmentInfo info;
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = create_lingering(&wire, LINGER_USEC);
        /* While it is attached it stays, however long. */
        usleep(LINGER_USEC + 100000);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.linger_usec, LINGER_USEC);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        usleep(100000);
        /* Attached again in time, and it begins anew. */
        fd = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        usleep(LINGER_USEC);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        usleep(LINGER_USEC + 100000);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NO_SUCH_SEGMENT);

        fd = create_lingering(&wire, 0);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NO_SUCH_SEGMENT);
        wire_close(&wire);
}

/* It goes by itself too, without anybody asking: the fixture sees its descriptor closed. */
TEST(goes_unasked) {
        StatusReply status;
        unsigned int n_fds;
        Wire wire;
        int fd;

        wire_open(&wire);
        wire_status(&wire, &status);
        n_fds = count_fds(fixture_daemon());
        fd = wire_create_transient(&wire, "a", 4096);
        wire_status(&wire, &status);
        ck_assert_uint_eq(count_fds(fixture_daemon()), n_fds + 1);
        close(fd);
        for (int i = 0; i < 2000 && count_fds(fixture_daemon()) > n_fds; ++i)
                usleep(5000);
        ck_assert_uint_eq(count_fds(fixture_daemon()), n_fds);
        wire_close(&wire);
}

/* shmctl(2): what is told of times, pids and owners. */
TEST(stat) {
        AcquireParameters parameters = creation("a", CREATE_NEW, 4096);
        SegmentInfo info;
        Wire wire;
        int fd;

        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0640);
        fd = wire_acquire(&wire, &parameters, NULL);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.permissions.mode, 0640);
        ck_assert_int_eq(info.permissions.owner_uid, getuid());
        ck_assert_int_eq(info.permissions.creator_gid, getgid());
        ck_assert_int_eq(info.creator_pid, getpid());
        ck_assert_int_eq(info.last_pid, getpid());
        ck_assert_int_eq(info.page_bytes, sysconf(_SC_PAGESIZE));
        ck_assert_int_eq(info.allocated_bytes, 0);
        ck_assert(GIVEN(&info, INFO_ATTACH_TIME_USEC));
        ck_assert(!GIVEN(&info, INFO_DETACH_TIME_USEC));
        ck_assert(!GIVEN(&info, INFO_MAXIMUM_BYTES));
        ck_assert(!GIVEN(&info, INFO_LINGER_USEC));
        ck_assert(!GIVEN(&info, INFO_SHMID));
        ck_assert_uint_ne(info.seals & 1U << SEAL_SHRINK, 0);
        ck_assert_uint_ne(info.seals & 1U << SEAL_GROW, 0);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.allocated_bytes, sysconf(_SC_PAGESIZE));
        ck_assert(GIVEN(&info, INFO_DETACH_TIME_USEC));
        ck_assert_int_ge(info.detach_time_usec, info.attach_time_usec);
        ck_assert(GIVEN(&info, INFO_OTHER_HOLDERS));
        ck_assert(!info.other_holders);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}

/* Somebody has it who did not get it from the broker: here, by a way that is root's alone. */
TEST(other_holders) {
        char path[64];
        int fd, other_fd;
        SegmentInfo info;
        Wire wire;

        wire_open(&wire);
        fd = wire_create(&wire, "a", 4096);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        other_fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(other_fd, 0);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert(!GIVEN(&info, INFO_OTHER_HOLDERS));
        close(other_fd);
        close(fd);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}

/* Calls a method that replies more than once; counts its replies. */
static unsigned int count_replies(Wire *wire, Method method, const void *parameters) {
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));
        unsigned int n = 0;
        Reply reply;

        call_write(&writer, method, parameters);
        wire_send(wire, writer.data, writer.n_data);
        do {
                ck_assert(wire_receive(wire, &reply));
                ck_assert_ptr_null(reply.error);
                n += reply.parameters != NULL;
        } while (reply.continues);
        return n;
}

TEST(list) {
        ListParameters parameters = {};
        char name[16];
        int fds[300];
        Wire wire;

        wire_open(&wire);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 0);
        for (int i = 0; i < (int) ARRAY_SIZE(fds); ++i) {
                (void) snprintf(name, sizeof(name), "%s/%d", i % 3 ? "a" : "b", i);
                fds[i] = wire_create_transient(&wire, name, 100);
        }
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 300);
        GIVE_VALUE(&parameters, LIST_MATCH_NAME, match_name, "b*");
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 100);
        parameters.match_name = "*/29[0-9]";
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 10);
        parameters.match_name = "nothing";
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 0);
        ck_assert_int_eq(wire_remove(&wire, "a/1", NULL), FAULT_NONE);
        parameters = (ListParameters){};
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 299);
        GIVE_VALUE(&parameters, LIST_INCLUDE_REMOVED, include_removed, true);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 300);
        GIVE_VALUE(&parameters, LIST_OWNER_UID, owner_uid, getuid() + 1);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 0);
        parameters = (ListParameters){};
        GIVE_VALUE(&parameters, LIST_KIND, kind, KIND_SYSV);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 0);
        for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                close(fds[i]);
        parameters = (ListParameters){};
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST, &parameters), 0);
        wire_close(&wire);
}

TEST(list_attachments) {
        SegmentParameters parameters = {};
        int fds[300];
        Wire wire;

        wire_open(&wire);
        GIVE_VALUE(&parameters, SEGMENT_NAME, name, "a");
        fds[0] = wire_create(&wire, "a", 100);
        for (size_t i = 1; i < ARRAY_SIZE(fds); ++i)
                fds[i] = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST_ATTACHMENTS, &parameters), 300);
        for (size_t i = 1; i < ARRAY_SIZE(fds); ++i)
                close(fds[i]);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST_ATTACHMENTS, &parameters), 1);
        close(fds[0]);
        ck_assert_uint_eq(count_replies(&wire, METHOD_LIST_ATTACHMENTS, &parameters), 0);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
}

typedef struct Stranger Stranger;

struct Stranger {
        mode_t mode;
        FaultCode read;
        FaultCode write;
};

/* Exits with the number of the check that failed. */
static void be_stranger(int control_fd, void *userdata) {
        const Stranger *stranger = userdata;
        AcquireParameters parameters = named("a");
        Wire wire;

        (void) control_fd;
        if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                _exit(1);
        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        if (wire_try_acquire(&wire, &parameters, NULL) != stranger->read)
                _exit(2);
        parameters.access = ACCESS_READ_WRITE;
        if (wire_try_acquire(&wire, &parameters, NULL) != stranger->write)
                _exit(3);
        if (wire_stat(&wire, "a", NULL) != stranger->read)
                _exit(4);
        if (wire_remove(&wire, "a", NULL) != FAULT_PERMISSION_DENIED)
                _exit(5);
        if (count_replies(&wire, METHOD_LIST, &(ListParameters){}) !=
            (stranger->read == FAULT_NONE))
                _exit(6);
        _exit(0);
}

TEST(permission) {
        static const Stranger strangers[] = {
                { 0600, FAULT_PERMISSION_DENIED, FAULT_PERMISSION_DENIED },
                { 0604, FAULT_NONE, FAULT_PERMISSION_DENIED },
                { 0606, FAULT_NONE, FAULT_NONE },
                { 0660, FAULT_PERMISSION_DENIED, FAULT_PERMISSION_DENIED },
                { 0602, FAULT_PERMISSION_DENIED, FAULT_PERMISSION_DENIED },
        };
        AcquireParameters parameters = creation("a", CREATE_NEW, 4096);
        Stranger stranger;
        Child child;
        int status;
        Wire wire;

        if (getuid() != 0) {
                puts("test_permission is left out: only root can become another user");
                return;
        }
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        wire_open(&wire);
        for (size_t i = 0; i < ARRAY_SIZE(strangers); ++i) {
                int fd;

                stranger = strangers[i];
                GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, stranger.mode);
                fd = wire_acquire(&wire, &parameters, NULL);
                child = child_start(be_stranger, &stranger);
                ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
                close(child.control_fd);
                ck_assert_msg(status == 0, "mode %o: status %#x", stranger.mode, status);
                close(fd);
                ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        }
        wire_close(&wire);
}
