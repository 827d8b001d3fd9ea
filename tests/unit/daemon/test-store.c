/* SPDX-License-Identifier: MIT */
/* What systemd keeps for the broker: it comes back, whatever happened to who stored it. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/manager.h"
#include "tests/support/unit-store.h"
#include "tests/support/unit.h"

/* --- what is promised */

static void without_store(void *userdata) {
        Store store = STORE_NULL;

        if (strcmp(userdata, "NOTIFY_SOCKET") == 0)
                (void) unsetenv("NOTIFY_SOCKET");
        else
                (void) setenv("FDSTORE", userdata, true);
        REQUIRE(store_init(&store) == STORE_E_NONE);
        REQUIRE(store_visit(&store, child_visit, NULL) == 0);
        REQUIRE(child_add(&store) == STORE_E_NONE);
        store_drop(&store, 1, true);
        store_collect(&store);
        child_close(&store);
}

SUITE("store");
CASE("store", .setup = store_setup, .teardown = store_teardown, .timeout = 120);

TEST(none) {
        static const char *values[] = { "NOTIFY_SOCKET", "", "0", "1", "-2", "x", "4x" };

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i)
                store_run(without_store, (void *) (uintptr_t) values[i]);
        ck_assert_uint_eq(manager.n_stored, 0);
}

static void add_many(void *userdata) {
        const size_t *n = userdata;
        Store store = STORE_NULL;

        REQUIRE(child_open(&store));
        for (size_t i = 0; i < *n; ++i)
                REQUIRE(child_add(&store) == 0);
        REQUIRE(store.n_stored >= *n);
        child_close(&store);
}

/* Several queues full, by several processes one after the other. */
TEST(add) {
        store_run(child_look, NULL);
        for (size_t i = 0; i < 4; ++i) {
                store_run(add_many, &(size_t){ 1 + i * 100 });
                store_look();
                store_look();
        }
        /* Queues are filled up: 604 are in five of 128. A spare pair is there, too. */
        ck_assert_uint_ge(manager.n_stored, 2 * 5);
        ck_assert_uint_le(manager.n_stored, 2 * 7);
}

static void misuse(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        REQUIRE(child_add(&store) == 0);
        REQUIRE(store_add(&store, 1, STDIN_FILENO) == -EEXIST);
        REQUIRE(store_add(&store, 2, 12345) == -EBADF);
        REQUIRE(store.n_stored == 1 && store.pairs.n_fds == 1);
        store_drop(&store, 2, true);
        store_drop(&store, 0, false);
        REQUIRE(store.n_stored == 1);
        child_close(&store);
}

TEST(misuse) {
        store_run(misuse, NULL);
        store_look();
}

/* True when every copy of the other end is gone. */
static bool is_gone(int read_fd) {
        struct pollfd poller = { .fd = read_fd };

        return poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP;
}

static void drop_now(void *userdata) {
        Store store = STORE_NULL;
        int pipes[7][2];

        (void) userdata;
        REQUIRE(child_open(&store));
        for (int i = 0; i < 7; ++i) {
                REQUIRE(pipe2(pipes[i], O_CLOEXEC) == 0);
                REQUIRE(store_add(&store, 1000 + i, pipes[i][1]) == 0);
                fd_close(pipes[i][1]);
                REQUIRE(child_add(&store) == 0);
        }
        /* In the middle, at an end, and all. */
        store_drop(&store, 1003, true);
        child_settle(&store);
        for (int i = 0; i < 7; ++i)
                REQUIRE(is_gone(pipes[i][0]) == (i == 3));
        store_drop(&store, 1000, false);
        store_drop(&store, 1006, false);
        child_settle(&store);
        REQUIRE(!is_gone(pipes[0][0]) && !is_gone(pipes[6][0]));
        store_drop(&store, 1001, true);
        child_settle(&store);
        for (int i = 0; i < 7; ++i)
                REQUIRE(is_gone(pipes[i][0]) == (i != 2 && i != 4 && i != 5));
        for (int i = 0; i < 7; ++i) {
                store_drop(&store, 1000 + i, false);
                fd_close(pipes[i][0]);
        }
        child_settle(&store);
        child_close(&store);
}

/* The end of a descriptor is for good where that is asked for; the rest stays. */
TEST(drop_now) {
        book->next_id = 2000;
        store_run(drop_now, NULL);
        for (int i = 0; i < 7; ++i)
                ck_assert(book->items[2000 + i].stored);
        /* Pipes that are not wanted, and not in the book, may come back, so that is not asked. */
}

static void drop_many(void *userdata) {
        Store store = STORE_NULL;
        uint64_t seed = 1;

        (void) userdata;
        REQUIRE(child_open(&store));
        for (int i = 0; i < 1500; ++i) {
                REQUIRE(child_add(&store) == 0);
                if (i >= 300)
                        child_drop(&store, 1 + (int64_t) unit_below(&seed, (uint64_t) i), false);
                child_settle(&store);
                /* Dead ones are fewer than half of any queue. */
                REQUIRE(store.pairs.n_fds - store.n_stored <= 64 * store.pairs.n_pairs);
        }
        for (int64_t id = 10; id < book->next_id; ++id)
                child_drop(&store, id, false);
        child_settle(&store);
        REQUIRE(store.pairs.n_pairs <= 5);
        child_close(&store);
}

/* What is dropped, one here and one there, does not pile up, and pairs go when they are empty. */
TEST(drop_many) {
        store_run(drop_many, NULL);
        ck_assert_uint_le(manager.n_stored, 2 * 5);
        store_look();
}

/* --- limits */

static void fill(void *userdata) {
        const size_t *expected = userdata;
        Store store = STORE_NULL;
        size_t n = 0;
        int r;

        REQUIRE(child_open(&store));
        while ((r = child_add(&store)) == 0)
                ++n;
        REQUIRE(r == STORE_E_FULL);
        REQUIRE(n == *expected);
        REQUIRE(child_add(&store) == STORE_E_FULL);
        /* A place that becomes free is one, without waiting for the loop. */
        if (store.pairs.n_pairs_max > 1) {
                child_drop(&store, 2, false);
                REQUIRE(child_add(&store) == 0);
                REQUIRE(child_add(&store) == STORE_E_FULL);
                child_drop(&store, 3, true);
                child_drop(&store, 1, false);
                child_settle(&store);
                REQUIRE(child_add(&store) == 0);
                REQUIRE(child_add(&store) == 0);
                REQUIRE(child_add(&store) == STORE_E_FULL);
        }
        REQUIRE(store.n_stored == *expected);
        child_close(&store);
}

/* The last pair is for writing queues anew, unless there is no other. */
TEST(full) {
        static const struct {
                size_t max, expected;
        } cases[] = { { 2, 4 }, { 3, 4 }, { 4, 4 }, { 6, 8 }, { 12, 20 } };

        book->pair_max = 4;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                book_clear();
                manager_forget(&manager);
                manager.max = cases[i].max;
                store_run(fill, (void *) (uintptr_t) &cases[i].expected);
                store_look();
                store_look();
        }
}

/* What PID 1 keeps besides takes places, and is never refused room by us. */
TEST(full_besides) {
        size_t expected = 4;

        book->pair_max = 4;
        manager.max = 7;
        manager_add(&manager, "segments-x", open("/dev/null", O_RDWR | O_CLOEXEC));
        manager_add(&manager, "segments-1-in", open("/dev/null", O_RDWR | O_CLOEXEC));
        store_run(fill, &expected);
        store_look();
}

static void fill_descriptors(void *userdata) {
        struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
        const uid_t *uid = userdata;
        size_t expected = 32;

        /* A user of its own: what waits counts for all of a user's processes. */
        REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        REQUIRE(setresuid(*uid, *uid, *uid) == 0);
        fill(&expected);
}

/* Descriptors that wait in sockets count against a limit of the kernel. */
TEST(full_descriptors) {
        uid_t uid = 1000000 + (uid_t) getpid();

        if (getuid() != 0) {
                printf("not root: the kernel's count of descriptors that wait is not alone ours\n");
                return;
        }
        book->pair_max = 10;
        store_run(fill_descriptors, &uid);
        store_look();
}

static void overfill(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        for (int i = 0; i < 1000; ++i)
                REQUIRE(child_add(&store) == 0);
        REQUIRE(store.pairs.n_pairs > 2 && store.pairs.n_pairs < 20);
        REQUIRE(store.pairs.first->full);
        child_close(&store);
}

/* The kernel's own limit of a queue is met before ours: another pair is taken. */
TEST(queue_full) {
        book->pair_max = 2000;
        store_run(overfill, NULL);
        store_look();
}

/* Has a queue written anew, so that many descriptors are in a message. */
static void add_large(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        for (int i = 0; i < 200; ++i)
                REQUIRE(child_add(&store) == 0);
        child_settle(&store);
        for (int64_t id = 1; id <= 64; ++id)
                child_drop(&store, id, false);
        child_settle(&store);
        REQUIRE(store.pairs.n_fds == 200 - 64);
        child_close(&store);
}

static void run_out(void *userdata) {
        struct rlimit limit;
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        REQUIRE(store_init(&store) == 0);
        limit.rlim_cur = 40;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        REQUIRE(store_visit(&store, child_visit, NULL) == -EMFILE);
        limit.rlim_cur = limit.rlim_max;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        /* It may go on, and what it does not know of is left alone. */
        for (int i = 0; i < 10; ++i)
                REQUIRE(child_add(&store) == 0);
        child_settle(&store);
        child_close(&store);
}

/* Too few descriptors for a message with many: nothing is lost. */
TEST(no_descriptors) {
        store_run(add_large, NULL);
        store_run(run_out, NULL);
        store_look();
}

/* --- a manager that does not answer */

static void add_unheard(void *userdata) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Store store = STORE_NULL;
        const int *fills = userdata;
        int fd;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("NOTIFY_SOCKET"));
        if (*fills) {
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                while (sendto(fd, "X=1", 3, 0, (struct sockaddr *) &address, sizeof(address)) == 3)
                        ;
                REQUIRE(errno == EAGAIN);
                fd_close(fd);
        }
        REQUIRE(child_open(&store));
        REQUIRE(child_add(&store) == STORE_E_LATE);
        /* At once: this would take longer than a test may. */
        for (int i = 0; i < 100; ++i)
                REQUIRE(child_add(&store) == STORE_E_LATE);
        REQUIRE(store.n_stored == 0 && store.pairs.n_pairs == 1);
        book->flag = 0;
        while (store.pairs.first->step != STORE_PAIR_USE) {
                struct pollfd poller = { .fd = store.fd, .events = POLLIN };

                REQUIRE(poll(&poller, 1, 30000) == 1);
                store_collect(&store);
        }
        REQUIRE(child_add(&store) == 0);
        child_settle(&store);
        child_close(&store);
}

/* It does not read, or has too much to read: that costs some seconds once. */
TEST(unheard) {
        manager.hangs = &book->flag;
        for (int fills = 0; fills < 2; ++fills) {
                book_clear();
                manager_forget(&manager);
                book->flag = 1;
                store_run(add_unheard, &fills);
                store_look();
        }
}

/* --- what is not ours */

static void send_garbage(void *userdata) {
        struct {
                char magic[8];
                uint32_t version, n_ids;
                int64_t ids[2];
        } parcel = { "shmstore", 1, 1, { 1, 2 } };
        char large[8000] = "shmstore";
        Store store = STORE_NULL;
        size_t n = 0;
        int fd, in;

        (void) userdata;
        REQUIRE(child_open(&store));
        REQUIRE(child_add(&store) == 0);
        in = store.pairs.first->in_fd;
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        REQUIRE(send(in, "x", 1, 0) == 1);
        REQUIRE(send(in, large, sizeof(large), 0) == sizeof(large));
        /* An id without its descriptor, and one with another length or version. */
        REQUIRE(send(in, &parcel, 24, 0) == 24);
        REQUIRE(socket_send_message(in, &parcel, 23, &fd, 1) == 0);
        REQUIRE(socket_send_message(in, &parcel, 32, &fd, 1) == 0);
        REQUIRE(socket_send_message(in, large, sizeof(large), &fd, 1) == 0);
        parcel.n_ids = 2;
        REQUIRE(socket_send_message(in, &parcel, 32, &fd, 1) == 0);
        parcel.n_ids = 1;
        parcel.version = 2;
        REQUIRE(socket_send_message(in, &parcel, 24, &fd, 1) == 0);
        parcel.n_ids = UINT32_MAX;
        parcel.version = 1;
        REQUIRE(socket_send_message(in, &parcel, 24, &fd, 1) == 0);
        fd_close(fd);
        for (n = 0; n < 10; ++n)
                REQUIRE(child_add(&store) == 0);
        child_close(&store);
}

static void drop_among_garbage(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        child_drop(&store, 3, true);
        child_settle(&store);
        /* Written anew without the garbage. */
        REQUIRE(store.n_stored == 10 && store.pairs.n_fds == 10);
        child_close(&store);
}

TEST(garbage) {
        store_run(send_garbage, NULL);
        store_look();
        store_run(drop_among_garbage, NULL);
        store_look();
}

static void settle_only(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        child_settle(&store);
        child_close(&store);
}

/* Half a pair is moved elsewhere and removed; what has no name of ours is left alone. */
TEST(halves) {
        size_t n = 150;
        char name[256];
        int fds[2];

        store_run(add_many, &n);
        /* Of a pair that has something in it, where that can still be read. */
        (void) snprintf(name, sizeof(name), "%s", manager_find(&manager, "-in")->name);
        manager_remove(&manager, name);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                         0);
        manager_add(&manager, "segments-77-in", fds[0]);
        close(fds[1]);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                         0);
        manager_add(&manager, "segments-78-out", fds[1]);
        manager_add(&manager, "segments-x-in", fds[0]);
        manager_add(&manager, "segments-79-out", open("/dev/null", O_RDWR | O_CLOEXEC));
        book->n_others = 1;
        manager_add(&manager, "other", open("/dev/zero", O_RDWR | O_CLOEXEC));
        store_run(settle_only, NULL);
        book_check();
        store_look();
        (void) snprintf(strrchr(name, '-'), 5, "-out");
        ck_assert_ptr_null(manager_find(&manager, name));
        ck_assert_ptr_null(manager_find(&manager, "segments-77-in"));
        ck_assert_ptr_null(manager_find(&manager, "segments-78-out"));
        ck_assert_ptr_nonnull(manager_find(&manager, "segments-x-in"));
        ck_assert_ptr_nonnull(manager_find(&manager, "segments-79-out"));
        ck_assert_ptr_nonnull(manager_find(&manager, "other"));
}

static void add_all(void *userdata) {
        uint64_t begin_usec = clock_boottime_usec();

        add_many(userdata);
        book->usec = clock_boottime_usec() - begin_usec;
}

static void raise_limit(struct rlimit *limit) {
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, limit), 0);
        ck_assert_int_eq(
                setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit->rlim_max, limit->rlim_max }), 0);
}

/* As many as the limit of descriptors allows, up to 10000. */
TEST(many) {
        struct rlimit limit;
        uint64_t begin_usec;
        size_t n;

        raise_limit(&limit);
        n = MIN((size_t) 10000, (size_t) limit.rlim_max / 2);
        manager.max = 512;
        store_run(add_all, &n);
        printf("%zu stored in %d ms\n", n, (int) (book->usec / 1000));
        begin_usec = clock_boottime_usec();
        store_look();
        printf("and restored in %d ms, with %zu descriptors in the store\n",
               (int) ((clock_boottime_usec() - begin_usec) / 1000), manager.n_stored);
        ck_assert_uint_eq(store_count_wanted(), n);
        ck_assert_uint_lt(manager.n_stored, 2 * (n / 128 + 3));
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
