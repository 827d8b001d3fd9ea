/* SPDX-License-Identifier: MIT */
/* Slots in a file that is mapped: they stay where they are, and a crash leaves what is in them. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/state/attach-times.h"
#include "proto/util.h"
#include "tests/support/unit.h"

#define EMPTY_STAMPS ((AttachTimes) ATTACH_TIMES_NULL)
#define NOW UINT64_C(1000000)

/* What takes several pieces of the file, 1638 slots each. */
#define MANY 5000

static char *directory, *file;

static void setup(void) {
        unit_fds_begin();
        (void) signal(SIGXFSZ, SIG_IGN);
        directory = unit_directory();
        file = unit_path(directory, "socket.stamps");
}

static void teardown(void) {
        free(directory);
        free(file);
        unit_fds_end();
}

static bool is_there(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

static void fill(AttachTime *attach_time, int64_t id) {
        attach_time->attach_usec = (uint64_t) id * 2;
        attach_time->detach_usec = (uint64_t) id * 3;
        attach_time->last_pid = (int32_t) id;
        attach_time->flags = id % 2 ? ATTACH_TIME_ARMED : 0;
        attach_time->idle_usec = (uint64_t) id;
}

static void assert_filled(const AttachTime *attach_time, int64_t id) {
        ck_assert_ptr_nonnull(attach_time);
        ck_assert_int_eq(attach_time->id, id);
        ck_assert_uint_eq(attach_time->attach_usec, (uint64_t) id * 2);
        ck_assert_uint_eq(attach_time->detach_usec, (uint64_t) id * 3);
        ck_assert_int_eq(attach_time->last_pid, id);
        ck_assert_uint_eq(attach_time->flags, id % 2 ? ATTACH_TIME_ARMED : 0);
        ck_assert_uint_eq(attach_time->idle_usec, (uint64_t) id);
}

static void assert_empty(const AttachTime *attach_time, int64_t id) {
        ck_assert_ptr_nonnull(attach_time);
        ck_assert_int_eq(attach_time->id, id);
        ck_assert_uint_eq(attach_time->attach_usec, 0);
        ck_assert_uint_eq(attach_time->detach_usec, 0);
        ck_assert_int_eq(attach_time->last_pid, 0);
        ck_assert_uint_eq(attach_time->flags, 0);
        ck_assert_uint_eq(attach_time->idle_usec, 0);
}

static void open_stamps(AttachTimes *attach_times) {
        *attach_times = EMPTY_STAMPS;
        ck_assert_int_eq(attach_times_open(attach_times, file), 0);
}

SUITE("stamps");
CASE("stamps", .setup = setup, .teardown = teardown, .timeout = 60);

TEST(take) {
        AttachTime *first, *second;
        AttachTimes attach_times;
        struct stat st;

        open_stamps(&attach_times);
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_ptr_null(attach_times_find(&attach_times, 1, NOW));
        first = attach_times_take(&attach_times, 1);
        second = attach_times_take(&attach_times, 2);
        assert_empty(first, 1);
        assert_empty(second, 2);
        ck_assert_ptr_ne(first, second);
        fill(first, 1);
        attach_times_free(&attach_times, first);
        attach_times_free(&attach_times, NULL);
        /* Nothing of it is left. */
        assert_empty(attach_times_take(&attach_times, 3), 3);
        /* Only what an earlier daemon left is looked for. */
        ck_assert_ptr_null(attach_times_find(&attach_times, 3, NOW));
        attach_times_close(&attach_times, false);
        attach_times_close(&attach_times, false);
        ck_assert(!is_there(file));
}

/* None of them moves when there are more, and no byte belongs to two. */
TEST(many) {
        AttachTime **taken = calloc(MANY + 1, sizeof(AttachTime *));
        AttachTimes attach_times;
        struct stat st;

        ck_assert_ptr_nonnull(taken);
        open_stamps(&attach_times);
        for (int64_t id = 1; id <= MANY; ++id) {
                taken[id] = attach_times_take(&attach_times, id);
                assert_empty(taken[id], id);
                fill(taken[id], id);
        }
        for (int64_t id = 1; id <= MANY; ++id)
                assert_filled(taken[id], id);
        ck_assert_int_eq(stat(file, &st), 0);
        /* Allocated, all of it. */
        ck_assert_int_ge(st.st_blocks * 512, st.st_size);
        for (int64_t id = 1; id <= MANY; id += 2)
                attach_times_free(&attach_times, taken[id]);
        for (int64_t id = 1; id <= MANY; id += 2)
                assert_empty(attach_times_take(&attach_times, id + MANY), id + MANY);
        for (int64_t id = 2; id <= MANY; id += 2)
                assert_filled(taken[id], id);
        /* What was freed was taken again. */
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_int_lt(st.st_size, (MANY + 4096) * (off_t) sizeof(AttachTime));
        attach_times_close(&attach_times, false);
        free(taken);
}

/* Those who are not asked for are free after the next daemon has settled. */
TEST(find) {
        AttachTimes attach_times;
        struct stat st;
        off_t size;

        open_stamps(&attach_times);
        for (int64_t id = MANY; id > 0; --id)
                fill(attach_times_take(&attach_times, id), id);
        ck_assert_int_eq(stat(file, &st), 0);
        size = st.st_size;
        for (int round = 0; round < 3; ++round) {
                attach_times_close(&attach_times, true);
                open_stamps(&attach_times);
                for (int64_t id = 3; id <= MANY; id += 3)
                        assert_filled(attach_times_find(&attach_times, id, NOW), id);
                ck_assert_ptr_null(attach_times_find(&attach_times, 3, NOW));
                ck_assert_ptr_null(attach_times_find(&attach_times, MANY + 1, NOW));
                ck_assert_ptr_null(attach_times_find(&attach_times, 0, NOW));
                ck_assert_ptr_null(attach_times_find(&attach_times, -1, NOW));
                if (round > 0)
                        ck_assert_ptr_null(attach_times_find(&attach_times, 4, NOW));
                attach_times_settle(&attach_times);
                ck_assert_ptr_null(attach_times_find(&attach_times, 4, NOW));
        }
        for (int64_t id = 1; id <= MANY / 2; ++id)
                assert_empty(attach_times_take(&attach_times, id + MANY), id + MANY);
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_int_eq(st.st_size, size);
        attach_times_close(&attach_times, false);
}

/* Times to come and flags of others are not told. */
TEST(impossible) {
        AttachTimes attach_times;
        AttachTime *attach_time;

        open_stamps(&attach_times);
        for (int64_t id = 1; id <= 3; ++id)
                fill(attach_times_take(&attach_times, id), id);
        attach_times_close(&attach_times, true);
        open_stamps(&attach_times);
        attach_time = attach_times_find(&attach_times, 1, NOW);
        *attach_time = (AttachTime){ 1, NOW + 1, NOW, -5, UINT32_MAX, UINT64_MAX };
        attach_time = attach_times_find(&attach_times, 2, NOW);
        *attach_time = (AttachTime){ 2, NOW, UINT64_MAX, INT32_MAX, 0, 1 };
        attach_time = attach_times_find(&attach_times, 3, NOW);
        *attach_time = (AttachTime){ -3, 1, 1, 1, 1, 1 };
        attach_times_close(&attach_times, true);
        open_stamps(&attach_times);
        attach_time = attach_times_find(&attach_times, 1, NOW);
        ck_assert_ptr_nonnull(attach_time);
        ck_assert_uint_eq(attach_time->attach_usec, 0);
        ck_assert_uint_eq(attach_time->detach_usec, NOW);
        ck_assert_int_eq(attach_time->last_pid, 0);
        ck_assert_uint_eq(attach_time->flags, ATTACH_TIME_ARMED);
        ck_assert_uint_eq(attach_time->idle_usec, 0);
        attach_time = attach_times_find(&attach_times, 2, NOW);
        ck_assert_ptr_nonnull(attach_time);
        ck_assert_uint_eq(attach_time->attach_usec, NOW);
        ck_assert_uint_eq(attach_time->detach_usec, 0);
        ck_assert_int_eq(attach_time->last_pid, INT32_MAX);
        ck_assert_uint_eq(attach_time->flags, 0);
        /* The third is free. */
        ck_assert_ptr_null(attach_times_find(&attach_times, -3, NOW));
        assert_empty(attach_times_take(&attach_times, 4), 4);
        attach_times_close(&attach_times, false);
}

/* Two of the same id: either will do, and the other one is freed. */
TEST(twice) {
        AttachTimes attach_times;

        open_stamps(&attach_times);
        (void) attach_times_take(&attach_times, 7);
        (void) attach_times_take(&attach_times, 7);
        attach_times_close(&attach_times, true);
        open_stamps(&attach_times);
        assert_empty(attach_times_find(&attach_times, 7, NOW), 7);
        attach_times_settle(&attach_times);
        attach_times_close(&attach_times, true);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 1);
        attach_times_close(&attach_times, false);
}

/* Writes into its slots until it is killed, and says how far it has come. */
static void stamp_on(int fd) {
        AttachTime *taken[10];
        AttachTimes attach_times = EMPTY_STAMPS;

        if (attach_times_open(&attach_times, file))
                _exit(1);
        for (int64_t i = 0; i < 10; ++i) {
                taken[i] = attach_times_take(&attach_times, i + 1);
                if (!taken[i])
                        _exit(2);
        }
        for (uint64_t n = 1;; ++n) {
                for (int i = 0; i < 10; ++i) {
                        taken[i]->attach_usec = n;
                        taken[i]->last_pid = (int32_t) n;
                }
                if (write(fd, &n, sizeof(n)) != sizeof(n))
                        _exit(3);
        }
}

TEST(killed) {
        uint64_t seed = 3, done, n;
        AttachTimes attach_times;
        AttachTime *attach_time;
        int fds[2], status;
        pid_t pid;

        for (int round = 0; round < 20; ++round) {
                ck_assert_int_eq(pipe(fds), 0);
                pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        (void) close(fds[0]);
                        stamp_on(fds[1]);
                }
                (void) close(fds[1]);
                done = 0;
                for (uint64_t i = unit_below(&seed, 500) + 1; i > 0; --i)
                        if (read(fds[0], &n, sizeof(n)) == sizeof(n))
                                done = n;
                ck_assert_int_eq(kill(pid, SIGKILL), 0);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_msg(WIFSIGNALED(status), "it ended with %d", status);
                while (read(fds[0], &n, sizeof(n)) == sizeof(n))
                        done = n;
                (void) close(fds[0]);
                ck_assert_uint_gt(done, 0);
                open_stamps(&attach_times);
                for (int64_t id = 1; id <= 10; ++id) {
                        attach_time = attach_times_find(&attach_times, id, NOW * NOW);
                        ck_assert_ptr_nonnull(attach_time);
                        ck_assert_uint_ge(attach_time->attach_usec, done);
                        ck_assert_uint_le(attach_time->attach_usec, done + 1);
                        ck_assert_int_ge(attach_time->last_pid, (int32_t) done);
                }
                attach_times_close(&attach_times, false);
        }
}

/* What is there is not ours: it is replaced, and whoever has it keeps it as it is. */
static void assert_begun_anew(const void *data, size_t n_data) {
        char *other = unit_path(directory, "other"), *after;
        AttachTimes attach_times;
        size_t n;

        unit_write_file(file, data, n_data);
        ck_assert_int_eq(chmod(file, 0600), 0);
        ck_assert_int_eq(link(file, other), 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 0);
        assert_empty(attach_times_take(&attach_times, 1), 1);
        attach_times_close(&attach_times, false);
        after = unit_read_file(other, &n);
        ck_assert_uint_eq(n, n_data);
        ck_assert_mem_eq(after, data, n);
        free(after);
        /* The same without another name. */
        ck_assert_int_eq(rename(other, file), 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 0);
        attach_times_close(&attach_times, false);
        free(other);
}

TEST(not_ours) {
        char *good, *copy;
        AttachTimes attach_times;
        size_t n;

        open_stamps(&attach_times);
        fill(attach_times_take(&attach_times, 5), 5);
        attach_times_close(&attach_times, true);
        good = unit_read_file(file, &n);
        ck_assert_uint_eq(n % 65536, 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 1);
        attach_times_close(&attach_times, true);
        ck_assert_int_eq(unlink(file), 0);
        assert_begun_anew("", 0);
        assert_begun_anew("hello", 5);
        assert_begun_anew(good, n - 1);
        assert_begun_anew(good, sizeof(AttachTime));
        assert_begun_anew(good, n / 2);
        /* Each byte of the header counts. */
        for (size_t i = 0; i < sizeof(AttachTime); ++i) {
                copy = unit_copy(good, n);
                copy[i] = (char) (copy[i] ^ 1);
                assert_begun_anew(copy, n);
                free(copy);
        }
        copy = calloc(2, n);
        assert_begun_anew(copy, n);
        memcpy(copy, good, n);
        assert_begun_anew(copy, n + 4096);
        free(copy);
        free(good);
}

/* One that others may write to, that has another name, or that is another's, is not ours. */
TEST(mode) {
        char *other = unit_path(directory, "other");
        AttachTimes attach_times;

        open_stamps(&attach_times);
        (void) attach_times_take(&attach_times, 1);
        attach_times_close(&attach_times, true);
        ck_assert_int_eq(chmod(file, 0666), 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 0);
        (void) attach_times_take(&attach_times, 1);
        attach_times_close(&attach_times, true);
        ck_assert_int_eq(link(file, other), 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 0);
        (void) attach_times_take(&attach_times, 1);
        attach_times_close(&attach_times, true);
        free(other);
        if (geteuid() == 0)
                ck_assert_int_eq(chown(file, 61003, (gid_t) -1), 0);
        else
                ck_assert_int_eq(unlink(file), 0);
        open_stamps(&attach_times);
        ck_assert_uint_eq(attach_times.n_found, 0);
        attach_times_close(&attach_times, false);
}

/* A link is not followed, and a pipe is not waited for. */
TEST(not_a_file) {
        char *target = unit_path(directory, "target"), *after;
        AttachTimes attach_times;

        unit_write_file(target, "precious", 8);
        ck_assert_int_eq(symlink("target", file), 0);
        open_stamps(&attach_times);
        attach_times_close(&attach_times, false);
        ck_assert(!is_there(file));
        after = unit_read_file(target, NULL);
        ck_assert_str_eq(after, "precious");
        ck_assert_int_eq(mkfifo(file, 0600), 0);
        open_stamps(&attach_times);
        attach_times_close(&attach_times, false);
        ck_assert(!is_there(file));
        free(after);
        free(target);
}

/* Without the file, there are just no slots. */
TEST(cannot_open) {
        char *below = unit_path(file, "below"), *inside = unit_path(file, "inside");
        AttachTimes attach_times = EMPTY_STAMPS;

        ck_assert_int_eq(attach_times_open(&attach_times, below), -ENOENT);
        ck_assert_ptr_null(attach_times_take(&attach_times, 1));
        ck_assert_ptr_null(attach_times_find(&attach_times, 1, NOW));
        attach_times_settle(&attach_times);
        attach_times_free(&attach_times, NULL);
        attach_times_close(&attach_times, false);
        ck_assert_int_eq(mkdir(file, 0700), 0);
        unit_write_file(inside, "x", 1);
        ck_assert_int_lt(attach_times_open(&attach_times, file), 0);
        ck_assert_ptr_null(attach_times_take(&attach_times, 1));
        attach_times_close(&attach_times, false);
        ck_assert(is_there(inside));
        free(below);
        free(inside);
}

/* No room is no slot, and no signal; those that there are stay of use. */
static int take_all(AttachTimes *attach_times) {
        int64_t id = 1;
        AttachTime *last = NULL, *attach_time;

        while ((attach_time = attach_times_take(attach_times, id))) {
                last = attach_time;
                fill(attach_time, id++);
                if (id > 100000)
                        return 10;
        }
        if (!last || attach_times_take(attach_times, id))
                return 11;
        attach_times_free(attach_times, last);
        attach_time = attach_times_take(attach_times, id);
        return attach_time == last && attach_time->id == id ? 0 : 12;
}

TEST(file_size_limit) {
        struct rlimit before, limit;
        AttachTimes attach_times = EMPTY_STAMPS;
        int r, taken = -1;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        /* No assertion meanwhile: they write to a file, too. */
        limit.rlim_cur = 100;
        (void) setrlimit(RLIMIT_FSIZE, &limit);
        r = attach_times_open(&attach_times, file);
        (void) setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert(!is_there(file));
        attach_times_close(&attach_times, false);
        limit.rlim_cur = 200000;
        (void) setrlimit(RLIMIT_FSIZE, &limit);
        r = attach_times_open(&attach_times, file);
        if (r == 0)
                taken = take_all(&attach_times);
        (void) setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(taken, 0);
        /* Three pieces fit. */
        ck_assert_ptr_nonnull(attach_times_take(&attach_times, 200000));
        ck_assert_uint_eq(attach_times.n_chunks, 4);
        attach_times_close(&attach_times, false);
}

#define NO_MOUNT 77

static int fill_file_system(void *userdata) {
        char *ballast = unit_path(directory, "ballast"), *data = calloc(1, 60000);
        AttachTimes attach_times = EMPTY_STAMPS;
        int r;

        (void) userdata;
        unit_assert_silently();
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", directory, "tmpfs", 0, "size=256k,mode=0700") < 0)
                return NO_MOUNT;
        unit_write_file(ballast, data, 60000);
        if (attach_times_open(&attach_times, file))
                return 1;
        r = take_all(&attach_times);
        if (r)
                return r;
        attach_times_close(&attach_times, true);
        if (attach_times_open(&attach_times, file))
                return 2;
        if (!attach_times_find(&attach_times, 1, NOW))
                return 3;
        attach_times_close(&attach_times, false);
        free(ballast);
        free(data);
        return 0;
}

TEST(full_file_system) {
        int r = unit_fork(fill_file_system, NULL);

        if (r == NO_MOUNT) {
                printf("skip: no file system of its own without the privilege to mount one\n");
                return;
        }
        ck_assert_int_eq(r, 0);
}
