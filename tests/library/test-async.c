/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker in an event loop: calls that never wait, also where the broker stands still, goes
 * away or is not there yet; many of them at once; and waiting for a segment without keeping the
 * others from being answered.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* An event loop with nothing else in it, for so long at most: one descriptor tells all. Return: the
 * next call that is done, or NULL. */
static struct shmbroker_call *loop(struct shmbroker *connection, uint64_t msec) {
        uint64_t end = library_clock_msec() + msec, now;
        int fd = shmbroker_get_fd(connection), r;

        ck_assert_int_ge(fd, 0);
        while ((r = process(connection)) == 0 && (now = library_clock_msec()) < end)
                (void) library_readable(fd, (int) (end - now));
        ck_assert_int_ge(r, 0);
        ck_assert_int_eq(shmbroker_get_fd(connection), fd);
        return shmbroker_next_done(connection);
}

/* The call ends with this result, before any other one. */
static void end(struct shmbroker *connection, struct shmbroker_call *call, int result) {
        ck_assert_ptr_eq(loop(connection, 10000), call);
        ck_assert_int_eq(shmbroker_call_result(call), result);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_call_error(call)), result);
}

static void end_free(struct shmbroker *connection, struct shmbroker_call *call, int result) {
        end(connection, call, result);
        ck_assert_ptr_null(shmbroker_call_free(call));
}

/* What the call acquired, as soon as it is there. */
static struct shmbroker_segment *finish(struct shmbroker *connection, struct shmbroker_call *call) {
        struct shmbroker_segment *segment = NULL;

        end(connection, call, 0);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), 0);
        ck_assert_ptr_nonnull(segment);
        shmbroker_call_free(call);
        return segment;
}

static struct shmbroker_call *start(struct shmbroker *connection, const char *name,
                                    const struct shmbroker_options *options) {
        struct shmbroker_call *call = NULL;

        ck_assert_int_eq(shmbroker_acquire_start(connection, name, options, &call), 0);
        ck_assert_int_eq(shmbroker_call_result(call), -EINPROGRESS);
        return call;
}

static struct shmbroker_call *start_stat(struct shmbroker *connection, const char *name) {
        struct shmbroker_call *call = NULL;

        ck_assert_int_eq(shmbroker_stat_start(connection, name, 0, &call), 0);
        return call;
}

static struct shmbroker_options *waiting(uint64_t usec) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_wait(options, usec);
        return options;
}

static uint64_t segment_count(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;
        uint64_t n;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        n = shmbroker_status_segment_count(status);
        shmbroker_status_free(status);
        return n;
}

START_TEST(test_acquire) {
        struct shmbroker *connection = new_connection(fixture_address());
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *segment;
        struct shmbroker_call *call;
        char name[] = "a";

        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert_int_eq(process(connection), 0);
        call = start(connection, name, options);
        /* What was given is not needed any more. */
        name[0] = '!';
        shmbroker_options_free(options);
        segment = finish(connection, call);
        ck_assert_int_eq(shmbroker_segment_created(segment), 1);
        strcpy(shmbroker_segment_data(segment), "mapped");
        shmbroker_release(segment);
        library_remove(connection, "a");
        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        call = start(connection, "a", NULL);
        end(connection, call, -ENOENT);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), -ENOENT);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_call_error(call)),
                                     "there is no segment 'a'"));
        /* What failed in a loop is not what failed while it was waited for. */
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
        ck_assert_ptr_null(shmbroker_call_free(call));
        ck_assert_ptr_null(shmbroker_call_free(NULL));
        shmbroker_close(connection);
}
END_TEST

/* Each function at a time when it makes no sense. */
START_TEST(test_out_of_order) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_list *list = NULL;
        struct shmbroker_info *info = NULL;
        struct shmbroker_call *call = NULL;
        int64_t id = 7;

        ck_assert_int_eq(shmbroker_acquire_start(connection, "a//b", NULL, &call), -EINVAL);
        ck_assert_ptr_null(call);
        ck_assert_str_eq(shmbroker_error_parameter(shmbroker_get_error(connection)), "name");
        ck_assert_int_eq(shmbroker_adopt_fd_start(connection, -1, NULL, NULL, &call), -EBADF);
        call = start(connection, "a", NULL);
        shmbroker_call_set_userdata(call, &id);
        ck_assert_ptr_eq(shmbroker_call_userdata(call), &id);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), -EINPROGRESS);
        ck_assert_int_eq(shmbroker_call_take_info(call, &info), -ENODATA);
        end(connection, call, 0);
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert_int_eq(shmbroker_call_take_list(call, &list), -ENODATA);
        ck_assert_int_eq(shmbroker_call_replaced_id(call, &id), -ENODATA);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &segment), 0);
        ck_assert_int_eq(shmbroker_call_take_segment(call, &made), -ENODATA);
        shmbroker_call_free(call);
        shmbroker_release(segment);
        /* What nobody takes goes with the call, also before the program was told of it. */
        call = start(connection, "a", NULL);
        ck_assert_int_ge(process(connection), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 5000));
        ck_assert_int_eq(process(connection), 1);
        shmbroker_call_free(call);
        ck_assert_ptr_null(shmbroker_next_done(connection));
        ck_assert(!library_readable(shmbroker_get_fd(connection), 0));
        shmbroker_release(made);
        library_remove(connection, "a");
        shmbroker_close(connection);
}
END_TEST

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

/* Every call there is, all of them under way at once, answered in their order. */
START_TEST(test_all_at_once) {
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
                end(connection, begun.calls[i], results[i]);
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
END_TEST

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
START_TEST(test_many) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made[N_MANY], *got[N_MANY];
        struct shmbroker_call *calls[N_MANY], *between[N_MANY];
        const char *names[N_MANY];

        create_many(connection, made, names);
        for (size_t i = 0; i < N_MANY; ++i) {
                calls[i] = start(connection, names[i], NULL);
                between[i] = start_stat(connection, names[i]);
        }
        for (size_t i = 0; i < N_MANY; ++i) {
                got[i] = finish(connection, calls[i]);
                ck_assert_str_eq(shmbroker_segment_data(got[i]), names[i]);
                end_free(connection, between[i], 0);
                shmbroker_release(got[i]);
        }
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), 0);
        for (size_t i = 0; i < N_MANY; ++i) {
                ck_assert_str_eq(shmbroker_segment_data(got[i]), names[i]);
                got[i] = shmbroker_release(got[i]);
        }
        /* All or none: what was there is let go again. */
        names[N_MANY - 10] = "none";
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), -ENOENT);
        ck_assert_ptr_nonnull(
                strstr(shmbroker_error_message(shmbroker_get_error(connection)), "'none'"));
        for (size_t i = 0; i < N_MANY; ++i)
                ck_assert_ptr_null(got[i]);
        names[N_MANY - 10] = "a b";
        ck_assert_int_eq(shmbroker_acquire_many(connection, N_MANY, names, NULL, got), -EINVAL);
        names[N_MANY - 10] = shmbroker_segment_name(made[N_MANY - 10]);
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
END_TEST

/* Of a list what is here can be had before the rest is. */
START_TEST(test_list_in_parts) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made[N_MANY];
        struct shmbroker_call *call = NULL, *ended;
        const char *names[N_MANY];
        size_t n = 0, n_parts = 0;

        create_many(connection, made, names);
        ck_assert_int_eq(shmbroker_list_segments_start(connection, NULL, &call), 0);
        do {
                struct shmbroker_list *list = NULL;

                ended = loop(connection, 1);
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
END_TEST

/* What is waited for goes behind what is under way, and leaves that alone. */
START_TEST(test_blocking_between) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *first = start(connection, "a", NULL), *second;
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_stat(connection, "b", 0, &info), -ENOENT);
        ck_assert_int_eq(shmbroker_call_result(first), 0);
        second = start_stat(connection, "a");
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &segment), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 0));
        shmbroker_release(finish(connection, first));
        end_free(connection, second, 0);
        shmbroker_release(segment);
        shmbroker_release(made);
        library_remove(connection, "a");
        shmbroker_close(connection);
}
END_TEST

START_TEST(test_wait) {
        struct shmbroker *waiter = library_connect(), *maker = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made, *got = NULL;
        struct shmbroker_call *call, *other;
        uint64_t begin;

        /* The time of a call does not count as long as it may wait. */
        shmbroker_set_call_timeout(waiter, 10000);
        call = start(waiter, "a", options);
        ck_assert_ptr_null(loop(waiter, 100));
        shmbroker_set_call_timeout(waiter, 10 * USEC_PER_SEC);
        /* It keeps nothing from being answered, by waiting for it or not. */
        other = start_stat(waiter, "b");
        end_free(waiter, other, -ENOENT);
        made = library_create(waiter, NULL, PAGE);
        strcpy(shmbroker_segment_data(made), "whole");
        ck_assert_ptr_null(loop(waiter, 50));
        ck_assert_int_eq(shmbroker_publish(maker, shmbroker_info_id(shmbroker_segment_info(made)),
                                           "a", 0, NULL, NULL, NULL),
                         0);
        got = finish(waiter, call);
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
        call = start(waiter, "b", options);
        shmbroker_options_set_wait(options, 100000);
        ck_assert_int_eq(shmbroker_acquire(waiter, "b", options, &got), -ENOENT);
        ck_assert_int_eq(shmbroker_call_result(call), -EINPROGRESS);
        shmbroker_call_free(call);
        call = start(waiter, "b", options);
        end_free(waiter, call, -ENOENT);
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
        struct shmbroker_call *call = start(waiter, "a", options);

        ck_assert_ptr_null(loop(waiter, 50));
        fixture_restart(SIGKILL, NULL);
        ck_assert_ptr_null(loop(waiter, 50));
        made = library_create(maker, "a", PAGE);
        shmbroker_release(finish(waiter, call));
        shmbroker_release(made);
        library_remove(maker, "a");
        /* Once; then it is an error. */
        call = start(waiter, "a", options);
        ck_assert_ptr_null(loop(waiter, 50));
        fixture_restart(SIGTERM, NULL);
        ck_assert_ptr_null(loop(waiter, 50));
        fixture_restart(SIGTERM, NULL);
        end_free(waiter, call, -ECONNRESET);
        shmbroker_close(waiter);
        shmbroker_close(maker);
        shmbroker_options_free(options);
}
END_TEST

/* Cut off in the middle, each does as its blocking form: what changes nothing that it would not the
 * second time is made again, what was not sent is made once, and of the others nobody knows. */
START_TEST(test_restart_while_pipelined) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *calls[40], *create, *stat;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        create = start(connection, "c", new);
        stat = start_stat(connection, "a");
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                calls[i] = start(connection, i == 39 ? "d" : "a", i == 39 ? new : NULL);
        ck_assert_ptr_null(loop(connection, 50));
        fixture_restart(SIGKILL, NULL);
        end(connection, create, -ECONNRESET);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_call_error(create)),
                         SHMBROKER_ERROR_CUT_OFF);
        shmbroker_call_free(create);
        end_free(connection, stat, -ENOENT);
        for (size_t i = 0; i < 39; ++i)
                end_free(connection, calls[i], -ENOENT);
        segment = finish(connection, calls[39]);
        shmbroker_release(segment);
        shmbroker_release(made);
        library_remove(connection, "d");
        ck_assert_uint_eq(segment_count(connection), 0);
        shmbroker_options_free(new);
        shmbroker_close(connection);
}
END_TEST

/* The broker stands still: nothing waits for it, and the call ends in time; so do those behind. */
START_TEST(test_deadline) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_call *call, *behind;
        uint64_t begin;

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        shmbroker_set_call_timeout(connection, 200000);
        begin = library_clock_msec();
        call = start(connection, "a", NULL);
        behind = start_stat(connection, "a");
        end_free(connection, call, -ETIMEDOUT);
        ck_assert_uint_ge(library_clock_msec() - begin, 195);
        end_free(connection, behind, -ETIMEDOUT);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
        call = start(connection, "a", NULL);
        end_free(connection, call, -ENOENT);
        shmbroker_close(connection);
}
END_TEST

/* Whatever was under way: nothing is left in the broker, and the others go on. */
START_TEST(test_cancel) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *any = library_options(SHMBROKER_CREATE_ANY, PAGE);
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_options *waits = waiting(SHMBROKER_FOREVER);

        shmbroker_options_set_remove_on_last_detach(any, 1);
        for (unsigned int i = 0; i < 40; ++i) {
                struct shmbroker_call *before = start_stat(connection, "b");
                struct shmbroker_call *call = start(connection, "a", any);
                struct shmbroker_call *nameless = start(connection, NULL, options);
                struct shmbroker_call *waiter = start(connection, "c", waits);
                struct shmbroker_call *after = start_stat(connection, "b");
                struct shmbroker_segment *segment = NULL;

                for (unsigned int step = 0; step < i % 5; ++step) {
                        (void) process(connection);
                        usleep(200 * (i / 5));
                }
                shmbroker_call_free(call);
                shmbroker_call_free(waiter);
                shmbroker_call_free(nameless);
                end_free(connection, before, -ENOENT);
                end_free(connection, after, -ENOENT);
                ck_assert_int_eq(shmbroker_acquire(connection, "a", any, &segment), 0);
                ck_assert_uint_eq(segment_count(connection), 1);
                shmbroker_release(segment);
        }
        shmbroker_options_free(waits);
        shmbroker_options_free(options);
        shmbroker_options_free(any);
        shmbroker_close(connection);
}
END_TEST

/* Closing ends what is under way, and calls may be freed before and afterwards. */
START_TEST(test_close) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *waits = waiting(SHMBROKER_FOREVER);
        struct shmbroker_segment *made = library_create(connection, "a", PAGE), *segment = NULL;
        struct shmbroker_call *done = start(connection, "a", NULL), *untold, *sent, *waiter, *fresh;

        end(connection, done, 0);
        untold = start(connection, "a", NULL);
        ck_assert_int_eq(process(connection), 0);
        ck_assert(library_readable(shmbroker_get_fd(connection), 5000));
        ck_assert_int_eq(process(connection), 1);
        waiter = start(connection, "b", waits);
        sent = start(connection, "a", NULL);
        shmbroker_call_free(start(connection, "a", NULL));
        (void) process(connection);
        fresh = start_stat(connection, "a");
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
END_TEST

/* A private segment that cannot be used is removed again, without waiting for that either. */
START_TEST(test_cannot_map) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_call *call;

        shmbroker_options_set_window(options, 2 * PAGE, 0);
        call = start(connection, NULL, options);
        end(connection, call, -EINVAL);
        ck_assert_str_eq(shmbroker_error_parameter(shmbroker_call_error(call)), "offset");
        shmbroker_call_free(call);
        ck_assert_uint_eq(segment_count(connection), 0);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}
END_TEST

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
START_TEST(test_fork) {
        struct shmbroker *connection = library_connect(), *other = library_connect();
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        Inherited inherited = { .connection = connection };
        struct shmbroker_segment *segment;

        inherited.waiter = start(connection, "a", options);
        inherited.sent = start_stat(connection, "b");
        ck_assert_int_eq(process(connection), 0);
        ck_assert_int_eq(unit_fork(use_in_child, &inherited), 0);
        end_free(connection, inherited.sent, -ENOENT);
        segment = library_create(other, "a", PAGE);
        shmbroker_release(finish(connection, inherited.waiter));
        shmbroker_release(segment);
        library_remove(other, "a");
        shmbroker_options_free(options);
        shmbroker_close(other);
        shmbroker_close(connection);
}
END_TEST

/* The only socket that is connected here, but for those below @except. */
static int find_socket(int except) {
        struct stat st;

        for (int fd = except; fd < 64; ++fd)
                if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
                        return fd;
        ck_abort_msg("there is no socket");
}

/* The program closes the socket under it, and opens another file at its number. */
START_TEST(test_closed_under_it) {
        struct shmbroker *other = library_connect(), *connection = new_connection(NULL);
        struct shmbroker_call *call;
        int first = dup(STDIN_FILENO), fd, pair[2];

        shmbroker_close(connection);
        close(first);
        connection = new_connection(fixture_address());
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        call = start_stat(connection, "a");
        ck_assert_ptr_null(loop(connection, 50));
        fd = find_socket(first);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(pair[0], fd);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        /* Nothing tells of it, but the next call does. */
        shmbroker_call_free(start_stat(connection, "b"));
        end_free(connection, call, -ENOENT);
        shmbroker_close(connection);
        ck_assert_int_eq(send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
        close(pair[0]);
        close(pair[1]);
        shmbroker_close(other);
}
END_TEST

/* Where a descriptor does not fit in, its call fails, and the others have theirs. */
START_TEST(test_no_descriptors_left) {
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
        first = start(connection, "a", NULL);
        second = start_stat(connection, "a");
        third = start(connection, "b", NULL);
        end_free(connection, first, -EMFILE);
        end_free(connection, second, 0);
        end_free(connection, third, -EMFILE);
        unit_limit_restore(RLIMIT_NOFILE, before);
        first = start(connection, "b", NULL);
        shmbroker_release(one);
        one = finish(connection, first);
        ck_assert_str_eq(shmbroker_segment_data(one), "two");
        shmbroker_release(one);
        shmbroker_release(two);
        library_remove(connection, "a");
        library_remove(connection, "b");
        /* Nor is there one to be told by. */
        shmbroker_close(connection);
        connection = new_connection(fixture_address());
        fd = dup(STDIN_FILENO);
        close(fd);
        before = unit_limit_lower(RLIMIT_NOFILE, (uint64_t) fd);
        ck_assert_int_eq(shmbroker_get_fd(connection), -EMFILE);
        unit_limit_restore(RLIMIT_NOFILE, before);
        shmbroker_close(connection);
}
END_TEST

START_TEST(test_no_broker) {
        struct shmbroker_options *options = waiting(SHMBROKER_FOREVER);
        struct shmbroker *connection;
        struct shmbroker_call *calls[3];
        char address[128];

        (void) snprintf(address, sizeof(address), "unix:%s/none", fake.directory);
        connection = new_connection(address);
        ck_assert_str_eq(shmbroker_get_address(connection), address);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                calls[i] = start(connection, "a", i < 2 ? NULL : options);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i) {
                end(connection, calls[i], -ENOTCONN);
                ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_call_error(calls[i])),
                                             "there is no broker"));
                shmbroker_call_free(calls[i]);
        }
        shmbroker_close(connection);
        shmbroker_options_free(options);
        ck_assert_int_eq(shmbroker_new("tcp:1", &connection), -EINVAL);
}
END_TEST

/* A listener whose queue is full: connecting is tried now and then, and never waits. */
START_TEST(test_full_queue) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct shmbroker *connection = new_connection(fake.address), *filler[2] = {};
        struct shmbroker_call *call;

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", fake.path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                ck_assert_int_eq(shmbroker_connect(fake.address, &filler[i]), 0);
        call = start(connection, "a", NULL);
        ck_assert_ptr_null(loop(connection, 100));
        /* After a pause it is tried again. */
        ck_assert_int_eq(library_readable(shmbroker_get_fd(connection), 5000), 1);
        close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
        /* Now it gets in, and only an answer is missing. */
        ck_assert_ptr_null(loop(connection, 500));
        ck_assert_int_eq(library_readable(shmbroker_get_fd(connection), 200), 0);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                shmbroker_close(filler[i]);
        shmbroker_close(connection);
        shmbroker_call_free(call);
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
        end_free(connection, start(connection, "a", NULL), -ETIMEDOUT);
        shmbroker_set_call_timeout(connection, 10 * USEC_PER_SEC);
        shmbroker_release(finish(connection, start(connection, "a", NULL)));
        fake_close(connection, 0);
}
END_TEST

/* A broker that refuses the connection has read nothing of what was sent ahead: the next one is
 * made on a new connection, also if it creates something. */
START_TEST(test_refused) {
        static const Answer answers[] = {
                { .text = "{\"error\":\"org.shmbroker.Broker.LimitReached\",\"parameters\":{"
                          "\"limit\":\"connections\",\"maximum\":1}}" },
                { .text = GOOD, .n_fds = 1 },
        };
        struct shmbroker *connection = fake_connect(answers, 2);
        struct shmbroker_options *new = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_call *first = start(connection, "a", new), *second;

        second = start(connection, "b", new);
        end(connection, first, -ENOSPC);
        ck_assert_str_eq(shmbroker_error_limit(shmbroker_call_error(first)), "connections");
        shmbroker_call_free(first);
        shmbroker_release(finish(connection, second));
        shmbroker_options_free(new);
        fake_close(connection, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("library-async");
        TCase *tc = tcase_create("async"), *faked = tcase_create("fake");

        tcase_add_checked_fixture(tc, up, fixture_down);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_acquire);
        tcase_add_test(tc, test_out_of_order);
        tcase_add_test(tc, test_all_at_once);
        tcase_add_test(tc, test_many);
        tcase_add_test(tc, test_list_in_parts);
        tcase_add_test(tc, test_blocking_between);
        tcase_add_test(tc, test_wait);
        tcase_add_test(tc, test_restart_while_waiting);
        tcase_add_test(tc, test_restart_while_pipelined);
        tcase_add_test(tc, test_deadline);
        tcase_add_test(tc, test_cancel);
        tcase_add_test(tc, test_close);
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
        tcase_add_test(faked, test_refused);
        suite_add_tcase(suite, faked);
        return unit_main(suite);
}
