/* SPDX-License-Identifier: MIT */
/* Kind memfd: what its memory is like, and what nobody can do to it. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/kernel/lease.h"
#include "daemon/kind/kinds.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGIO, SIG_IGN);
        (void) signal(SIGXFSZ, SIG_IGN);
}

static const uint64_t sizes[] = { 1, 4095, 4096, 4097, 1234567, UINT64_C(1) << 40 };

SUITE("kind-memfd");
CASE("kind-memfd", .setup = setup, .teardown = unit_fds_end);

TEST(whole, .end = ARRAY_SIZE(sizes)) {
        Segment *segment = unit_segment("a/name", sizes[_i]);
        unsigned int sealed = 1U << SEAL_SHRINK | 1U << SEAL_GROW | 1U << SEAL_SEAL;
        struct stat st;
        int seals;

        ck_assert_int_eq(fcntl(segment->master_fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(segment->master_fd, F_GETFL) & O_ACCMODE, O_RDWR);
        ck_assert_int_eq(fstat(segment->master_fd, &st), 0);
        /* As asked, not rounded; nothing is used before it is touched. */
        ck_assert_uint_eq((uint64_t) st.st_size, sizes[_i]);
        ck_assert_int_eq(st.st_blocks, 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(st.st_uid, geteuid());
        ck_assert_uint_eq(segment->page_bytes, (uint64_t) sysconf(_SC_PAGESIZE));
        seals = fcntl(segment->master_fd, F_GET_SEALS);
        ck_assert_int_eq(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_WRITE),
                         F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        ck_assert_uint_eq(segment->seals & ~(1U << SEAL_EXEC), sealed);
        ck_assert_int_eq((seals & 0x20) != 0, segment->seals >> SEAL_EXEC & 1);
        /* The one description of it, as leases need it. */
        ck_assert_int_eq(lease_take(segment->master_fd), LEASE_TAKEN);
        lease_drop(segment->master_fd);
        segment_free(segment);
}

TEST(size_is_fixed) {
        Segment *segment = unit_segment(NULL, 5000);
        int fd = unit_open_segment(segment, ACCESS_READ_WRITE), seals = fcntl(fd, F_GET_SEALS);
        struct stat st;
        char byte = 1;

        ck_assert_int_eq(ftruncate(fd, 0), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(ftruncate(fd, 4999), -1);
        ck_assert_int_eq(ftruncate(fd, 5001), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(fallocate(fd, 0, 0, 10000), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_le(pwrite(fd, &byte, 1, 8192), 0);
        ck_assert_int_eq(pwrite(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), seals);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, 5000);
        fd_close(fd);
        segment_free(segment);
}

/* The tail of the last page reads zero. */
TEST(content) {
        Segment *segment = unit_segment(NULL, 5000);
        int fd = unit_open_segment(segment, ACCESS_READ_WRITE),
            reader = unit_open_segment(segment, ACCESS_READ_ONLY);
        unsigned char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *seen;

        seen = mmap(NULL, 8192, PROT_READ, MAP_SHARED, reader, 0);
        ck_assert_ptr_ne(memory, MAP_FAILED);
        ck_assert_ptr_ne(seen, MAP_FAILED);
        for (size_t i = 0; i < 8192; ++i)
                ck_assert_int_eq(seen[i], 0);
        memset(memory, 7, 5000);
        for (size_t i = 0; i < 5000; ++i)
                ck_assert_int_eq(seen[i], 7);
        munmap(memory, 8192);
        munmap(seen, 8192);
        fd_close(fd);
        fd_close(reader);
        segment_free(segment);
}

TEST(open) {
        Segment *segment = unit_segment(NULL, 4096);
        int reader = unit_open_segment(segment, ACCESS_READ_ONLY),
            writer = unit_open_segment(segment, ACCESS_READ_WRITE);
        char byte = 1;

        ck_assert_int_eq(fcntl(reader, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(writer, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
        ck_assert_int_eq(fcntl(writer, F_GETFL) & O_ACCMODE, O_RDWR);
        ck_assert_int_eq(write(reader, &byte, 1), -1);
        ck_assert_int_eq(write(writer, &byte, 1), 1);
        /* A description of its own: the place in one is not that in the other. */
        ck_assert_int_eq(lseek(reader, 0, SEEK_CUR), 0);
        ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, reader, 0), MAP_FAILED);
        fd_close(reader);
        fd_close(writer);
        segment_free(segment);
}

/* Another user with a descriptor for reading; each way of turning it into one for writing. */
static int try_to_write(void *userdata) {
        int fd = *(int *) userdata;
        char path[64];

        if (setresgid(61003, 61003, 61003) < 0 || setresuid(61003, 61003, 61003) < 0)
                return 1;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (open(path, O_RDWR) >= 0 || open(path, O_WRONLY) >= 0)
                return 2;
        if (fchmod(fd, 0666) == 0 || chmod(path, 0666) == 0)
                return 3;
        if (fchown(fd, 61003, 61003) == 0)
                return 4;
        if (mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
                return 5;
        if (ftruncate(fd, 1) == 0 ||
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
                return 6;
        /* Not even another one for reading. */
        if (open(path, O_RDONLY) >= 0)
                return 7;
        return 0;
}

TEST(read_only) {
        Segment *segment;
        int fd;

        if (geteuid() != 0)
                return;
        segment = unit_segment(NULL, 4096);
        fd = unit_open_segment(segment, ACCESS_READ_ONLY);
        ck_assert_int_eq(unit_fork(try_to_write, &fd), 0);
        fd_close(fd);
        segment_free(segment);
}

static int create(uint64_t size_bytes) {
        Segment *segment = segment_new();
        KindFailure failure;
        int r;

        segment->size_bytes = size_bytes;
        r = kind_memfd.create(unit_host(), segment, &failure);
        if (r)
                ck_assert_int_eq(segment->master_fd, -EBADF);
        segment_free(segment);
        return r;
}

/* What is in the way is told apart, and nothing is left behind. */
TEST(failures) {
        uint64_t before;
        int next = dup(0), r, r_second, fd = -EBADF;
        Segment *segment = unit_segment(NULL, 4096);

        fd_close(next);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) next);
        r = create(4096);
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_int_eq(r, KIND_E_NO_DESCRIPTORS);
        /* Room for the first of two. */
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) next + 1);
        r_second = create(4096);
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_int_eq(r_second, KIND_E_NO_DESCRIPTORS);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) next);
        r = kind_memfd.open(unit_host(), segment, ACCESS_READ_WRITE, &fd);
        unit_limit_restore(RLIMIT_NOFILE, before);
        ck_assert_int_eq(r, KIND_E_NO_DESCRIPTORS);
        ck_assert_int_eq(fd, -EBADF);

        before = unit_limit_lower(RLIMIT_FSIZE, 10000);
        ck_assert_int_eq(create(10000), 0);
        r = create(10001);
        unit_limit_restore(RLIMIT_FSIZE, before);
        ck_assert_int_eq(r, KIND_E_TOO_LARGE);
        segment_free(segment);
}

TEST(errors) {
        ck_assert_int_eq(kind_error(EMFILE), KIND_E_NO_DESCRIPTORS);
        ck_assert_int_eq(kind_error(ENFILE), KIND_E_NO_DESCRIPTORS);
        ck_assert_int_eq(kind_error(ENOMEM), KIND_E_NO_MEMORY);
        ck_assert_int_eq(kind_error(ENOSPC), KIND_E_NO_MEMORY);
        ck_assert_int_eq(kind_error(EFBIG), KIND_E_TOO_LARGE);
        ck_assert_int_eq(kind_error(EOVERFLOW), KIND_E_TOO_LARGE);
        ck_assert_int_eq(kind_error(EIO), -EIO);
        ck_assert_ptr_eq(kind_rows[KIND_MEMFD], &kind_memfd);
}

/* Pages are given back though the inode stays. */
TEST(punch) {
        Segment *segment = unit_segment(NULL, 1 << 20);
        char *data = calloc(1, 1 << 20);
        struct stat st;

        ck_assert_int_eq(pwrite(segment->master_fd, data, 1 << 20, 0), 1 << 20);
        ck_assert_int_eq(fstat(segment->master_fd, &st), 0);
        ck_assert_int_gt(st.st_blocks, 0);
        kind_memfd.punch(segment->master_fd, 1 << 20);
        ck_assert_int_eq(fstat(segment->master_fd, &st), 0);
        ck_assert_int_eq(st.st_blocks, 0);
        ck_assert_int_eq(st.st_size, 1 << 20);
        free(data);
        segment_free(segment);
}

/* Whoever changes the size while it is adopted gets it back: the size was promised and charged. */
TEST(resized_meanwhile) {
        static const off_t sizes_meanwhile[] = { 0, 4096, 1 << 20 };
        const Credentials client = { .uid = geteuid(), .gid = getegid() };

        for (size_t i = 0; i < ARRAY_SIZE(sizes_meanwhile); ++i) {
                Segment *segment = segment_new();
                KindFailure failure = {};
                int fd = memfd_create("theirs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                struct stat st;

                ck_assert_int_eq(ftruncate(fd, 8192), 0);
                ck_assert_int_eq(fchmod(fd, 0640), 0);
                kind_set(segment, KIND_MEMFD);
                ck_assert_int_eq(kind_memfd.examine(unit_host(), segment, fd, &client, &failure),
                                 0);
                ck_assert_int_eq(ftruncate(fd, sizes_meanwhile[i]), 0);
                ck_assert_int_eq(kind_memfd.adopt(unit_host(), segment, fd, &failure),
                                 KIND_E_NOT_SUPPORTED);
                ck_assert_str_eq(failure.reason, "its size changes meanwhile");
                ck_assert_int_eq(fstat(fd, &st), 0);
                ck_assert_uint_eq(st.st_mode & 07777, 0640);
                segment_free(segment);
                fd_close(fd);
        }
}

/* A name of any length; it is shown in /proc/PID/maps, of which names of files are limited. */
TEST(long_name) {
        char name[256];
        Segment *segment;

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        segment = unit_segment(name, 1);
        segment_free(segment);
}
