/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-state-file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"

typedef struct List List;

struct List {
        Held *held;
        size_t n_held;
        size_t max;
};

SegmentRecord unit_record(int64_t id, uint64_t change_usec) {
        static const char *const names[] = { NULL, "name", "a/b-c_d+e:f@g.h", "0" };
        static const char *const posix_names[] = { NULL, "/posix",
                                                   "/\n=\" \\,\t\x01\x7f\xe2\x82\xac\xc3\xa4",
                                                   "/%41" };
        const char *file_name = posix_names[id / 4 % 4];

        return (SegmentRecord){
                .id = id,
                .name = names[id % 4],
                .former_name = names[id / 4 % 4],
                .tenant = id % 3   ? NULL
                          : id % 2 ? "web"
                                   : "db-0.1",
                .kind = (unsigned int) (id % _KIND_N),
                .size_bytes = id % INT32_MAX * 4096,
                .maximum_bytes = id % 3 ? INT64_MAX - id : 0,
                .page_bytes = id % 2 ? 4096 : 2 << 20,
                .owner_uid = id % INT32_MAX,
                .owner_gid = 1,
                .creator_uid = 2,
                .creator_gid = UINT32_MAX - 1,
                .mode = id % 01000,
                .charged_uid = 3,
                .found_bytes = id % 5 * 4096,
                .attach_time_usec = INT64_MAX,
                .detach_time_usec = id,
                .change_time_usec = (int64_t) change_usec,
                .creator_pid = 4,
                .last_pid = INT32_MAX,
                .removed = id & 1,
                .remove_on_last_detach = id & 2,
                .armed = id & 4,
                .lingers = id & 8,
                .linger_usec = id % 5,
                .sealable = id & 16,
                .seals = (unsigned int) (id % (1U << _SEAL_N)),
                .locked = id & 32,
                .adopted = id & 64,
                .shmid = id % 1000,
                .key = UINT32_MAX - id % 7,
                .boot_id = "0123456789abcdef0123456789abcdef",
                .native_uid = 6,
                .posix_name = posix_names[id % 4],
                .file_name = file_name ? file_name + 1 : NULL,
                .directory_inode = id % 3 ? id : -id,
                .directory_birth_time_usec = 8,
                .device = INT64_MIN,
                .inode = id % 2 ? id : -id,
                .birth_time_usec = 7,
                .object_bytes = id % INT32_MAX * 8192,
        };
}

static size_t value_size(const Field *field) {
        switch (field->type) {
        case FIELD_BOOL:
                return sizeof(bool);
        case FIELD_INT:
                return sizeof(int64_t);
        default:
                return sizeof(unsigned int);
        }
}

static bool same_text(const char *left, const char *right) {
        return left && right ? strcmp(left, right) == 0 : left == right;
}

bool unit_record_equal(const SegmentRecord *left, const SegmentRecord *right) {
        for (size_t i = 0; i < segment_record_type.n_fields; ++i) {
                const Field *field = &segment_record_type.fields[i];
                const void *a = (const char *) left + field->offset,
                           *b = (const char *) right + field->offset;

                if (field->type == FIELD_STRING
                            ? !same_text(*(const char *const *) a, *(const char *const *) b)
                            : memcmp(a, b, value_size(field)) != 0)
                        return false;
        }
        return true;
}

int unit_record_write(const SegmentRecord *segment, RecordLine *ret) {
        return record_write(&(Record){ .given = 1U << RECORD_SEGMENT, .segment = *segment }, ret);
}

void unit_state_file_open(StateFile *state_file, const char *directory) {
        *state_file = (StateFile) STATE_FILE_NULL;
        ck_assert_int_eq(state_file_open(state_file, directory), 0);
}

void unit_state_file_abandon(StateFile *state_file) {
        /* Without its numbers nothing is written. */
        state_file->next_segment_id = 0;
        state_file_close(state_file);
}

static int visit(const SegmentRecord *segment, void *userdata) {
        SegmentRecord expected = unit_record(segment->id, (uint64_t) segment->change_time_usec);
        List *list = userdata;

        ck_assert_msg(unit_record_equal(segment, &expected), "segment %lld is another",
                      (long long) segment->id);
        if (list->n_held > 0 && list->n_held <= list->max)
                ck_assert_int_gt(segment->id, list->held[list->n_held - 1].id);
        if (list->n_held < list->max)
                list->held[list->n_held] =
                        (Held){ segment->id, (uint64_t) segment->change_time_usec };
        ++list->n_held;
        return 0;
}

size_t unit_state_file_list(StateFile *state_file, Held *held, size_t max) {
        List list = { .held = held, .max = max };

        ck_assert_int_eq(state_file_visit(state_file, visit, &list), 0);
        return list.n_held;
}
