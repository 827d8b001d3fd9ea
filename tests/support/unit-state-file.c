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
        static const char *const paths[] = { NULL, "/posix", "a\n=% ,\t\x01\x7f\xff\xc3\xa4",
                                             "%41" };
        const uint64_t n = (uint64_t) id;

        return (SegmentRecord){
                .id = id,
                .name = names[n % 4],
                .former_name = names[n / 4 % 4],
                .kind = (Kind) (n % _KIND_N),
                .size_bytes = n * 4096,
                .maximum_bytes = n % 3 ? UINT64_MAX - n : 0,
                .page_bytes = n % 2 ? 4096 : 2 << 20,
                .permission = { .owner_uid = (uid_t) n,
                                .owner_gid = 1,
                                .creator_uid = 2,
                                .creator_gid = UINT32_MAX - 1,
                                .mode = n % 01000 },
                .charged_uid = 3,
                .attach_usec = UINT64_MAX,
                .detach_usec = n,
                .change_usec = change_usec,
                .creator_pid = 4,
                .last_pid = INT32_MAX,
                .removed = n & 1,
                .remove_on_last_detach = n & 2,
                .armed = n & 4,
                .lingers = n & 8,
                .linger_usec = n % 5,
                .sealable = n & 16,
                .seals = (unsigned int) (n % (1U << _SEAL_N)),
                .locked = n & 32,
                .adopted = n & 64,
                .shmid = (int) (n % 1000),
                .key = UINT32_MAX - (uint32_t) (n % 7),
                .kernel_ctime = 5,
                .native_uid = 6,
                .posix_name = paths[n % 4],
                .file_name = paths[n / 4 % 4],
                .device = UINT64_MAX,
                .inode = n,
                .birth_usec = 7,
                .object_bytes = n * 8192,
        };
}

static bool same_text(const char *left, const char *right) {
        return left && right ? strcmp(left, right) == 0 : left == right;
}

bool unit_record_equal(const SegmentRecord *left, const SegmentRecord *right) {
        const Permission *a = &left->permission, *b = &right->permission;

        return left->id == right->id && same_text(left->name, right->name) &&
               same_text(left->former_name, right->former_name) && left->kind == right->kind &&
               left->size_bytes == right->size_bytes &&
               left->maximum_bytes == right->maximum_bytes &&
               left->page_bytes == right->page_bytes && a->owner_uid == b->owner_uid &&
               a->owner_gid == b->owner_gid && a->creator_uid == b->creator_uid &&
               a->creator_gid == b->creator_gid && a->mode == b->mode &&
               left->charged_uid == right->charged_uid && left->attach_usec == right->attach_usec &&
               left->detach_usec == right->detach_usec && left->change_usec == right->change_usec &&
               left->creator_pid == right->creator_pid && left->last_pid == right->last_pid &&
               left->removed == right->removed &&
               left->remove_on_last_detach == right->remove_on_last_detach &&
               left->armed == right->armed && left->lingers == right->lingers &&
               left->linger_usec == right->linger_usec && left->sealable == right->sealable &&
               left->seals == right->seals && left->locked == right->locked &&
               left->adopted == right->adopted && left->shmid == right->shmid &&
               left->key == right->key && left->kernel_ctime == right->kernel_ctime &&
               left->native_uid == right->native_uid &&
               same_text(left->posix_name, right->posix_name) &&
               same_text(left->file_name, right->file_name) && left->device == right->device &&
               left->inode == right->inode && left->birth_usec == right->birth_usec &&
               left->object_bytes == right->object_bytes;
}

void unit_state_file_open(StateFile *state_file, const char *directory) {
        *state_file = (StateFile) STATE_FILE_NULL;
        ck_assert_int_eq(state_file_open(state_file, directory), 0);
}

void unit_state_file_abandon(StateFile *state_file) {
        /* Without its numbers nothing is written. */
        state_file->next_attachment = 0;
        state_file_close(state_file);
}

static int visit(const SegmentRecord *segment, void *userdata) {
        SegmentRecord expected = unit_record(segment->id, segment->change_usec);
        List *list = userdata;

        ck_assert_msg(unit_record_equal(segment, &expected), "segment %lld is another",
                      (long long) segment->id);
        if (list->n_held > 0 && list->n_held <= list->max)
                ck_assert_int_gt(segment->id, list->held[list->n_held - 1].id);
        if (list->n_held < list->max)
                list->held[list->n_held] =
                        (Held){ .id = segment->id, .change_usec = segment->change_usec };
        ++list->n_held;
        return 0;
}

size_t unit_state_file_list(StateFile *state_file, Held *held, size_t max) {
        List list = { .held = held, .max = max };

        ck_assert_int_eq(state_file_visit(state_file, visit, &list), 0);
        return list.n_held;
}
