/* SPDX-License-Identifier: MIT */
/* shmbrokerctl users: what each user has. */

#include <stdlib.h>
#include <string.h>

#include "client/ctl/cell.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/table.h"

static const Option options[] = { TABLE_OPTIONS };

/* What a column shows of a user. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, CellStyle style) {                                     \
                const struct shmbroker_user *user = item;                                          \
                                                                                                   \
                (void) style;                                                                      \
                return (expression);                                                               \
        }

typedef int GetFn(const struct shmbroker_user *user, const char *name, int64_t *ret);

/* A limit in force or a share, or nothing where there is none. */
static bool value_of(const struct shmbroker_user *user, GetFn *get, const char *name,
                     uint64_t *ret) {
        int64_t value;

        if (get(user, name, &value) || value < 0)
                return false;
        *ret = (uint64_t) value;
        return true;
}

#define NAMED_CELL(name, get, limit, expression)                                                   \
        static char *name(const void *item, CellStyle style) {                                     \
                uint64_t value;                                                                    \
                                                                                                   \
                (void) style;                                                                      \
                return value_of(item, get, limit, &value) ? (expression) : cell_text(NULL);        \
        }

#define LIMIT_CELL(name, limit, expression)                                                        \
        NAMED_CELL(name, shmbroker_user_limit_by_name, limit, expression)
#define SHARE_CELL(name, limit, expression)                                                        \
        NAMED_CELL(name, shmbroker_user_share_by_name, limit, expression)

CELL(user_uid, cell_number(shmbroker_user_uid(user)))
CELL(user_name, cell_user(shmbroker_user_uid(user)))
CELL(user_tenant, cell_text(shmbroker_user_tenant(user)))
CELL(user_segments, cell_number(shmbroker_user_segment_count(user)))
CELL(user_bytes, cell_size(shmbroker_user_charged_bytes(user), style))
CELL(user_attachments, cell_number(shmbroker_user_attachment_count(user)))
CELL(user_connections, cell_number(shmbroker_user_connection_count(user)))

LIMIT_CELL(max_segments, "segmentsPerUser", cell_number(value))
LIMIT_CELL(max_bytes, "bytesPerUser", cell_size(value, style))
LIMIT_CELL(max_attachments, "attachmentsPerUser", cell_number(value))
LIMIT_CELL(max_connections, "connectionsPerUser", cell_number(value))

SHARE_CELL(share_segments, "segmentsPerUser", cell_number(value))
SHARE_CELL(share_bytes, "bytesPerUser", cell_size(value, style))
SHARE_CELL(share_attachments, "attachmentsPerUser", cell_number(value))
SHARE_CELL(share_connections, "connectionsPerUser", cell_number(value))

#define SHOWN .shown = true
#define NUMBER .number = true, .right = true

static const Column columns[] = {
        { "UID", NULL, "user's number", "uid", .cell = user_uid, NUMBER, SHOWN },
        { "USER", NULL, "user", "uid", .cell = user_name, SHOWN },
        { "TENANT", NULL, "tenant whose user it is", "tenant", .cell = user_tenant, .rare = true },
        { "SEGMENTS", NULL, "segments created", "segmentCount", .cell = user_segments, NUMBER,
          SHOWN },
        { "BYTES", NULL, "what the segments are charged", "chargedBytes", .cell = user_bytes,
          NUMBER, SHOWN },
        { "ATTACHMENTS", NULL, "attachments", "attachmentCount", .cell = user_attachments, NUMBER,
          SHOWN },
        { "CONNECTIONS", NULL, "connections", "connectionCount", .cell = user_connections, NUMBER,
          SHOWN },
        { "MAXSEGMENTS", NULL, "limit on SEGMENTS", "limits.segmentsPerUser", .cell = max_segments,
          NUMBER },
        { "MAXBYTES", NULL, "limit on BYTES", "limits.bytesPerUser", .cell = max_bytes, NUMBER },
        { "MAXATTACHMENTS", NULL, "limit on ATTACHMENTS", "limits.attachmentsPerUser",
          .cell = max_attachments, NUMBER },
        { "MAXCONNECTIONS", NULL, "limit on CONNECTIONS", "limits.connectionsPerUser",
          .cell = max_connections, NUMBER },
        { "SHARESEGMENTS", NULL, "SEGMENTS that the user may have now", "shares.segmentsPerUser",
          .cell = share_segments, NUMBER },
        { "SHAREBYTES", NULL, "BYTES that the user may have now", "shares.bytesPerUser",
          .cell = share_bytes, NUMBER, SHOWN },
        { "SHAREATTACHMENTS", NULL, "ATTACHMENTS that the user may have now",
          "shares.attachmentsPerUser", .cell = share_attachments, NUMBER },
        { "SHARECONNECTIONS", NULL, "CONNECTIONS that the user may have now",
          "shares.connectionsPerUser", .cell = share_connections, NUMBER },
        {},
};

static char *user_json(const void *item) {
        return strdup(shmbroker_user_json(item));
}

static int users_print(const Ctl *ctl, const TableOptions *table_options,
                       const struct shmbroker_users *users) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        r = table_new(ctl, columns, table_options, &table);
        for (size_t i = 0; r == 0 && i < shmbroker_users_count(users); ++i)
                r = table_add(table, shmbroker_users_get(users, i));
        if (r)
                return ctl_no_memory();
        return table_print(ctl, table, "users", user_json);
}

static int users_run(Ctl *ctl) {
        _cleanup_(shmbroker_users_freep) struct shmbroker_users *users = NULL;
        TableOptions table_options = {};
        int r;

        r = table_only(ctl, &table_options);
        if (r)
                return r;
        if (shmbroker_list_users(ctl->connection, &users))
                return ctl_failed(ctl);
        return users_print(ctl, &table_options, users);
}

const Command command_users = {
        .name = "users",
        .arguments = "[OPTION...]",
        .summary = "Shows what each user has: all of them to the administrator, else yourself",
        .columns = columns,
        COMMAND_OPTIONS(options),
        .run = users_run,
};
