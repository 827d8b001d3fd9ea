/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker in an event loop: calls that never wait, also where the broker stands still, goes
 * away or is not there yet; and waiting for a segment without keeping others from being answered.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

SUITE("library-async");
CASE("async", .setup = up, .teardown = fixture_down, .timeout = 60);

TEST(acquire) {
        struct shmbroker *connection = async_new(fixture_address());
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *segment;
        struct shmbroker_call *call;
        char name[] = "a";

        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert_int_eq(async_process(connection), 0);
        call = async_start(connection, name, options);
        /* What was given is not needed any more. */
        name[0] = '!';
        shmbroker_options_free(options);
        segment = async_finish(connection, call);
        ck_assert_int_eq(shmbroker_segment_created(segment), 1);
        strcpy(shmbroker_segment_data(segment), "mapped");
        shmbroker_release(segment);
        library_remove(connection, "a");
        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        call = async_start(connection, "a", NULL);
        async_end(connection, call, -ENOENT);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), -ENOENT);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_call_error(call)),
                                     "there is no segment 'a'"));
        /* What failed in a loop is not what failed while it was waited for. */
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
        ck_assert_ptr_null(shmbroker_call_free(call));
        ck_assert_ptr_null(shmbroker_call_free(NULL));
        shmbroker_close(connection);
}

/* Each function at a time when it makes no sense. */
TEST(out_of_order) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_list *list = NULL;
        struct shmbroker_info *info = NULL;
        struct shmbroker_call *call = NULL;
        int64_t id = 7;

        ck_assert_int_eq(shmbroker_acquire_start(connection, "a//b", NULL, &call), -EINVAL);
        ck_assert_ptr_null(call);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "name");
        ck_assert_int_eq(shmbroker_adopt_fd_start(connection, -1, NULL, NULL, &call), -EBADF);
        call = async_start(connection, "a", NULL);
        shmbroker_call_set_userdata(call, &id);
        ck_assert_ptr_eq(shmbroker_call_userdata(call), &id);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), -EINPROGRESS);
        ck_assert_int_eq(shmbroker_call_take_info(call, &info), -ENODATA);
        async_end(connection, call, 0);
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert_int_eq(shmbroker_call_take_list(call, &list), -ENODATA);
        ck_assert_int_eq(shmbroker_call_replaced_id(call, &id), -ENODATA);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), 0);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &made), -ENODATA);
        shmbroker_call_free(call);
        shmbroker_release(segment);
        /* What nobody takes goes with the call, also before the program was told of it. */
        call = async_start(connection, "a", NULL);
        ck_assert_int_ge(async_process(connection), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 5000));
        ck_assert_int_eq(async_process(connection), 1);
        shmbroker_call_free(call);
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        shmbroker_release(made);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

TEST(wait) {
        struct shmbroker *waiter = library_connect(), *maker = library_connect();
        struct shmbroker_options *options = async_waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made, *got = NULL;
        struct shmbroker_call *call, *other;
        uint64_t begin;

        /* The time of a call does not count as long as it may wait. */
        shmbroker_set_call_timeout(waiter, 10000);
        call = async_start(waiter, "a", options);
        ck_assert_ptr_null(async_loop(waiter, 100));
        shmbroker_set_call_timeout(waiter, 10 * USEC_PER_SEC);
        /* It keeps nothing from being answered, by waiting for it or not. */
        other = async_stat(waiter, "b");
        async_end_free(waiter, other, -ENOENT);
        made = library_create(waiter, NULL, PAGE);
        strcpy(shmbroker_segment_data(made), "whole");
        ck_assert_ptr_null(async_loop(waiter, 50));
        ck_assert_int_eq(shmbroker_publish(maker, shmbroker_info_id(shmbroker_segment_info(made)),
                                           "a", 0, NULL, NULL, NULL),
                         0);
        got = async_finish(waiter, call);
        ck_assert_str_eq(shmbroker_segment_data(got), "whole");
        shmbroker_release(got);
        shmbroker_release(made);

        shmbroker_options_set_wait(options, 100000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_acquire(waiter, "b", options, &got), -ENOENT);
        ck_assert_uint_ge(library_clock_msec() - begin, 95);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        /* Also where it is waited for behind another one. */
        shmbroker_options_set_wait(options, SHMBROKER_FOREVER);
        call = async_start(waiter, "b", options);
        shmbroker_options_set_wait(options, 100000);
        ck_assert_int_eq(shmbroker_acquire(waiter, "b", options, &got), -ENOENT);
        ck_assert_int_eq(shmbroker_call_result(call), -EINPROGRESS);
        shmbroker_call_free(call);
        call = async_start(waiter, "b", options);
        async_end_free(waiter, call, -ENOENT);
        shmbroker_close(waiter);
        shmbroker_close(maker);
        shmbroker_options_free(options);
}

/* What waits is found again by a broker that comes back, with what is left of its time. */
TEST(restart_while_waiting) {
        struct shmbroker *waiter = library_connect(), *maker = library_connect();
        struct shmbroker_options *options = async_waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made;
        struct shmbroker_call *call = async_start(waiter, "a", options);

        ck_assert_ptr_null(async_loop(waiter, 50));
        fixture_restart(SIGKILL, NULL);
        ck_assert_ptr_null(async_loop(waiter, 50));
        made = library_create(maker, "a", PAGE);
        shmbroker_release(async_finish(waiter, call));
        shmbroker_release(made);
        library_remove(maker, "a");
        /* Once; then it is an error. */
        call = async_start(waiter, "a", options);
        ck_assert_ptr_null(async_loop(waiter, 50));
        fixture_restart(SIGTERM, NULL);
        ck_assert_ptr_null(async_loop(waiter, 50));
        fixture_restart(SIGTERM, NULL);
        async_end_free(waiter, call, -ECONNRESET);
        shmbroker_close(waiter);
        shmbroker_close(maker);
        shmbroker_options_free(options);
}

/* The broker stands still: nothing waits for it, and the call ends in time; so do those behind. */
TEST(deadline) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_call *call, *behind;
        uint64_t begin;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        shmbroker_set_call_timeout(connection, 200000);
        begin = library_clock_msec();
        call = async_start(connection, "a", NULL);
        behind = async_stat(connection, "a");
        async_end_free(connection, call, -ETIMEDOUT);
        ck_assert_uint_ge(library_clock_msec() - begin, 195);
        async_end_free(connection, behind, -ETIMEDOUT);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
        call = async_start(connection, "a", NULL);
        async_end_free(connection, call, -ENOENT);
        shmbroker_close(connection);
}

/* A private segment that cannot be used is removed again, without waiting for that either. */
TEST(cannot_map) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_call *call;

        shmbroker_options_set_window(options, 2 * PAGE, 0);
        call = async_start(connection, NULL, options);
        async_end(connection, call, -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_call_error(call), "parameter"), "offset");
        shmbroker_call_free(call);
        ck_assert_uint_eq(async_count(connection), 0);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

typedef struct Inherited Inherited;

struct Inherited {
        struct shmbroker *connection;
        struct shmbroker_call *waiter;
        struct shmbroker_call *sent;
};

static int use_in_child(void *userdata) {
        Inherited *inherited = userdata;
        struct shmbroker_call *call = NULL;

        if (shmbroker_process(inherited->connection) != -ECHILD ||
            shmbroker_get_fd(inherited->connection) != -ECHILD ||
            shmbroker_acquire_start(inherited->connection, "a", NULL, &call) != -ECHILD)
                return 1;
        shmbroker_call_free(inherited->waiter);
        shmbroker_close(inherited->connection);
        shmbroker_call_free(inherited->sent);
        return 0;
}

/* The child frees what it inherited, and the parent does not notice. */
TEST(fork) {
        struct shmbroker *connection = library_connect(), *other = library_connect();
        struct shmbroker_options *options = async_waiting(SHMBROKER_FOREVER);
        Inherited inherited = { .connection = connection };
        struct shmbroker_segment *segment;

        inherited.waiter = async_start(connection, "a", options);
        inherited.sent = async_stat(connection, "b");
        ck_assert_int_eq(async_process(connection), 0);
        ck_assert_int_eq(unit_fork(use_in_child, &inherited), 0);
        async_end_free(connection, inherited.sent, -ENOENT);
        segment = library_create(other, "a", PAGE);
        shmbroker_release(async_finish(connection, inherited.waiter));
        shmbroker_release(segment);
        library_remove(other, "a");
        shmbroker_options_free(options);
        shmbroker_close(other);
        shmbroker_close(connection);
}

/* The only socket that is connected here, but for those below @except. */
static int find_socket(int except) {
        struct stat st;

        for (int fd = except; fd < 64; ++fd)
                if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
                        return fd;
        ck_abort_msg("there is no socket");
}

/* The program closes the socket under it, and opens another file at its number. */
TEST(closed_under_it) {
        struct shmbroker *other = library_connect(), *connection = async_new(NULL);
        struct shmbroker_call *call;
        int first = dup(STDIN_FILENO), fd, pair[2];

        shmbroker_close(connection);
        close(first);
        connection = async_new(fixture_address());
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        call = async_stat(connection, "a");
        ck_assert_ptr_null(async_loop(connection, 50));
        fd = find_socket(first);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(pair[0], fd);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        /* Nothing tells of it, but the next call does. */
        shmbroker_call_free(async_stat(connection, "b"));
        async_end_free(connection, call, -ENOENT);
        shmbroker_close(connection);
        ck_assert_int_eq(send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
        close(pair[0]);
        close(pair[1]);
        shmbroker_close(other);
}

CASE("fake", .setup = fake_begin, .teardown = fake_end, .timeout = 30);

TEST(no_broker) {
        struct shmbroker_options *options = async_waiting(SHMBROKER_FOREVER);
        struct shmbroker *connection;
        struct shmbroker_call *calls[3];
        char address[128];

        (void) snprintf(address, sizeof(address), "unix:%s/none", fake.directory);
        connection = async_new(address);
        ck_assert_str_eq(shmbroker_get_address(connection), address);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                calls[i] = async_start(connection, "a", i < 2 ? NULL : options);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i) {
                async_end(connection, calls[i], -ENOTCONN);
                ck_assert_ptr_nonnull(
                        strstr(shmbroker_error_message(shmbroker_call_error(calls[i])),
                               "there is no broker"));
                shmbroker_call_free(calls[i]);
        }
        shmbroker_close(connection);
        shmbroker_options_free(options);
        ck_assert_int_eq(shmbroker_new("tcp:1", &connection), -EINVAL);
}

/* A listener whose queue is full: connecting is tried now and then, and never waits. */
TEST(full_queue) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct shmbroker *connection = async_new(fake.address), *filler[2] = {};
        struct shmbroker_call *call;

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", fake.path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                ck_assert_int_eq(shmbroker_connect(fake.address, &filler[i]), 0);
        call = async_start(connection, "a", NULL);
        ck_assert_ptr_null(async_loop(connection, 100));
        /* After a pause it is tried again. */
        ck_assert_int_eq(library_readable(shmbroker_get_fd(connection), 5000), 1);
        close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
        /* Now it gets in, and only an answer is missing. */
        ck_assert_ptr_null(async_loop(connection, 500));
        ck_assert_int_eq(library_readable(shmbroker_get_fd(connection), 200), 0);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                shmbroker_close(filler[i]);
        shmbroker_close(connection);
        shmbroker_call_free(call);
        close(fd);
        ck_assert_int_eq(unlink(fake.path), 0);
}

/* An answer in pieces, some of which come late. */
TEST(pieces) {
        static const char first[] = "{\"parameters\":{\"fileDescriptorIndex\":0,";
        static const Answer answers[] = {
                { .text = first, .cut = true, .n_fds = 1 },
                { .text = GOOD, .n_fds = 1 },
        };
        struct shmbroker *connection = fake_connect(answers, 2);

        shmbroker_set_call_timeout(connection, 200000);
        async_end_free(connection, async_start(connection, "a", NULL), -ETIMEDOUT);
        shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
        shmbroker_release(async_finish(connection, async_start(connection, "a", NULL)));
        fake_close(connection, 0);
}
