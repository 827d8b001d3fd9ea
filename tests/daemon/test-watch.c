/* SPDX-License-Identifier: MIT */
/* Watching a real broker: what exists, that this was all, and then every change in order. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "proto/writer.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define SIZE 4096

static Wire wire;

static void setup(void) {
        fixture_up(&(Setup){ .config = "[limits]\nwatchesPerUser = 300\n" });
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
}

#define WATCH(parameters)                                                                          \
        "{\"method\":\"org.shmbroker.Broker.Watch\",\"more\":true,\"parameters\":" parameters "}"

static void send_watch(Wire *watcher, const WatchParameters *parameters) {
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));

        writer_literal(&writer, "{\"method\":\"org.shmbroker.Broker.Watch\",\"more\":true,"
                                "\"parameters\":");
        type_write_given(&watch_parameters_type, &writer, parameters);
        writer_text(&writer, "}", 2);
        wire_send(watcher, writer.data, writer.n_data);
}

static bool has_event(const Wire *watcher, int timeout_msec) {
        struct pollfd poller = { .fd = watcher->fd, .events = POLLIN };

        return watcher->frames.begin != watcher->frames.end || poll(&poller, 1, timeout_msec) == 1;
}

/* The next event; its strings are the wire's. */
static WatchReply next(Wire *watcher) {
        WatchReply values;
        Reply reply;

        ck_assert(wire_receive(watcher, &reply));
        ck_assert_msg(!reply.error, "%s", reply.error);
        ck_assert(reply.continues);
        ck_assert_int_eq(reply_read(&reply, &watch_reply_type, &values), 0);
        return values;
}

static SegmentInfo expect(Wire *watcher, EventKind kind, int64_t id, int64_t attach_count) {
        WatchReply reply = next(watcher);

        ck_assert_msg(reply.event == kind, "%s where it should be %s",
                      event_names.names[reply.event], event_names.names[kind]);
        if (id > 0) {
                ck_assert(GIVEN(&reply, WATCH_REPLY_SEGMENT));
                ck_assert_int_eq(reply.segment.id, id);
                ck_assert_int_eq(reply.segment.attach_count, attach_count);
        }
        return reply.segment;
}

/* The next event, which has to be of this kind, about this attachment; 0 for none. */
static void expect_attachment(Wire *watcher, EventKind kind, int64_t attachment_id, Access access) {
        WatchReply reply = next(watcher);

        ck_assert_int_eq(reply.event, kind);
        ck_assert(!GIVEN(&reply, WATCH_REPLY_CAUSE));
        ck_assert_int_eq(GIVEN(&reply, WATCH_REPLY_ATTACHMENT), attachment_id > 0);
        if (attachment_id == 0)
                return;
        ck_assert_int_eq(reply.attachment.id, attachment_id);
        ck_assert_int_eq(reply.attachment.pid, getpid());
        ck_assert_int_eq(reply.attachment.uid, getuid());
        ck_assert_uint_eq(reply.attachment.access, access);
        ck_assert(!GIVEN(&reply.attachment, ATTACHMENT_INHERITED));
}

static void expect_cause(Wire *watcher, EventKind kind, const char *cause) {
        WatchReply reply = next(watcher);

        ck_assert_int_eq(reply.event, kind);
        ck_assert(!GIVEN(&reply, WATCH_REPLY_ATTACHMENT));
        ck_assert(GIVEN(&reply, WATCH_REPLY_CAUSE));
        ck_assert_str_eq(reply.cause, cause);
}

/* Begins to watch, and reads as far as to synchronized. */
static int64_t open_watch(Wire *watcher, const WatchParameters *parameters) {
        int64_t n_existing = 0;
        WatchReply reply;

        wire_open(watcher);
        send_watch(watcher, parameters);
        for (reply = next(watcher); reply.event == EVENT_EXISTING; reply = next(watcher))
                ck_assert_int_eq(reply.sequence, n_existing++);
        ck_assert_int_eq(reply.event, EVENT_SYNCHRONIZED);
        return n_existing;
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

SUITE("watch");
CASE("watch", .setup = setup, .teardown = teardown, .timeout = 60);

/* A life, told as it is: nobody says goodbye, the kernel does. */
TEST(life) {
        WatchParameters all = {};
        int fd, other;
        Wire watcher;
        int64_t id;

        close(wire_create(&wire, "before", SIZE));
        ck_assert_int_eq(open_watch(&watcher, &all), 1);
        fd = wire_create_transient(&wire, "a", SIZE);
        id = id_of("a");
        expect(&watcher, EVENT_CREATED, id, 0);
        expect(&watcher, EVENT_ATTACHED, id, 1);
        other = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        expect(&watcher, EVENT_ATTACHED, id, 2);
        close(fd);
        /* Nothing else has to happen for it. */
        expect(&watcher, EVENT_DETACHED, id, 1);
        close(other);
        expect(&watcher, EVENT_DETACHED, id, 0);
        expect(&watcher, EVENT_DESTROYED, id, 0);
        ck_assert(!has_event(&watcher, 20));
        wire_close(&watcher);
        remove_segment("before", -1);
}

/* Which attachment it was is told, too, of one that is gone by then. */
TEST(attachments) {
        WatchParameters all = {};
        AcquireParameters parameters = {};
        AcquireReply one, other;
        int fd, other_fd;
        Wire watcher;

        close(wire_create(&wire, "a", SIZE));
        (void) open_watch(&watcher, &all);
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        fd = wire_acquire(&wire, &parameters, &one);
        expect_attachment(&watcher, EVENT_ATTACHED, one.attachment_id, ACCESS_READ_WRITE);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_ONLY);
        other_fd = wire_acquire(&wire, &parameters, &other);
        expect_attachment(&watcher, EVENT_ATTACHED, other.attachment_id, ACCESS_READ_ONLY);
        close(fd);
        expect_attachment(&watcher, EVENT_DETACHED, one.attachment_id, ACCESS_READ_WRITE);
        close(other_fd);
        expect_attachment(&watcher, EVENT_DETACHED, other.attachment_id, ACCESS_READ_ONLY);
        remove_segment("a", -1);
        wire_close(&watcher);
}

/* Only some events, of some segments. */
TEST(narrowed) {
        WatchParameters ends = { .events = 1U << EVENT_DESTROYED, .kind = KIND_MEMFD };
        WatchParameters owned = { .owner_uid = getuid() + 1, .tenant = "" };
        WatchParameters present = { .include_removed = false };
        int fd = wire_create(&wire, "a", SIZE);
        Wire watcher, foreign, shown;
        int64_t id = id_of("a");

        GIVE(&ends, WATCH_EVENTS);
        GIVE(&ends, WATCH_KIND);
        GIVE(&owned, WATCH_OWNER_UID);
        GIVE(&owned, WATCH_TENANT);
        GIVE(&present, WATCH_INCLUDE_REMOVED);
        ck_assert_int_eq(open_watch(&watcher, &ends), 0);
        ck_assert_int_eq(open_watch(&foreign, &owned), 0);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        ck_assert_int_eq(open_watch(&shown, &present), 0);
        close(fd);
        expect(&watcher, EVENT_DESTROYED, id, 0);
        expect(&shown, EVENT_DESTROYED, id, 0);
        ck_assert(!has_event(&foreign, 20));
        ck_assert(!has_event(&watcher, 0));
        wire_close(&watcher);
        wire_close(&foreign);
        wire_close(&shown);
}

/* Why it was removed, and is gone. */
TEST(causes) {
        AcquireParameters linger = {};
        WatchParameters all = {};
        Wire watcher;
        int fd;

        (void) open_watch(&watcher, &all);
        close(wire_create_transient(&wire, "a", SIZE));
        expect(&watcher, EVENT_CREATED, 0, 0);
        expect(&watcher, EVENT_ATTACHED, 0, 0);
        expect(&watcher, EVENT_DETACHED, 0, 0);
        expect_cause(&watcher, EVENT_DESTROYED, "lastDetach");
        GIVE_VALUE(&linger, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&linger, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&linger, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&linger, ACQUIRE_LINGER_USEC, linger_usec, 1000);
        close(wire_acquire(&wire, &linger, NULL));
        expect(&watcher, EVENT_CREATED, 0, 0);
        expect(&watcher, EVENT_ATTACHED, 0, 0);
        expect(&watcher, EVENT_DETACHED, 0, 0);
        expect_cause(&watcher, EVENT_DESTROYED, "linger");
        fd = wire_create_transient(&wire, "a", SIZE);
        remove_segment("a", -1);
        expect(&watcher, EVENT_CREATED, 0, 0);
        expect(&watcher, EVENT_ATTACHED, 0, 0);
        expect_cause(&watcher, EVENT_REMOVED, "call");
        close(fd);
        expect(&watcher, EVENT_DETACHED, 0, 0);
        expect_cause(&watcher, EVENT_DESTROYED, "call");
        wire_close(&watcher);
}

/* A name is an event of its own, and the end of whoever had it. */
TEST(published) {
        AcquireParameters parameters = {};
        PublishParameters publish = { .name = "a", .replace = true, .mode = 0640 };
        WatchParameters all = {};
        AcquireReply made;
        SegmentInfo info;
        Wire watcher;

        close(wire_create(&wire, "a", SIZE));
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        close(wire_acquire(&wire, &parameters, &made));
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        ck_assert_int_eq(wire_stat_id(&wire, made.segment.id, &info), FAULT_NONE);
        GIVE_VALUE(&all, WATCH_CHANGES_ONLY, changes_only, true);
        (void) open_watch(&watcher, &all);
        GIVE_VALUE(&publish, PUBLISH_ID, id, made.segment.id);
        GIVE(&publish, PUBLISH_NAME);
        GIVE(&publish, PUBLISH_REPLACE);
        GIVE(&publish, PUBLISH_MODE);
        ck_assert_int_eq(wire_call(&wire, METHOD_PUBLISH, &publish, NULL, NULL), FAULT_NONE);
        expect_cause(&watcher, EVENT_DESTROYED, "call");
        info = expect(&watcher, EVENT_PUBLISHED, publish.id, 0);
        ck_assert_str_eq(info.name, "a");
        ck_assert_int_eq(info.permissions.mode, 0640);
        ck_assert(!has_event(&watcher, 20));
        remove_segment("a", -1);
        wire_close(&watcher);
}

TEST(removed) {
        WatchParameters pattern = {};
        SegmentInfo info;
        Wire watcher;
        int64_t id;
        int fd;

        GIVE_VALUE(&pattern, WATCH_MATCH_NAME, match_name, "a*");
        fd = wire_create(&wire, "a/b", SIZE);
        close(wire_create(&wire, "b", SIZE));
        id = id_of("a/b");
        ck_assert_int_eq(open_watch(&watcher, &pattern), 1);
        remove_segment("b", -1);
        ck_assert_int_eq(wire_remove(&wire, "a/b", NULL), FAULT_NONE);
        info = expect(&watcher, EVENT_REMOVED, id, 1);
        ck_assert(info.removed);
        ck_assert(!GIVEN(&info, INFO_NAME));
        close(fd);
        expect(&watcher, EVENT_DETACHED, id, 0);
        expect(&watcher, EVENT_DESTROYED, id, 0);
        wire_close(&watcher);
}

TEST(changes_only) {
        WatchParameters parameters = {};
        SetAttributesParameters attributes = {};
        SegmentReply reply;
        SegmentInfo info;
        Wire watcher;
        int fd = wire_create(&wire, "a", SIZE);

        GIVE_VALUE(&parameters, WATCH_CHANGES_ONLY, changes_only, true);
        GIVE_VALUE(&parameters, WATCH_ID, id, id_of("a"));
        ck_assert_int_eq(open_watch(&watcher, &parameters), 0);
        close(wire_create_transient(&wire, "b", SIZE));
        GIVE_VALUE(&attributes, SEGMENT_NAME, name, "a");
        GIVE_VALUE(&attributes, SET_ATTRIBUTES_MODE, mode, 0644);
        ck_assert_int_eq(wire_call(&wire, METHOD_SET_ATTRIBUTES, &attributes, &reply, NULL),
                         FAULT_NONE);
        info = expect(&watcher, EVENT_CHANGED, parameters.id, 1);
        ck_assert_int_eq(info.permissions.mode, 0644);
        wire_close(&watcher);
        remove_segment("a", fd);
}

TEST(wrong) {
        static const char text[] = "{\"method\":\"org.shmbroker.Broker.Watch\"}";
        static const char *const texts[] = {
                WATCH("{\"events\":[]}"),
                WATCH("{\"events\":[\"created\",\"frozen\"]}"),
                WATCH("{\"tenant\":\"a/b\"}"),
                WATCH("{\"kind\":\"tape\"}"),
        };
        WatchParameters parameters = {};
        char pattern[257];
        Reply reply;

        wire_send(&wire, text, sizeof(text));
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_str_eq(reply.error, "org.varlink.service.ExpectedMore");
        GIVE_VALUE(&parameters, WATCH_ID, id, 123456);
        send_watch(&wire, &parameters);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.NoSuchSegment");
        memset(pattern, 'a', sizeof(pattern) - 1);
        pattern[sizeof(pattern) - 1] = '\0';
        parameters = (WatchParameters){};
        GIVE_VALUE(&parameters, WATCH_MATCH_NAME, match_name, pattern);
        send_watch(&wire, &parameters);
        ck_assert(wire_receive(&wire, &reply));
        ck_assert_str_eq(reply.error, "org.varlink.service.InvalidParameter");
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                wire_send(&wire, texts[i], strlen(texts[i]) + 1);
                ck_assert(wire_receive(&wire, &reply));
                ck_assert_msg(reply.error && strcmp(reply.error, "org.varlink.service."
                                                                 "InvalidParameter") == 0,
                              "%s", texts[i]);
        }
}

/* What exists and what changes meanwhile: afterwards a watcher knows what there is. */
TEST(listing_meets_changes) {
        enum { N = 1500 };
        static bool exists[2 * N + 16];
        WatchParameters all = {};
        int64_t first, sequence = 0;
        WatchReply reply;
        Wire watcher;
        char name[32];
        bool synchronized = false;

        memset(exists, 0, sizeof(exists));
        for (int i = 0; i < N; ++i) {
                (void) snprintf(name, sizeof(name), "s/%d", i);
                close(wire_create(&wire, name, 1));
        }
        first = id_of("s/0");
        wire_open(&watcher);
        send_watch(&watcher, &all);
        /* It is not read, so that the broker comes to a part of them only. */
        for (int i = 0; i < N; i += 2) {
                (void) snprintf(name, sizeof(name), "s/%d", N - 1 - i);
                remove_segment(name, -1);
                (void) snprintf(name, sizeof(name), "t/%d", i);
                close(wire_create(&wire, name, 1));
        }
        for (int n_expected = -1; n_expected != 0;) {
                reply = next(&watcher);
                ck_assert_int_eq(reply.sequence, sequence++);
                if (reply.event == EVENT_SYNCHRONIZED) {
                        synchronized = true;
                        continue;
                }
                ck_assert(GIVEN(&reply, WATCH_REPLY_SEGMENT));
                switch (reply.event) {
                case EVENT_EXISTING:
                        ck_assert(!synchronized);
                        ck_assert(!exists[reply.segment.id - first]);
                        exists[reply.segment.id - first] = true;
                        break;
                case EVENT_CREATED:
                        ck_assert(synchronized && !exists[reply.segment.id - first]);
                        exists[reply.segment.id - first] = true;
                        break;
                case EVENT_DESTROYED:
                        ck_assert(synchronized && exists[reply.segment.id - first]);
                        exists[reply.segment.id - first] = false;
                        break;
                default:
                        ck_assert(synchronized && exists[reply.segment.id - first]);
                }
                (void) snprintf(name, sizeof(name), "t/%d", N - 2);
                n_expected =
                        !(GIVEN(&reply.segment, INFO_NAME) &&
                          strcmp(reply.segment.name, name) == 0 && reply.event == EVENT_DETACHED);
        }
        for (int i = 0; i < N; ++i) {
                SegmentInfo info;

                ck_assert_int_eq(exists[i], wire_stat_id(&wire, first + i, &info) == FAULT_NONE);
        }
        wire_close(&watcher);
        for (int i = 0; i < N; i += 2) {
                (void) snprintf(name, sizeof(name), "s/%d", i);
                remove_segment(name, -1);
                (void) snprintf(name, sizeof(name), "t/%d", i);
                remove_segment(name, -1);
        }
}

static uint64_t acquire_usec(int n) {
        uint64_t begin = clock_boottime_usec();

        for (int i = 0; i < n; ++i)
                close(wire_open_segment(&wire, "a", ACCESS_READ_ONLY));
        return clock_boottime_usec() - begin;
}

/*
 * Two hundred that do not read, and ten that do: nobody is kept from working, what the broker keeps
 * is bounded, and who lost something is told so.
 */
TEST(many_watchers) {
        enum { SLEEPERS = 200, READERS = 10, ROUNDS = 3000 };
        static Wire sleepers[SLEEPERS], readers[READERS];
        WatchParameters all = {};
        bool lost = false;
        StatusReply status;
        int64_t sequence;
        WatchReply reply;
        uint64_t usec;
        int fd;

        fd = wire_create(&wire, "a", SIZE);
        for (int i = 0; i < SLEEPERS; ++i)
                ck_assert_int_eq(open_watch(&sleepers[i], &all), 1);
        for (int i = 0; i < READERS; ++i)
                ck_assert_int_eq(open_watch(&readers[i], &all), 1);
        usec = acquire_usec(ROUNDS);
        /* Not a measurement: without a bound it would take minutes. */
        ck_assert_uint_lt(usec, 15000000);
        for (int i = 0; i < READERS; ++i) {
                sequence = 2;
                do {
                        reply = next(&readers[i]);
                        if (reply.event == EVENT_OVERFLOW) {
                                lost = true;
                                ck_assert_int_ge(reply.sequence, sequence);
                        } else {
                                ck_assert_int_eq(reply.sequence, sequence);
                        }
                        sequence = reply.sequence + 1;
                } while (sequence < 2 + 2 * ROUNDS);
        }
        /* At least those that did not read at all. */
        do {
                reply = next(&sleepers[0]);
                lost |= reply.event == EVENT_OVERFLOW;
        } while (!lost);
        wire_status(&wire, &status);
        ck_assert_int_eq(status.connection_count, 1 + SLEEPERS + READERS);
        for (int i = 0; i < SLEEPERS; ++i)
                wire_close(&sleepers[i]);
        for (int i = 0; i < READERS; ++i)
                wire_close(&readers[i]);
        remove_segment("a", fd);
}

TEST(limit) {
        WatchParameters all = {};
        Wire one, other;
        Reply reply;

        fixture_configure("[limits]\nwatchesPerUser = 1\n");
        fixture_hang_up();
        ck_assert_int_eq(open_watch(&one, &all), 0);
        wire_open(&other);
        send_watch(&other, &all);
        ck_assert(wire_receive(&other, &reply));
        ck_assert_str_eq(reply.error, "org.shmbroker.Broker.LimitReached");
        /* The place is free when the connection is closed, and nothing else needs to be said. */
        wire_close(&one);
        for (int i = 0; reply.error; ++i) {
                ck_assert_int_lt(i, 500);
                usleep(10000);
                send_watch(&other, &all);
                ck_assert(wire_receive(&other, &reply));
        }
        wire_close(&other);
}

/* One that goes away is noticed, whether it has read what it was told or not. */
TEST(closed, .end = 2) {
        WatchParameters all = {};
        StatusReply status;
        Wire watcher;

        ck_assert_int_eq(open_watch(&watcher, &all), 0);
        if (_i) {
                close(wire_create_transient(&wire, "a", SIZE));
                ck_assert(has_event(&watcher, 20000));
                /* All of it, so that nothing is sent when it is gone. */
                usleep(200000);
        }
        wire_close(&watcher);
        wire_status(&wire, &status);
        for (int i = 0; status.connection_count > 1; ++i) {
                ck_assert_int_lt(i, 500);
                usleep(10000);
                wire_status(&wire, &status);
        }
}

static SegmentInfo make_native(Kind kind, bool transient) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "native");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        if (kind == KIND_SYSV)
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, native_key());
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, transient);
        ck_assert_int_eq(wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, &fault), FAULT_NONE);
        fd_close(fd_queue_pop(&wire.fds));
        ck_assert_int_eq(wire_attach_count(&wire, "native"), 0);
        return reply.segment;
}

static void setup_native(void) {
        native_begin();
        setup();
}

static void teardown_native(void) {
        teardown();
        native_end();
}

/* Without descriptors the kernel tells nothing, and the broker looks once a second. */
CASE("native", .setup = setup_native, .teardown = teardown_native, .timeout = 30);

/* Who attaches a System V segment natively is told of as everybody is, and so is ipcrm(1). */
TEST(native_sysv) {
        WatchParameters all = { .changes_only = true };
        SegmentInfo info;
        Wire watcher;
        void *at;

        GIVE(&all, WATCH_CHANGES_ONLY);
        info = make_native(KIND_SYSV, false);
        (void) open_watch(&watcher, &all);
        at = shmat((int) info.shmid, NULL, 0);
        ck_assert_ptr_ne(at, (void *) -1);
        expect_attachment(&watcher, EVENT_ATTACHED, 0, 0);
        ck_assert_int_eq(shmdt(at), 0);
        expect_attachment(&watcher, EVENT_DETACHED, 0, 0);
        at = shmat((int) info.shmid, NULL, SHM_RDONLY);
        ck_assert_ptr_ne(at, (void *) -1);
        (void) expect(&watcher, EVENT_ATTACHED, info.id, 1);
        ck_assert_int_eq(shmctl((int) info.shmid, IPC_RMID, NULL), 0);
        info = expect(&watcher, EVENT_REMOVED, info.id, 1);
        ck_assert_int_eq(info.key, 0);
        ck_assert_int_eq(shmdt(at), 0);
        (void) expect(&watcher, EVENT_DETACHED, info.id, 0);
        (void) expect(&watcher, EVENT_DESTROYED, info.id, 0);
        wire_close(&watcher);
}

/* What others do to a POSIX object, without anybody asking for it. */
TEST(native_posix) {
        WatchParameters all = { .changes_only = true };
        SegmentInfo info;
        Wire watcher;
        int fd;

        GIVE(&all, WATCH_CHANGES_ONLY);
        info = make_native(KIND_POSIX, false);
        (void) open_watch(&watcher, &all);
        fd = native_open_posix(native_name("0"), O_RDWR);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, 100), 0);
        ck_assert_int_eq(expect(&watcher, EVENT_CHANGED, info.id, 0).size_bytes, 100);
        ck_assert_int_eq(fchmod(fd, 0640), 0);
        ck_assert_int_eq(expect(&watcher, EVENT_CHANGED, info.id, 0).permissions.mode, 0640);
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        ck_assert(expect(&watcher, EVENT_REMOVED, info.id, 0).other_holders);
        fd_close(fd);
        expect_attachment(&watcher, EVENT_DETACHED, 0, 0);
        expect_cause(&watcher, EVENT_DESTROYED, "outside");
        /* Also of one that nobody has by then. */
        (void) make_native(KIND_POSIX, false);
        (void) expect(&watcher, EVENT_CREATED, 0, 0);
        ck_assert_int_eq(shm_unlink(native_name("0")), 0);
        while (next(&watcher).event != EVENT_DETACHED)
                ;
        expect_cause(&watcher, EVENT_DESTROYED, "outside");
        wire_close(&watcher);
}
