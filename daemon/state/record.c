/* SPDX-License-Identifier: MIT */
#include "daemon/state/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/state/checksum.h"
#include "proto/scan.h"

/* The checksum and the blank behind it. */
#define CHECKSUM_LENGTH 8
#define PREFIX_LENGTH (CHECKSUM_LENGTH + 1)

static void put_prefix(char *prefix, const char *rest, size_t n_rest) {
        char digits[CHECKSUM_LENGTH + 1];

        (void) snprintf(digits, sizeof(digits), "%08" PRIx32, checksum(rest, n_rest));
        memcpy(prefix, digits, CHECKSUM_LENGTH);
        prefix[CHECKSUM_LENGTH] = ' ';
}

static bool record_valid(const Record *record) {
        switch (record->given) {
        case 1U << RECORD_GENERATION:
        case 1U << RECORD_SEGMENT:
        case 1U << RECORD_GONE:
                return type_valid(&record_type, record);
        default:
                return false;
        }
}

/* The line but for its checksum; false if it would not be read as a record again. */
static bool put_record(const Record *record, RecordLine *ret) {
        Writer writer = WRITER_INIT(ret->text, sizeof(ret->text));

        if (!record_valid(record))
                return false;
        writer.n_data = PREFIX_LENGTH;
        type_write_nonzero(&record_type, &writer, record);
        writer_literal(&writer, "\n");
        ret->n_text = writer.n_data;
        return !writer.overflow;
}

/**
 * record_write() - write a record as a line
 * @record:     what it says; the one member that is meant is marked as given
 * @ret:        the line; also written to on failure
 *
 * Return: 0, or RECORD_E_INVALID if it would not be read as a record again.
 */
int record_write(const Record *record, RecordLine *ret) {
        if (!put_record(record, ret))
                return RECORD_E_INVALID;
        put_prefix(ret->text, ret->text + PREFIX_LENGTH, ret->n_text - PREFIX_LENGTH - 1);
        return 0;
}

/**
 * record_read() - read a line
 * @text:       the line without its newline; it need not be terminated
 * @n_text:     its length
 * @memory:     where the strings of the record are kept
 * @ret:        what it says, with one member given; also written to on failure
 *
 * Only what record_write() writes is a record, to the byte.
 *
 * Return: 0, or RECORD_E_INVALID.
 */
int record_read(const char *text, size_t n_text, RecordLine *memory, Record *ret) {
        Reader reader = READER_INIT(memory->text);
        const char *rest = text + PREFIX_LENGTH, *key;
        size_t n_rest = n_text - PREFIX_LENGTH;
        char prefix[PREFIX_LENGTH];
        RecordLine again;

        if (n_text < PREFIX_LENGTH || n_text > sizeof(memory->text))
                return RECORD_E_INVALID;
        put_prefix(prefix, rest, n_rest);
        if (memcmp(text, prefix, PREFIX_LENGTH) != 0)
                return RECORD_E_INVALID;
        /* Memory is needed for texts only that have more members than any record. */
        if (scan_text(rest, n_rest))
                return RECORD_E_INVALID;
        memcpy(memory->text, rest, n_rest);
        if (type_read(&record_type, &reader, false, ret, &key))
                return RECORD_E_INVALID;
        /* What is written back the same was read right. */
        if (!put_record(ret, &again) || again.n_text != n_text + 1 ||
            memcmp(again.text + PREFIX_LENGTH, rest, n_rest) != 0)
                return RECORD_E_INVALID;
        return 0;
}
