/* SPDX-License-Identifier: MIT */
/* Calls that wait for a segment to exist: for as long as was said, and nobody waits for them. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "proto/writer.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define SIZE 4096
#define FOREVER (-1)
/* Nothing here is as slow as that, unless it is not done at all. */
#define LONG_USEC 20000000

static Wire wire;

static void setup(void) {
        fixture_up(&(Setup){ .config = "[limits]\nwaitingCallsPerUser = 20\n" });
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

static AcquireParameters waiting(const char *name, int64_t wait_usec) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, wait_usec);
        return parameters;
}

/* When this returns, the broker has got as far as this call before whatever it is asked next. */
static void send_acquire(Wire *waiter, const AcquireParameters *parameters) {
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;

        /* In one go: behind the answer to the first, it goes on with the second. */
        call_write(&writer, METHOD_GET_STATUS, &(NoParameters){});
        call_write(&writer, METHOD_ACQUIRE, parameters);
        wire_send(waiter, writer.data, writer.n_data);
        ck_assert(wire_receive(waiter, &reply));
        ck_assert_ptr_null(reply.error);
}

static bool has_answer(const Wire *waiter, int timeout_msec) {
        struct pollfd poller = { .fd = waiter->fd, .events = POLLIN };

        return poll(&poller, 1, timeout_msec) == 1;
}

/* The answer, which has to be an attachment of that segment. */
static int receive_acquired(Wire *waiter, int64_t id) {
        AcquireReply values;
        Reply reply;

        ck_assert(wire_receive(waiter, &reply));
        ck_assert_msg(!reply.error, "%s", reply.error);
        ck_assert_int_eq(reply_read(&reply, &acquire_reply_type, &values), 0);
        ck_assert_int_eq(values.segment.id, id);
        ck_assert(!values.created);
        return fd_queue_pop(&waiter->fds);
}

static const char *receive_error(Wire *waiter) {
        Reply reply;

        ck_assert(wire_receive(waiter, &reply));
        ck_assert_ptr_nonnull(reply.error);
        return strrchr(reply.error, '.') + 1;
}

static int64_t id_of(const char *name) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, name, &info), FAULT_NONE);
        return info.id;
}

static void remove_segment(const char *name, int fd) {
        fd_close(fd);
        ck_assert_int_eq(wire_remove(&wire, name, NULL), FAULT_NONE);
}

SUITE("wait");
CASE("wait", .setup = setup, .teardown = teardown, .timeout = 30);

TEST(created, .end = 2) {
        AcquireParameters parameters = waiting("a", _i ? LONG_USEC : FOREVER);
        int fd, other;
        Wire waiter;

        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        ck_assert(!has_answer(&waiter, 50));
        close(wire_create_transient(&wire, "b", SIZE));
        ck_assert(!has_answer(&waiter, 20));
        fd = wire_create(&wire, "a", SIZE);
        other = receive_acquired(&waiter, id_of("a"));
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 2);
        close(other);
        wire_close(&waiter);
        remove_segment("a", fd);
}

TEST(published) {
        AcquireParameters parameters = waiting("a", FOREVER), creation = {};
        PublishParameters publication = { .name = "a" };
        PublishReply published;
        AcquireReply made;
        Wire waiter;
        int fd;

        GIVE_VALUE(&creation, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        fd = wire_acquire(&wire, &creation, &made);
        publication.id = made.segment.id;
        GIVE(&publication, PUBLISH_ID);
        GIVE(&publication, PUBLISH_NAME);
        ck_assert(!has_answer(&waiter, 20));
        ck_assert_int_eq(wire_call(&wire, METHOD_PUBLISH, &publication, &published, NULL),
                         FAULT_NONE);
        close(receive_acquired(&waiter, publication.id));
        wire_close(&waiter);
        remove_segment("a", fd);
}

/* Not before the time is over, and not long after. */
TEST(time_over) {
        uint64_t begin = clock_boottime_usec();
        AcquireParameters parameters = waiting("a", 200000);
        Wire waiter;

        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        ck_assert_str_eq(receive_error(&waiter), "NoSuchSegment");
        ck_assert_uint_ge(clock_boottime_usec() - begin, 200000);
        wire_close(&waiter);
}

TEST(not_waited) {
        AcquireParameters parameters = waiting("a", 0), by_id = {};
        uint64_t begin = clock_boottime_usec();
        Fault fault;

        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_NO_SUCH_SEGMENT);
        /* An id that is not there will never be. */
        GIVE_VALUE(&by_id, ACQUIRE_ID, id, 123456789);
        GIVE_VALUE(&by_id, ACQUIRE_WAIT_USEC, wait_usec, LONG_USEC);
        ck_assert_int_eq(wire_try_acquire(&wire, &by_id, &fault), FAULT_NO_SUCH_SEGMENT);
        /* What is created need not be waited for. */
        parameters = waiting("a", LONG_USEC);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_ANY);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        close(wire_acquire(&wire, &parameters, NULL));
        ck_assert_uint_lt(clock_boottime_usec() - begin, LONG_USEC / 2);
        remove_segment("a", -1);
        parameters = waiting("a", -2);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, "waitUSec");
}

/* What appears and is not good enough ends the wait at once. */
TEST(too_small) {
        AcquireParameters parameters = waiting("a", FOREVER);
        Wire waiter;
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 2 * SIZE);
        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        ck_assert(!has_answer(&waiter, 20));
        fd = wire_create(&wire, "a", SIZE);
        ck_assert_str_eq(receive_error(&waiter), "WrongSize");
        wire_close(&waiter);
        remove_segment("a", fd);
}

static void wait_as_nobody(int control_fd, void *userdata) {
        AcquireParameters parameters = waiting("a", FOREVER);
        Wire waiter;
        Fault fault;

        (void) userdata;
        ck_assert_int_eq(setgid(65534), 0);
        ck_assert_int_eq(setuid(65534), 0);
        wire_open(&waiter);
        child_step(control_fd);
        if (wire_try_acquire(&waiter, &parameters, &fault) != FAULT_PERMISSION_DENIED)
                _exit(2);
        wire_close(&waiter);
}

TEST(not_permitted) {
        int fd, status = 0;
        Child child;

        if (getuid() != 0) {
                printf("not root: nobody else to be was found, so this was not tried\n");
                return;
        }
        /* mkdtemp(3) lets nobody else in. */
        ck_assert_int_eq(chmod(fixture_directory(), 0755), 0);
        child = child_start(wait_as_nobody, NULL);
        child_wait(&child);
        child_continue(&child);
        /* It may be there before the call is; the answer is the same. */
        usleep(20000);
        fd = wire_create(&wire, "a", SIZE);
        ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
        ck_assert_int_eq(status, 0);
        close(child.control_fd);
        remove_segment("a", fd);
}

/* Who waits occupies its own connection only, and what it sent behind is answered afterwards. */
TEST(pipelined) {
        static const char stat[] = "{\"method\":\"org.shmbroker.Broker.Stat\","
                                   "\"parameters\":{\"name\":\"a\"}}";
        AcquireParameters parameters = waiting("a", FOREVER);
        Wire waiter;
        Reply reply;
        int fd;

        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        wire_send(&waiter, stat, sizeof(stat));
        wire_send(&waiter, stat, sizeof(stat));
        ck_assert(!has_answer(&waiter, 50));
        fd = wire_create(&wire, "a", SIZE);
        close(receive_acquired(&waiter, id_of("a")));
        for (int i = 0; i < 2; ++i) {
                ck_assert(wire_receive(&waiter, &reply));
                ck_assert_ptr_null(reply.error);
        }
        wire_close(&waiter);
        remove_segment("a", fd);
}

/* Everybody who waits for the same name gets it; all are charged, and given back. */
TEST(many) {
        AcquireParameters parameters = waiting("a", FOREVER), one_more = waiting("b", LONG_USEC);
        Wire waiters[20];
        Fault fault;
        int fd;

        for (size_t i = 0; i < ARRAY_SIZE(waiters); ++i) {
                wire_open(&waiters[i]);
                send_acquire(&waiters[i], &parameters);
        }
        ck_assert_int_eq(wire_try_acquire(&wire, &one_more, &fault), FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "waitingCallsPerUser");
        ck_assert_int_eq(fault.limit.maximum, 20);
        fd = wire_create(&wire, "a", SIZE);
        for (size_t i = 0; i < ARRAY_SIZE(waiters); ++i)
                close(receive_acquired(&waiters[i], id_of("a")));
        one_more.wait_usec = 1000;
        ck_assert_int_eq(wire_try_acquire(&wire, &one_more, &fault), FAULT_NO_SUCH_SEGMENT);
        for (size_t i = 0; i < ARRAY_SIZE(waiters); ++i)
                wire_close(&waiters[i]);
        remove_segment("a", fd);
}

static int64_t n_connections(void) {
        StatusReply status;

        wire_status(&wire, &status);
        return status.connection_count;
}

/* Who goes away waits no more; whoever has only said everything still gets the answer. */
TEST(hang_up) {
        AcquireParameters parameters = waiting("a", FOREVER);
        Wire waiter, half;
        int fd;

        wire_open(&waiter);
        wire_open(&half);
        send_acquire(&waiter, &parameters);
        send_acquire(&half, &parameters);
        ck_assert_int_eq(shutdown(half.fd, SHUT_WR), 0);
        ck_assert(!has_answer(&half, 50));
        wire_close(&waiter);
        for (int i = 0; n_connections() != 2; ++i) {
                ck_assert_int_lt(i, 500);
                usleep(10000);
        }
        fd = wire_create(&wire, "a", SIZE);
        close(receive_acquired(&half, id_of("a")));
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
        wire_close(&half);
        remove_segment("a", fd);
}

/* One that was there for a moment only: who came too late goes on waiting. */
TEST(gone_again) {
        static const char create[] =
                "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"a\","
                "\"create\":\"new\",\"sizeBytes\":4096}}";
        static const char remove[] =
                "{\"method\":\"org.shmbroker.Broker.Remove\",\"parameters\":{\"name\":\"a\"}}";
        AcquireParameters parameters = waiting("a", FOREVER);
        char both[sizeof(create) + sizeof(remove)];
        Wire waiter;
        Reply reply;
        int fd;

        wire_open(&waiter);
        send_acquire(&waiter, &parameters);
        ck_assert(!has_answer(&waiter, 50));
        /* In one go, so that nobody has a turn in between. */
        memcpy(both, create, sizeof(create));
        memcpy(both + sizeof(create), remove, sizeof(remove));
        wire_send(&wire, both, sizeof(both));
        for (int i = 0; i < 2; ++i) {
                ck_assert(wire_receive(&wire, &reply));
                ck_assert_ptr_null(reply.error);
        }
        close(fd_queue_pop(&wire.fds));
        ck_assert(!has_answer(&waiter, 50));
        fd = wire_create(&wire, "a", SIZE);
        close(receive_acquired(&waiter, id_of("a")));
        wire_close(&waiter);
        remove_segment("a", fd);
}
