/* SPDX-License-Identifier: MIT */
#include "daemon/state/record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/state/checksum.h"
#include "proto/name.h"
#include "proto/util.h"

/* The checksum and the blank behind it. */
#define CHECKSUM_LENGTH 8
#define PREFIX_LENGTH (CHECKSUM_LENGTH + 1)

/* What is in a value as it is; everything else is escaped. */
#define PLAIN_CHARACTERS                                                                           \
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                               \
        "abcdefghijklmnopqrstuvwxyz"                                                               \
        "0123456789._+:@/-"

typedef enum FieldKind FieldKind;
typedef struct RecordField RecordField;
typedef struct RecordRow RecordRow;

enum FieldKind {
        /* An unsigned number of size bytes, from minimum to maximum */
        NUMBER,
        /* bool */
        FLAG,
        /* const char *, NULL or what a segment may be called */
        NAME,
        /* const char *, NULL or 1 to maximum bytes */
        TEXT,
        /* unsigned int, an index into names; always written */
        ENUM,
        /* unsigned int, one bit for each of names */
        SET,
};

/* What is 0, false or NULL is not written, and what is not there is read so. */
struct RecordField {
        const char *key;
        FieldKind kind;
        size_t offset;
        size_t size;
        uint64_t minimum;
        uint64_t maximum;
        const Names *names;
};

struct RecordRow {
        const char *name;
        const RecordField *fields;
        size_t n_fields;
};

#define MEMBER(Structure, member)                                                                  \
        .offset = offsetof(Structure, member), .size = sizeof(((Structure *) NULL)->member)
#define RANGE(Structure, member, text, least, most)                                                \
        {                                                                                          \
                .key = (text), .kind = NUMBER, MEMBER(Structure, member), .minimum = (least),      \
                .maximum = (most)                                                                  \
        }

#define BYTES(member, text) RANGE(SegmentRecord, member, text, 0, UINT64_MAX)
#define WORD(member, text) RANGE(SegmentRecord, member, text, 0, UINT32_MAX)
#define PLUS(member, text) RANGE(SegmentRecord, member, text, 0, INT32_MAX)
#define YES(member, text)                                                                          \
        { .key = (text), .kind = FLAG, MEMBER(SegmentRecord, member) }
#define CALLED(member, text)                                                                       \
        { .key = (text), .kind = NAME, MEMBER(SegmentRecord, member) }
#define PATH(member, text, most)                                                                   \
        { .key = (text), .kind = TEXT, MEMBER(SegmentRecord, member), .maximum = (most) }

static const RecordField generation_fields[] = {
        RANGE(GenerationRecord, number, "number", 1, RECORD_GENERATION_MAX - 1),
        RANGE(GenerationRecord, end_segment_id, "ids", 1, RECORD_ID_MAX),
        RANGE(GenerationRecord, first, "first", 0, RECORD_GENERATION_MAX - 1),
};

static const RecordField segment_fields[] = {
        RANGE(SegmentRecord, id, "id", 1, RECORD_ID_MAX - 1),
        CALLED(name, "name"),
        CALLED(former_name, "formerName"),
        { .key = "kind", .kind = ENUM, MEMBER(SegmentRecord, kind), .names = &kind_names },
        BYTES(size_bytes, "sizeBytes"),
        BYTES(maximum_bytes, "maximumBytes"),
        BYTES(page_bytes, "pageBytes"),
        WORD(permission.owner_uid, "ownerUid"),
        WORD(permission.owner_gid, "ownerGid"),
        WORD(permission.creator_uid, "creatorUid"),
        WORD(permission.creator_gid, "creatorGid"),
        RANGE(SegmentRecord, permission.mode, "mode", 0, MODE_MAX),
        WORD(charged_uid, "chargedUid"),
        BYTES(attach_usec, "attachTimeUSec"),
        BYTES(detach_usec, "detachTimeUSec"),
        BYTES(change_usec, "changeTimeUSec"),
        PLUS(creator_pid, "creatorPid"),
        PLUS(last_pid, "lastPid"),
        YES(removed, "removed"),
        YES(remove_on_last_detach, "removeOnLastDetach"),
        YES(armed, "armed"),
        YES(lingers, "lingers"),
        BYTES(linger_usec, "lingerUSec"),
        YES(sealable, "sealable"),
        { .key = "seals", .kind = SET, MEMBER(SegmentRecord, seals), .names = &seal_names },
        YES(locked, "locked"),
        YES(adopted, "adopted"),
        PLUS(shmid, "shmid"),
        WORD(key, "key"),
        BYTES(kernel_ctime, "kernelCtime"),
        WORD(native_uid, "nativeUid"),
        PATH(posix_name, "posixName", NAME_MAX + 1),
        PATH(file_name, "fileName", PATH_MAX - 1),
        BYTES(device, "device"),
        BYTES(inode, "inode"),
        BYTES(birth_usec, "birthTimeUSec"),
        BYTES(object_bytes, "objectBytes"),
};

static const RecordField gone_fields[] = {
        RANGE(GoneRecord, id, "id", 1, RECORD_ID_MAX - 1),
};

#define ROW(text, rows)                                                                            \
        { .name = (text), .fields = (rows), .n_fields = ARRAY_SIZE(rows) }

static const RecordRow record_rows[] = {
        [RECORD_GENERATION] = ROW("generation", generation_fields),
        [RECORD_SEGMENT] = ROW("segment", segment_fields),
        [RECORD_GONE] = ROW("gone", gone_fields),
};

/* record_segment_key() - what member @i of a segment's record is called; NULL behind the last */
const char *record_segment_key(size_t i) {
        return i < ARRAY_SIZE(segment_fields) ? segment_fields[i].key : NULL;
}

/* --- values */

static uint64_t get_number(const RecordField *field, const void *value) {
        return field->size == sizeof(uint32_t) ? *(const uint32_t *) value
                                               : *(const uint64_t *) value;
}

static const char *get_text(const void *value) {
        return *(const char *const *) value;
}

static bool text_valid(const RecordField *field, const char *text) {
        size_t n_text;

        if (!text)
                return true;
        if (field->kind == NAME)
                return name_valid(text);
        n_text = strnlen(text, field->maximum + 1);
        return n_text > 0 && n_text <= field->maximum;
}

/* The same is asked of what is written and of what is read. */
static bool value_valid(const RecordField *field, const void *value) {
        switch (field->kind) {
        case NUMBER:
                return get_number(field, value) >= field->minimum &&
                       get_number(field, value) <= field->maximum;
        case FLAG:
                return true;
        case NAME:
        case TEXT:
                return text_valid(field, get_text(value));
        case ENUM:
                return *(const unsigned int *) value < field->names->n_names;
        case SET:
                return *(const unsigned int *) value >> field->names->n_names == 0;
        }
        return false;
}

static bool record_valid(const RecordRow *row, const void *object) {
        for (size_t i = 0; i < row->n_fields; ++i)
                if (!value_valid(&row->fields[i], (const char *) object + row->fields[i].offset))
                        return false;
        return true;
}

/* --- writing */

/* What is too long is cut, and is then not as long as it should be. */
static void record_put(RecordLine *line, const char *text, size_t n_text) {
        if (n_text > sizeof(line->text) - line->n_text) {
                line->n_text = sizeof(line->text);
                return;
        }
        memcpy(line->text + line->n_text, text, n_text);
        line->n_text += n_text;
}

static void put_string(RecordLine *line, const char *text) {
        record_put(line, text, strlen(text));
}

static void put_number(RecordLine *line, uint64_t number) {
        char digits[24];

        (void) snprintf(digits, sizeof(digits), "%" PRIu64, number);
        put_string(line, digits);
}

static void put_escaped(RecordLine *line, const char *text) {
        char escape[8];

        for (size_t n; *text != '\0'; text += n) {
                n = strspn(text, PLAIN_CHARACTERS);
                record_put(line, text, n);
                if (n > 0)
                        continue;
                (void) snprintf(escape, sizeof(escape), "%%%02X", (unsigned char) *text);
                put_string(line, escape);
                n = 1;
        }
}

static void put_set(RecordLine *line, const Names *names, unsigned int set) {
        bool first = true;

        for (size_t i = 0; i < names->n_names; ++i) {
                if (!(set >> i & 1))
                        continue;
                if (!first)
                        put_string(line, ",");
                first = false;
                put_string(line, names->names[i]);
        }
}

static bool is_written(const RecordField *field, const void *value) {
        switch (field->kind) {
        case NUMBER:
                return get_number(field, value) > 0;
        case FLAG:
                return *(const bool *) value;
        case NAME:
        case TEXT:
                return get_text(value);
        case ENUM:
                return true;
        case SET:
                return *(const unsigned int *) value > 0;
        }
        return false;
}

static void put_field(RecordLine *line, const RecordField *field, const void *value) {
        if (!is_written(field, value))
                return;
        put_string(line, " ");
        put_string(line, field->key);
        put_string(line, "=");
        switch (field->kind) {
        case NUMBER:
                put_number(line, get_number(field, value));
                break;
        case FLAG:
                put_string(line, "yes");
                break;
        case NAME:
        case TEXT:
                put_escaped(line, get_text(value));
                break;
        case ENUM:
                put_string(line, field->names->names[*(const unsigned int *) value]);
                break;
        case SET:
                put_set(line, field->names, *(const unsigned int *) value);
                break;
        }
}

static void put_prefix(char *prefix, const char *rest, size_t n_rest) {
        char digits[CHECKSUM_LENGTH + 1];

        (void) snprintf(digits, sizeof(digits), "%08" PRIx32, checksum(rest, n_rest));
        memcpy(prefix, digits, CHECKSUM_LENGTH);
        prefix[CHECKSUM_LENGTH] = ' ';
}

/**
 * record_write() - write a record as a line
 * @kind:       what it is
 * @object:     the structure of that kind
 * @ret:        the line; also written to on failure
 *
 * Return: 0, or RECORD_E_INVALID if it would not be read as a record again.
 */
int record_write(RecordKind kind, const void *object, RecordLine *ret) {
        const RecordRow *row = &record_rows[kind];

        if (!record_valid(row, object))
                return RECORD_E_INVALID;
        ret->n_text = PREFIX_LENGTH;
        put_string(ret, row->name);
        for (size_t i = 0; i < row->n_fields; ++i)
                put_field(ret, &row->fields[i], (const char *) object + row->fields[i].offset);
        if (ret->n_text >= sizeof(ret->text))
                return RECORD_E_INVALID;
        put_prefix(ret->text, ret->text + PREFIX_LENGTH, ret->n_text - PREFIX_LENGTH);
        put_string(ret, "\n");
        return 0;
}

/* --- reading */

static bool read_number(const RecordField *field, const char *text, void *value) {
        uint64_t number = 0;

        for (; *text >= '0' && *text <= '9'; ++text)
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (uint64_t) (*text - '0'), &number))
                        return false;
        if (field->size == sizeof(uint32_t) && number > UINT32_MAX)
                return false;
        if (field->size == sizeof(uint32_t))
                *(uint32_t *) value = (uint32_t) number;
        else
                *(uint64_t *) value = number;
        return *text == '\0';
}

/* In place: what is escaped is longer than what it stands for. */
static bool read_text(char *text, void *value) {
        unsigned int byte;
        char *to = text;

        *(const char **) value = text;
        for (; *text != '\0'; ++text) {
                if (*text != '%') {
                        *to++ = *text;
                        continue;
                }
                if (sscanf(text, "%%%2X", &byte) != 1 || byte == 0)
                        return false;
                *to++ = (char) byte;
                text += text[2] == '\0' ? 1 : 2;
        }
        *to = '\0';
        return true;
}

static bool read_set(const Names *names, char *text, void *value) {
        unsigned int set = 0, bit;
        const char *name;

        while ((name = strsep(&text, ","))) {
                if (!names_find(names, name, &bit))
                        return false;
                set |= 1U << bit;
        }
        *(unsigned int *) value = set;
        return true;
}

static bool read_value(const RecordField *field, char *text, void *value) {
        switch (field->kind) {
        case NUMBER:
                return read_number(field, text, value);
        case FLAG:
                *(bool *) value = true;
                return true;
        case NAME:
        case TEXT:
                return read_text(text, value);
        case ENUM:
                return names_find(field->names, text, value);
        case SET:
                return read_set(field->names, text, value);
        }
        return false;
}

static bool read_pair(const RecordRow *row, char *key, void *object) {
        char *text = strchr(key, '=');

        if (!text)
                return false;
        *text++ = '\0';
        for (size_t i = 0; i < row->n_fields; ++i)
                if (strcmp(row->fields[i].key, key) == 0)
                        return read_value(&row->fields[i], text,
                                          (char *) object + row->fields[i].offset);
        return false;
}

static bool read_pairs(char *text, Record *record) {
        const char *name = strsep(&text, " ");
        size_t kind = 0;
        char *pair;

        while (kind < _RECORD_N && strcmp(record_rows[kind].name, name) != 0)
                ++kind;
        if (kind == _RECORD_N)
                return false;
        record->kind = (RecordKind) kind;
        memset(&record->segment, 0, sizeof(record->segment));
        while ((pair = strsep(&text, " ")))
                if (!read_pair(&record_rows[kind], pair, &record->segment))
                        return false;
        return true;
}

/**
 * record_read() - read a line
 * @text:       the line without its newline; it need not be terminated
 * @n_text:     its length
 * @ret:        what it says; also written to on failure
 *
 * Only what record_write() writes is a record, to the byte.
 *
 * Return: 0, or RECORD_E_INVALID.
 */
int record_read(const char *text, size_t n_text, Record *ret) {
        char prefix[PREFIX_LENGTH];
        RecordLine again;

        if (n_text < PREFIX_LENGTH || n_text >= sizeof(ret->strings))
                return RECORD_E_INVALID;
        put_prefix(prefix, text + PREFIX_LENGTH, n_text - PREFIX_LENGTH);
        if (memcmp(text, prefix, PREFIX_LENGTH) != 0)
                return RECORD_E_INVALID;
        memcpy(ret->strings, text + PREFIX_LENGTH, n_text - PREFIX_LENGTH);
        ret->strings[n_text - PREFIX_LENGTH] = '\0';
        if (!read_pairs(ret->strings, ret))
                return RECORD_E_INVALID;
        if (record_write(ret->kind, &ret->segment, &again))
                return RECORD_E_INVALID;
        /* What is written back the same was read right. */
        if (again.n_text != n_text + 1 || memcmp(again.text, text, n_text) != 0)
                return RECORD_E_INVALID;
        return 0;
}
