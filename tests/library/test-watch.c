/* SPDX-License-Identifier: MIT */
/*
 * Watching by libshmbroker: what it asks, the events that it gives, and how it gets over a broker
 * that goes away, refuses or talks nonsense.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/util.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define BROKER "org.shmbroker.Broker."
#define SERVICE "org.varlink.service."
#define USEC_PER_SEC UINT64_C(1000000)

#define EVENT_WITH(kind, sequence, segment)                                                        \
        "{\"parameters\":{\"event\":\"" kind "\",\"sequence\":" sequence                           \
        ",\"timeUSec\":77,\"segment\":" segment "},\"continues\":true}"
#define EVENT(kind, sequence) EVENT_WITH(kind, sequence, SEGMENT)
#define SYNCHRONIZED(sequence) EVENT_WITH("synchronized", sequence, "null")

static struct shmbroker_watch *watch_new(struct shmbroker *connection) {
        struct shmbroker_watch *watch = NULL;

        ck_assert_int_eq(shmbroker_watch_new(connection, &watch), 0);
        return watch;
}

/* A watch of the fake broker, made by a connection that never asks it anything. */
static struct shmbroker_watch *fake_watch(const Answer *answers, size_t n_answers) {
        struct shmbroker *connection = NULL;
        struct shmbroker_watch *watch;

        fake_start(answers, n_answers);
        ck_assert_int_eq(shmbroker_new(fake.address, &connection), 0);
        watch = watch_new(connection);
        ck_assert_ptr_null(shmbroker_close(connection));
        return watch;
}

static struct shmbroker_filter *filter_of(const char *pattern) {
        struct shmbroker_filter *filter = NULL;

        ck_assert_int_eq(shmbroker_filter_new(&filter), 0);
        ck_assert_int_eq(shmbroker_filter_set_match(filter, pattern), 0);
        return filter;
}

static void set_match(struct shmbroker_watch *watch, const char *pattern) {
        struct shmbroker_filter *filter = filter_of(pattern);

        ck_assert_int_eq(shmbroker_watch_set_filter(watch, filter), 0);
        shmbroker_filter_free(filter);
}

static struct shmbroker_event *next_event(struct shmbroker_watch *watch) {
        struct shmbroker_event *event = NULL;

        ck_assert_int_eq(shmbroker_watch_wait(watch, 10 * USEC_PER_SEC, &event), 1);
        ck_assert_ptr_nonnull(event);
        return event;
}

static void assert_event(struct shmbroker_watch *watch, int kind, const char *name) {
        struct shmbroker_event *event = next_event(watch);
        const struct shmbroker_info *info = shmbroker_event_info(event);

        ck_assert_int_eq(shmbroker_event_kind(event), kind);
        if (name)
                ck_assert_str_eq(shmbroker_info_name(info), name);
        shmbroker_event_free(event);
}

static void assert_nothing(struct shmbroker_watch *watch) {
        struct shmbroker_event *event = NULL;

        ck_assert_int_eq(shmbroker_watch_wait(watch, 50000, &event), 0);
        ck_assert_ptr_null(event);
}

SUITE("library-watch");
CASE("fake", .setup = fake_begin, .teardown = fake_end, .timeout = 30);

TEST(events) {
        static const char *const texts[] = {
                EVENT("existing", "0"),
                SYNCHRONIZED("1"),
                EVENT("created", "2"),
                EVENT("published", "3"),
                EVENT("attached", "4"),
                EVENT("detached", "5"),
                EVENT("changed", "6"),
                EVENT("removed", "7"),
                EVENT("destroyed", "8"),
                EVENT_WITH("overflow", "12", "null"),
                NULL,
        };
        static const Answer answer = {
                .texts = texts,
                .silent = true,
                .expects = BROKER "Watch\",\"parameters\":{},\"more\":true}",
        };
        static const char *const names[] = { "existing",  "synchronized", "created", "published",
                                             "attached",  "detached",     "changed", "removed",
                                             "destroyed", "overflow" };
        struct shmbroker_watch *watch = fake_watch(&answer, 1);

        for (int i = 0; i < (int) ARRAY_SIZE(names); ++i) {
                bool about_none =
                        i == SHMBROKER_EVENT_SYNCHRONIZED || i == SHMBROKER_EVENT_OVERFLOW;
                struct shmbroker_event *event = next_event(watch);

                ck_assert_int_eq(shmbroker_event_kind(event), i);
                ck_assert_str_eq(shmbroker_event_kind_name(event), names[i]);
                ck_assert_uint_eq(shmbroker_event_sequence(event),
                                  i == SHMBROKER_EVENT_OVERFLOW ? 12 : (uint64_t) i);
                ck_assert_uint_eq(shmbroker_event_time(event), 77);
                ck_assert_int_eq(shmbroker_event_info(event) == NULL, about_none);
                if (!about_none)
                        ck_assert_int_eq(strncmp(shmbroker_info_json(shmbroker_event_info(event)),
                                                 "{\"id\":1,", 8),
                                         0);
                ck_assert_int_eq(strncmp(shmbroker_event_json(event), "{\"event\":\"", 10), 0);
                ck_assert_ptr_null(shmbroker_event_free(event));
        }
        assert_nothing(watch);
        ck_assert_ptr_null(shmbroker_event_free(NULL));
        ck_assert_ptr_null(shmbroker_watch_free(watch));
        ck_assert_ptr_null(shmbroker_watch_free(NULL));
        fake_stop();
}

TEST(what_is_asked) {
        static const Answer answers[] = {
                { .text = SYNCHRONIZED("0"),
                  .silent = true,
                  .expects =
                          "{\"id\":7,\"matchName\":\"a*\\\"\",\"changesOnly\":true,\"ownerUid\":5,"
                          "\"kind\":\"sysv\",\"includeRemoved\":false,\"tenant\":\"web\","
                          "\"events\":[\"created\",\"destroyed\"]}" },
                { .text = SYNCHRONIZED("0"), .silent = true, .expects = "{\"changesOnly\":false}" },
        };
        struct shmbroker_watch *watch = fake_watch(answers, 2), *other;
        struct shmbroker_filter *filter = filter_of("a*\"");
        struct shmbroker *connection = NULL;

        shmbroker_filter_set_owner(filter, 5);
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_SYSV);
        shmbroker_filter_set_include_removed(filter, 0);
        ck_assert_int_eq(shmbroker_filter_set_tenant(filter, "web"), 0);
        ck_assert_int_eq(shmbroker_filter_set_tenant(filter, "w b"), -EINVAL);
        ck_assert_int_eq(shmbroker_filter_set_tenant(filter, "\303\244"), -EINVAL);
        ck_assert_int_eq(shmbroker_watch_set_id(watch, 7), 0);
        ck_assert_int_eq(shmbroker_watch_set_filter(watch, filter), 0);
        shmbroker_filter_set_kind(filter, 4);
        ck_assert_int_eq(shmbroker_watch_set_filter(watch, filter), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_watch_error(watch), "parameter"), "kind");
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_DESTROYED), 0);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_CREATED), 0);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_LOST), -EINVAL);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_UNKNOWN), -EINVAL);
        ck_assert_int_eq(shmbroker_watch_set_changes_only(watch, 2), 0);
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        ck_assert_int_eq(shmbroker_watch_set_id(watch, 7), -EALREADY);
        ck_assert_int_eq(shmbroker_watch_set_filter(watch, NULL), -EALREADY);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_CREATED), -EALREADY);
        ck_assert_int_eq(shmbroker_watch_set_changes_only(watch, 0), -EALREADY);
        shmbroker_watch_free(watch);
        shmbroker_filter_free(filter);

        ck_assert_int_eq(shmbroker_new(fake.address, &connection), 0);
        other = watch_new(connection);
        set_match(other, "b");
        ck_assert_int_eq(shmbroker_watch_set_filter(other, NULL), 0);
        ck_assert_int_eq(shmbroker_watch_set_changes_only(other, 0), 0);
        assert_event(other, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        shmbroker_watch_free(other);
        shmbroker_close(connection);
        fake_stop();
}

/* As an event loop has it: nothing blocks, and there is always something to wait for. */
TEST(event_loop) {
        static const char *const texts[] = { EVENT("existing", "0"), EVENT("existing", "1"),
                                             SYNCHRONIZED("2"), NULL };
        static const Answer answer = { .texts = texts, .silent = true };
        struct shmbroker_watch *watch = fake_watch(&answer, 1);
        struct shmbroker_event *event = NULL;
        int fd = shmbroker_watch_fd(watch), n_events = 0, n_waits = 0, r;

        ck_assert(library_readable(fd, 0));
        while (n_events < 3) {
                while ((r = shmbroker_watch_next(watch, &event)) == 1) {
                        ck_assert_uint_eq(shmbroker_event_sequence(event), (uint64_t) n_events);
                        shmbroker_event_free(event);
                        ++n_events;
                        /* There may be more, which is here already. */
                        ck_assert(library_readable(fd, 0));
                }
                ck_assert_int_eq(r, 0);
                ck_assert_int_eq(shmbroker_watch_fd(watch), fd);
                ck_assert_int_eq(library_readable(fd, n_events < 3 ? 5000 : 10), n_events < 3);
                ck_assert_int_lt(++n_waits, 10);
        }
        shmbroker_watch_free(watch);
        fake_stop();
}

/* The broker goes away, is not there for a while, and comes back: one loss, then all begins anew.
 */
TEST(lost) {
        static const char *const texts[] = { EVENT("existing", "0"), SYNCHRONIZED("1"), NULL };
        static const Answer first = { .texts = texts };
        static const Answer second[] = {
                { .text = "{\"error\":\"" BROKER
                          "LimitReached\",\"parameters\":{\"limit\":\"connections\"}}" },
                { .text = SYNCHRONIZED("0"), .silent = true },
        };
        struct shmbroker_watch *watch = fake_watch(&first, 1);
        uint64_t before = library_now();
        struct shmbroker_event *event;
        int fd;

        assert_event(watch, SHMBROKER_EVENT_EXISTING, NULL);
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        event = next_event(watch);
        ck_assert_int_eq(shmbroker_event_kind(event), SHMBROKER_EVENT_LOST);
        ck_assert_str_eq(shmbroker_event_kind_name(event), "lost");
        ck_assert_ptr_null(shmbroker_event_info(event));
        ck_assert_uint_eq(shmbroker_event_sequence(event), 0);
        ck_assert(shmbroker_event_time(event) >= before &&
                  shmbroker_event_time(event) <= library_now());
        ck_assert_int_eq(strncmp(shmbroker_event_json(event), "{\"event\":\"lost\",", 16), 0);
        shmbroker_event_free(event);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_watch_error(watch)), -ECONNRESET);
        fake_stop();
        /* Told once, and tried again and again, more and more seldom. */
        fd = shmbroker_watch_fd(watch);
        /* Some time is left, if this machine was not too busy to come here in it. */
        ck_assert(!library_readable(fd, 0) || library_now() - before > 50000);
        ck_assert(library_readable(fd, 5000));
        ck_assert_int_eq(shmbroker_watch_wait(watch, 200000, &event), 0);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_watch_error(watch)), -ENOTCONN);
        ck_assert(library_readable(fd, 5000));
        fake_start(second, 2);
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_watch_error(watch)), 0);
        shmbroker_watch_free(watch);
        fake_stop();
}

TEST(no_broker) {
        struct shmbroker *connection = NULL;
        struct shmbroker_watch *watch;
        char address[128];

        (void) snprintf(address, sizeof(address), "unix:%s/none", fake.directory);
        ck_assert_int_eq(shmbroker_new(address, &connection), 0);
        watch = watch_new(connection);
        shmbroker_close(connection);
        assert_event(watch, SHMBROKER_EVENT_LOST, NULL);
        ck_assert_int_eq(shmbroker_error_code(shmbroker_watch_error(watch)), -ENOTCONN);
        assert_nothing(watch);
        shmbroker_watch_free(watch);
}

/* What is no event, or ends what has no end, is an error, for to begin anew would lead to the same;
 * nothing of it is believed. */
TEST(nonsense) {
        static const char *const texts[] = {
                "hello",
                "{}",
                "{\"parameters\":{},\"continues\":true}",
                EVENT("created", "-1"),
                EVENT_WITH("created", "0", "{}"),
                EVENT_WITH("created", "0", "[]"),
                EVENT_WITH("attached", "0", SEGMENT ",\"attachment\":{}"),
                "{\"parameters\":{\"event\":\"synchronized\",\"sequence\":0,\"timeUSec\":-1}}",
                /* The last one */
                "{\"parameters\":{\"event\":\"synchronized\",\"sequence\":0,\"timeUSec\":1}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                Answer answer = { .text = texts[i], .silent = true };
                struct shmbroker_watch *watch = fake_watch(&answer, 1);
                const struct shmbroker_error *error = shmbroker_watch_error(watch);
                struct shmbroker_event *event = NULL;

                for (int j = 0; j < 2; ++j)
                        ck_assert_int_eq(shmbroker_watch_wait(watch, 10 * USEC_PER_SEC, &event),
                                         -EPROTO);
                ck_assert_ptr_null(event);
                ck_assert_msg(shmbroker_error_code(error) == -EPROTO, "%s", texts[i]);
                ck_assert(!library_readable(shmbroker_watch_fd(watch), 10));
                shmbroker_watch_free(watch);
                fake_stop();
        }
}

/* An event of a newer broker is one of which the name is known, and the watch goes on. */
TEST(newer_event) {
        static const char *const texts[] = {
                EVENT("frozen", "0"),
                "{\"parameters\":{\"event\":\"paused\",\"sequence\":1,\"timeUSec\":1},"
                "\"continues\":true}",
                EVENT("created", "2"),
                NULL,
        };
        const Answer answer = { .texts = texts, .silent = true };
        struct shmbroker_watch *watch = fake_watch(&answer, 1);
        struct shmbroker_event *event = next_event(watch);

        ck_assert_int_eq(shmbroker_event_kind(event), SHMBROKER_EVENT_UNKNOWN);
        ck_assert_str_eq(shmbroker_event_kind_name(event), "frozen");
        ck_assert_ptr_nonnull(shmbroker_event_info(event));
        shmbroker_event_free(event);
        event = next_event(watch);
        ck_assert_int_eq(shmbroker_event_kind(event), SHMBROKER_EVENT_UNKNOWN);
        ck_assert_str_eq(shmbroker_event_kind_name(event), "paused");
        ck_assert_ptr_null(shmbroker_event_info(event));
        shmbroker_event_free(event);
        event = next_event(watch);
        ck_assert_int_eq(shmbroker_event_kind(event), SHMBROKER_EVENT_CREATED);
        ck_assert_uint_eq(shmbroker_event_sequence(event), 2);
        shmbroker_event_free(event);
        shmbroker_watch_free(watch);
        fake_stop();
}

/* Who it was, and why. */
TEST(details) {
        static const char *const texts[] = {
                EVENT_WITH("attached", "0",
                           SEGMENT ",\"attachment\":{\"id\":7,\"pid\":8,\"uid\":null,"
                                   "\"access\":\"execute\",\"later\":[]},\"cause\":null"),
                EVENT_WITH("removed", "1", SEGMENT ",\"attachment\":null,\"cause\":\"a\\u0062\""),
                EVENT_WITH("destroyed", "2", SEGMENT),
                NULL,
        };
        const Answer answer = { .texts = texts, .silent = true };
        struct shmbroker_watch *watch = fake_watch(&answer, 1);
        struct shmbroker_event *event = next_event(watch);
        const struct shmbroker_attachment *attachment = shmbroker_event_attachment(event);
        pid_t pid = 0;
        uid_t uid;

        ck_assert_ptr_nonnull(attachment);
        ck_assert_int_eq(shmbroker_attachment_id(attachment), 7);
        ck_assert_int_eq(shmbroker_attachment_pid(attachment, &pid), 0);
        ck_assert_int_eq(pid, 8);
        ck_assert_int_eq(shmbroker_attachment_uid(attachment, &uid), -ENODATA);
        ck_assert_str_eq(shmbroker_attachment_access_name(attachment), "execute");
        ck_assert_str_eq(shmbroker_attachment_json(attachment),
                         "{\"id\":7,\"pid\":8,\"uid\":null,\"access\":\"execute\",\"later\":[]}");
        ck_assert_ptr_null(shmbroker_event_cause(event));
        ck_assert_int_eq(shmbroker_info_id(shmbroker_event_info(event)), 1);
        shmbroker_event_free(event);
        event = next_event(watch);
        ck_assert_ptr_null(shmbroker_event_attachment(event));
        ck_assert_str_eq(shmbroker_event_cause(event), "ab");
        shmbroker_event_free(event);
        event = next_event(watch);
        ck_assert_ptr_null(shmbroker_event_attachment(event));
        ck_assert_ptr_null(shmbroker_event_cause(event));
        shmbroker_event_free(event);
        shmbroker_watch_free(watch);
        fake_stop();
}

/* What the broker refuses is an error, and remains one. */
TEST(refused) {
        static const struct {
                const char *name;
                const char *parameters;
                int expected;
        } rows[] = {
                { BROKER "NoSuchSegment", "{}", -ENOENT },
                { SERVICE "PermissionDenied", "{}", -EACCES },
                { SERVICE "InvalidParameter", "{\"parameter\":\"matchName\"}", -EINVAL },
                { SERVICE "MethodNotImplemented", "{\"method\":\"Watch\"}", -ENOSYS },
                { BROKER "LimitReached", "{\"limit\":\"watches\",\"maximum\":1}", -ENOSPC },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char text[256];
                Answer answer = { .text = text, .silent = true };
                struct shmbroker_event *event = NULL;
                struct shmbroker_watch *watch;

                (void) snprintf(text, sizeof(text), "{\"error\":\"%s\",\"parameters\":%s}",
                                rows[i].name, rows[i].parameters);
                watch = fake_watch(&answer, 1);
                for (int j = 0; j < 3; ++j) {
                        const struct shmbroker_error *error = shmbroker_watch_error(watch);

                        ck_assert_int_eq(shmbroker_watch_wait(watch, SHMBROKER_FOREVER, &event),
                                         rows[i].expected);
                        ck_assert_ptr_null(event);
                        ck_assert_int_eq(shmbroker_error_code(error), rows[i].expected);
                        ck_assert_str_eq(shmbroker_error_name(error), rows[i].name);
                        ck_assert(!library_readable(shmbroker_watch_fd(watch), 0));
                }
                shmbroker_watch_free(watch);
                fake_stop();
        }
}

TEST(pattern_is_no_text) {
        struct shmbroker_event *event = NULL;
        struct shmbroker *connection = NULL;
        struct shmbroker_watch *watch;

        /* Nobody is asked, so nobody has to be there. */
        ck_assert_int_eq(shmbroker_new(fake.address, &connection), 0);
        watch = watch_new(connection);
        set_match(watch, "\303");
        ck_assert_int_eq(shmbroker_watch_next(watch, &event), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_watch_error(watch), "parameter"),
                         "matchName");
        shmbroker_watch_free(watch);
        shmbroker_close(connection);
}

static int use_in_child(void *userdata) {
        struct shmbroker_watch *watch = userdata;
        struct shmbroker_event *event = NULL;

        if (shmbroker_watch_next(watch, &event) != -ECHILD ||
            shmbroker_watch_wait(watch, SHMBROKER_FOREVER, &event) != -ECHILD || event)
                return 1;
        if (shmbroker_error_code(shmbroker_watch_error(watch)) != -ECHILD)
                return 2;
        shmbroker_watch_free(watch);
        return 0;
}

TEST(fork) {
        static const char *const texts[] = { SYNCHRONIZED("0"), EVENT("created", "1"), NULL };
        static const Answer answer = { .texts = texts, .silent = true };
        struct shmbroker_watch *watch = fake_watch(&answer, 1);

        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        ck_assert_int_eq(unit_fork(use_in_child, watch), 0);
        assert_event(watch, SHMBROKER_EVENT_CREATED, NULL);
        assert_nothing(watch);
        shmbroker_watch_free(watch);
        fake_stop();
}

/* ---- a real broker */

static void up(void) {
        fixture_up(NULL);
}

CASE("real", .setup = up, .teardown = fixture_down, .timeout = 30);

TEST(life) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *existing = library_create(connection, "a", 1), *segment;
        struct shmbroker_watch *watch = watch_new(connection);
        struct shmbroker_attributes *changes = NULL;

        assert_event(watch, SHMBROKER_EVENT_EXISTING, "a");
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        assert_nothing(watch);
        segment = library_create(connection, "b", 1);
        assert_event(watch, SHMBROKER_EVENT_CREATED, "b");
        assert_event(watch, SHMBROKER_EVENT_ATTACHED, "b");
        ck_assert_int_eq(shmbroker_attributes_new(&changes), 0);
        shmbroker_attributes_set_mode(changes, 0640);
        ck_assert_int_eq(shmbroker_set_attributes(connection, "b", 0, changes, NULL), 0);
        shmbroker_attributes_free(changes);
        assert_event(watch, SHMBROKER_EVENT_CHANGED, "b");
        library_remove(connection, "b");
        assert_event(watch, SHMBROKER_EVENT_REMOVED, NULL);
        shmbroker_release(segment);
        assert_event(watch, SHMBROKER_EVENT_DETACHED, NULL);
        assert_event(watch, SHMBROKER_EVENT_DESTROYED, NULL);
        shmbroker_release(existing);
        assert_event(watch, SHMBROKER_EVENT_DETACHED, "a");
        library_remove(connection, "a");
        assert_event(watch, SHMBROKER_EVENT_DESTROYED, NULL);
        shmbroker_watch_free(watch);
        shmbroker_close(connection);
}

TEST(filters) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *one = library_create(connection, "x/a", 1);
        struct shmbroker_segment *other = library_create(connection, "y/a", 1);
        struct shmbroker_watch *by_name = watch_new(connection), *by_id = watch_new(connection);
        struct shmbroker_watch *changes = watch_new(connection), *nothing = watch_new(connection);
        struct shmbroker_event *event = NULL;
        int64_t id = 0;

        ck_assert_int_eq(shmbroker_segment_id(other, &id), 0);
        set_match(by_name, "x/*");
        ck_assert_int_eq(shmbroker_watch_set_id(by_id, id), 0);
        ck_assert_int_eq(shmbroker_watch_set_id(nothing, 999999), 0);
        ck_assert_int_eq(shmbroker_watch_set_changes_only(changes, 1), 0);
        assert_event(by_name, SHMBROKER_EVENT_EXISTING, "x/a");
        assert_event(by_name, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        assert_event(by_id, SHMBROKER_EVENT_EXISTING, "y/a");
        assert_event(by_id, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        assert_event(changes, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        ck_assert_int_eq(shmbroker_watch_wait(nothing, SHMBROKER_FOREVER, &event), -ENOENT);
        shmbroker_release(other);
        assert_event(by_id, SHMBROKER_EVENT_DETACHED, "y/a");
        assert_event(changes, SHMBROKER_EVENT_DETACHED, "y/a");
        assert_nothing(by_name);
        shmbroker_watch_free(by_name);
        shmbroker_watch_free(by_id);
        shmbroker_watch_free(changes);
        shmbroker_watch_free(nothing);
        shmbroker_release(one);
        library_remove(connection, "x/a");
        library_remove(connection, "y/a");
        shmbroker_close(connection);
}

/* By what is true after an event, and only what is wanted of it. */
TEST(narrowed) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_watch *watch = watch_new(connection), *files = watch_new(connection);
        struct shmbroker_filter *filter = filter_of(NULL);
        struct shmbroker_segment *segment;

        shmbroker_filter_set_owner(filter, getuid());
        ck_assert_int_eq(shmbroker_filter_set_tenant(filter, ""), 0);
        ck_assert_int_eq(shmbroker_watch_set_filter(watch, filter), 0);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_EXISTING), 0);
        ck_assert_int_eq(shmbroker_watch_add_event(watch, SHMBROKER_EVENT_DESTROYED), 0);
        shmbroker_filter_set_kind(filter, SHMBROKER_KIND_FILE);
        ck_assert_int_eq(shmbroker_watch_set_filter(files, filter), 0);
        segment = library_create(connection, "a", 1);
        assert_event(watch, SHMBROKER_EVENT_EXISTING, "a");
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        assert_event(files, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        shmbroker_release(segment);
        library_remove(connection, "a");
        assert_event(watch, SHMBROKER_EVENT_DESTROYED, NULL);
        assert_nothing(watch);
        assert_nothing(files);
        shmbroker_filter_free(filter);
        shmbroker_watch_free(watch);
        shmbroker_watch_free(files);
        shmbroker_close(connection);
}

TEST(restart) {
        static const int signals[] = { SIGTERM, SIGKILL };
        struct shmbroker *connection = library_connect();
        struct shmbroker_watch *watch = watch_new(connection);

        set_match(watch, "a");
        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(signals); ++i) {
                struct shmbroker_segment *segment;

                fixture_restart(signals[i], NULL);
                segment = library_create(connection, "a", 1);
                assert_event(watch, SHMBROKER_EVENT_LOST, NULL);
                assert_event(watch, SHMBROKER_EVENT_EXISTING, "a");
                assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
                shmbroker_release(segment);
                assert_event(watch, SHMBROKER_EVENT_DETACHED, "a");
                library_remove(connection, "a");
                assert_event(watch, SHMBROKER_EVENT_DESTROYED, NULL);
        }
        shmbroker_watch_free(watch);
        shmbroker_close(connection);
}

/* Who does not read is told that something was dropped, and how much. */
TEST(overflow) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_watch *watch = watch_new(connection);
        struct shmbroker_event *event;
        uint64_t next = 1, n_dropped = 0;

        assert_event(watch, SHMBROKER_EVENT_SYNCHRONIZED, NULL);
        for (int i = 0; i < 6000; ++i)
                shmbroker_release(library_create(connection, NULL, 1));
        shmbroker_release(library_create(connection, "last", 1));
        while (n_dropped == 0) {
                event = next_event(watch);
                if (shmbroker_event_kind(event) == SHMBROKER_EVENT_OVERFLOW) {
                        ck_assert_uint_gt(shmbroker_event_sequence(event), next);
                        n_dropped = shmbroker_event_sequence(event) - next + 1;
                } else {
                        ck_assert_uint_eq(shmbroker_event_sequence(event), next);
                }
                next = shmbroker_event_sequence(event) + 1;
                shmbroker_event_free(event);
        }
        library_remove(connection, "last");
        shmbroker_watch_free(watch);
        shmbroker_close(connection);
}
