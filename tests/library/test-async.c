/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker in an event loop: acquiring without ever waiting, also where the broker stands
 * still, goes away or is not there yet; and waiting for a segment, in both ways.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096
#define USEC_PER_SEC UINT64_C(1000000)

/* What does not wait takes no longer, on a machine that is busy. */
#define AT_ONCE_MSEC 500

static void up(void) {
        fixture_up(NULL);
}

static struct shmbroker *new_connection(const char *address) {
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(shmbroker_new(address, &connection), 0);
        return connection;
}

static int process(struct shmbroker *connection) {
        uint64_t begin = library_clock_msec();
        int r = shmbroker_process(connection);

        ck_assert_uint_lt(library_clock_msec() - begin, AT_ONCE_MSEC);
        return r;
}

/* An event loop with nothing else in it, for so long at most. */
static int loop(struct shmbroker *connection, uint64_t msec) {
        uint64_t end = library_clock_msec() + msec;
        int r;

        while ((r = process(connection)) == 0 && library_clock_msec() < end) {
                uint64_t timeout = shmbroker_get_timeout(connection);
                uint64_t left = (end - MIN(end, library_clock_msec())) * 1000;
                struct pollfd wanted = { .fd = shmbroker_get_fd(connection),
                                         .events = (short) shmbroker_get_events(connection) };

                ck_assert(wanted.fd >= 0 || timeout < SHMBROKER_FOREVER);
                ck_assert_int_ge(poll(&wanted, 1, (int) (MIN(timeout, left) / 1000) + 1), 0);
        }
        return r;
}

static struct shmbroker_segment *finish(struct shmbroker *connection) {
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), 0);
        ck_assert_ptr_nonnull(segment);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
        return segment;
}

static struct shmbroker_options *waiting(uint64_t usec) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_wait(options, usec);
        return options;
}

START_TEST(test_acquire) {
        struct shmbroker *connection = new_connection(fixture_address());
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *segment;
        char name[] = "a";

        ck_assert_int_lt(shmbroker_get_fd(connection), 0);
        ck_assert_int_eq(shmbroker_get_events(connection), 0);
        ck_assert_uint_eq(shmbroker_get_timeout(connection), SHMBROKER_FOREVER);
        ck_assert_int_eq(shmbroker_acquire_start(connection, name, options), 0);
        /* What was given is not needed any more. */
        name[0] = '!';
        shmbroker_options_free(options);
        ck_assert_int_eq(loop(connection, 10000), 1);
        ck_assert_int_eq(shmbroker_process(connection), 1);
        ck_assert_uint_eq(shmbroker_get_timeout(connection), 0);
        segment = finish(connection);
        ck_assert_int_eq(shmbroker_segment_created(segment), 1);
        strcpy(shmbroker_segment_data(segment), "mapped");
        shmbroker_release(segment);
        library_remove(connection, "a");
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), -ENOENT);
        ck_assert_int_eq(shmbroker_process(connection), -ENOENT);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "there is no segment 'a'"));
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -ENOENT);
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -ENODATA);
        shmbroker_close(connection);
}
END_TEST

/* Each call at a time when it makes no sense. */
START_TEST(test_out_of_order) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_process(connection), -ENODATA);
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -ENODATA);
        shmbroker_cancel(connection);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a//b", NULL), -EINVAL);
        ck_assert_int_eq(shmbroker_process(connection), -ENODATA);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), 0);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), -EALREADY);
        ck_assert_int_eq(loop(connection, 50), 0);
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -EINPROGRESS);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -EALREADY);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "finish or cancel"));
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &segment), -EALREADY);
        shmbroker_cancel(connection);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ENOENT);
        /* One that is done blocks nothing but the next one of its kind. */
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), -ENOENT);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), -EALREADY);
        ck_assert_int_eq(shmbroker_stat(connection, "b", 0, &info), -ENOENT);
        shmbroker_cancel(connection);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
END_TEST

START_TEST(test_wait) {
        struct shmbroker *waiter = library_connect(), *maker = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made, *got;
        uint64_t begin;

        /* The time of a call does not count as long as it may wait. */
        shmbroker_set_call_timeout(waiter, 10000);
        ck_assert_int_eq(shmbroker_acquire_start(waiter, "a", options), 0);
        ck_assert_int_eq(loop(waiter, 100), 0);
        ck_assert_uint_eq(shmbroker_get_timeout(waiter), SHMBROKER_FOREVER);
        made = library_create(maker, NULL, PAGE);
        strcpy(shmbroker_segment_data(made), "whole");
        ck_assert_int_eq(loop(waiter, 50), 0);
        ck_assert_int_eq(shmbroker_publish(maker, shmbroker_info_id(shmbroker_segment_info(made)),
                                           "a", 0, NULL, NULL, NULL),
                         0);
        ck_assert_int_eq(loop(waiter, 10000), 1);
        got = finish(waiter);
        ck_assert_str_eq(shmbroker_segment_data(got), "whole");
        shmbroker_release(got);
        shmbroker_release(made);

        shmbroker_set_call_timeout(waiter, 10 * USEC_PER_SEC);
        shmbroker_options_set_wait(options, 100000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_acquire(waiter, "b", options, &got), -ENOENT);
        ck_assert_uint_ge(library_clock_msec() - begin, 95);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        ck_assert_int_eq(shmbroker_acquire_start(waiter, "b", options), 0);
        ck_assert_int_eq(loop(waiter, 10000), -ENOENT);
        shmbroker_close(waiter);
        shmbroker_close(maker);
        shmbroker_options_free(options);
}
END_TEST

/* What waits is found again by a broker that comes back, with what is left of its time. */
START_TEST(test_restart_while_waiting) {
        struct shmbroker *waiter = library_connect(), *maker = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made;

        ck_assert_int_eq(shmbroker_acquire_start(waiter, "a", options), 0);
        ck_assert_int_eq(loop(waiter, 50), 0);
        fixture_restart(SIGKILL, NULL);
        ck_assert_int_eq(loop(waiter, 50), 0);
        made = library_create(maker, "a", PAGE);
        ck_assert_int_eq(loop(waiter, 10000), 1);
        shmbroker_release(finish(waiter));
        shmbroker_release(made);
        library_remove(maker, "a");
        /* Once; then it is an error. */
        ck_assert_int_eq(shmbroker_acquire_start(waiter, "a", options), 0);
        ck_assert_int_eq(loop(waiter, 50), 0);
        fixture_restart(SIGTERM, NULL);
        ck_assert_int_eq(loop(waiter, 50), 0);
        fixture_restart(SIGTERM, NULL);
        ck_assert_int_eq(loop(waiter, 10000), -ECONNRESET);
        shmbroker_close(waiter);
        shmbroker_close(maker);
        shmbroker_options_free(options);
}
END_TEST

/* The broker stands still: nothing waits for it, and the call ends in time. */
START_TEST(test_deadline) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = NULL;
        uint64_t begin;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        shmbroker_set_call_timeout(connection, 200000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_uint_le(shmbroker_get_timeout(connection), 200000);
        ck_assert_int_eq(loop(connection, 10000), -ETIMEDOUT);
        ck_assert_uint_ge(library_clock_msec() - begin, 195);
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -ETIMEDOUT);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), -ENOENT);
        shmbroker_close(connection);
}
END_TEST

/* Whatever was under way: nothing is left in the broker, and the connection is as good as new. */
START_TEST(test_cancel) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_ANY, PAGE);

        shmbroker_options_set_remove_on_last_detach(options, 1);
        for (unsigned int i = 0; i < 20; ++i) {
                struct shmbroker_segment *segment = NULL;

                ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), 0);
                for (unsigned int step = 0; step < i % 5; ++step) {
                        (void) process(connection);
                        usleep(500 * (i / 5));
                }
                shmbroker_cancel(connection);
                ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
                shmbroker_release(segment);
        }
        /* Closing cancels, too. */
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), 0);
        ck_assert_int_ge(process(connection), 0);
        shmbroker_close(connection);
        shmbroker_options_free(options);
}
END_TEST

/* A private segment that cannot be used is removed again, without waiting for that either. */
START_TEST(test_cannot_map) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_status *status = NULL;
        struct shmbroker_segment *segment = NULL;

        shmbroker_options_set_window(options, 2 * PAGE, 0);
        ck_assert_int_eq(shmbroker_acquire_start(connection, NULL, options), 0);
        ck_assert_int_eq(loop(connection, 10000), -EINVAL);
        ck_assert_str_eq(shmbroker_error_parameter(shmbroker_get_error(connection)), "offset");
        ck_assert_int_eq(shmbroker_acquire_finish(connection, &segment), -EINVAL);
        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_uint_eq(shmbroker_status_segment_count(status), 0);
        shmbroker_status_free(status);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
END_TEST

static int use_in_child(void *userdata) {
        struct shmbroker *connection = userdata;
        struct shmbroker_segment *segment = NULL;

        if (shmbroker_process(connection) != -ECHILD ||
            shmbroker_acquire_finish(connection, &segment) != -ECHILD)
                return 1;
        shmbroker_close(connection);
        return 0;
}

START_TEST(test_fork) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *segment;
        struct shmbroker *other = library_connect();

        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), 0);
        ck_assert_int_eq(loop(connection, 50), 0);
        ck_assert_int_eq(unit_fork(use_in_child, connection), 0);
        segment = library_create(other, "a", PAGE);
        ck_assert_int_eq(loop(connection, 10000), 1);
        shmbroker_release(finish(connection));
        shmbroker_release(segment);
        library_remove(other, "a");
        shmbroker_options_free(options);
        shmbroker_close(other);
        shmbroker_close(connection);
}
END_TEST

/* The program closes the socket under it, and opens another file at its number. */
START_TEST(test_closed_under_it) {
        struct shmbroker *connection = library_connect(), *other = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *segment;
        int fd, pair[2];

        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", options), 0);
        ck_assert_int_eq(loop(connection, 50), 0);
        fd = shmbroker_get_fd(connection);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(pair[0], fd);
        segment = library_create(other, "a", PAGE);
        ck_assert_int_eq(loop(connection, 10000), 1);
        shmbroker_release(finish(connection));
        shmbroker_close(connection);
        ck_assert_int_eq(send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
        close(pair[0]);
        close(pair[1]);
        shmbroker_release(segment);
        library_remove(other, "a");
        shmbroker_options_free(options);
        shmbroker_close(other);
}
END_TEST

START_TEST(test_no_descriptors_left) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE);
        uint64_t before;
        int fd;

        fd = dup(STDIN_FILENO);
        close(fd);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) fd);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), -EMFILE);
        unit_limit_restore(RLIMIT_NOFILE, before);
        shmbroker_cancel(connection);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), 1);
        shmbroker_release(finish(connection));
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_close(connection);
}
END_TEST

START_TEST(test_no_broker) {
        struct shmbroker *connection;
        char address[128];

        (void) snprintf(address, sizeof(address), "unix:%s/none", fake.directory);
        connection = new_connection(address);
        ck_assert_str_eq(shmbroker_get_address(connection), address);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 1000), -ENOTCONN);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "there is no broker"));
        shmbroker_close(connection);
        ck_assert_int_eq(shmbroker_new("tcp:1", &connection), -EINVAL);
}
END_TEST

/* A listener whose queue is full: connecting is tried now and then, and never waits. */
START_TEST(test_full_queue) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct shmbroker *connection = new_connection(fake.address), *filler[2] = {};

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", fake.path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                ck_assert_int_eq(shmbroker_connect(fake.address, &filler[i]), 0);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 100), 0);
        ck_assert_int_lt(shmbroker_get_fd(connection), 0);
        ck_assert_uint_le(shmbroker_get_timeout(connection), 50000);
        close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
        /* Now it gets in, and only an answer is missing. */
        ck_assert_int_eq(loop(connection, 200), 0);
        ck_assert_int_ge(shmbroker_get_fd(connection), 0);
        ck_assert_int_eq(shmbroker_get_events(connection), POLLIN);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                shmbroker_close(filler[i]);
        shmbroker_close(connection);
        close(fd);
        ck_assert_int_eq(unlink(fake.path), 0);
}
END_TEST

/* An answer in pieces, some of which come late. */
START_TEST(test_pieces) {
        static const char first[] = "{\"parameters\":{\"fileDescriptorIndex\":0,";
        static const Answer answers[] = {
                { .text = first, .cut = true, .n_fds = 1 },
                { .text = GOOD, .n_fds = 1 },
        };
        struct shmbroker *connection = fake_connect(answers, 2);

        shmbroker_set_call_timeout(connection, 200000);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), -ETIMEDOUT);
        shmbroker_cancel(connection);
        shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
        ck_assert_int_eq(shmbroker_acquire_start(connection, "a", NULL), 0);
        ck_assert_int_eq(loop(connection, 10000), 1);
        shmbroker_release(finish(connection));
        fake_close(connection, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("library-async");
        TCase *tc = tcase_create("async"), *faked = tcase_create("fake");

        tcase_add_checked_fixture(tc, up, fixture_down);
        tcase_set_timeout(tc, 30);
        tcase_add_test(tc, test_acquire);
        tcase_add_test(tc, test_out_of_order);
        tcase_add_test(tc, test_wait);
        tcase_add_test(tc, test_restart_while_waiting);
        tcase_add_test(tc, test_deadline);
        tcase_add_test(tc, test_cancel);
        tcase_add_test(tc, test_cannot_map);
        tcase_add_test(tc, test_fork);
        tcase_add_test(tc, test_closed_under_it);
        tcase_add_test(tc, test_no_descriptors_left);
        suite_add_tcase(suite, tc);
        tcase_add_checked_fixture(faked, fake_begin, fake_end);
        tcase_set_timeout(faked, 30);
        tcase_add_test(faked, test_no_broker);
        tcase_add_test(faked, test_full_queue);
        tcase_add_test(faked, test_pieces);
        suite_add_tcase(suite, faked);
        return unit_main(suite);
}
