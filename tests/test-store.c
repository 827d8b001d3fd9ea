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

#include "daemon/clock.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/manager.h"
#include "tests/unit-store.h"
#include "tests/unit.h"

static Manager manager;

static void setup(void) {
        unit_fds_begin();
        manager_begin(&manager, 64);
        book_begin();
}

static void teardown(void) {
        ck_assert_uint_eq(manager.n_refused, 0);
        book_end();
        manager_end(&manager);
        unit_fds_end();
}

static void run(void (*child)(void *userdata), void *userdata) {
        int status = manager_run(&manager, child, userdata);

        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
                      (unsigned) status);
}

/* Gets all back, and does no more. */
static void look(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        child_close(&store);
}

static void run_and_check(void) {
        run(look, NULL);
        book_check();
}

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

START_TEST(test_none) {
        static const char *values[] = { "NOTIFY_SOCKET", "", "0", "1", "-2", "x", "4x" };

        for (size_t i = 0; i < ARRAY_SIZE(values); ++i)
                run(without_store, (void *) (uintptr_t) values[i]);
        ck_assert_uint_eq(manager.n_stored, 0);
}
END_TEST

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
START_TEST(test_add) {
        run(look, NULL);
        for (size_t i = 0; i < 4; ++i) {
                run(add_many, &(size_t){ 1 + i * 100 });
                run_and_check();
                run_and_check();
        }
        /* Queues are filled up: 604 are in five of 128. A spare pair is there, too. */
        ck_assert_uint_ge(manager.n_stored, 2 * 5);
        ck_assert_uint_le(manager.n_stored, 2 * 7);
}
END_TEST

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

START_TEST(test_misuse) {
        run(misuse, NULL);
        run_and_check();
}
END_TEST

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
START_TEST(test_drop_now) {
        book->next_id = 2000;
        run(drop_now, NULL);
        for (int i = 0; i < 7; ++i)
                ck_assert(book->items[2000 + i].stored);
        /* Pipes that are not wanted, and not in the book, may come back, so that is not asked. */
}
END_TEST

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
START_TEST(test_drop_many) {
        run(drop_many, NULL);
        ck_assert_uint_le(manager.n_stored, 2 * 5);
        run_and_check();
}
END_TEST

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
START_TEST(test_full) {
        static const struct {
                size_t max, expected;
        } cases[] = { { 2, 4 }, { 3, 4 }, { 4, 4 }, { 6, 8 }, { 12, 20 } };

        book->pair_max = 4;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                book_clear();
                manager_forget(&manager);
                manager.max = cases[i].max;
                run(fill, (void *) (uintptr_t) &cases[i].expected);
                run_and_check();
                run_and_check();
        }
}
END_TEST

/* What PID 1 keeps besides takes places, and is never refused room by us. */
START_TEST(test_full_besides) {
        size_t expected = 4;

        book->pair_max = 4;
        manager.max = 7;
        manager_add(&manager, "segments-x", open("/dev/null", O_RDWR | O_CLOEXEC));
        manager_add(&manager, "segments-1-in", open("/dev/null", O_RDWR | O_CLOEXEC));
        run(fill, &expected);
        run_and_check();
}
END_TEST

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
START_TEST(test_full_descriptors) {
        uid_t uid = 1000000 + (uid_t) getpid();

        if (getuid() != 0) {
                printf("not root: the kernel's count of descriptors that wait is not alone ours\n");
                return;
        }
        book->pair_max = 10;
        run(fill_descriptors, &uid);
        run_and_check();
}
END_TEST

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
START_TEST(test_queue_full) {
        book->pair_max = 2000;
        run(overfill, NULL);
        run_and_check();
}
END_TEST

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
START_TEST(test_no_descriptors) {
        run(add_large, NULL);
        run(run_out, NULL);
        run_and_check();
}
END_TEST

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
START_TEST(test_unheard) {
        manager.hangs = &book->flag;
        for (int fills = 0; fills < 2; ++fills) {
                book_clear();
                manager_forget(&manager);
                book->flag = 1;
                run(add_unheard, &fills);
                run_and_check();
        }
}
END_TEST

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

START_TEST(test_garbage) {
        run(send_garbage, NULL);
        run_and_check();
        run(drop_among_garbage, NULL);
        run_and_check();
}
END_TEST

static void settle_only(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        child_settle(&store);
        child_close(&store);
}

/* Half a pair is moved elsewhere and removed; what has no name of ours is left alone. */
START_TEST(test_halves) {
        size_t n = 150;
        char name[256];
        int fds[2];

        run(add_many, &n);
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
        run(settle_only, NULL);
        book_check();
        run_and_check();
        (void) snprintf(strrchr(name, '-'), 5, "-out");
        ck_assert_ptr_null(manager_find(&manager, name));
        ck_assert_ptr_null(manager_find(&manager, "segments-77-in"));
        ck_assert_ptr_null(manager_find(&manager, "segments-78-out"));
        ck_assert_ptr_nonnull(manager_find(&manager, "segments-x-in"));
        ck_assert_ptr_nonnull(manager_find(&manager, "segments-79-out"));
        ck_assert_ptr_nonnull(manager_find(&manager, "other"));
}
END_TEST

/* --- SIGKILL, and calls that fail */

static void add_until_stored(Store *store) {
        int64_t id = book->next_id++;

        for (int i = 0; i < 20 && child_try(store, id); ++i)
                store_collect(store);
        REQUIRE(book->items[id].stored);
}

/* Pairs are made, filled, written anew, emptied and removed. */
static void work(void *userdata) {
        int64_t first = book->next_id;
        Store store = STORE_NULL;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (int i = 0; i < 10; ++i)
                add_until_stored(&store);
        child_settle(&store);
        child_drop(&store, first + 1, true);
        child_drop(&store, first + 5, false);
        child_settle(&store);
        for (int i = 0; i < 4; ++i)
                add_until_stored(&store);
        for (int i = 4; i < 14; ++i)
                if (i != 7)
                        child_drop(&store, first + i, i % 3 == 0);
        child_settle(&store);
        for (int i = 0; i < 3; ++i)
                add_until_stored(&store);
        child_settle(&store);
        child_close(&store);
}

static bool run_killed(void (*child)(void *userdata), unsigned int at) {
        int status;

        book->struck = false;
        status = manager_run(&manager, child, &(Plan){ .calls = CALL_ALL, .at = at, .n = 1 });
        if (WIFEXITED(status)) {
                ck_assert_int_eq(WEXITSTATUS(status), 0);
                ck_assert(!book->struck);
                return false;
        }
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        return true;
}

static void begin(int trust) {
        book_clear();
        book->pair_max = 4;
        manager_forget(&manager);
        manager.trust = (ManagerTrust) trust;
        manager.n_removed = 0;
        manager.leaks_unasked = true;
}

static void check_and_work(void) {
        Plan nothing = {};

        run_and_check();
        run(work, &nothing);
        run_and_check();
}

START_TEST(test_killed) {
        unsigned int at = 1;

        for (;; ++at) {
                begin(_i);
                if (!run_killed(work, at))
                        break;
                check_and_work();
        }
        /* It was killed more than a handful of times, and did what there is to do. */
        ck_assert_uint_gt(at, 100);
        ck_assert_uint_gt(manager.n_removed, 0);
        printf("killed at %u steps\n", at - 1);
}
END_TEST

/* The one before was killed in the middle already, so that halves and copies come back. */
START_TEST(test_killed_again) {
        Plan nothing = {};
        unsigned int at = 1;
        uint64_t seed = 7;

        for (;; ++at) {
                begin(_i);
                if (at % 2 == 0)
                        run(work, &nothing);
                else
                        (void) run_killed(work, (unsigned int) unit_below(&seed, 300) + 1);
                if (!run_killed(work, at))
                        break;
                check_and_work();
        }
        ck_assert_uint_gt(at, 100);
}
END_TEST

/* What the kernel says at its limits. A single failure is made good by trying again. */
static const int errors[] = { EMFILE, ETOOMANYREFS, EAGAIN, ENOBUFS };

START_TEST(test_failures) {
        Plan nothing = {};

        for (unsigned int at = 1;; ++at) {
                /* With one that waits, EAGAIN is not an answer to looking; close() does not fail.
                 */
                unsigned int calls = CALL_ALL & ~(unsigned int) CALL_CLOSE;

                if (errors[_i] == EAGAIN)
                        calls &= ~(unsigned int) CALL_RECVMSG;
                begin(MANAGER_TRUST_NONE);
                run(work, &nothing);
                manager.leaks_unasked = false;
                run(work, &(Plan){ .calls = calls, .at = at, .n = 1, .error = errors[_i] });
                manager.leaks_unasked = true;
                if (!book->struck)
                        break;
                run_and_check();
        }
}
END_TEST

static void work_carelessly(void *userdata) {
        Store store = STORE_NULL;
        uint64_t seed = 3;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (int i = 0; i < 30; ++i) {
                /* Else it waits for what cannot come. */
                store.pairs.stalled = true;
                (void) child_add(&store);
                child_drop(&store, 1 + (int64_t) unit_below(&seed, (uint64_t) book->next_id - 1),
                           i % 2 == 0);
                store_collect(&store);
        }
        plan.at = 0;
        child_settle(&store);
        child_close(&store);
}

/* One kind of call fails always: what was promised holds. */
START_TEST(test_failing) {
        Plan nothing = {};

        for (unsigned int call = CALL_SENDMSG; call < CALL_ALL; call <<= 1) {
                if (call == CALL_CLOSE || (call == CALL_RECVMSG && errors[_i] == EAGAIN))
                        continue;
                for (unsigned int at = 1; at < 20; at += 3) {
                        begin(MANAGER_TRUST_ALL);
                        run(work, &nothing);
                        run(work_carelessly,
                            &(Plan){ .calls = call, .at = at, .n = 10000, .error = errors[_i] });
                        run_and_check();
                }
        }
}
END_TEST

/* --- many */

static void work_at_random(void *userdata) {
        Store store = STORE_NULL;
        uint64_t *seed = &book->seed;

        plan = *(const Plan *) userdata;
        if (!child_open(&store)) {
                child_close(&store);
                return;
        }
        for (uint64_t n = unit_below(seed, 200); n > 0; --n) {
                switch (unit_below(seed, 8)) {
                case 0:
                case 1:
                case 2:
                        REQUIRE(child_add(&store) == 0);
                        break;
                case 3:
                case 4:
                        child_drop(&store, 1 + (int64_t) unit_below(seed, (uint64_t) book->next_id),
                                   unit_below(seed, 4) == 0);
                        break;
                case 5:
                        child_settle(&store);
                        break;
                default:
                        store_collect(&store);
                        break;
                }
        }
        child_close(&store);
}

static size_t count_wanted(void) {
        size_t n = 0;

        for (int64_t id = 1; id < book->next_id; ++id)
                n += book->items[id].stored && !book->items[id].dropped;
        return n;
}

START_TEST(test_random) {
        uint64_t seed = (uint64_t) _i + 1;
        size_t n = 0;

        begin((int) unit_below(&seed, _MANAGER_TRUST_N));
        manager.max = 512;
        book->pair_max = 2 + unit_below(&seed, 20);
        book->seed = seed;
        for (int i = 0; i < 60; ++i) {
                (void) run_killed(work_at_random, (unsigned int) unit_below(&seed, 1000));
                run_and_check();
                n = MAX(n, count_wanted());
        }
        ck_assert_uint_gt(n, 20);
}
END_TEST

static void add_all(void *userdata) {
        uint64_t begin_usec = clock_monotonic_usec();

        add_many(userdata);
        book->usec = clock_monotonic_usec() - begin_usec;
}

static void raise_limit(struct rlimit *limit) {
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, limit), 0);
        ck_assert_int_eq(
                setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit->rlim_max, limit->rlim_max }), 0);
}

/* As many as the limit of descriptors allows, up to 10000. */
START_TEST(test_many) {
        struct rlimit limit;
        uint64_t begin_usec;
        size_t n;

        raise_limit(&limit);
        n = MIN((size_t) 10000, (size_t) limit.rlim_max / 2);
        manager.max = 512;
        run(add_all, &n);
        printf("%zu stored in %d ms\n", n, (int) (book->usec / 1000));
        begin_usec = clock_monotonic_usec();
        run_and_check();
        printf("and restored in %d ms, with %zu descriptors in the store\n",
               (int) ((clock_monotonic_usec() - begin_usec) / 1000), manager.n_stored);
        ck_assert_uint_eq(count_wanted(), n);
        ck_assert_uint_lt(manager.n_stored, 2 * (n / 128 + 3));
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store");
        TCase *tc = tcase_create("store"), *tc_long = tcase_create("faults");

        tcase_set_timeout(tc, 120);
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_none);
        tcase_add_test(tc, test_add);
        tcase_add_test(tc, test_misuse);
        tcase_add_test(tc, test_drop_now);
        tcase_add_test(tc, test_drop_many);
        tcase_add_test(tc, test_full);
        tcase_add_test(tc, test_full_besides);
        tcase_add_test(tc, test_full_descriptors);
        tcase_add_test(tc, test_queue_full);
        tcase_add_test(tc, test_no_descriptors);
        tcase_add_test(tc, test_unheard);
        tcase_add_test(tc, test_garbage);
        tcase_add_test(tc, test_halves);
        tcase_add_test(tc, test_many);
        suite_add_tcase(suite, tc);
        tcase_set_timeout(tc_long, 600);
        tcase_add_checked_fixture(tc_long, setup, teardown);
        tcase_add_loop_test(tc_long, test_killed, 0, _MANAGER_TRUST_N);
        tcase_add_loop_test(tc_long, test_killed_again, 0, _MANAGER_TRUST_N);
        tcase_add_loop_test(tc_long, test_failures, 0, (int) ARRAY_SIZE(errors));
        tcase_add_loop_test(tc_long, test_failing, 0, (int) ARRAY_SIZE(errors));
        tcase_add_loop_test(tc_long, test_random, 0, 6);
        suite_add_tcase(suite, tc_long);
        return unit_main(suite);
}
