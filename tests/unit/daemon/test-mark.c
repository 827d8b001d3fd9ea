/* SPDX-License-Identifier: MIT */
/* Is this one attached? */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/kernel/mark.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define ID INT64_C(0x100000001)

static int master_fd;

static void setup(void) {
        unit_fds_begin();
        master_fd = unit_memfd(8192);
}

static void teardown(void) {
        master_fd = fd_close(master_fd);
        unit_fds_end();
}

static int marked(int flags, int64_t id) {
        int fd = unit_reopen(master_fd, flags);

        ck_assert_int_ge(fd, 0);
        ck_assert(mark_set(fd, id));
        ck_assert_int_eq(mark_probe(master_fd, id), MARK_ALIVE);
        return fd;
}

static struct flock whole_lock(short type) {
        return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

SUITE("mark");
CASE("mark", .setup = setup, .teardown = teardown);

TEST(life) {
        static const int modes[] = { O_RDONLY, O_RDWR };

        for (size_t i = 0; i < ARRAY_SIZE(modes); ++i) {
                int fd = marked(modes[i], ID);

                ck_assert_int_eq(mark_probe(master_fd, ID + 1), MARK_GONE);
                ck_assert_int_eq(mark_probe(master_fd, ID - 1), MARK_GONE);
                fd_close(fd);
                ck_assert_int_eq(mark_probe(master_fd, ID), MARK_GONE);
        }
}

/* Neighbours are told from each other; the first and the last id there can be. */
TEST(many) {
        static const int64_t ids[] = { 1, ID, ID + 1, ID + 2, MARK_ID_MAX };
        int fds[ARRAY_SIZE(ids)];

        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i)
                fds[i] = marked(O_RDWR, ids[i]);
        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i) {
                fd_close(fds[i]);
                for (size_t j = 0; j < ARRAY_SIZE(ids); ++j)
                        ck_assert_int_eq(mark_probe(master_fd, ids[j]),
                                         j <= i ? MARK_GONE : MARK_ALIVE);
        }
}

/* It belongs to the description: copies and mappings keep it. */
TEST(copies) {
        int fd = marked(O_RDWR, ID), copy = dup(fd);
        void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

        fd_close(fd);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_ALIVE);
        fd_close(copy);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_ALIVE);
        munmap(memory, 4096);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_GONE);
}

TEST(fork) {
        int fd = marked(O_RDWR, ID), fds[2];
        pid_t pid;
        char c;

        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0)
                _exit(read(fds[0], &c, 1) != 1);
        fd_close(fd);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_ALIVE);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_GONE);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

/* A holder can drop its own mark: that is why it decides nothing. */
TEST(dropped) {
        struct flock unlock = whole_lock(F_UNLCK);
        int fd = marked(O_RDWR, ID);

        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &unlock), 0);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_GONE);
        fd_close(fd);
}

/* A lock over all of it is somebody else's answer. */
TEST(covered) {
        struct flock lock = whole_lock(F_RDLCK);
        int holder = unit_reopen(master_fd, O_RDWR), fd = unit_reopen(master_fd, O_RDONLY);

        ck_assert_int_eq(fcntl(holder, F_OFD_SETLK, &lock), 0);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_UNKNOWN);
        /* Others can be marked all the same. */
        ck_assert(mark_set(fd, ID));
        ck_assert_int_ne(mark_probe(master_fd, ID), MARK_GONE);
        fd_close(holder);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_ALIVE);
        fd_close(fd);
}

TEST(write_lock) {
        struct flock lock = whole_lock(F_WRLCK);
        int holder = unit_reopen(master_fd, O_RDWR), fd = unit_reopen(master_fd, O_RDWR);

        ck_assert_int_eq(fcntl(holder, F_OFD_SETLK, &lock), 0);
        ck_assert(!mark_set(fd, ID));
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_UNKNOWN);
        fd_close(holder);
        ck_assert(mark_set(fd, ID));
        fd_close(fd);
}

/* Marks do not keep clients from locking what is in the segment. */
TEST(not_in_the_way) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 8192 };
        int one = marked(O_RDWR, ID), other = marked(O_RDWR, ID + 1);

        ck_assert_int_eq(fcntl(one, F_OFD_SETLK, &lock), 0);
        ck_assert_int_eq(fcntl(other, F_OFD_SETLK, &lock), -1);
        ck_assert_int_eq(mark_probe(master_fd, ID), MARK_ALIVE);
        fd_close(one);
        fd_close(other);
}

/* Bytes of different ids never are the same, and are in the order of ids. */
TEST(places) {
        static const int64_t ids[] = { 1, 2, ID, ID + 1, MARK_ID_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i) {
                ck_assert_int_eq(mark_id(mark_place(ids[i])), ids[i]);
                ck_assert_int_eq(mark_id(mark_first_place(ids[i])), ids[i]);
                ck_assert_int_le(mark_first_place(ids[i]), mark_place(ids[i]));
                ck_assert_int_lt(mark_place(ids[i]), mark_first_place(ids[i] + 1));
                ck_assert_int_le(mark_place(ids[i]), MARK_PLACE_MAX);
        }
        ck_assert(!mark_set(master_fd, MARK_ID_MAX + 1));
}

/* The authors' own vectors. */
TEST(siphash) {
        static const unsigned char bytes[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
        const SipKey key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };

        ck_assert_uint_eq(siphash(&key, bytes, 8), UINT64_C(0x93f5f5799a932462));
        ck_assert_uint_eq(siphash(&key, bytes, 15), UINT64_C(0xa129ca6149be45e5));
        ck_assert_uint_eq(siphash(&key, bytes, 0), UINT64_C(0x726fdb47dd0e0e31));
}

/* Who does not have the key does not know where a mark will be. */
TEST(key) {
        const SipKey key = { .halves = { 1, 2 } }, other_key = { .halves = { 1, 3 } };
        unsigned int n_same = 0;

        for (int64_t id = 1; id <= 1000; ++id) {
                int64_t place;

                mark_set_key(&key);
                place = mark_place(id);
                mark_set_key(&other_key);
                n_same += mark_place(id) == place;
        }
        ck_assert_uint_le(n_same, 2);
        mark_set_key(&(SipKey){});
}

static void lock_byte(int fd, int64_t place) {
        struct flock lock = {
                .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1
        };

        ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

/* A lock elsewhere is no mark. The lowest of those that are is found first. */
TEST(search) {
        int one = marked(O_RDWR, ID), other = marked(O_RDONLY, ID + 1), forger;
        int64_t last = mark_first_place(ID + 9), place = 0;

        ck_assert_int_eq(mark_search(master_fd, MARK_BASE, last, &place), MARK_SEARCH_MARK);
        ck_assert_int_eq(place, mark_place(ID));
        ck_assert_int_eq(mark_search(master_fd, place + 1, last, &place), MARK_SEARCH_MARK);
        ck_assert_int_eq(place, mark_place(ID + 1));
        ck_assert_int_eq(mark_search(master_fd, place + 1, last, &place), MARK_SEARCH_NONE);
        forger = unit_reopen(master_fd, O_RDONLY);
        lock_byte(forger, mark_place(ID + 2) + 1);
        ck_assert_int_eq(mark_search(master_fd, mark_first_place(ID + 2), last, &place),
                         MARK_SEARCH_FORGED);
        ck_assert_int_eq(place, mark_place(ID + 2) + 1);
        ck_assert_int_eq(mark_probe(master_fd, ID + 2), MARK_GONE);
        fd_close(forger);
        fd_close(one);
        fd_close(other);
}

TEST(no_answer) {
        ck_assert(!mark_set(-EBADF, ID));
        ck_assert_int_eq(mark_probe(-EBADF, ID), MARK_UNKNOWN);
}
