/* SPDX-License-Identifier: MIT */
/* shmbrokerctl limits: what the broker allows, and how much of it is in use. */

#include <errno.h>

#include "client/ctl/cell.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/json.h"
#include "client/ctl/limit.h"
#include "client/ctl/table.h"

static const Option options[] = { TABLE_OPTIONS };

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
CELL(limit_share, limit->has_share ? cell_amount(limit, limit->share, style) : cell_text(NULL))
CELL(limit_used, limit->has_used ? cell_amount(limit, limit->used, style) : cell_text(NULL))
CELL(limit_meaning, cell_text(limit->text ? limit->text->meaning : NULL))

static const Column columns[] = {
        { "LIMIT", NULL, "its name", NULL, .cell = limit_name, .shown = true },
        { "VALUE", NULL, "how much there can be", NULL, .cell = limit_value, .shown = true,
          .right = true, .number = true },
        { "SHARE", NULL, "how much of it you may have now, where others leave less", NULL,
          .cell = limit_share, .shown = true, .right = true, .number = true },
        { "USED", NULL, "how much there is, where it is known", NULL, .cell = limit_used,
          .shown = true, .right = true, .number = true },
        { "MEANING", NULL, "what it is about", NULL, .cell = limit_meaning, .shown = true },
        {},
};

static int print_table(const Ctl *ctl, const TableOptions *table_options,
                       const struct shmbroker_status *status, const struct shmbroker_users *users) {
        _cleanup_(table_freep) Table *table = NULL;
        Limit limits[LIMITS_MAX];
        size_t n_limits = limits_get(status, users, limits);

        if (table_new(ctl, columns, table_options, &table))
                return ctl_no_memory();
        for (size_t i = 0; i < n_limits; ++i)
                if (table_add(table, &limits[i]))
                        return ctl_no_memory();
        return table_print(ctl, table, NULL, NULL);
}

static int print_json(const struct shmbroker_status *status, const struct shmbroker_users *users) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_begin_part(&json, shmbroker_status_json(status));
        json_pick(&json, "limits");
        if (limits_self(users))
                json_add_text(&json, "user", shmbroker_user_json(limits_self(users)));
        return json_print(&json);
}

static int limits_run(Ctl *ctl) {
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
        .run = limits_run,
};
