/* SPDX-License-Identifier: MIT */
/* Lines of the state file: what is written is read again, and nothing else is a record. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/state/checksum.h"
#include "daemon/state/record.h"
#include "proto/util.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

static Record record;
static RecordLine line;

/* RFC 3720, B.4, and the usual check value */
START_TEST(test_checksum) {
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
END_TEST

static void assert_round(const SegmentRecord *segment) {
        char *copy;

        ck_assert_int_eq(record_write(RECORD_SEGMENT, segment, &line), 0);
        ck_assert_uint_gt(line.n_text, 9);
        ck_assert_int_eq(line.text[line.n_text - 1], '\n');
        ck_assert_ptr_eq(memchr(line.text, '\n', line.n_text), &line.text[line.n_text - 1]);
        for (size_t i = 0; i + 1 < line.n_text; ++i)
                ck_assert(line.text[i] >= ' ' && line.text[i] < 0x7f);
        copy = unit_copy(line.text, line.n_text - 1);
        ck_assert_int_eq(record_read(copy, line.n_text - 1, &record), 0);
        free(copy);
        ck_assert_int_eq(record.kind, RECORD_SEGMENT);
        ck_assert(unit_record_equal(&record.segment, segment));
}

START_TEST(test_segments) {
        for (int64_t id = 1; id < 300; ++id) {
                SegmentRecord segment = unit_record(id, (uint64_t) id);

                assert_round(&segment);
        }
}
END_TEST

START_TEST(test_limits) {
        char name[256], posix_name[257], file_name[PATH_MAX];
        SegmentRecord segment = { .id = 1 };

        assert_round(&segment);
        /* Each byte escaped, and each number as long as it can be. */
        memset(name, 'n', sizeof(name));
        memset(posix_name, '\xff', sizeof(posix_name));
        memset(file_name, '\n', sizeof(file_name));
        name[255] = posix_name[256] = file_name[PATH_MAX - 1] = '\0';
        segment = unit_record(RECORD_ID_MAX - 1, UINT64_MAX);
        segment.name = segment.former_name = name;
        segment.posix_name = posix_name;
        segment.file_name = file_name;
        segment.size_bytes = segment.maximum_bytes = segment.page_bytes = segment.linger_usec =
                segment.detach_usec = segment.kernel_ctime = segment.device = segment.inode =
                        segment.birth_usec = segment.object_bytes = UINT64_MAX;
        segment.permission = (Permission){ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0777 };
        segment.seals = (1U << _SEAL_N) - 1;
        assert_round(&segment);
        /* Every byte that a name can have. */
        for (int i = 1; i < 256; ++i)
                posix_name[i - 1] = (char) i;
        posix_name[255] = '\0';
        assert_round(&segment);
}
END_TEST

/* What an earlier build wrote: a change of any of these is another version. */
START_TEST(test_format) {
        static const char *const texts[] = {
                "79b29dde segment id=12 name=a/b formerName=old kind=sysv sizeBytes=5000 "
                "maximumBytes=8192 pageBytes=4096 ownerUid=1 ownerGid=2 creatorUid=3 creatorGid=4 "
                "mode=384 chargedUid=5 attachTimeUSec=6 detachTimeUSec=7 changeTimeUSec=8 "
                "creatorPid=9 lastPid=10 removed=yes removeOnLastDetach=yes armed=yes lingers=yes "
                "lingerUSec=11 sealable=yes seals=shrink,futureWrite,seal locked=yes adopted=yes "
                "shmid=13 key=4294967295 kernelCtime=14 nativeUid=15 posixName=/p%20q "
                "fileName=f%C3%A4%25 device=16 inode=17 birthTimeUSec=18 objectBytes=19",
                "d3ac1894 segment id=1 kind=memfd",
                "d07f67c0 gone id=12",
                "b277085e generation number=3 ids=4097",
        };
        static const SegmentRecord segment = {
                12,
                "a/b",
                "old",
                KIND_SYSV,
                5000,
                8192,
                4096,
                { 1, 2, 3, 4, 0600 },
                5,
                6,
                7,
                8,
                9,
                10,
                true,
                true,
                true,
                true,
                11,
                true,
                1U << SEAL_SHRINK | 1U << SEAL_FUTURE_WRITE | 1U << SEAL_SEAL,
                true,
                true,
                13,
                UINT32_MAX,
                14,
                15,
                "/p q",
                "f\xc3\xa4%",
                16,
                17,
                18,
                19,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
                ck_assert_msg(record_read(texts[i], strlen(texts[i]), &record) == 0, "%s: %08x",
                              texts[i], checksum(texts[i] + 9, strlen(texts[i]) - 9));
        ck_assert_int_eq(record.generation.number, 3);
        ck_assert_int_eq(record.generation.end_segment_id, 4097);
        ck_assert_int_eq(record_read(texts[2], strlen(texts[2]), &record), 0);
        ck_assert_int_eq(record.kind, RECORD_GONE);
        ck_assert_int_eq(record.gone.id, 12);
        ck_assert_int_eq(record_read(texts[0], strlen(texts[0]), &record), 0);
        ck_assert_int_eq(record.kind, RECORD_SEGMENT);
        ck_assert(unit_record_equal(&record.segment, &segment));
}
END_TEST

/* With a checksum that is right, and yet of no meaning. */
static const char *const wrong[] = {
        "",
        " ",
        "segment",
        "segment ",
        "segment id=1",
        "segment kind=memfd",
        "segment id=0 kind=memfd",
        "segment id=1 kind=memfd ",
        "segment  id=1 kind=memfd",
        " segment id=1 kind=memfd",
        "segment id=1 kind=memfd color=red",
        "segment id=1 kind=memfd color",
        "segment id=1 kind=memfd =",
        "segment id=1 kind=memfd id=1",
        "segment id=1 id=1 kind=memfd",
        "segment kind=memfd id=1",
        "segment id=01 kind=memfd",
        "segment id=+1 kind=memfd",
        "segment id=-1 kind=memfd",
        "segment id= kind=memfd",
        "segment id=1x kind=memfd",
        "segment id=4611686018427387904 kind=memfd",
        "segment id=18446744073709551617 kind=memfd",
        "segment id=1 kind=",
        "segment id=1 kind=MEMFD",
        "segment id=1 kind=0",
        "segment id=1 kind=memfd sizeBytes=0",
        "segment id=1 kind=memfd sizeBytes=18446744073709551616",
        "segment id=1 kind=memfd sizeBytes=0x10",
        "segment id=1 kind=memfd mode=512",
        "segment id=1 kind=memfd ownerUid=4294967296",
        "segment id=1 kind=memfd lastPid=2147483648",
        "segment id=1 kind=memfd removed=no",
        "segment id=1 kind=memfd removed=",
        "segment id=1 kind=memfd seals=",
        "segment id=1 kind=memfd seals=grow,shrink",
        "segment id=1 kind=memfd seals=grow,grow",
        "segment id=1 kind=memfd seals=grow,",
        "segment id=1 kind=memfd seals=glue",
        "segment id=1 name= kind=memfd",
        "segment id=1 name=.. kind=memfd",
        "segment id=1 name=a%20b kind=memfd",
        "segment id=1 name=%61 kind=memfd",
        "segment id=1 kind=memfd posixName=",
        "segment id=1 kind=memfd posixName=%",
        "segment id=1 kind=memfd posixName=%2",
        "segment id=1 kind=memfd posixName=%00",
        "segment id=1 kind=memfd posixName=%c3",
        "segment id=1 kind=memfd posixName=%+1",
        "segment id=1 kind=memfd posixName=%-1",
        "segment id=1 kind=memfd posixName=%\t1",
        "segment id=1 kind=memfd posixName=%0x",
        "segment id=1 kind=memfd posixName=a=b",
        "segment id=1 kind=memfd posixName=a\tb",
        "segment id=1 kind=memfd posixName=\xc3\xa4",
        "gone",
        "gone id=0",
        "gone id=1 kind=memfd",
        "generation",
        "generation number=1",
        "generation ids=1",
        "generation number=0 ids=1",
        "generation number=1 ids=0",
        "generation number=536870912 ids=1",
        "generation number=1 ids=4611686018427387905",
        "Gone id=1",
        "else id=1",
};

static int read_checked(const char *rest, size_t n_rest) {
        char *text = malloc(n_rest + 10);
        int r;

        ck_assert_ptr_nonnull(text);
        (void) snprintf(text, 10, "%08x ", checksum(rest, n_rest));
        memcpy(text + 9, rest, n_rest);
        r = record_read(text, n_rest + 9, &record);
        free(text);
        return r;
}

START_TEST(test_wrong) {
        char *large = calloc(1, RECORD_LINE_MAX);

        ck_assert_int_eq(read_checked("segment id=1 kind=memfd", 23), 0);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i)
                ck_assert_msg(read_checked(wrong[i], strlen(wrong[i])) == RECORD_E_INVALID,
                              "accepted: '%s'", wrong[i]);
        /* A NUL, and what is behind it. */
        ck_assert_int_eq(read_checked("gone id=1\0", 10), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked("gone id=1\0 id=1", 15), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX), RECORD_E_INVALID);
        memset(large, 'a', RECORD_LINE_MAX);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX), RECORD_E_INVALID);
        ck_assert_int_eq(read_checked(large, RECORD_LINE_MAX - 10), RECORD_E_INVALID);
        free(large);
}
END_TEST

/* Whatever becomes of one byte, and wherever it is cut. */
START_TEST(test_flips) {
        SegmentRecord segment = unit_record(5, 6);
        char *copy;

        ck_assert_int_eq(record_write(RECORD_SEGMENT, &segment, &line), 0);
        for (size_t i = 0; i + 1 < line.n_text; ++i) {
                copy = unit_copy(line.text, i);
                ck_assert_int_eq(record_read(copy, i, &record), RECORD_E_INVALID);
                free(copy);
                for (int byte = 0; byte < 256; ++byte) {
                        char before = line.text[i];

                        line.text[i] = (char) byte;
                        ck_assert_int_eq(record_read(line.text, line.n_text - 1, &record),
                                         line.text[i] == before ? 0 : RECORD_E_INVALID);
                        line.text[i] = before;
                }
        }
}
END_TEST

/* What would not be read again is not written. */
START_TEST(test_unwritable) {
        char *text = malloc(PATH_MAX + 1);

        memset(text, 'x', PATH_MAX);
        text[PATH_MAX] = '\0';
#define REFUSED(...)                                                                               \
        ck_assert_int_eq(record_write(RECORD_SEGMENT, &(SegmentRecord){ __VA_ARGS__ }, &line),     \
                         RECORD_E_INVALID)
        REFUSED(.id = 0);
        REFUSED(.id = -1);
        REFUSED(.id = RECORD_ID_MAX);
        REFUSED(.id = 1, .name = "");
        REFUSED(.id = 1, .name = "a b");
        REFUSED(.id = 1, .former_name = "/");
        REFUSED(.id = 1, .posix_name = "");
        REFUSED(.id = 1, .posix_name = text);
        REFUSED(.id = 1, .file_name = text);
        REFUSED(.id = 1, .kind = _KIND_N);
        REFUSED(.id = 1, .seals = 1U << _SEAL_N);
        REFUSED(.id = 1, .permission.mode = 01000);
        REFUSED(.id = 1, .last_pid = -1);
        REFUSED(.id = 1, .shmid = -1);
#undef REFUSED
        ck_assert_int_eq(record_write(RECORD_GONE, &(GoneRecord){ 0 }, &line), RECORD_E_INVALID);
        ck_assert_int_eq(record_write(RECORD_GENERATION, &(GenerationRecord){ 0, 1, 0 }, &line),
                         RECORD_E_INVALID);
        ck_assert_int_eq(record_write(RECORD_GENERATION,
                                      &(GenerationRecord){ RECORD_GENERATION_MAX, 1, 0 }, &line),
                         RECORD_E_INVALID);
        ck_assert_int_eq(record_write(RECORD_GENERATION, &(GenerationRecord){ 1, 1, 0 }, &line), 0);
        ck_assert_uint_eq(line.n_text, RECORD_GENERATION_MIN);
        free(text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("record");
        TCase *tc = tcase_create("record");

        tcase_add_checked_fixture(tc, unit_fds_begin, unit_fds_end);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_checksum);
        tcase_add_test(tc, test_segments);
        tcase_add_test(tc, test_limits);
        tcase_add_test(tc, test_format);
        tcase_add_test(tc, test_wrong);
        tcase_add_test(tc, test_flips);
        tcase_add_test(tc, test_unwritable);
        suite_add_tcase(suite, tc);
        return unit_main(suite);
}
