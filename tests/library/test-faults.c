/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker over a real daemon that goes away, comes back, stands still or refuses, in a process
 * that forks, closes descriptors it does not know, or has no more of them, and has threads.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096

static void up(void) {
        fixture_up(NULL);
}

/* What fails in a child ends it with a number from which the line can be told. */
#define CHILD_ASSERT(condition)                                                                    \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        (void) dprintf(STDERR_FILENO, "line %d: %s (errno %d)\n", __LINE__,        \
                                       #condition, errno);                                         \
                        _exit(99);                                                                 \
                }                                                                                  \
        } while (0)

static void in_child(void (*function)(void *userdata), void *userdata) {
        int status = 0;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                function(userdata);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(status == 0, "the child ended with status %#x", status);
}

static void assert_calls(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_ptr_null(shmbroker_status_free(status));
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
}

/* ---- fork */

typedef struct Inherited Inherited;

struct Inherited {
        struct shmbroker *connection;
        struct shmbroker_segment *segment;
};

static void use_inherited(void *userdata) {
        Inherited *inherited = userdata;
        struct shmbroker *connection = inherited->connection, *own = NULL;
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_attachments *attachments = NULL;
        struct shmbroker_status *status = NULL;
        struct shmbroker_list *list = NULL;
        struct shmbroker_info *info = NULL;
        uint64_t n_attached = 0;

        CHILD_ASSERT(strcmp(shmbroker_segment_data(inherited->segment), "from the parent") == 0);
        strcpy(shmbroker_segment_data(inherited->segment), "from the child");
        CHILD_ASSERT(shmbroker_get_status(connection, &status) == -ECHILD);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", NULL, &segment) == -ECHILD);
        CHILD_ASSERT(shmbroker_stat(connection, "a", 0, &info) == -ECHILD);
        CHILD_ASSERT(shmbroker_remove(connection, "a", 0, 0, NULL) == -ECHILD);
        CHILD_ASSERT(shmbroker_list_segments(connection, NULL, &list) == -ECHILD);
        CHILD_ASSERT(shmbroker_list_attachments(connection, "a", 0, &attachments) == -ECHILD);
        CHILD_ASSERT(shmbroker_error_code(error) == -ECHILD);
        CHILD_ASSERT(strstr(shmbroker_error_message(error), "belongs to the parent process"));
        CHILD_ASSERT(shmbroker_close(connection) == NULL);

        CHILD_ASSERT(shmbroker_connect(fixture_address(), &own) == 0);
        CHILD_ASSERT(shmbroker_stat(own, "a", 0, &info) == 0);
        n_attached = library_attach_count(info);
        shmbroker_info_free(info);
        CHILD_ASSERT(n_attached == 1);
        /* What it inherited it releases for itself alone. */
        shmbroker_release(inherited->segment);
        CHILD_ASSERT(shmbroker_stat(own, "a", 0, &info) == 0);
        CHILD_ASSERT(library_attach_count(info) == 1);
        shmbroker_info_free(info);
        shmbroker_close(own);
}

SUITE("library-faults");
CASE("faults", .setup = up, .teardown = fixture_down, .timeout = 30);

TEST(fork) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE);
        Inherited inherited = { .connection = connection, .segment = segment };

        strcpy(shmbroker_segment_data(segment), "from the parent");
        in_child(use_inherited, &inherited);
        ck_assert_str_eq(shmbroker_segment_data(segment), "from the child");
        assert_calls(connection);
        library_remove(connection, "a");
        shmbroker_release(segment);
        shmbroker_close(connection);
}

static void hold_inherited(int control_fd, void *userdata) {
        (void) userdata;
        child_step(control_fd);
}

/* The parent releases, and the child has it still. */
TEST(fork_holds) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE);
        Child child = child_start(hold_inherited, NULL);
        struct shmbroker_info *left = NULL;

        child_wait(&child);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_remove(connection, "a", 0, 0, &left), 0);
        ck_assert_uint_eq(library_attach_count(left), 1);
        shmbroker_info_free(left);
        child_end(&child);
        shmbroker_close(connection);
}

/* ---- restarts */

TEST(restart_while_idle) {
        static const int signals[] = { SIGTERM, SIGKILL };
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(signals); ++i) {
                struct shmbroker_segment *fresh;

                segment = library_create(connection, NULL, PAGE);
                fixture_restart(signals[i], NULL);
                /* Even what creates: nothing of the call had been taken. */
                fresh = library_create(connection, NULL, PAGE);
                memset(shmbroker_segment_data(segment), 'x', PAGE);
                shmbroker_release(segment);
                shmbroker_release(fresh);
                assert_calls(connection);
        }
        shmbroker_close(connection);
}

TEST(no_broker_any_more) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_info *info = NULL;
        char path[128], moved[128];

        (void) snprintf(path, sizeof(path), "%s/socket", fixture_directory());
        (void) snprintf(moved, sizeof(moved), "%s/moved", fixture_directory());
        assert_calls(connection);
        /* It goes on answering who is connected. */
        ck_assert_int_eq(rename(path, moved), 0);
        assert_calls(connection);
        shmbroker_set_call_timeout(connection, 50000);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ETIMEDOUT);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_get_error(connection)),
                         SHMBROKER_ERROR_TIMED_OUT);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        /* Nothing of the kind is said of a segment that is missing. */
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ENOTCONN);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_get_error(connection)),
                         SHMBROKER_ERROR_UNREACHABLE);
        ck_assert_ptr_null(shmbroker_error_name(shmbroker_get_error(connection)));
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "there is no broker at unix:"));
        ck_assert_int_eq(rename(moved, path), 0);
        assert_calls(connection);
        shmbroker_close(connection);
}

typedef struct Background Background;

/* A call that another thread makes, since the broker stands still meanwhile. */
struct Background {
        pthread_t thread;
        _Atomic pid_t tid;
        struct shmbroker *connection;
        const char *name;
        struct shmbroker_options *options;
        struct shmbroker_segment *segment;
        int result;
};

static void *background_thread(void *userdata) {
        Background *call = userdata;

        call->tid = gettid();
        call->result =
                shmbroker_acquire(call->connection, call->name, call->options, &call->segment);
        return NULL;
}

/* Does the thread wait for what comes? Once it does, it has sent all it has. */
static bool background_polls(pid_t tid) {
        char path[64], text[32] = "";
        long number;
        int fd;

        (void) snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
        close(fd);
        number = strtol(text, NULL, 10);
#ifdef SYS_poll
        if (number == SYS_poll)
                return true;
#endif
        return number == SYS_ppoll;
}

static void background_start(Background *call) {
        ck_assert_int_eq(pthread_create(&call->thread, NULL, background_thread, call), 0);
        while (!call->tid || !background_polls(call->tid))
                usleep(1000);
}

static int background_end(Background *call) {
        ck_assert_int_eq(pthread_join(call->thread, NULL), 0);
        return call->result;
}

TEST(killed_in_the_middle) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_ANY, PAGE);
        Background call = { .connection = library_connect(), .name = "a", .options = options };
        const struct shmbroker_error *error = shmbroker_get_error(call.connection);

        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        background_start(&call);
        fixture_restart(SIGKILL, NULL);
        /* Whether it was created nobody can know here. */
        ck_assert_int_eq(background_end(&call), -ECONNRESET);
        ck_assert_ptr_null(call.segment);
        ck_assert_int_eq(shmbroker_error_code(error), -ECONNRESET);
        ck_assert_int_eq(shmbroker_error_kind(error), SHMBROKER_ERROR_CUT_OFF);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(error), "went away"));
        ck_assert_int_eq(shmbroker_acquire(call.connection, "a", options, &call.segment), 0);
        ck_assert_int_eq(shmbroker_segment_created(call.segment), 1);
        shmbroker_release(call.segment);
        library_remove(call.connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(call.connection);
}

/* ---- descriptors */

/* Opens files until each number below @end is one. */
static void fill_fds(int end) {
        int fd;

        do {
                fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
                CHILD_ASSERT(fd >= 0);
                CHILD_ASSERT(write(fd, "untouched", 9) == 9);
        } while (fd < end);
}

static void assert_untouched(int begin, int end) {
        for (int fd = begin; fd < end; ++fd) {
                char text[16] = "";

                CHILD_ASSERT(lseek(fd, 0, SEEK_CUR) == 9);
                CHILD_ASSERT(pread(fd, text, 9, 0) == 9 && strcmp(text, "untouched") == 0);
                CHILD_ASSERT(fcntl(fd, F_GETFL) & O_RDWR);
        }
}

static void close_what_is_unknown(void *userdata) {
        struct shmbroker *connection = NULL;
        struct shmbroker_segment *mapped = NULL, *bare = NULL, *again = NULL;
        struct shmbroker_options *options = NULL;
        int end;

        (void) userdata;
        CHILD_ASSERT(syscall(SYS_close_range, 3, ~0U, 0) == 0);
        CHILD_ASSERT(shmbroker_connect(fixture_address(), &connection) == 0);
        CHILD_ASSERT(shmbroker_options_new(&options) == 0);
        shmbroker_options_set_map(options, 0);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", NULL, &mapped) == 0);
        CHILD_ASSERT(shmbroker_acquire(connection, "a", options, &bare) == 0);
        end = shmbroker_segment_fd(bare) + 1;
        CHILD_ASSERT(syscall(SYS_close_range, 3, ~0U, 0) == 0);
        fill_fds(end);
        /* The memory is there, and the connection comes back under another number. */
        strcpy(shmbroker_segment_data(mapped), "still here");
        CHILD_ASSERT(shmbroker_acquire(connection, "a", NULL, &again) == 0);
        CHILD_ASSERT(strcmp(shmbroker_segment_data(again), "still here") == 0);
        CHILD_ASSERT(shmbroker_segment_fd(again) >= end);
        assert_untouched(3, end);
        shmbroker_release(mapped);
        shmbroker_release(bare);
        shmbroker_release(again);
        shmbroker_close(connection);
        assert_untouched(3, end);
        shmbroker_options_free(options);
}

TEST(program_closes_descriptors) {
        struct shmbroker *connection = library_connect();

        shmbroker_release(library_create(connection, "a", PAGE));
        in_child(close_what_is_unknown, NULL);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

/* Closed before it is used, by number: neither that nor shmbroker_close() hits anything else. */
static void close_connection_under_it(void *userdata) {
        struct shmbroker *connection = NULL;
        struct shmbroker_status *status = NULL;
        int pair[2];

        (void) userdata;
        CHILD_ASSERT(syscall(SYS_close_range, 3, ~0U, 0) == 0);
        CHILD_ASSERT(shmbroker_connect(fixture_address(), &connection) == 0);
        CHILD_ASSERT(close(3) == 0);
        /* Another socket has the number. */
        CHILD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        CHILD_ASSERT(pair[0] == 3);
        CHILD_ASSERT(shmbroker_get_status(connection, &status) == 0);
        shmbroker_status_free(status);
        CHILD_ASSERT(recv(pair[1], &(char){ 0 }, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
        shmbroker_close(connection);
        CHILD_ASSERT(send(pair[0], "x", 1, MSG_NOSIGNAL) == 1);
}

TEST(number_is_another_socket) {
        in_child(close_connection_under_it, NULL);
}

/* Not one more descriptor can be opened until the limit is set back. */
static void forbid_descriptors(struct rlimit *ret_before) {
        struct rlimit limit;
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, ret_before), 0);
        limit = *ret_before;
        limit.rlim_cur = (rlim_t) fd;
        close(fd);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(no_descriptors_left) {
        struct shmbroker *connection = library_connect(), *none = NULL;
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE), *more = NULL;
        unsigned int n_fds = count_fds(getpid());
        struct rlimit before;
        StatusReply status;
        Wire wire;

        wire_open(&wire);
        for (int i = 0; i < 20; ++i) {
                forbid_descriptors(&before);
                ck_assert_int_eq(shmbroker_connect(fixture_address(), &none), -EMFILE);
                ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &more), -EMFILE);
                ck_assert_ptr_null(more);
                ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), -EMFILE);
                ck_assert_ptr_null(shmbroker_error_name(shmbroker_get_error(connection)));
                ck_assert_ptr_nonnull(
                        strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                               "too many descriptors"));
                ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
                /* A private segment would be there for ever, so it is removed again. */
                ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &more), -EMFILE);
                wire_status(&wire, &status);
                ck_assert_int_eq(status.segment_count, 1);
                ck_assert_int_eq(status.attachment_count, 1);
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
                assert_calls(connection);
        }
        ck_assert_uint_eq(count_fds(getpid()), n_fds + 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &more), 0);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 2);
        shmbroker_release(more);
        shmbroker_release(segment);
        library_remove(connection, "a");
        wire_close(&wire);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* ---- threads */

#define N_THREADS 8
#define N_ROUNDS 100

static void *thread_rounds(void *userdata) {
        struct shmbroker_options *options = NULL;
        struct shmbroker *connection = NULL;
        int64_t number = *(int *) userdata;
        char name[16];

        if (shmbroker_connect(fixture_address(), &connection) || shmbroker_options_new(&options))
                return (void *) 1;
        (void) snprintf(name, sizeof(name), "thread/%d", (int) number);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_ANY);
        shmbroker_options_set_size(options, PAGE);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        for (int64_t i = 0; i < N_ROUNDS; ++i) {
                struct shmbroker_segment *own = NULL, *common = NULL;
                struct shmbroker_info *info = NULL;
                int64_t *data;

                if (shmbroker_acquire(connection, name, options, &own) ||
                    shmbroker_acquire(connection, "common", options, &common) ||
                    shmbroker_stat(connection, name, 0, &info))
                        return (void *) 2;
                data = shmbroker_segment_data(own);
                if (data[0] != 0 || library_attach_count(info) != 1)
                        return (void *) 3;
                data[0] = i + 1;
                if (shmbroker_stat(connection, "nothing", 0, &info) != -ENOENT ||
                    !strstr(shmbroker_error_message(shmbroker_get_error(connection)), "nothing"))
                        return (void *) 4;
                shmbroker_info_free(info);
                shmbroker_release(own);
                shmbroker_release(common);
        }
        shmbroker_options_free(options);
        shmbroker_close(connection);
        return NULL;
}

TEST(threads) {
        pthread_t threads[N_THREADS];
        int numbers[N_THREADS];
        void *result;

        for (int i = 0; i < N_THREADS; ++i) {
                numbers[i] = i;
                ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_rounds, &numbers[i]), 0);
        }
        for (int i = 0; i < N_THREADS; ++i) {
                ck_assert_int_eq(pthread_join(threads[i], &result), 0);
                ck_assert_ptr_null(result);
        }
}

/* ---- time */

TEST(timeout) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        uint64_t begin, took;

        shmbroker_options_set_remove_on_last_detach(options, 1);
        shmbroker_set_call_timeout(connection, 100000);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -ETIMEDOUT);
        took = library_clock_msec() - begin;
        ck_assert_msg(took >= 99 && took < 2000, "it took %d ms", (int) took);
        ck_assert_int_eq(shmbroker_error_code(error), -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(error), "did not answer in time"));
        /* The time to wait for a segment comes on top. */
        shmbroker_options_set_wait(options, 100000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -ETIMEDOUT);
        took = library_clock_msec() - begin;
        ck_assert_msg(took >= 199 && took < 2000, "it took %d ms", (int) took);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        /* The late answers went nowhere, and the descriptors in them with them. */
        shmbroker_set_call_timeout(connection, SHMBROKER_FOREVER);
        shmbroker_options_set_wait(options, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_created(segment), 1);
        shmbroker_release(segment);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

static void noop(int signal_number) {
        (void) signal_number;
}

/* Signals do not end a call. */
TEST(signals) {
        struct sigaction action = { .sa_handler = noop }, before;
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        Background call = { .connection = library_connect(), .options = options };

        shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        background_start(&call);
        for (int i = 0; i < 10; ++i) {
                ck_assert_int_eq(pthread_kill(call.thread, SIGUSR1), 0);
                usleep(2000);
        }
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        ck_assert_int_eq(background_end(&call), 0);
        shmbroker_release(call.segment);
        ck_assert_int_eq(sigaction(SIGUSR1, &before, NULL), 0);
        shmbroker_options_free(options);
        shmbroker_close(call.connection);
}

/* ---- too many connections */

#define N_CONNECTIONS 4

static void up_few(void) {
        static const Setup setup = { .config = "[limits]\nconnectionsPerUser = 4\n" };

        fixture_up(&setup);
}

static void open_wires(Wire *wires) {
        for (size_t i = 0; i < N_CONNECTIONS; ++i)
                wire_open(&wires[i]);
}

/* Closes all but the first, and waits until the broker has seen it. */
static void close_wires(Wire *wires) {
        struct shmbroker *connection = library_connect();
        uint64_t n_connections = N_CONNECTIONS;

        for (size_t i = 1; i < N_CONNECTIONS; ++i)
                wire_close(&wires[i]);
        for (int i = 0; i < 1000 && n_connections > 2; ++i) {
                struct shmbroker_status *status = NULL;

                usleep(1000);
                if (shmbroker_get_status(connection, &status))
                        continue;
                n_connections = shmbroker_status_connection_count(status);
                shmbroker_status_free(status);
        }
        ck_assert_uint_eq(n_connections, 2);
        shmbroker_close(connection);
}

static void assert_refused(const struct shmbroker *connection) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        int64_t maximum = 0;

        ck_assert_int_eq(shmbroker_error_code(error), -ENOSPC);
        ck_assert_int_eq(shmbroker_error_kind(error), SHMBROKER_ERROR_REPLIED);
        ck_assert_str_eq(shmbroker_error_name(error), "org.shmbroker.Broker.LimitReached");
        ck_assert_str_eq(shmbroker_error_text(error, "limit"), "connectionsPerUser");
        ck_assert_int_eq(shmbroker_error_number(error, "maximum", &maximum), 0);
        ck_assert_int_eq(maximum, N_CONNECTIONS);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(error), "'connectionsPerUser' of 4"));
}

CASE("few", .setup = up_few, .teardown = fixture_down, .timeout = 30);

/* The broker says why and closes, before it is asked (pause), or while it is. */
TEST(refused) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_status *status = NULL;
        Wire wires[N_CONNECTIONS];

        open_wires(wires);
        for (int i = 0; i < 40; ++i) {
                struct shmbroker *connection = library_connect();
                struct shmbroker_segment *segment = NULL;

                if (i % 2)
                        usleep(5000);
                ck_assert_int_eq(shmbroker_get_status(connection, &status), -ENOSPC);
                assert_refused(connection);
                /* It was dropped, and another try is refused the same way. */
                ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), -ENOSPC);
                assert_refused(connection);
                shmbroker_close(connection);
        }
        close_wires(wires);
        wire_close(&wires[0]);
        shmbroker_options_free(options);
}

/* All of the call is sent before the broker looks. */
TEST(refused_after_sending) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        Wire wires[N_CONNECTIONS];
        Background call = { .options = options };

        shmbroker_options_set_remove_on_last_detach(options, 1);
        open_wires(wires);
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        call.connection = library_connect();
        background_start(&call);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        ck_assert_int_eq(background_end(&call), -ENOSPC);
        assert_refused(call.connection);
        close_wires(wires);
        /* When there is room again, the same connection is as good as a new one. */
        ck_assert_int_eq(shmbroker_acquire(call.connection, NULL, options, &call.segment), 0);
        shmbroker_release(call.segment);
        wire_close(&wires[0]);
        shmbroker_options_free(options);
        shmbroker_close(call.connection);
}
