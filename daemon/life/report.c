/* SPDX-License-Identifier: MIT */
#include "daemon/life/report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/model/tenant.h"
#include "proto/util.h"

/* So many entries of a kind that clients can bring about, in so long. */
#define ENTRIES_AT_ONCE 10U
#define WINDOW_USEC UINT64_C(1000000)

#define NUMBER_BYTES 24

typedef struct Window Window;

struct Window {
        uint64_t begin_usec;
        unsigned int n_entries;
        unsigned int n_withheld;
};

static const char *const message_ids[_REPORT_N] = {
        [REPORT_CREATED] = "18e3d5c327d74896995729e77eb10195",
        [REPORT_REMOVED] = "0d4096d202c948c3a350c1d4674ab9da",
        [REPORT_DESTROYED] = "0ca92dd74ec74db88824ebfe3ffcaa96",
        [REPORT_RESTORED] = "7fbe3126660141a8bd9fe1f469bad60b",
        [REPORT_LOST] = "a1ce0f85c1fd41bc92c535e2621f3e21",
        [REPORT_UNAVAILABLE] = "cedd75c589b34bd2a77a23c39f5eed46",
        [REPORT_AVAILABLE] = "4413f0e77ad5453a861ee9475df57a8c",
        [REPORT_LIMIT] = "f8473f5b21cb499bb9e45945f234d752",
        [REPORT_BROKEN] = "9db9a636b3da4292af3ada2486966f73",
};

static Window windows[_REPORT_N];

/* Is there room for one more? The journal is everybody's, and writing to it takes time. */
static bool has_room(Report report) {
        uint64_t now = clock_boottime_usec();
        Window *window = &windows[report];

        if (now - window->begin_usec >= WINDOW_USEC) {
                if (window->n_withheld > 0)
                        log_info("%u more entries like the last of MESSAGE_ID %s were left out.",
                                 window->n_withheld, message_ids[report]);
                *window = (Window){ .begin_usec = now };
        }
        if (window->n_entries == ENTRIES_AT_ONCE) {
                ++window->n_withheld;
                return false;
        }
        ++window->n_entries;
        return true;
}

static const char *report_called(const Segment *segment) {
        const char *name = segment_called(segment);

        return name ? name : "";
}

/* report_segment() - a segment was created, removed or destroyed: at level debug, for there may be
 * thousands a second */
void report_segment(Report report, const Segment *segment) {
        static const char *const what[_REPORT_N] = {
                [REPORT_CREATED] = "created",
                [REPORT_REMOVED] = "removed",
                [REPORT_DESTROYED] = "destroyed",
        };
        char id[NUMBER_BYTES], uid[NUMBER_BYTES];

        if (log_get_level() < LOG_DEBUG)
                return;
        (void) snprintf(id, sizeof(id), "%" PRId64, segment->id);
        (void) snprintf(uid, sizeof(uid), "%u", segment->permission.owner_uid);
        log_fields(LOG_DEBUG,
                   ((LogField[]){
                           { "MESSAGE_ID", message_ids[report] },
                           { "SHMBROKER_SEGMENT_ID", id },
                           { "SHMBROKER_SEGMENT_NAME", report_called(segment) },
                           { "SHMBROKER_SEGMENT_KIND", kind_names.names[segment->kind] },
                           { "SHMBROKER_OWNER_UID", uid },
                           { "SHMBROKER_TENANT", segment_tenant_name(segment) },
                   }),
                   "Segment %s is %s.", id, what[report]);
}

/* report_restored() - segments of an earlier broker are there again */
void report_restored(size_t n_segments, size_t n_attachments) {
        char segments[NUMBER_BYTES], attachments[NUMBER_BYTES];

        (void) snprintf(segments, sizeof(segments), "%zu", n_segments);
        (void) snprintf(attachments, sizeof(attachments), "%zu", n_attachments);
        log_fields(LOG_NOTICE,
                   ((LogField[]){
                           { "MESSAGE_ID", message_ids[REPORT_RESTORED] },
                           { "SHMBROKER_SEGMENTS", segments },
                           { "SHMBROKER_ATTACHMENTS", attachments },
                   }),
                   "%zu %s there again, with %zu attachment%s.", n_segments,
                   n_segments == 1 ? "segment is" : "segments are", n_attachments,
                   n_attachments == 1 ? "" : "s");
}

/* An entry about one segment, of which there may be many at once. */
static void report_fate(Report report, int level, const Segment *segment, const char *fate,
                        const char *reason) {
        const char *name = report_called(segment);
        char id[NUMBER_BYTES];

        if (!has_room(report))
                return;
        (void) snprintf(id, sizeof(id), "%" PRId64, segment->id);
        log_fields(level,
                   ((LogField[]){
                           { "MESSAGE_ID", message_ids[report] },
                           { "SHMBROKER_SEGMENT_ID", id },
                           { "SHMBROKER_SEGMENT_NAME", name },
                           { "SHMBROKER_SEGMENT_KIND", kind_names.names[segment->kind] },
                           { "SHMBROKER_TENANT", segment_tenant_name(segment) },
                   }),
                   "Segment %s (%s) is %s: %s.", id, name[0] ? name : "without a name", fate,
                   reason);
}

/**
 * report_lost() - the object of a segment of an earlier broker no longer exists
 * @segment:    what is known of it
 * @reason:     a sentence without its full stop
 */
void report_lost(const Segment *segment, const char *reason) {
        report_fate(REPORT_LOST, LOG_WARNING, segment, "forgotten", reason);
}

/* report_unavailable() - a segment of an earlier broker is kept, though its object cannot be opened
 */
void report_unavailable(const Segment *segment) {
        report_fate(REPORT_UNAVAILABLE, LOG_WARNING, segment, "unavailable",
                    segment->unavailable.message);
}

/* report_available() - and now it can */
void report_available(const Segment *segment) {
        report_fate(REPORT_AVAILABLE, LOG_NOTICE, segment, "available again",
                    "its object can be opened");
}

/* An entry about who is at the other end of a connection. */
static void report_peer(Report report, const User *user, pid_t pid, const char *limit,
                        const char *text) {
        const Tenant *tenant = user->accounts->tenant;
        char uid[NUMBER_BYTES], process[NUMBER_BYTES];

        if (log_get_level() < LOG_INFO || !has_room(report))
                return;
        (void) snprintf(uid, sizeof(uid), "%u", user->uid);
        (void) snprintf(process, sizeof(process), "%d", pid);
        log_fields(LOG_INFO,
                   ((LogField[]){
                           { "MESSAGE_ID", message_ids[report] },
                           { "SHMBROKER_LIMIT", limit },
                           { "SHMBROKER_PEER_UID", uid },
                           { "SHMBROKER_PEER_PID", pid > 0 ? process : NULL },
                           { "SHMBROKER_TENANT", tenant ? tenant->name : NULL },
                   }),
                   "User %s%s%s %s.", uid, tenant ? " of tenant " : "", tenant ? tenant->name : "",
                   text);
}

/**
 * report_limit() - somebody met a limit
 * @user:       who
 * @pid:        its process, as of when it connected; 0 if the broker cannot see it
 * @limit:      the name of the limit
 * @consequence: what follows, the end of a sentence without its full stop
 */
void report_limit(const User *user, pid_t pid, const char *limit, const char *consequence) {
        char text[128];

        (void) snprintf(text, sizeof(text), "has reached the limit %s: %s", limit, consequence);
        report_peer(REPORT_LIMIT, user, pid, limit, text);
}

/* report_broken() - something came on a connection that is no call; as above */
void report_broken(const User *user, pid_t pid, const char *reason) {
        char text[128];

        (void) snprintf(text, sizeof(text), "sent what is no call (%s), and is disconnected",
                        reason);
        report_peer(REPORT_BROKEN, user, pid, NULL, text);
}
