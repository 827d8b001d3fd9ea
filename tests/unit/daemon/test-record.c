/* SPDX-License-Identifier: MIT */
/* Lines of the state file: what is written is read again, and nothing else is a record. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/state/checksum.h"
#include "daemon/state/record.h"
#include "proto/util.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

static Record record;
static RecordLine line, memory;

SUITE("record");
CASE("record", .setup = unit_fds_begin, .teardown = unit_fds_end, .timeout = 60);

/* RFC 3720, B.4, and the usual check value */
TEST(checksum) {
        unsigned char bytes[32] = {};

        ck_assert_uint_eq(checksum("123456789", 9), 0xe3069283);
        ck_assert_uint_eq(checksum(bytes, 0), 0);
        ck_assert_uint_eq(checksum(bytes, sizeof(bytes)), 0x8a9136aa);
        memset(bytes, 0xff, sizeof(bytes));
        ck_assert_uint_eq(checksum(bytes, sizeof(bytes)), 0x62a8ab43);
        for (size_t i = 0; i < sizeof(bytes); ++i)
                bytes[i] = (unsigned char) i;
        ck_assert_uint_eq(checksum(bytes, sizeof(bytes)), 0x46dd794e);
}

static void assert_round(const SegmentRecord *segment) {
        char *copy;

        ck_assert_int_eq(unit_record_write(segment, &line), 0);
        ck_assert_uint_gt(line.n_text, 9);
        ck_assert_int_eq(line.text[line.n_text - 1], '\n');
        for (size_t i = 0; i + 1 < line.n_text; ++i)
                ck_assert((unsigned char) line.text[i] >= ' ');
        copy = unit_copy(line.text, line.n_text - 1);
        ck_assert_int_eq(record_read(copy, line.n_text - 1, &memory, &record), 0);
        free(copy);
        ck_assert(record.given == 1U << RECORD_SEGMENT);
        ck_assert(unit_record_equal(&record.segment, segment));
}

TEST(segments) {
        for (int64_t id = 1; id < 300; ++id) {
                SegmentRecord segment = unit_record(id, (uint64_t) id);

                assert_round(&segment);
        }
}

/* Each number as it is least, and at its most. */
static void set_numbers(SegmentRecord *segment, bool most) {
        for (size_t i = 0; i < segment_record_type.n_fields; ++i) {
                const Field *field = &segment_record_type.fields[i];

                if (field->type == FIELD_INT)
                        *(int64_t *) ((char *) segment + field->offset) =
                                most ? field->maximum : field->minimum;
        }
}

TEST(limits) {
        char name[256], posix_name[257], file_name[256];
        SegmentRecord segment = { .id = 1 };

        assert_round(&segment);
        /* Each byte escaped, and each number as long as it can be. */
        memset(name, 'n', sizeof(name));
        memset(posix_name, '\n', sizeof(posix_name));
        memset(file_name, '\x01', sizeof(file_name));
        name[255] = posix_name[256] = file_name[255] = '\0';
        posix_name[0] = '/';
        memset(&segment, 1, sizeof(segment));
        segment.name = segment.former_name = name;
        segment.tenant = "0123456789012345678901234567890123456789";
        segment.boot_id = "0123456789abcdef0123456789abcdef";
        segment.posix_name = posix_name;
        segment.file_name = file_name;
        segment.kind = _KIND_N - 1;
        segment.seals = (1U << _SEAL_N) - 1;
        set_numbers(&segment, true);
        assert_round(&segment);
        set_numbers(&segment, false);
        assert_round(&segment);
        /* Every byte that a name can have. */
        for (int i = 1; i < 128; ++i)
                posix_name[i] = (char) (i == '/' ? '.' : i);
        (void) strcpy(&posix_name[128], "\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e");
        assert_round(&segment);
}

/* The kernel's numbers have 64 bits, and none is lost. */
TEST(unsigned) {
        SegmentRecord segment = { .id = 1, .device = INT64_MIN, .inode = -1 };

        assert_round(&segment);
        line.text[line.n_text - 1] = '\0';
        ck_assert_str_eq(&line.text[9], "{\"segment\":{\"id\":1,\"kind\":\"memfd\","
                                        "\"device\":-9223372036854775808,\"inode\":-1}}");
        ck_assert_uint_eq((uint64_t) record.segment.device, UINT64_C(1) << 63);
        ck_assert_uint_eq((uint64_t) record.segment.inode, UINT64_MAX);
}

/* What an earlier build wrote: a change of any of these is another version. */
TEST(format) {
        static const char *const texts[] = {
                "e808888e {\"segment\":{\"id\":12,\"name\":\"a/b\",\"formerName\":\"old\","
                "\"kind\":\"sysv\",\"sizeBytes\":5000,\"maximumBytes\":8192,\"pageBytes\":4096,"
                "\"ownerUid\":1,\"ownerGid\":2,\"creatorUid\":3,\"creatorGid\":4,\"mode\":384,"
                "\"tenant\":\"web\",\"chargedUid\":5,\"foundBytes\":22,\"attachTimeUSec\":6,\"detachTimeUSec\":7,\"changeTimeUSec\":8,"
                "\"creatorPid\":9,\"lastPid\":10,\"removed\":true,\"removeOnLastDetach\":true,"
                "\"armed\":true,\"lingers\":true,\"lingerUSec\":11,\"sealable\":true,"
                "\"seals\":[\"shrink\",\"futureWrite\",\"seal\"],\"locked\":true,\"adopted\":true,"
                "\"bootId\":\"0123456789abcdef0123456789abcdef\",\"shmid\":13,\"key\":4294967295,\"nativeUid\":15,"
                "\"posixName\":\"/p q\",\"fileName\":\"f\xc3\xa4%\\\"\\u0001\",\"directoryInode\":20,"
                "\"directoryBirthTimeUSec\":21,\"device\":-16,"
                "\"inode\":17,\"birthTimeUSec\":18,\"objectBytes\":19}}",
                "ca0f0de7 {\"segment\":{\"id\":1,\"kind\":\"memfd\"}}",
                "38666c99 {\"gone\":{\"id\":12}}",
                ("61ab31d8 {\"generation\":{\"number\":3,\"endSegmentId\":4097,\"endAttachmentId\":1048577,"
                 "\"first\":2}}"),
        };
        static const SegmentRecord segment = {
                .id = 12,
                .name = "a/b",
                .former_name = "old",
                .kind = KIND_SYSV,
                .size_bytes = 5000,
                .maximum_bytes = 8192,
                .page_bytes = 4096,
                .owner_uid = 1,
                .owner_gid = 2,
                .creator_uid = 3,
                .creator_gid = 4,
                .mode = 0600,
                .tenant = "web",
                .charged_uid = 5,
                .found_bytes = 22,
                .attach_time_usec = 6,
                .detach_time_usec = 7,
                .change_time_usec = 8,
                .creator_pid = 9,
                .last_pid = 10,
                .removed = true,
                .remove_on_last_detach = true,
                .armed = true,
                .lingers = true,
                .linger_usec = 11,
                .sealable = true,
                .seals = 1U << SEAL_SHRINK | 1U << SEAL_FUTURE_WRITE | 1U << SEAL_SEAL,
                .locked = true,
                .adopted = true,
                .shmid = 13,
                .key = UINT32_MAX,
                .boot_id = "0123456789abcdef0123456789abcdef",
                .native_uid = 15,
                .posix_name = "/p q",
                .file_name = "f\xc3\xa4%\"\x01",
                .directory_inode = 20,
                .directory_birth_time_usec = 21,
                .device = -16,
                .inode = 17,
                .birth_time_usec = 18,
                .object_bytes = 19,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
                ck_assert_msg(record_read(texts[i], strlen(texts[i]), &memory, &record) == 0,
                              "%s: %08x", texts[i], checksum(texts[i] + 9, strlen(texts[i]) - 9));
        ck_assert(record.given == 1U << RECORD_GENERATION);
        ck_assert_int_eq(record.generation.number, 3);
        ck_assert_int_eq(record.generation.end_segment_id, 4097);
        ck_assert_int_eq(record.generation.end_attachment_id, 1048577);
        ck_assert_int_eq(record.generation.first, 2);
        ck_assert_int_eq(record_read(texts[2], strlen(texts[2]), &memory, &record), 0);
        ck_assert(record.given == 1U << RECORD_GONE);
        ck_assert_int_eq(record.gone.id, 12);
        ck_assert_int_eq(record_read(texts[0], strlen(texts[0]), &memory, &record), 0);
        ck_assert(record.given == 1U << RECORD_SEGMENT);
        ck_assert(unit_record_equal(&record.segment, &segment));
}

/* With a checksum that is right, and yet of no meaning. */
#define GENERATION(number, end, end_attachment)                                                    \
        "\"generation\":{\"number\":" number ",\"endSegmentId\":" end                              \
        ",\"endAttachmentId\":" end_attachment "}"
#define MEMFD(more) "{\"segment\":{\"id\":1,\"kind\":\"memfd\"" more "}}"
static const char *const wrong[] = {
        "",
        " ",
        "{}",
        "[]",
        "null",
        "segment id=1 kind=memfd",
        "{\"segment\":{}}",
        "{\"segment\":null}",
        "{\"segment\":[]}",
        "{\"segment\":1}",
        "{\"segment\":{\"id\":1}}",
        "{\"segment\":{\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":0,\"kind\":\"memfd\"}}",
        /* Blanks, and other ways to say the same */
        MEMFD("") " ",
        " " MEMFD(""),
        MEMFD(" "),
        MEMFD("}"),
        MEMFD("") "\t",
        "{\"segment\": {\"id\":1,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1, \"kind\":\"memfd\"}}",
        "{\"segment\":{\"kind\":\"memfd\",\"id\":1}}",
        "{\"segment\":{\"i\\u0064\":1,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"kind\":\"memf\\u0064\"}}",
        "{\"segment\":{\"id\":1.0,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1e0,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":01,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":+1,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":-1,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":\"1\",\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":true,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":9007199254740992,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":18446744073709551617,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"kind\":\"\"}}",
        "{\"segment\":{\"id\":1,\"kind\":\"MEMFD\"}}",
        "{\"segment\":{\"id\":1,\"kind\":0}}",
        "{\"segment\":{\"id\":1,\"kind\":null}}",
        /* Keys */
        MEMFD(",\"color\":\"red\""),
        MEMFD(",\"color\":null"),
        MEMFD(",\"\":1"),
        MEMFD(",\"id\":1"),
        MEMFD(",\"kind\":\"memfd\""),
        /* What is 0, false or null has none */
        MEMFD(",\"sizeBytes\":0"),
        MEMFD(",\"sizeBytes\":null"),
        MEMFD(",\"removed\":false"),
        MEMFD(",\"removed\":null"),
        MEMFD(",\"seals\":[]"),
        MEMFD(",\"device\":-0"),
        "{\"segment\":{\"id\":1,\"name\":null,\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"kind\":\"memfd\"},\"gone\":null}",
        /* Values */
        MEMFD(",\"sizeBytes\":-1"),
        MEMFD(",\"sizeBytes\":9223372036854775808"),
        MEMFD(",\"inode\":9223372036854775808"),
        MEMFD(",\"inode\":-9223372036854775809"),
        MEMFD(",\"mode\":512"),
        MEMFD(",\"mode\":-1"),
        MEMFD(",\"ownerUid\":4294967296"),
        MEMFD(",\"key\":4294967296"),
        MEMFD(",\"lastPid\":2147483648"),
        MEMFD(",\"lastPid\":-1"),
        MEMFD(",\"shmid\":-1"),
        MEMFD(",\"removed\":1"),
        MEMFD(",\"removed\":\"true\""),
        MEMFD(",\"seals\":[\"grow\",\"shrink\"]"),
        MEMFD(",\"seals\":[\"grow\",\"grow\"]"),
        MEMFD(",\"seals\":[\"grow\",]"),
        MEMFD(",\"seals\":[\"glue\"]"),
        MEMFD(",\"seals\":[2]"),
        MEMFD(",\"seals\":\"grow\""),
        "{\"segment\":{\"id\":1,\"name\":\"\",\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"name\":\"..\",\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"name\":\"a b\",\"kind\":\"memfd\"}}",
        "{\"segment\":{\"id\":1,\"formerName\":\"/\",\"kind\":\"memfd\"}}",
        MEMFD(",\"posixName\":\"\""),
        MEMFD(",\"posixName\":\"/\""),
        MEMFD(",\"posixName\":\"a\""),
        MEMFD(",\"posixName\":\"/a/b\""),
        MEMFD(",\"posixName\":\"/..\""),
        MEMFD(",\"posixName\":\"/\\u0000\""),
        MEMFD(",\"posixName\":\"/\\u000A\""),
        MEMFD(",\"posixName\":\"/\\n\""),
        MEMFD(",\"posixName\":\"/\\/\""),
        MEMFD(",\"posixName\":\"/\\u00e4\""),
        MEMFD(",\"posixName\":\"/\xff\""),
        MEMFD(",\"posixName\":\"/a\tb\""),
        MEMFD(",\"fileName\":\"\""),
        MEMFD(",\"fileName\":\".\""),
        MEMFD(",\"fileName\":\"a/b\""),
        MEMFD(",\"tenant\":\"\""),
        MEMFD(",\"tenant\":\"a/b\""),
        MEMFD(",\"tenant\":\".\""),
        MEMFD(",\"tenant\":\"01234567890123456789012345678901234567890\""),
        /* Other records, and more than one */
        "{\"gone\":{}}",
        "{\"gone\":{\"id\":0}}",
        "{\"gone\":{\"id\":9007199254740992}}",
        "{\"gone\":{\"id\":1,\"kind\":\"memfd\"}}",
        "{\"Gone\":{\"id\":1}}",
        "{\"else\":{\"id\":1}}",
        "{\"gone\":{\"id\":1},\"else\":{\"id\":1}}",
        "{\"gone\":{\"id\":1},\"gone\":{\"id\":1}}",
        "{\"segment\":{\"id\":1,\"kind\":\"memfd\"},\"gone\":{\"id\":1}}",
        "{" GENERATION("1", "1", "1") ",\"gone\":{\"id\":1}}",
        "{\"generation\":{\"number\":1}}",
        "{\"generation\":{\"endSegmentId\":1,\"endAttachmentId\":1}}",
        "{\"generation\":{\"number\":1,\"endAttachmentId\":1}}",
        "{\"generation\":{\"number\":1,\"endSegmentId\":1}}",
        "{" GENERATION("0", "1", "1") "}",
        "{" GENERATION("1", "0", "1") "}",
        "{" GENERATION("1", "1", "0") "}",
        "{" GENERATION("1", "1", "1,\"first\":0") "}",
        "{" GENERATION("9007199254740993", "1", "1") "}",
        "{" GENERATION("1", "1", "1,\"first\":9007199254740993") "}",
        "{" GENERATION("1", "9007199254740993", "1") "}",
        "{" GENERATION("1", "1", "9007199254740993") "}",
};

static int read_checked(const char *rest, size_t n_rest) {
        char *text = malloc(n_rest + 10);
        int r;

        ck_assert_ptr_nonnull(text);
        (void) snprintf(text, 10, "%08x ", checksum(rest, n_rest));
        memcpy(text + 9, rest, n_rest);
        r = record_read(text, n_rest + 9, &memory, &record);
        free(text);
        return r;
}

TEST(wrong) {
        char *large = calloc(1, RECORD_LINE_MAX);

        ck_assert_int_eq(read_checked(MEMFD(""), strlen(MEMFD(""))), 0);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i)
                ck_assert_msg(read_checked(wrong[i], strlen(wrong[i])) == RECORD_E_INVALID,
                              "accepted: '%s'", wrong[i]);
        /* A NUL, and what is behind it. */
        ck_assert_int_eq(read_checked("{\"gone\":{\"id\":1}}\0", 18), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked("{\"gone\":{\"id\":1\0}}", 18), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX), RECORD_E_INVALID);
        memset(large, 'a', RECORD_LINE_MAX);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX - 10), RECORD_E_INVALID);
        free(large);
}

/* Whatever becomes of one byte, and wherever it is cut. */
TEST(flips) {
        SegmentRecord segment = unit_record(5, 6);
        char *copy;

        ck_assert_int_eq(unit_record_write(&segment, &line), 0);
        for (size_t i = 0; i + 1 < line.n_text; ++i) {
                copy = unit_copy(line.text, i);
                ck_assert_int_eq(record_read(copy, i, &memory, &record), RECORD_E_INVALID);
                free(copy);
                for (int byte = 0; byte < 256; ++byte) {
                        char before = line.text[i];

                        line.text[i] = (char) byte;
                        ck_assert_int_eq(record_read(line.text, line.n_text - 1, &memory, &record),
                                         line.text[i] == before ? 0 : RECORD_E_INVALID);
                        line.text[i] = before;
                }
        }
}

static int write_one(Record written) {
        return record_write(&written, &line);
}

#define WRITE(...) write_one((Record){ __VA_ARGS__ })
#define WRITE_SEGMENT(...) WRITE(.given = 1U << RECORD_SEGMENT, .segment = { .id = 1, __VA_ARGS__ })
#define WRITE_GENERATION(n, end, end_attachment, start, registry)                                  \
        WRITE(.given = 1U << RECORD_GENERATION,                                                    \
              .generation = { .number = (n),                                                       \
                              .end_segment_id = (end),                                             \
                              .end_attachment_id = (end_attachment),                               \
                              .first = (start),                                                    \
                              .registry_id = (registry) })

/* What would not be read again is not written: numbers beyond their range, */
TEST(unwritable_numbers) {
        for (size_t i = 0; i < segment_record_type.n_fields; ++i) {
                const Field *field = &segment_record_type.fields[i];
                SegmentRecord segment = unit_record(1, 1);
                int64_t *value = (int64_t *) (void *) ((char *) &segment + field->offset);

                if (field->type != FIELD_INT || field->minimum == INT64_MIN)
                        continue;
                *value = field->minimum - 1;
                ck_assert_int_eq(unit_record_write(&segment, &line), RECORD_E_INVALID);
                *value = INT64_MAX;
                ck_assert_int_eq(unit_record_write(&segment, &line),
                                 field->maximum < INT64_MAX ? RECORD_E_INVALID : 0);
        }
        ck_assert_int_eq(WRITE_GENERATION(0, 1, 1, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 0, 1, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, RECORD_ID_MAX + 1, 1, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 0, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, RECORD_ID_MAX + 1, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(RECORD_ID_MAX + 1, 1, 1, 0, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, RECORD_ID_MAX + 1, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, -1, NULL), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, NULL), 0);
        ck_assert_uint_eq(line.n_text, RECORD_GENERATION_MIN);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, "0123456789abcdef0123456789abcdef"), 0);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, "0123456789abcdef0123456789abcde"),
                         RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, "0123456789abcdef0123456789abcdef0"),
                         RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, "0123456789ABCDEF0123456789abcdef"),
                         RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_GENERATION(1, 1, 1, 0, ""), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE(.given = 1U << RECORD_GONE), RECORD_E_INVALID);
}

/* names that are none, */
TEST(unwritable_names) {
        static const char *const file_names[] = { "", ".", "..", "a/b", "/", "\xff", "\xc3" };
        char text[258];

        memset(text, 'x', sizeof(text));
        text[257] = '\0';
        ck_assert_int_eq(WRITE_SEGMENT(.name = ""), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_SEGMENT(.name = "a b"), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_SEGMENT(.name = text), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_SEGMENT(.former_name = "/"), RECORD_E_INVALID);
        for (size_t i = 0; i < ARRAY_SIZE(file_names); ++i) {
                char posix_name[8];

                (void) snprintf(posix_name, sizeof(posix_name), "/%s", file_names[i]);
                ck_assert_int_eq(WRITE_SEGMENT(.file_name = file_names[i]), RECORD_E_INVALID);
                ck_assert_int_eq(WRITE_SEGMENT(.posix_name = posix_name), RECORD_E_INVALID);
        }
        ck_assert_int_eq(WRITE_SEGMENT(.posix_name = ""), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_SEGMENT(.posix_name = "x"), RECORD_E_INVALID);
        text[0] = '/';
        ck_assert_int_eq(WRITE_SEGMENT(.posix_name = text), RECORD_E_INVALID);
        text[256] = '\0';
        ck_assert_int_eq(WRITE_SEGMENT(.posix_name = text), 0);
        ck_assert_int_eq(WRITE_SEGMENT(.file_name = text + 1), 0);
        text[0] = 'x';
        ck_assert_int_eq(WRITE_SEGMENT(.file_name = text), RECORD_E_INVALID);
}

/* what has no word, and all but one record. */
TEST(unwritable) {
        const Record all = {
                .generation = { .number = 1, .end_segment_id = 1, .end_attachment_id = 1 },
                .segment.id = 1,
                .gone.id = 1,
        };

        ck_assert_int_eq(WRITE_SEGMENT(.kind = _KIND_N), RECORD_E_INVALID);
        ck_assert_int_eq(WRITE_SEGMENT(.seals = 1U << _SEAL_N), RECORD_E_INVALID);
        for (uint64_t given = 0; given < 16; ++given) {
                record = all;
                record.given = given;
                ck_assert_int_eq(record_write(&record, &line),
                                 given == 1 || given == 2 || given == 4 ? 0 : RECORD_E_INVALID);
        }
}
