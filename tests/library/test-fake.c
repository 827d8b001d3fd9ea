/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker against a broker that does not keep the rules: whatever it sends or does not send,
 * there is an error that says so, nothing is believed, and no descriptor is left.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096

static int acquire(const Answer *answers, size_t n_answers, int create) {
        struct shmbroker *connection = fake_connect(answers, n_answers);
        struct shmbroker_options *options = library_options(create, PAGE);
        struct shmbroker_segment *segment = NULL;
        int r;

        r = shmbroker_acquire(connection, "a", options, &segment);
        ck_assert_int_eq(r == 0, segment != NULL);
        if (segment)
                strcpy(shmbroker_segment_data(segment), "can be written");
        shmbroker_release(segment);
        shmbroker_options_free(options);
        return fake_close(connection, r);
}

static int stat_segment(const Answer *answers, size_t n_answers) {
        struct shmbroker *connection = fake_connect(answers, n_answers);
        struct shmbroker_info *info = NULL;
        int r;

        r = shmbroker_stat(connection, "a", 0, &info);
        ck_assert_int_eq(r == 0, info != NULL);
        shmbroker_info_free(info);
        return fake_close(connection, r);
}

SUITE("library-fake");
CASE("fake", .setup = fake_begin, .teardown = fake_end, .timeout = 30);

/* So that a test that passes tells something: the fake can be right, too. */
TEST(good) {
        static const Answer good = { .text = GOOD, .n_fds = 1 };
        static const Answer state = { .text = "{\"parameters\":{\"segment\":" SEGMENT "}}" };

        ck_assert_int_eq(acquire(&good, 1, SHMBROKER_CREATE_NEW), 0);
        ck_assert_int_eq(stat_segment(&state, 1), 0);
}

TEST(garbage) {
        static const char *const texts[] = {
                "",
                "hello",
                "{",
                "[]",
                "null",
                "{\"parameters\":[]}",
                "{\"parameters\":\"x\"}",
                "{\"error\":1}",
                "{\"unknown\":1,\"parameters\":{}}",
                "{\"continues\":1}",
                "{\"parameters\":{},\"parameters\":{}}",
                "{\"parameters\":{\"segment\":" SEGMENT "}} x",
                "{\"parameters\":{\"segment\":\"\377\"}}",
                /* Too short */
                "{}",
                "{\"parameters\":{}}",
                "{\"parameters\":{\"segment\":null}}",
                "{\"parameters\":{\"segment\":{}}}",
                "{\"parameters\":{\"segment\":{\"id\":1}}}",
                /* Of other types, and out of range */
                "{\"parameters\":{\"segment\":" SEGMENT_OF("\"4096\"") "}}",
                "{\"parameters\":{\"segment\":" SEGMENT_OF("4096.5") "}}",
                "{\"parameters\":{\"segment\":" SEGMENT_OF("-1") "}}",
                "{\"parameters\":{\"segment\":" SEGMENT_OF("9223372036854775808") "}}",
                /* One of many, where there is one */
                "{\"parameters\":{\"segment\":" SEGMENT "},\"continues\":true}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                Answer answer = { .text = texts[i] };
                int r = stat_segment(&answer, 1);

                ck_assert_msg(r == -EPROTO, "%s: %d", texts[i], r);
        }
}

TEST(too_long) {
        char *text = malloc((1 << 20) + 2);
        Answer answer = { .text = text, .cut = true };

        ck_assert_ptr_nonnull(text);
        memset(text, ' ', (1 << 20) + 1);
        text[(1 << 20) + 1] = '\0';
        ck_assert_int_eq(stat_segment(&answer, 1), -EPROTO);
        free(text);
}

/* What was cut off is made again, once, if it creates nothing. */
TEST(cut_off) {
        static const Answer gone[] = { {}, {} };
        static const Answer half[] = { { .text = "{\"parameters\":{\"seg", .cut = true }, {} };
        static const Answer again[] = {
                { .text = "{\"par", .cut = true },
                { .text = GOOD, .n_fds = 1 },
        };

        ck_assert_int_eq(stat_segment(gone, 2), -ECONNRESET);
        ck_assert_int_eq(stat_segment(half, 2), -ECONNRESET);
        ck_assert_int_eq(acquire(gone, 1, SHMBROKER_CREATE_NEW), -ECONNRESET);
        ck_assert_int_eq(acquire(half, 1, SHMBROKER_CREATE_ANY), -ECONNRESET);
        ck_assert_int_eq(acquire(again, 2, SHMBROKER_CREATE_OPEN), 0);
}

TEST(cut_off_remove) {
        static const Answer again[] = {
                {},
                { .text = "{\"parameters\":{\"destroyed\":true,\"attachCount\":0}}" },
        };
        struct shmbroker *connection = fake_connect(again, 2);
        struct shmbroker_info *left = (void *) &left;

        ck_assert_int_eq(shmbroker_remove(connection, NULL, 7, 0, &left), 0);
        ck_assert_ptr_null(left);
        fake_close(connection, 0);
        /* By name it could be another one the second time. */
        connection = fake_connect(again, 1);
        ck_assert_int_eq(shmbroker_remove(connection, "a", 0, 0, NULL), -ECONNRESET);
        fake_close(connection, -ECONNRESET);
}

#define LISTED "{\"parameters\":{\"segment\":" SEGMENT "},\"continues\":true}"

/* A list that is cut off begins anew, and no segment is in it twice. */
TEST(cut_off_list) {
        static const Answer again[] = {
                { .text = LISTED },
                { .text = "{\"parameters\":{\"segment\":" SEGMENT "}}" },
        };
        struct shmbroker *connection = fake_connect(again, 2);
        struct shmbroker_list *list = NULL;

        ck_assert_int_eq(shmbroker_list_segments(connection, NULL, &list), 0);
        ck_assert_uint_eq(shmbroker_list_count(list), 1);
        shmbroker_list_free(list);
        fake_close(connection, 0);
}

#define ATTACHED "{\"parameters\":{\"attachment\":{\"id\":1,\"inherited\":false}}"

/* What comes at once is taken at once, however many answers it is. */
TEST(many_at_once) {
        const char *texts[122] = {};
        Answer answer = { .texts = texts, .silent = true };
        struct shmbroker_attachments *attachments = NULL;
        struct shmbroker *connection;
        uint64_t begin = library_clock_msec();

        for (size_t i = 0; i < 120; ++i)
                texts[i] = ATTACHED ",\"continues\":true}";
        texts[120] = ATTACHED "}";
        connection = fake_connect(&answer, 1);
        ck_assert_int_eq(shmbroker_list_attachments(connection, "a", 0, &attachments), 0);
        ck_assert_uint_eq(shmbroker_attachments_count(attachments), 121);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        shmbroker_attachments_free(attachments);
        fake_close(connection, 0);
}

TEST(endless) {
        static const Answer lists[] = { { .text = LISTED, .forever = true } };
        static const Answer drips[] = { { .text = " ", .cut = true, .silent = true } };
        struct shmbroker *connection = fake_connect(lists, 1);
        struct shmbroker_list *list = NULL;
        struct shmbroker_info *info = NULL;
        uint64_t begin = library_clock_msec();

        shmbroker_set_call_timeout(connection, 100000);
        ck_assert_int_eq(shmbroker_list_segments(connection, NULL, &list), -ETIMEDOUT);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        fake_close(connection, -ETIMEDOUT);
        connection = fake_connect(drips, 1);
        shmbroker_set_call_timeout(connection, 50000);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ETIMEDOUT);
        fake_close(connection, -ETIMEDOUT);
}

TEST(descriptors) {
        static const struct {
                Answer answer;
                int expected;
        } rows[] = {
                { { .text = GOOD }, -EPROTO },
                { { .text = GOOD, .n_fds = 1, .pipes = true }, -EPROTO },
                { { .text = ACQUIRED("\"fileDescriptorIndex\":1,", "readWrite", SEGMENT),
                    .n_fds = 2 },
                  -EPROTO },
                { { .text = ACQUIRED("\"fileDescriptorIndex\":-1,", "readWrite", SEGMENT),
                    .n_fds = 1 },
                  -EPROTO },
                /* One too many, which is not kept */
                { { .text = GOOD, .n_fds = 2 }, 0 },
                { { .text = GOOD, .n_fds = 8 }, 0 },
                { { .text = ACQUIRED("", "readWrite", SEGMENT), .n_fds = 1 }, -EOPNOTSUPP },
                { { .text = ACQUIRED("", "readWrite", SEGMENT) }, -EOPNOTSUPP },
                /* Not what was asked for */
                { { .text = ACQUIRED(INDEX_0, "readOnly", SEGMENT), .n_fds = 1 }, -EPROTO },
                /* Less memory than it says: touching its end would be SIGBUS */
                { { .text = ACQUIRED(INDEX_0, "readWrite", SEGMENT_OF("8192")), .n_fds = 1 },
                  -EPROTO },
                { { .text = "{\"error\":\"org.shmbroker.Broker.NoSuchSegment\"}", .n_fds = 1 },
                  -ENOENT },
                { { .text = "nonsense", .n_fds = 3 }, -EPROTO },
                { { .text = "{\"par", .cut = true, .n_fds = 1, .silent = false }, -ETIMEDOUT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct shmbroker_options *options = library_options(SHMBROKER_CREATE_ANY, PAGE);
                struct shmbroker *connection = fake_connect(&rows[i].answer, 1);
                struct shmbroker_segment *segment = NULL;
                unsigned int n_fds;
                int r;

                /* A busy machine is given time where an answer is to come. */
                if (rows[i].expected == -ETIMEDOUT)
                        shmbroker_set_call_timeout(connection, 100000);
                r = shmbroker_acquire(connection, "a", options, &segment);
                ck_assert_msg(r == rows[i].expected, "row %zu: %d", i, r);
                shmbroker_release(segment);
                shmbroker_options_free(options);
                /* Before it is closed: at most its socket is there. */
                n_fds = count_fds(getpid());
                ck_assert_msg(n_fds <= fake.n_fds + 1, "row %zu leaves %u", i, n_fds - fake.n_fds);
                fake_close(connection, r);
        }
}

/* Where no descriptor belongs, none is received. */
TEST(unwanted_descriptors) {
        static const Answer answer = {
                .text = "{\"parameters\":{\"segment\":" SEGMENT "}}",
                .n_fds = 8,
        };

        ck_assert_int_eq(stat_segment(&answer, 1), 0);
}

/* What is behind an answer is not the answer to the next call. */
TEST(one_too_many) {
        static const char twice[] = "{\"parameters\":{\"segment\":" SEGMENT "}}\0"
                                    "{\"error\":\"org.shmbroker.Broker.NoSuchSegment\"}";
        static const Answer answers[] = {
                { .text = twice, .n_text = sizeof(twice), .silent = true },
                { .text = "{\"parameters\":{\"segment\":" SEGMENT "}}" },
        };
        struct shmbroker *connection = fake_connect(answers, 2);
        struct shmbroker_info *info = NULL;

        for (int i = 0; i < 2; ++i) {
                ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
                shmbroker_info_free(info);
        }
        fake_close(connection, 0);
}

/* To a call that it cannot have read there is no answer, but there may be a reason. */
TEST(answer_before_call) {
        static const Answer answers[] = {
                { .text = "{\"parameters\":{\"segment\":" SEGMENT "}}", .deaf = true },
                { .text = "{\"error\":\"org.shmbroker.Broker.NoSuchSegment\"}", .deaf = true },
        };
        struct shmbroker *connection = fake_connect(answers, 2);
        struct shmbroker_info *info = NULL;

        fake_wait_gone();
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -EPROTO);
        ck_assert_ptr_null(info);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ENOENT);
        fake_close(connection, -ENOENT);
}

/* Fields of a newer broker do no harm, and are there for who looks for them. */
TEST(newer_broker) {
        static const Answer answer = {
                .text = "{\"parameters\": {\"hint\": null, \"segment\" : {\"newer\":[{\"a\":\"}\"}], "
                        "\"id\":1,\"kind\":\"memfd\",\"sizeBytes\":1," SEGMENT_REST " }}",
        };
        struct shmbroker *connection = fake_connect(&answer, 1);
        struct shmbroker_info *info = NULL;
        const char *json;

        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        json = shmbroker_info_json(info);
        ck_assert_int_eq(strncmp(json, "{\"newer\":[{\"a\":\"}\"}], \"id\":1", 28), 0);
        ck_assert_int_eq(json[strlen(json) - 1], '}');
        shmbroker_info_free(info);
        fake_close(connection, 0);
}

#define NEWER_SEGMENT                                                                              \
        "{\"id\":1,\"kind\":\"dmabuf\",\"sizeBytes\":1,\"pageBytes\":4096,\"permissions\":{"       \
        "\"ownerUid\":0,\"ownerGid\":0,\"creatorUid\":0,\"creatorGid\":0,\"mode\":384},"           \
        "\"changeTimeUSec\":1,\"attachCount\":null,\"removed\":false,"                             \
        "\"removeOnLastDetach\":false,\"locked\":false,\"seals\":[\"shrink\",\"hole\"],"           \
        "\"adopted\":false,\"unavailable\":{\"cause\":\"eaten\",\"sinceUSec\":1,"                  \
        "\"message\":\"so\"}}"

/* So are its kinds, seals and accesses: of what is known there is no less, and a list goes on. */
TEST(newer_values) {
        static const char *const newer[] = {
                "{\"parameters\":{\"segment\":" NEWER_SEGMENT "},\"continues\":true}",
                NULL,
        };
        const Answer answers[] = {
                { .texts = newer, .text = "{\"parameters\":{\"segment\":" SEGMENT "}}" },
                { .text = "{\"parameters\":{\"attachment\":{\"id\":7,\"access\":\"execute\","
                          "\"inherited\":false}}}" },
        };
        struct shmbroker *connection = fake_connect(answers, 2);
        struct shmbroker_list *list = NULL;
        struct shmbroker_attachments *attachments = NULL;
        const struct shmbroker_attachment *attachment;
        const struct shmbroker_info *info;
        uint64_t count = 99;
        int access = 99;

        ck_assert_int_eq(shmbroker_list_segments(connection, NULL, &list), 0);
        ck_assert_uint_eq(shmbroker_list_count(list), 2);
        info = shmbroker_list_get(list, 0);
        ck_assert_int_eq(shmbroker_info_kind(info), SHMBROKER_KIND_UNKNOWN);
        ck_assert_str_eq(shmbroker_info_kind_name(info), "dmabuf");
        ck_assert_int_eq(shmbroker_info_attach_count(info, &count), -ENODATA);
        ck_assert_uint_eq(count, 99);
        ck_assert_str_eq(shmbroker_info_unavailable(info), "eaten");
        ck_assert_uint_eq(shmbroker_info_seals(info), SHMBROKER_SEAL_SHRINK);
        ck_assert_ptr_nonnull(strstr(shmbroker_info_json(info), "\"hole\""));
        ck_assert_str_eq(shmbroker_info_kind_name(shmbroker_list_get(list, 1)), "memfd");
        shmbroker_list_free(list);
        ck_assert_int_eq(shmbroker_list_attachments(connection, "a", 0, &attachments), 0);
        attachment = shmbroker_attachments_get(attachments, 0);
        ck_assert_int_eq(shmbroker_attachment_access(attachment, &access), 0);
        ck_assert_int_eq(access, SHMBROKER_ACCESS_UNKNOWN);
        ck_assert_str_eq(shmbroker_attachment_access_name(attachment), "execute");
        shmbroker_attachments_free(attachments);
        fake_close(connection, 0);
}

/* There may be any number of limits and counters. */
TEST(newer_counters) {
        char text[1 << 14], *at = text;
        const Answer answer = { .text = text };
        struct shmbroker *connection;
        struct shmbroker_status *status = NULL;
        const char *name;
        int64_t value;

        at += sprintf(at, "{\"parameters\":{\"version\":\"9\",\"startTimeUSec\":1,\"generation\":0,"
                          "\"segmentCount\":0,\"attachmentCount\":0,\"connectionCount\":0,"
                          "\"totalBytes\":0,\"allocatedBytes\":0,\"limits\":{},\"counters\":{");
        for (int i = 0; i < 300; ++i)
                at += sprintf(at, "%s\"counter%d\":%d", i ? "," : "", i, i * i);
        (void) strcpy(at, "}}}");
        connection = fake_connect(&answer, 1);
        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        for (int i = 0; i < 300; ++i) {
                ck_assert_int_eq(shmbroker_status_counter(status, (size_t) i, &name, &value), 0);
                ck_assert_int_eq(value, i * i);
        }
        ck_assert_int_eq(shmbroker_status_counter(status, 300, &name, &value), -ENODATA);
        ck_assert_int_eq(shmbroker_status_counter_by_name(status, "counter299", &value), 0);
        ck_assert_int_eq(value, 299 * 299);
        shmbroker_status_free(status);
        fake_close(connection, 0);
}

#define BROKER "org.shmbroker.Broker."
#define SERVICE "org.varlink.service."

static struct shmbroker *failing(const Answer *answer, int expected) {
        struct shmbroker *connection = fake_connect(answer, 1);
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        struct shmbroker_info *info = NULL;
        int r = shmbroker_stat(connection, "a", 0, &info);

        ck_assert_msg(r == expected, "%s: %d", answer->text, r);
        ck_assert_int_eq(shmbroker_error_code(error), r);
        ck_assert_int_eq(shmbroker_error_kind(error), shmbroker_error_name(error)
                                                              ? SHMBROKER_ERROR_REPLIED
                                                              : SHMBROKER_ERROR_PROTOCOL);
        ck_assert_ptr_null(strpbrk(shmbroker_error_message(error), "\n"));
        if (r == -EPROTO && !shmbroker_error_name(error))
                ck_assert_ptr_nonnull(strstr(shmbroker_error_message(error), "no answer"));
        return connection;
}

/* The errors that this broker has no reason for, or not yet. */
TEST(errors) {
        static const struct {
                const char *name;
                const char *parameters;
                int expected;
                const char *words;
        } rows[] = {
                { BROKER "SegmentBusy", "{\"attachCount\":3}", -EBUSY, "it has 3 attachments" },
                { BROKER "SegmentExists", "{\"id\":null}", -EEXIST, "outside the broker" },
                { BROKER "SegmentExists", "{}", -EEXIST, "outside the broker" },
                { BROKER "SegmentUnavailable",
                  "{\"id\":1,\"cause\":\"denied\",\"message\":\"it is locked away\"}", -ENXIO,
                  "unavailable at the moment: it is locked away" },
                { BROKER "ForeignSegment", "{\"id\":1,\"ownerUid\":7,\"creatorUid\":8}", -EPERM,
                  "its owner has uid 7 and its creator uid 8" },
                { BROKER "NoDescriptor", "{}", -EBADMSG, "descriptor" },
                { BROKER "NotSupported", "{\"reason\":\"so\"}", -EOPNOTSUPP, "cannot do this: so" },
                { BROKER "LimitReached", "{\"limit\":\"memory\"}", -ENOMEM, "limit 'memory'" },
                { BROKER "LimitReached", "{\"limit\":\"descriptors\",\"maximum\":9}", -EAGAIN,
                  "limit 'descriptors' of 9" },
                { BROKER "LimitReached", "{\"limit\":\"connections\"}", -ENOSPC, "connections" },
                { BROKER "LimitReached", "{\"limit\":\"a\",\"maximum\":9,\"requested\":1}", -ENOSPC,
                  "limit 'a' of 9 is reached" },
                { BROKER "LimitReached", "{\"limit\":\"brandNew\"}", -ENOSPC, "brandNew" },
                { SERVICE "MethodNotFound", "{\"method\":\"a.Stat\"}", -ENOSYS,
                  "does not know a.Stat" },
                { SERVICE "MethodNotImplemented", "{\"method\":\"Stat\"}", -ENOSYS, "Stat" },
                { SERVICE "InterfaceNotFound", "{\"interface\":\"a\"}", -ENOSYS, "know a" },
                { SERVICE "InvalidParameter", "{\"parameter\":\"name\"}", -EINVAL, "name" },
                { SERVICE "PermissionDenied", "{}", -EACCES, "may not look at it" },
                { SERVICE "ExpectedMore", "{}", -EPROTO, "ExpectedMore" },
                { "com.example.Odd", "{\"x\":[1,{}]}", -EREMOTEIO, "error com.example.Odd" },
        };
        char text[256];
        Answer answer = { .text = text };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct shmbroker *connection;
                const struct shmbroker_error *error;

                (void) snprintf(text, sizeof(text), "{\"error\":\"%s\",\"parameters\":%s}",
                                rows[i].name, rows[i].parameters);
                connection = failing(&answer, rows[i].expected);
                error = shmbroker_get_error(connection);
                ck_assert_str_eq(shmbroker_error_name(error), rows[i].name);
                ck_assert_msg(strstr(shmbroker_error_message(error), rows[i].words),
                              "'%s' has no '%s'", shmbroker_error_message(error), rows[i].words);
                fake_close(connection, rows[i].expected);
        }
}

/* Errors that are not as they have to be are no errors of the broker. */
TEST(wrong_errors) {
        static const char *const texts[] = {
                "{\"error\":\"" BROKER "LimitReached\"}",
                "{\"error\":\"" BROKER "LimitReached\",\"parameters\":{\"limit\":7}}",
                "{\"error\":\"" BROKER "SegmentBusy\",\"parameters\":{\"attachCount\":\"x\"}}",
                "{\"error\":\"" SERVICE "InvalidParameter\"}",
                "{\"error\":\"" BROKER "ForeignSegment\",\"parameters\":{\"id\":1}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                Answer answer = { .text = texts[i] };
                struct shmbroker *connection = failing(&answer, -EPROTO);

                ck_assert_ptr_null(shmbroker_error_name(shmbroker_get_error(connection)));
                fake_close(connection, -EPROTO);
        }
}

/* Of a text that is longer than there is room for, as much is kept. */
TEST(long_texts) {
        char text[4096], word[2048];
        Answer answer = { .text = text };
        struct shmbroker *connection;
        const char *reason;

        memset(word, 'x', sizeof(word) - 1);
        word[sizeof(word) - 1] = '\0';
        (void) snprintf(text, sizeof(text),
                        "{\"error\":\"" BROKER "NotSupported\",\"parameters\":{\"reason\":\"%s\"}}",
                        word);
        connection = failing(&answer, -EOPNOTSUPP);
        reason = shmbroker_error_text(shmbroker_get_error(connection), "reason");
        ck_assert_uint_gt(strlen(reason), 100);
        ck_assert_int_eq(strncmp(reason, word, strlen(reason)), 0);
        fake_close(connection, -EOPNOTSUPP);
        (void) snprintf(text, sizeof(text), "{\"error\":\"com.example.%s\"}", word);
        connection = failing(&answer, -EREMOTEIO);
        ck_assert_int_eq(strncmp(shmbroker_error_name(shmbroker_get_error(connection)),
                                 "com.example.xxx", 15),
                         0);
        fake_close(connection, -EREMOTEIO);
}

/* A listener whose queue is full, and that never looks: connecting anew ends in time. */
TEST(full_queue) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;
        struct shmbroker *connection = NULL, *filler[2] = {};
        struct shmbroker_info *info = NULL;
        uint64_t begin;

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", fake.path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(shmbroker_connect(fake.address, &connection), 0);
        accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        close(accepted);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                ck_assert_int_eq(shmbroker_connect(fake.address, &filler[i]), 0);
        shmbroker_set_call_timeout(connection, 100000);
        begin = library_clock_msec();
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ETIMEDOUT);
        ck_assert_uint_ge(library_clock_msec() - begin, 99);
        ck_assert_uint_lt(library_clock_msec() - begin, 5000);
        for (size_t i = 0; i < ARRAY_SIZE(filler); ++i)
                shmbroker_close(filler[i]);
        shmbroker_close(connection);
        close(fd);
        ck_assert_int_eq(unlink(fake.path), 0);
}
