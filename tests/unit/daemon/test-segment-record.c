/* SPDX-License-Identifier: MIT */
/* A segment as a record, and back: no member of the record is lost on the way. */

#include <stdio.h>
#include <string.h>

#include "daemon/base/boot.h"
#include "daemon/kind/kinds.h"
#include "daemon/model/tenant.h"
#include "daemon/state/segment-record.h"
#include "proto/util.h"
#include "tests/support/unit-state-file.h"
#include "tests/support/unit.h"

#define FILES_PATH "/files"
/* So many records have every member given and not given, for each kind. */
#define N_RECORDS 1024

static Accounts accounts;
static Tenants tenants;

static void setup(void) {
        unit_fds_begin();
        accounts_init(&accounts, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
}

static void teardown(void) {
        tenants_sweep(&tenants);
        ck_assert_ptr_null(tenants.first);
        accounts_deinit(&accounts);
        unit_fds_end();
}

DEFINE_CLEANUP(Segment, segment_free)

/* What a segment of that kind can be: what leads to objects of other kinds is left out. */
static SegmentRecord possible_record(int64_t id) {
        SegmentRecord record = unit_record(id, (uint64_t) id + 1);
        FoundBy found_by = kind_rows[record.kind]->traits.found_by;

        if (found_by != FOUND_BY_SHMID) {
                record.shmid = 0;
                record.key = 0;
                record.native_uid = 0;
        }
        record.boot_id =
                found_by == FOUND_BY_SHMID || found_by == FOUND_BY_POSIX_NAME ? boot_id() : NULL;
        if (found_by != FOUND_BY_FILE_NAME) {
                record.directory_inode = 0;
                record.directory_birth_time_usec = 0;
        }
        record.posix_name = found_by == FOUND_BY_POSIX_NAME && id % 8 ? "/posix" : NULL;
        record.file_name = found_by == FOUND_BY_FILE_NAME && id % 8 ? "file,name" : NULL;
        return record;
}

/* As a later broker makes it of @record, and as that one writes it down. */
static void make_again(const SegmentRecord *record, SegmentRecord *ret, Segment **ret_segment) {
        _cleanup_(segment_freep) Segment *segment = segment_new();
        Tenant *tenant = NULL;
        User *user;

        ck_assert_ptr_nonnull(segment);
        if (record->tenant)
                ck_assert_int_eq(tenants_get(&tenants, record->tenant, &accounts, &tenant), 0);
        user = accounts_user(tenant ? &tenant->accounts : &accounts, (uid_t) record->charged_uid);
        ck_assert_ptr_nonnull(user);
        kind_set(segment, record->kind);
        charge_anyway(&segment->segment_charge, user, LIMIT_SEGMENTS, 1);
        user_unref(user);
        ck_assert_int_eq(segment_record_fill(record, tenant, FILES_PATH, segment), 0);
        /* As charge_again() does it. */
        charge_anyway(&segment->bytes_charge, user, LIMIT_BYTES,
                      segment_charged_bytes(segment) - (uint64_t) record->found_bytes);
        segment_record_make(segment, ret);
        *ret_segment = steal_ptr(segment);
}

SUITE("segment-record");
CASE("segment-record", .setup = setup, .teardown = teardown);

TEST(round) {
        RecordLine line, memory;
        uint64_t given = 0;
        Record read;

        for (int64_t id = 1; id <= N_RECORDS; ++id) {
                _cleanup_(segment_freep) Segment *segment = NULL;
                SegmentRecord record = possible_record(id), again;

                make_again(&record, &again, &segment);
                ck_assert_msg(unit_record_equal(&record, &again), "record %lld", (long long) id);
                ck_assert_int_eq(unit_record_write(&again, &line), 0);
                ck_assert_int_eq(record_read(line.text, line.n_text - 1, &memory, &read), 0);
                given |= read.segment.given;
        }
        /* Else a member that is left out in both directions would go unnoticed. */
        for (size_t i = 0; i < segment_record_type.n_fields; ++i)
                ck_assert_msg(given >> i & 1, "no record had %s",
                              segment_record_type.fields[i].key);
}

TEST(names) {
        _cleanup_(segment_freep) Segment *segment = NULL;
        SegmentRecord record = { .id = 1, .page_bytes = 4096, .kind = KIND_FILE, .file_name = "a" },
                      again;

        /* The directory is this broker's, whatever the last one's was. */
        make_again(&record, &again, &segment);
        ck_assert_str_eq(segment->object_name->text, FILES_PATH "/a");
        ck_assert(segment_is_reached_outside(segment));
        segment = segment_free(segment);
        record = (SegmentRecord){
                .id = 1, .page_bytes = 4096, .kind = KIND_POSIX, .posix_name = "/a"
        };
        make_again(&record, &again, &segment);
        ck_assert_str_eq(segment->object_name->text, "/a");
        segment = segment_free(segment);
        record = (SegmentRecord){ .id = 1, .page_bytes = 4096, .kind = KIND_SYSV, .removed = true };
        make_again(&record, &again, &segment);
        ck_assert(!segment_is_reached_outside(segment));
        ck_assert(!segment->other_boot);
        segment = segment_free(segment);
        record.boot_id = "0123456789abcdef0123456789abcdef";
        make_again(&record, &again, &segment);
        ck_assert(segment->other_boot);
}
