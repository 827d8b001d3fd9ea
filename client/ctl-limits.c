/* shmbrokerctl limits: what the broker allows, and how much of it is in use. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl-info.h"
#include "client/ctl-json.h"

#define LIMITS_MAX 64

typedef struct Amounts Amounts;
typedef struct Limit Limit;
typedef struct LimitText LimitText;

/* What is in use, of all users or of one. */
struct Amounts {
        uint64_t segments;
        uint64_t bytes;
        uint64_t attachments;
        uint64_t connections;
};

struct LimitText {
        const char *name;
        /* Where it is in struct Amounts; SIZE_MAX if nobody tells how much is in use */
        size_t used;
        bool per_user;
        bool bytes;
        const char *meaning;
};

struct Limit {
        const char *name;
        uint64_t value;
        const LimitText *text;
        bool has_used;
        uint64_t used;
};

#define USED(member) offsetof(Amounts, member)
#define UNKNOWN SIZE_MAX

static const LimitText texts[] = {
        { "segments", USED(segments), false, false, "segments of all users" },
        { "segmentsPerUser", USED(segments), true, false, "segments that you created" },
        { "bytes", USED(bytes), false, true, "sizes of all segments, or maximum sizes" },
        { "bytesPerUser", USED(bytes), true, true, "the same of those that you created" },
        { "attachments", USED(attachments), false, false, "attachments of all users" },
        { "attachmentsPerUser", USED(attachments), true, false, "attachments that you have" },
        { "connections", USED(connections), false, false, "connections of all users" },
        { "connectionsPerUser", USED(connections), true, false, "connections that you have" },
        { "inputBytes", UNKNOWN, false, true, "calls that are not whole, or have to wait" },
        { "inputBytesPerUser", UNKNOWN, true, true, "the same of yours" },
        { "outputBytes", UNKNOWN, false, true, "answers and events that nobody has read" },
        { "outputBytesPerUser", UNKNOWN, true, true, "the same for you" },
        { "unreadDescriptors", UNKNOWN, false, false, "descriptors sent that nobody has taken" },
        { "unreadDescriptorsPerUser", UNKNOWN, true, false, "the same for you" },
        { "watches", UNKNOWN, false, false, "watches of all users" },
        { "watchesPerUser", UNKNOWN, true, false, "watches that you have" },
        { "lockedBytes", UNKNOWN, false, true, "memory that is locked" },
        { "lockedBytesPerUser", UNKNOWN, true, true, "memory that you locked" },
        { "hugeBytes", UNKNOWN, false, true, "sizes of segments with huge pages" },
        { "hugeBytesPerUser", UNKNOWN, true, true, "the same of those that you created" },
        { "waitingCalls", UNKNOWN, false, false, "calls that wait for a segment" },
        { "waitingCallsPerUser", UNKNOWN, true, false, "the same of yours" },
};

static const Option options[] = { TABLE_OPTIONS };

static const LimitText *find_text(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
                if (strcmp(texts[i].name, name) == 0)
                        return &texts[i];
        return NULL;
}

static char *cell_amount(const Limit *limit, uint64_t value, CellStyle style) {
        return limit->text && limit->text->bytes ? cell_size(value, style) : cell_number(value);
}

/* What a column shows of a limit. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, CellStyle style) {                                     \
                const Limit *limit = item;                                                         \
                                                                                                   \
                (void) style;                                                                      \
                return (expression);                                                               \
        }

CELL(limit_name, cell_text(limit->name))
CELL(limit_value, cell_amount(limit, limit->value, style))
CELL(limit_used, limit->has_used ? cell_amount(limit, limit->used, style) : cell_text(NULL))
CELL(limit_meaning, cell_text(limit->text ? limit->text->meaning : NULL))

static const Column columns[] = {
        { "LIMIT", NULL, "its name", NULL, .cell = limit_name, .shown = true },
        { "VALUE", NULL, "how much there can be", NULL, .cell = limit_value, .shown = true,
          .right = true, .number = true },
        { "USED", NULL, "how much there is, where it is known", NULL, .cell = limit_used,
          .shown = true, .right = true, .number = true },
        { "MEANING", NULL, "what it is about", NULL, .cell = limit_meaning, .shown = true },
        {},
};

static void add_amounts(Amounts *amounts, const struct shmbroker_user *user) {
        amounts->segments += shmbroker_user_segment_count(user);
        amounts->bytes += shmbroker_user_total_bytes(user);
        amounts->attachments += shmbroker_user_attachment_count(user);
        amounts->connections += shmbroker_user_connection_count(user);
}

/* The charge is by the maximum of what may grow, which users tell, and the status does not. */
static Amounts amounts_of_all(const struct shmbroker_status *status,
                              const struct shmbroker_users *users) {
        Amounts amounts = {
                .segments = shmbroker_status_segment_count(status),
                .bytes = shmbroker_status_total_bytes(status),
                .attachments = shmbroker_status_attachment_count(status),
                .connections = shmbroker_status_connection_count(status),
        };
        Amounts sum = {};

        for (size_t i = 0; users && i < shmbroker_users_count(users); ++i)
                add_amounts(&sum, shmbroker_users_get(users, i));
        if (sum.bytes > amounts.bytes)
                amounts.bytes = sum.bytes;
        return amounts;
}

/* Who has nothing may not be in the list. */
static const struct shmbroker_user *find_self(const struct shmbroker_users *users) {
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

static int print_table(const Ctl *ctl, const TableOptions *table_options,
                       const struct shmbroker_status *status, const struct shmbroker_users *users) {
        _cleanup_(table_freep) Table *table = NULL;
        Amounts all = amounts_of_all(status, users), own = {};
        Limit limits[LIMITS_MAX] = {};
        int64_t value;

        if (find_self(users))
                add_amounts(&own, find_self(users));
        if (table_new(columns, table_options, &table))
                return ctl_no_memory();
        for (size_t i = 0; i < LIMITS_MAX; ++i) {
                Limit *limit = &limits[i];

                if (shmbroker_status_limit(status, i, &limit->name, &value))
                        break;
                limit->value = value < 0 ? 0 : (uint64_t) value;
                limit->text = find_text(limit->name);
                if (limit->text && (!limit->text->per_user || users))
                        set_used(limit, limit->text->per_user ? &own : &all);
                if (table_add(table, limit))
                        return ctl_no_memory();
        }
        return table_print(ctl, table, NULL, NULL);
}

static int print_json(const struct shmbroker_status *status, const struct shmbroker_users *users) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_begin_part(&json, shmbroker_status_json(status));
        json_pick(&json, "limits");
        if (find_self(users))
                json_add_text(&json, "user", shmbroker_user_json(find_self(users)));
        return json_print(&json);
}

static int run(Ctl *ctl) {
        _cleanup_(shmbroker_status_freep) struct shmbroker_status *status = NULL;
        _cleanup_(shmbroker_users_freep) struct shmbroker_users *users = NULL;
        TableOptions table_options = {};
        int r;

        r = table_only(ctl, &table_options);
        if (r)
                return r;
        if (shmbroker_get_status(ctl->connection, &status))
                return ctl_failed(ctl);
        /* A broker that does not tell of users has limits all the same. */
        r = shmbroker_list_users(ctl->connection, &users);
        if (r && r != -ENOSYS)
                return ctl_failed(ctl);
        return ctl->json ? print_json(status, users)
                         : print_table(ctl, &table_options, status, users);
}

const Command command_limits = {
        .name = "limits",
        .arguments = "[OPTION...]",
        .summary = "Shows what the broker allows, and how much of it is in use",
        .columns = columns,
        COMMAND_OPTIONS(options),
        .run = run,
};
