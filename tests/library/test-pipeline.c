/* SPDX-License-Identifier: MIT */
/* libshmbroker with several calls under way on one connection: each is answered, cancelled, cut off
 * and repeated as if it were alone. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/async.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096
#define USEC_PER_SEC UINT64_C(1000000)

static void up(void) {
        fixture_up(NULL);
}

typedef struct Begun Begun;

struct Begun {
        struct shmbroker_call *calls[20];
        size_t n_calls;
};

static struct shmbroker_call **next_of(Begun *begun) {
        ck_assert_uint_lt(begun->n_calls, ARRAY_SIZE(begun->calls));
        return &begun->calls[begun->n_calls++];
}

/* One of each that asks for a segment "a", or changes it. */
static void begin_all(struct shmbroker *connection, Begun *begun, int64_t private_id) {
        struct shmbroker_attributes *attributes = NULL;
        struct shmbroker *c = connection;
        int fd = memfd_create("async", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_eq(ftruncate(fd, PAGE), 0);
        ck_assert_int_eq(shmbroker_attributes_new(&attributes), 0);
        shmbroker_attributes_set_mode(attributes, 0640);
        ck_assert_int_eq(shmbroker_stat_start(c, "a", 0, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_set_attributes_start(c, "a", 0, attributes, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_resize_start(c, "a", 0, PAGE, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_seal_start(c, "a", 0, SHMBROKER_SEAL_EXEC, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_publish_start(c, private_id, "a", SHMBROKER_PUBLISH_REPLACE,
                                                 NULL, next_of(begun)),
                         0);
        ck_assert_int_eq(shmbroker_adopt_fd_start(c, fd, "fd", NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_adopt_sysv_start(c, -1, "s", NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_adopt_key_start(c, 0x7fff1234, "k", NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_adopt_posix_start(c, "/none", NULL, NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_list_segments_start(c, NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_list_attachments_start(c, "a", 0, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_list_users_start(c, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_get_status_start(c, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_acquire_start(c, "a", NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_acquire_id_start(c, private_id, NULL, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_remove_start(c, "a", 0, 0, next_of(begun)), 0);
        ck_assert_int_eq(shmbroker_remove_start(c, "fd", 0, 0, next_of(begun)), 0);
        /* Duplicated, so that it may go at once. */
        close(fd);
        shmbroker_attributes_free(attributes);
}

SUITE("library-pipeline");
CASE("pipeline", .setup = up, .teardown = fixture_down, .timeout = 60);

/* Every call there is, all of them under way at once, answered in their order. */
TEST(all_at_once) {
        static const int results[] = { 0, 0, 0, -EOPNOTSUPP, 0, 0, -EINVAL, -ENOENT, -ENOENT,
                                       0, 0, 0, 0,           0, 0, 0,       0 };
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *old = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_segment *new = library_create(connection, NULL, PAGE);
        struct shmbroker_attachments *attachments = NULL;
        struct shmbroker_status *status = NULL;
        struct shmbroker_users *users = NULL;
        struct shmbroker_info *info = NULL;
        struct shmbroker_list *list = NULL;
        int64_t id = 0, old_id, new_id;
        Begun begun = {};

        strcpy(shmbroker_segment_data(new), "new");
        ck_assert_int_eq(shmbroker_segment_id(old, &old_id), 0);
        ck_assert_int_eq(shmbroker_segment_id(new, &new_id), 0);
        begin_all(connection, &begun, new_id);
        ck_assert_uint_eq(begun.n_calls, ARRAY_SIZE(results));
        for (size_t i = 0; i < begun.n_calls; ++i)
                async_end(connection, begun.calls[i], results[i]);
        ck_assert_int_eq(shmbroker_call_take_info(begun.calls[1], &info), 0);
        ck_assert_uint_eq(shmbroker_info_mode(info), 0640);
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_call_replaced_id(begun.calls[4], &id), 0);
        ck_assert_int_eq(id, old_id);
        ck_assert_int_eq(shmbroker_call_take_info(begun.calls[5], &info), 0);
        ck_assert_str_eq(shmbroker_info_name(info), "fd");
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_call_take_list(begun.calls[9], &list), 0);
        ck_assert_uint_eq(shmbroker_list_count(list), 2);
        shmbroker_list_free(list);
        ck_assert_int_eq(shmbroker_call_take_attachments(begun.calls[10], &attachments), 0);
        ck_assert_uint_eq(shmbroker_attachments_count(attachments), 1);
        shmbroker_attachments_free(attachments);
        ck_assert_int_eq(shmbroker_call_take_users(begun.calls[11], &users), 0);
        shmbroker_users_free(users);
        ck_assert_int_eq(shmbroker_call_take_status(begun.calls[12], &status), 0);
        shmbroker_status_free(status);
        for (size_t i = 13; i < 15; ++i) {
                ck_assert_int_eq(shmbroker_call_take_segment(begun.calls[i], &segment), 0);
                ck_assert_str_eq(shmbroker_segment_data(segment), "new");
                shmbroker_release(segment);
        }
        /* Held still by who made it, and the other one by nobody. */
        ck_assert_int_eq(shmbroker_call_take_info(begun.calls[15], &info), 0);
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_call_take_info(begun.calls[16], &info), -ENODATA);
        for (size_t i = 0; i < begun.n_calls; ++i)
                shmbroker_call_free(begun.calls[i]);
        shmbroker_release(old);
        shmbroker_release(new);
        shmbroker_close(connection);
}

#define N_MANY 500

static void create_many(struct shmbroker *connection, struct shmbroker_segment *made[],
                        const char *names[]) {
        static char texts[N_MANY][8];

        for (size_t i = 0; i < N_MANY; ++i) {
                (void) snprintf(texts[i], sizeof(texts[i]), "m%zu", i);
                names[i] = texts[i];
                made[i] = library_create(connection, names[i], PAGE);
                strcpy(shmbroker_segment_data(made[i]), names[i]);
        }
}

static void remove_many(struct shmbroker *connection, struct shmbroker_segment *made[],
                        const char *names[]) {
        for (size_t i = 0; i < N_MANY; ++i) {
                shmbroker_release(made[i]);
                library_remove(connection, names[i]);
        }
}

/* Far more than the broker has under way: each gets its own descriptor, and others go between. */
TEST(many) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made[N_MANY], *got[N_MANY];
        struct shmbroker_call *calls[N_MANY], *between[N_MANY];
        const char *names[N_MANY], *name;

        create_many(connection, made, names);
        for (size_t i = 0; i < N_MANY; ++i) {
                calls[i] = async_start(connection, names[i], NULL);
                between[i] = async_stat(connection, names[i]);
        }
        for (size_t i = 0; i < N_MANY; ++i) {
                got[i] = async_finish(connection, calls[i]);
                ck_assert_str_eq(shmbroker_segment_data(got[i]), names[i]);
                async_end_free(connection, between[i], 0);
                shmbroker_release(got[i]);
        }
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), 0);
        for (size_t i = 0; i < N_MANY; ++i) {
                ck_assert_str_eq(shmbroker_segment_data(got[i]), names[i]);
                got[i] = shmbroker_release(got[i]);
        }
        /* All or none: what was there is let go again. */
        name = names[N_MANY - 10];
        names[N_MANY - 10] = "none";
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), -ENOENT);
        ck_assert_ptr_nonnull(
                strstr(shmbroker_error_message(shmbroker_get_error(connection)), "'none'"));
        for (size_t i = 0; i < N_MANY; ++i)
                ck_assert_ptr_null(got[i]);
        names[N_MANY - 10] = "a b";
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), -EINVAL);
        names[N_MANY - 10] = name;
        for (size_t i = 0; i < N_MANY; ++i) {
                struct shmbroker_info *info = NULL;

                ck_assert_int_eq(shmbroker_stat(connection, names[i], 0, &info), 0);
                ck_assert_uint_eq(library_attach_count(info), 1);
                shmbroker_info_free(info);
        }
        ck_assert_int_eq(shmbroker_acquire_many(connection, 0, NULL, NULL, NULL), 0);
        remove_many(connection, made, names);
        shmbroker_close(connection);
}

/* Of a list what is here can be had before the rest is. */
TEST(list_in_parts) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made[N_MANY];
        struct shmbroker_call *call = NULL, *ended;
        const char *names[N_MANY];
        size_t n = 0, n_parts = 0;

        create_many(connection, made, names);
        ck_assert_int_eq(shmbroker_list_segments_start(connection, NULL, &call), 0);
        do {
                struct shmbroker_list *list = NULL;

                ended = async_loop(connection, 1);
                ck_assert_int_eq(shmbroker_call_take_list(call, &list), 0);
                n += shmbroker_list_count(list);
                n_parts += shmbroker_list_count(list) > 0;
                shmbroker_list_free(list);
        } while (!ended);
        ck_assert_ptr_eq(ended, call);
        ck_assert_uint_eq(n, N_MANY);
        ck_assert_uint_gt(n_parts, 1);
        shmbroker_call_free(call);
        remove_many(connection, made, names);
        shmbroker_close(connection);
}

/* What is waited for goes behind what is under way, and leaves that alone. */
TEST(blocking_between) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *first = async_start(connection, "a", NULL), *second;
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_stat(connection, "b", 0, &info), -ENOENT);
        ck_assert_int_eq(shmbroker_call_result(first), 0);
        second = async_stat(connection, "a");
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &segment), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 0));
        shmbroker_release(async_finish(connection, first));
        async_end_free(connection, second, 0);
        shmbroker_release(segment);
        shmbroker_release(made);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

/* Cut off in the middle, each does as its blocking form: what changes nothing that it would not the
 * second time is made again, what was not sent is made once, and of the others nobody knows. */
TEST(restart_while_pipelined) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *calls[40], *create, *stat;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        create = async_start(connection, "c", new);
        stat = async_stat(connection, "a");
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                calls[i] = async_start(connection, i == 39 ? "d" : "a", i == 39 ? new : NULL);
        ck_assert_ptr_null(async_loop(connection, 50));
        fixture_restart(SIGKILL, NULL);
        async_end(connection, create, -ECONNRESET);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_call_error(create)),
                         SHMBROKER_ERROR_CUT_OFF);
        shmbroker_call_free(create);
        async_end_free(connection, stat, -ENOENT);
        for (size_t i = 0; i < 39; ++i)
                async_end_free(connection, calls[i], -ENOENT);
        segment = async_finish(connection, calls[39]);
        shmbroker_release(segment);
        shmbroker_release(made);
        library_remove(connection, "d");
        ck_assert_uint_eq(async_count(connection), 0);
        shmbroker_options_free(new);
        shmbroker_close(connection);
}

/* Whatever was under way: nothing is left in the broker, and the others go on. */
TEST(cancel) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *any = library_options(SHMBROKER_CREATE_ANY, PAGE);
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_options *waits = async_waiting(SHMBROKER_FOREVER);

        shmbroker_options_set_remove_on_last_detach(any, 1);
        for (unsigned int i = 0; i < 40; ++i) {
                struct shmbroker_call *before = async_stat(connection, "b");
                struct shmbroker_call *call = async_start(connection, "a", any);
                struct shmbroker_call *nameless = async_start(connection, NULL, options);
                struct shmbroker_call *waiter = async_start(connection, "c", waits);
                struct shmbroker_call *after = async_stat(connection, "b");
                struct shmbroker_segment *segment = NULL;

                for (unsigned int step = 0; step < i % 5; ++step) {
                        (void) async_process(connection);
                        usleep(200 * (i / 5));
                }
                shmbroker_call_free(call);
                shmbroker_call_free(waiter);
                shmbroker_call_free(nameless);
                async_end_free(connection, before, -ENOENT);
                async_end_free(connection, after, -ENOENT);
                ck_assert_int_eq(shmbroker_acquire(connection, "a", any, &segment), 0);
                ck_assert_uint_eq(async_count(connection), 1);
                shmbroker_release(segment);
        }
        shmbroker_options_free(waits);
        shmbroker_options_free(options);
        shmbroker_options_free(any);
        shmbroker_close(connection);
}

/* Closing ends what is under way, and calls may be freed before and afterwards. */
TEST(close) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *waits = async_waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *done = async_start(connection, "a", NULL), *untold, *sent, *waiter,
                              *fresh;

        async_end(connection, done, 0);
        untold = async_start(connection, "a", NULL);
        ck_assert_int_eq(async_process(connection), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 5000));
        ck_assert_int_eq(async_process(connection), 1);
        waiter = async_start(connection, "b", waits);
        sent = async_start(connection, "a", NULL);
        shmbroker_call_free(async_start(connection, "a", NULL));
        (void) async_process(connection);
        fresh = async_stat(connection, "a");
        shmbroker_release(made);
        library_remove(connection, "a");
        shmbroker_close(connection);
        ck_assert_int_eq(shmbroker_call_take_segment(done, &segment), 0);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_call_result(untold), 0);
        ck_assert_int_eq(shmbroker_call_result(waiter), -ECANCELED);
        ck_assert_int_eq(shmbroker_call_take_segment(waiter, &segment), -ECANCELED);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_call_error(waiter)),
                         SHMBROKER_ERROR_CUT_OFF);
        shmbroker_call_free(done);
        shmbroker_call_free(untold);
        shmbroker_call_free(sent);
        shmbroker_call_free(waiter);
        shmbroker_call_free(fresh);
        shmbroker_options_free(waits);
}

/* Where a descriptor does not fit in, its call fails, and the others have theirs. */
TEST(no_descriptors_left) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *one = library_create(connection, "a", PAGE);
        struct shmbroker_segment *two = library_create(connection, "b", PAGE);
        struct shmbroker_call *first, *second, *third;
        uint64_t before;
        int fd;

        (void) shmbroker_get_fd(connection);
        strcpy(shmbroker_segment_data(two), "two");
        fd = dup(STDIN_FILENO);
        close(fd);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) fd);
        first = async_start(connection, "a", NULL);
        second = async_stat(connection, "a");
        third = async_start(connection, "b", NULL);
        async_end_free(connection, first, -EMFILE);
        async_end_free(connection, second, 0);
        async_end_free(connection, third, -EMFILE);
        unit_limit_restore(RLIMIT_NOFILE, before);
        first = async_start(connection, "b", NULL);
        shmbroker_release(one);
        one = async_finish(connection, first);
        ck_assert_str_eq(shmbroker_segment_data(one), "two");
        shmbroker_release(one);
        shmbroker_release(two);
        library_remove(connection, "a");
        library_remove(connection, "b");
        /* Nor is there one to be told by. */
        shmbroker_close(connection);
        connection = async_new(fixture_address());
        fd = dup(STDIN_FILENO);
        close(fd);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) fd);
        ck_assert_int_eq(shmbroker_get_fd(connection), -EMFILE);
        unit_limit_restore(RLIMIT_NOFILE, before);
        shmbroker_close(connection);
}

/* A call that a broker keeps waiting ends in time, and so do those behind it, whatever their own
 * time is, and one that nobody waited for so long does not make it wait. */
TEST(deadlines) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_call *calls[100], *patient[12];
        struct shmbroker_info *info = NULL;
        uint64_t begin;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        shmbroker_set_call_timeout(connection, 200000);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                calls[i] = async_stat(connection, "a");
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                async_end_free(connection, calls[i], -ETIMEDOUT);
        shmbroker_set_call_timeout(connection, SHMBROKER_FOREVER);
        for (size_t i = 0; i < ARRAY_SIZE(patient); ++i)
                patient[i] = async_start(connection, "a", NULL);
        shmbroker_set_call_timeout(connection, 200000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ETIMEDOUT);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        for (size_t i = 0; i < ARRAY_SIZE(patient); ++i)
                async_end_free(connection, patient[i], -ENOENT);
        shmbroker_close(connection);
}

/* A private segment that nobody took is removed again, whenever its call is freed; calls that are
 * under way at the time go on. */
TEST(untaken) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_options *waits = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_call *call, *others[3];

        shmbroker_options_set_wait(waits, SHMBROKER_FOREVER);
        for (unsigned int i = 0; i < 4; ++i) {
                /* In the end its time is over when it is freed. */
                shmbroker_set_call_timeout(connection, i < 3 ? 10 * USEC_PER_SEC : 300000);
                call = async_start(connection, NULL, i == 2 ? waits : new);
                if (i == 0)
                        async_end(connection, call, 0);
                else
                        while (async_process(connection) == 0)
                                (void) library_readable(shmbroker_get_fd(connection), 100);
                if (i == 3)
                        usleep(400000);
                shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
                for (size_t j = 0; j < ARRAY_SIZE(others); ++j)
                        others[j] = async_start(connection, NULL, new);
                (void) async_process(connection);
                shmbroker_call_free(call);
                for (size_t j = 0; j < ARRAY_SIZE(others); ++j)
                        async_end_free(connection, others[j], 0);
                ck_assert_uint_eq(async_count(connection), 0);
        }
        shmbroker_options_free(waits);
        shmbroker_options_free(new);
        shmbroker_close(connection);
}

/* All or none: what was made for it is gone. */
TEST(many_are_taken_back) {
        static const char *const names[] = { NULL, "a", NULL, "b", "taken", NULL };
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *taken = library_create(connection, "taken", PAGE);
        struct shmbroker_segment *segments[ARRAY_SIZE(names)] = {};

        ck_assert_int_eq(
                shmbroker_acquire_many(connection, ARRAY_SIZE(names), names, new, segments),
                -EEXIST);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), -EEXIST);
        ck_assert_ptr_nonnull(shmbroker_error_json(shmbroker_get_error(connection)));
        ck_assert_uint_eq(async_count(connection), 1);
        shmbroker_release(taken);
        library_remove(connection, "taken");
        shmbroker_options_free(new);
        shmbroker_close(connection);
}

static int close_in_child(void *userdata) {
        struct shmbroker *connection = userdata;
        for (int fd = 3; fd < 64; ++fd)
                close(fd);
        for (int fd = 3; fd < 64; ++fd)
                if (dup2(STDIN_FILENO, fd) != fd)
                        return 1;
        shmbroker_close(connection);
        for (int fd = 3; fd < 64; ++fd)
                if (fcntl(fd, F_GETFD) < 0)
                        return 2;
        return 0;
}

/* What has the numbers of our descriptors by now is left alone. */
TEST(closed_in_child) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_call *call;

        ck_assert_int_ge(shmbroker_get_fd(connection), 0);
        call = async_stat(connection, "a");
        ck_assert_int_eq(unit_fork(close_in_child, connection), 0);
        async_end_free(connection, call, -ENOENT);
        shmbroker_close(connection);
}

CASE("fake", .setup = fake_begin, .teardown = fake_end, .timeout = 30);

/* A broker that refuses the connection has read nothing of what was sent ahead: the next one is
 * made on a new connection, also if it creates something. */
TEST(refused) {
        static const Answer answers[] = {
                { .text = "{\"error\":\"org.shmbroker.Broker.LimitReached\",\"parameters\":{"
                          "\"limit\":\"connections\",\"maximum\":1}}" },
                { .text = GOOD, .n_fds = 1 },
        };
        struct shmbroker *connection = fake_connect(answers, 2);
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_call *first = async_start(connection, "a", new), *second;

        second = async_start(connection, "b", new);
        async_end(connection, first, -ENOSPC);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_call_error(first), "limit"), "connections");
        shmbroker_call_free(first);
        shmbroker_release(async_finish(connection, second));
        shmbroker_options_free(new);
        fake_close(connection, 0);
}
