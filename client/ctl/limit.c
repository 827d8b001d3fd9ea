/* SPDX-License-Identifier: MIT */
#include "client/ctl/limit.h"

#include <string.h>
#include <unistd.h>

typedef struct Amounts Amounts;

/* What is in use, of all users or of one. */
struct Amounts {
        uint64_t segments;
        uint64_t bytes;
        uint64_t attachments;
        uint64_t connections;
};

#define USED(member) offsetof(Amounts, member)
#define UNKNOWN SIZE_MAX

static const LimitText texts[] = {
        { "segments", USED(segments), false, false, "segments of all users" },
        { "segmentsPerUser", USED(segments), true, false, "segments that you created" },
        { "bytes", USED(bytes), false, true, "sizes of all segments, or maximum sizes" },
        { "bytesPerUser", USED(bytes), true, true, "sizes of segments that you created" },
        { "attachments", USED(attachments), false, false, "attachments of all users" },
        { "attachmentsPerUser", USED(attachments), true, false, "attachments that you have" },
        { "connections", USED(connections), false, false, "connections of all users" },
        { "connectionsPerUser", USED(connections), true, false, "connections that you have" },
        { "inputBytes", UNKNOWN, false, true, "calls that are not whole, or have to wait" },
        { "inputBytesPerUser", UNKNOWN, true, true, "your calls not whole, or waiting" },
        { "outputBytes", UNKNOWN, false, true, "answers and events that nobody has read" },
        { "outputBytesPerUser", UNKNOWN, true, true, "answers and events you have not read" },
        { "unreadDescriptors", UNKNOWN, false, false, "descriptors sent that nobody has taken" },
        { "unreadDescriptorsPerUser", UNKNOWN, true, false, "descriptors sent to you, not taken" },
        { "discardedDescriptors", UNKNOWN, false, false, "descriptors that are being closed" },
        { "discardedDescriptorsPerUser", UNKNOWN, true, false,
          "descriptors of yours being closed" },
        { "watches", UNKNOWN, false, false, "watches of all users" },
        { "watchesPerUser", UNKNOWN, true, false, "watches that you have" },
        { "lockedBytes", UNKNOWN, false, true, "memory that is locked" },
        { "lockedBytesPerUser", UNKNOWN, true, true, "memory that you locked" },
        { "hugeBytes", UNKNOWN, false, true, "sizes of segments with huge pages" },
        { "hugeBytesPerUser", UNKNOWN, true, true, "sizes of yours with huge pages" },
        { "waitingCalls", UNKNOWN, false, false, "calls that wait for a segment" },
        { "waitingCallsPerUser", UNKNOWN, true, false, "calls of yours that wait" },
};

static const LimitText *find_text(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
                if (strcmp(texts[i].name, name) == 0)
                        return &texts[i];
        return NULL;
}

static void add_amounts(Amounts *amounts, const struct shmbroker_user *user) {
        amounts->segments += shmbroker_user_segment_count(user);
        amounts->bytes += shmbroker_user_charged_bytes(user);
        amounts->attachments += shmbroker_user_attachment_count(user);
        amounts->connections += shmbroker_user_connection_count(user);
}

static Amounts amounts_of_all(const struct shmbroker_status *status) {
        Amounts amounts = {
                .segments = shmbroker_status_segment_count(status),
                .attachments = shmbroker_status_attachment_count(status),
                .connections = shmbroker_status_connection_count(status),
        };

        if (shmbroker_status_charged_bytes(status, &amounts.bytes))
                amounts.bytes = shmbroker_status_total_bytes(status);
        return amounts;
}

/* limits_self() - what the caller has; NULL if that is not told, as of who has nothing it may not
 * be */
const struct shmbroker_user *limits_self(const struct shmbroker_users *users) {
        /* Whose uid may be another one here, in a user namespace. */
        if (users && shmbroker_users_count(users) == 1)
                return shmbroker_users_get(users, 0);
        for (size_t i = 0; users && i < shmbroker_users_count(users); ++i)
                if (shmbroker_user_uid(shmbroker_users_get(users, i)) == geteuid())
                        return shmbroker_users_get(users, i);
        return NULL;
}

static void set_used(Limit *limit, const Amounts *amounts) {
        if (!limit->text || limit->text->used == UNKNOWN)
                return;
        limit->has_used = true;
        memcpy(&limit->used, (const char *) amounts + limit->text->used, sizeof(limit->used));
}

static void set_share(Limit *limit, const struct shmbroker_user *self) {
        int64_t share;

        if (!self || shmbroker_user_share_by_name(self, limit->name, &share) || share < 0)
                return;
        limit->has_share = true;
        limit->share = (uint64_t) share;
}

/**
 * limits_get() - all limits that the broker tells
 * @status:     its status
 * @users:      what its users have, or NULL
 * @limits:     the limits
 *
 * Return: how many they are.
 */
size_t limits_get(const struct shmbroker_status *status, const struct shmbroker_users *users,
                  Limit limits[static LIMITS_MAX]) {
        Amounts all = amounts_of_all(status), own = {};
        const struct shmbroker_user *self = limits_self(users);
        int64_t value;
        size_t n;

        if (self)
                add_amounts(&own, self);
        for (n = 0; n < LIMITS_MAX; ++n) {
                Limit *limit = &limits[n];

                *limit = (Limit){};
                if (shmbroker_status_limit(status, n, &limit->name, &value))
                        break;
                limit->value = value < 0 ? 0 : (uint64_t) value;
                limit->text = find_text(limit->name);
                set_share(limit, self);
                if (limit->text && (!limit->text->per_user || users))
                        set_used(limit, limit->text->per_user ? &own : &all);
        }
        return n;
}
