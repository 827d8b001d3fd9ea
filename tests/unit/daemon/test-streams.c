/* SPDX-License-Identifier: MIT */
/* Methods that reply more than once: nothing twice, nothing left out, whatever happens meanwhile.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/call/dispatch.h"
#include "daemon/call/streams.h"
#include "proto/fd.h"
#include "proto/message.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit-service.h"
#include "tests/support/unit.h"

/* The least room that a stream may be given. */
#define ROOM (STREAM_REPLY_MAX + 1024)

static Service service;
static Client client;
static char memory[ROOM];

static void setup(void) {
        unit_fds_begin();
        unit_service_begin(&service);
        unit_client(&client, &service, 1000, 1000);
}

static void teardown(void) {
        client_deinit(&client);
        unit_service_end(&service);
        unit_fds_end();
}

static int64_t create(const char *name) {
        char text[256], *reply, *at;
        int64_t id;
        int fd;

        (void) snprintf(
                text, sizeof(text),
                "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":%s%s%s,\"create\":\"new\","
                "\"sizeBytes\":1}}",
                name ? "\"" : "", name ? name : "null", name ? "\"" : "");
        reply = unit_call(&service, &client, text, &fd);
        ck_assert_int_ge(fd, 0);
        fd_close(fd);
        at = strstr(reply, "\"segment\":{\"id\":");
        ck_assert_ptr_nonnull(at);
        id = strtoll(at + 16, NULL, 10);
        free(reply);
        return id;
}

static void drop(int64_t id) {
        Segment *segment = registry_find(&service.registry, id);

        ck_assert(unit_remove(&service.life, segment));
}

/* One piece of a stream; returns how many replies it was, and the last id among them. */
static size_t piece(Stream *stream, int64_t *ret_last_id, bool *ret_more) {
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        size_t n = 0, n_text;
        ListReply list;
        Reply reply;

        stream_write(stream, &service, &client, USEC_INFINITY, &writer);
        ck_assert(!writer.overflow);
        ck_assert_uint_gt(writer.n_data, 0);
        for (char *at = writer.data; at < writer.data + writer.n_data; at += n_text + 1) {
                n_text = strlen(at);
                ck_assert_int_eq(reply_parse(at, n_text, &reply), 0);
                ck_assert_int_eq(reply_read(&reply, &list_reply_type, &list), 0);
                if (GIVEN(&list, REPLY_ITEM)) {
                        ck_assert_int_gt(list.segment.id, *ret_last_id);
                        *ret_last_id = list.segment.id;
                        ++n;
                }
                *ret_more = reply.continues;
                /* The last reply is the last one. */
                ck_assert(reply.continues || at + n_text + 1 == writer.data + writer.n_data);
        }
        ck_assert_int_eq(*ret_more, stream->kind != STREAM_NONE);
        return n;
}

static Stream begin(const char *pattern) {
        ListParameters parameters = {};
        Stream stream = STREAM_NULL;
        CallFailure failure;

        if (pattern)
                GIVE_VALUE(&parameters, LIST_MATCH_NAME, match_name, pattern);
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        return stream;
}

static size_t count(const char *pattern) {
        Stream stream = begin(pattern);
        int64_t last = 0;
        bool more = true;
        size_t n = 0;

        while (more)
                n += piece(&stream, &last, &more);
        return n;
}

SUITE("streams");
CASE("streams", .setup = setup, .teardown = teardown);

TEST(none) {
        Stream stream = begin(NULL);
        Writer writer = WRITER_INIT(memory, sizeof(memory));

        stream_write(&stream, &service, &client, USEC_INFINITY, &writer);
        ck_assert_str_eq(memory, "{}");
        ck_assert_int_eq(stream.kind, STREAM_NONE);
}

TEST(pieces) {
        Stream stream;
        int64_t last = 0;
        bool more = true;
        size_t n = 0, n_pieces = 0;

        for (int i = 0; i < 100; ++i)
                (void) create(NULL);
        stream = begin(NULL);
        while (more) {
                n += piece(&stream, &last, &more);
                ++n_pieces;
        }
        ck_assert_uint_eq(n, 100);
        ck_assert_uint_gt(n_pieces, 10);
}

TEST(patterns) {
        static const struct {
                const char *pattern;
                size_t n;
        } rows[] = {
                { NULL, 5 },    { "*", 4 },  { "a", 1 },     { "a*", 3 },
                { "a/*", 2 },   { "?", 1 },  { "[ab]*", 4 }, { "a/b/c", 1 },
                { "*c", 2 },    { "", 0 },   { "A*", 0 },    { "a?b", 1 },
                { "[!a]*", 1 }, { "**", 4 }, { "[", 0 },     { "\\a", 1 },
        };
        char pattern[NAME_LENGTH_MAX + 2];
        ListParameters parameters = {};
        Stream stream = STREAM_NULL;
        CallFailure failure;

        (void) create("a");
        (void) create("a/b");
        (void) create("a/b/c");
        (void) create("bc");
        (void) create(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                ck_assert_msg(count(rows[i].pattern) == rows[i].n, "pattern '%s'",
                              rows[i].pattern ? rows[i].pattern : "none");
        /* As long as a name, and not longer: that bounds what matching costs. */
        memset(pattern, '*', sizeof(pattern));
        pattern[NAME_LENGTH_MAX + 1] = '\0';
        GIVE_VALUE(&parameters, LIST_MATCH_NAME, match_name, pattern);
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), CALL_E_INVALID_PARAMETER);
        ck_assert_str_eq(failure.text, "matchName");
        pattern[NAME_LENGTH_MAX] = '\0';
        ck_assert_uint_eq(count(pattern), 4);
}

/* The pattern's text may be gone when the stream goes on. */
TEST(pattern_is_kept) {
        char *pattern = unit_copy("a*", 3);
        Stream stream = begin(pattern);
        int64_t last = 0;
        bool more;

        free(pattern);
        (void) create("ab");
        (void) create("b");
        ck_assert_uint_eq(piece(&stream, &last, &more), 1);
        ck_assert(!more);
}

/* Segments go and come while a client reads. */
TEST(changes, .end = 3) {
        uint64_t seed = (uint64_t) _i;
        int64_t ids[60], last = 0;
        bool there[60], always[60], more = true;
        Stream stream;
        size_t n = 0, n_always = 0;

        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i) {
                ids[i] = create(NULL);
                there[i] = true;
                always[i] = i % 3 == 0;
                n_always += always[i];
        }
        stream = begin(NULL);
        while (more) {
                int64_t before = last;

                n += piece(&stream, &last, &more);
                for (size_t i = 0; i < ARRAY_SIZE(ids); ++i)
                        if (!always[i] && there[i] && ids[i] > before &&
                            unit_below(&seed, 4) == 0) {
                                drop(ids[i]);
                                there[i] = false;
                        }
                if (more && _i == 2)
                        /* Down to the last one that was promised. */
                        for (size_t i = 0; i < ARRAY_SIZE(ids); ++i)
                                if (there[i] && ids[i] > last) {
                                        drop(ids[i]);
                                        there[i] = false;
                                }
        }
        ck_assert_uint_le(n, ARRAY_SIZE(ids));
        if (_i != 2)
                ck_assert_uint_ge(n, n_always);
}

TEST(filters) {
        ListParameters parameters = {};
        CallFailure failure;
        Stream stream = STREAM_NULL;
        Segment *segment;
        int64_t last = 0, id;
        bool more;
        int fd;

        id = create("a");
        (void) create("b");
        segment = registry_find(&service.registry, id);
        segment->permission.owner_uid = 2000;
        GIVE_VALUE(&parameters, LIST_OWNER_UID, owner_uid, 2000);
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        ck_assert_uint_eq(piece(&stream, &last, &more), 1);
        ck_assert_int_eq(last, id);
        parameters.owner_uid = -1;
        last = 0;
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        ck_assert_uint_eq(piece(&stream, &last, &more), 0);
        /* uid 2000 + 2^32 is nobody. */
        parameters.owner_uid = 2000 + (INT64_C(1) << 32);
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        ck_assert_uint_eq(piece(&stream, &last, &more), 0);
        parameters = (ListParameters){};
        GIVE_VALUE(&parameters, LIST_KIND, kind, KIND_SYSV);
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        ck_assert_uint_eq(piece(&stream, &last, &more), 0);
        /* One that is marked for destruction is shown to who asks for it. */
        fd = unit_reopen(segment->master_fd, 0);
        ck_assert(!unit_remove(&service.life, segment));
        ck_assert_uint_eq(count(NULL), 1);
        parameters = (ListParameters){ .include_removed = true };
        last = 0;
        ck_assert_int_eq(stream_list(&stream, &parameters, &failure), 0);
        ck_assert_uint_eq(piece(&stream, &last, &more), 2);
        fd_close(fd);
}

/* What one may not read is not there. */
TEST(permission) {
        Client mine = client, other, admin;

        (void) create("a");
        (void) create("b");
        registry_find_name(&service.registry, NULL, "b")->permission.mode = 0604;
        unit_client(&other, &service, 1001, 1001);
        unit_client(&admin, &service, 0, 0);
        ck_assert_uint_eq(count(NULL), 2);
        client = other;
        ck_assert_uint_eq(count(NULL), 1);
        /* Uid 0 is a user like others, unless it came by another socket. */
        client = admin;
        ck_assert_uint_eq(count(NULL), 1);
        client.credentials.privileged = true;
        ck_assert_uint_eq(count(NULL), 2);
        client = mine;
        client_deinit(&other);
        client_deinit(&admin);
}

#define ATTACHMENTS 150

TEST(attachments) {
        SegmentParameters parameters = {};
        CallFailure failure;
        Stream stream = STREAM_NULL;
        int fds[ATTACHMENTS];
        size_t n = 0, n_text;
        int64_t last = 0;

        (void) create("a");
        for (int i = 0; i < ATTACHMENTS; ++i) {
                free(unit_call(
                        &service, &client,
                        "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"a\"}}",
                        &fds[i]));
                ck_assert_int_ge(fds[i], 0);
        }
        GIVE_VALUE(&parameters, SEGMENT_NAME, name, "a");
        ck_assert_int_eq(stream_list_attachments(&stream, &service, &client, &parameters, &failure),
                         0);
        while (stream.kind != STREAM_NONE) {
                Writer writer = WRITER_INIT(memory, sizeof(memory));

                stream_write(&stream, &service, &client, USEC_INFINITY, &writer);
                ck_assert(!writer.overflow);
                for (char *at = writer.data; at < writer.data + writer.n_data; at += n_text + 1) {
                        AttachmentReply item;
                        Reply reply;

                        n_text = strlen(at);
                        ck_assert_int_eq(reply_parse(at, n_text, &reply), 0);
                        ck_assert_int_eq(reply_read(&reply, &attachment_reply_type, &item), 0);
                        ck_assert(GIVEN(&item, REPLY_ITEM));
                        ck_assert_int_gt(item.attachment.id, last);
                        ck_assert_int_eq(item.attachment.uid, 1000);
                        ck_assert(!item.attachment.inherited);
                        last = item.attachment.id;
                        ++n;
                }
        }
        ck_assert_uint_eq(n, ATTACHMENTS);
        for (int i = 0; i < ATTACHMENTS; ++i)
                fd_close(fds[i]);
        /* None any more: one reply, which is empty. */
        ck_assert_int_eq(stream_list_attachments(&stream, &service, &client, &parameters, &failure),
                         0);
        {
                Writer writer = WRITER_INIT(memory, sizeof(memory));

                stream_write(&stream, &service, &client, USEC_INFINITY, &writer);
                ck_assert_str_eq(memory, "{}");
        }
}

/* The segment itself goes while its attachments are read. */
TEST(segment_goes) {
        SegmentParameters parameters = {};
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        CallFailure failure;
        Stream stream = STREAM_NULL;
        int64_t id = create("a");

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        ck_assert_int_eq(stream_list_attachments(&stream, &service, &client, &parameters, &failure),
                         0);
        drop(id);
        stream_write(&stream, &service, &client, USEC_INFINITY, &writer);
        ck_assert_str_eq(memory, "{}");
        ck_assert_int_eq(stream.kind, STREAM_NONE);
}
