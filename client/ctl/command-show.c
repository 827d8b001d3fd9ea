/* SPDX-License-Identifier: MIT */
/* shmbrokerctl show: all about one segment, and who has it. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/attachment.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/info.h"
#include "client/ctl/json.h"

static const Option options[] = {
        ID_OPTION,
        { "bytes", 'b', NULL, "sizes in bytes" },
};

/* "Size as asked for:  4K" */
static int print_info(const Ctl *ctl, const struct shmbroker_info *info, CellStyle style) {
        bool processes = ctl_sees_processes(ctl);

        for (const Column *column = info_columns; column->name; ++column) {
                char *text;

                if (column->twin)
                        continue;
                text = column_cell(column, info, style, processes);
                if (!text)
                        return ctl_no_memory();
                (void) printf("%c%s:%*s%s\n", toupper((unsigned char) column->help[0]),
                              column->help + 1, (int) (32 - strlen(column->help)), "", text);
                free(text);
        }
        return CTL_SUCCESS;
}

static int print_holdings(const Ctl *ctl, const Holdings *holdings) {
        static const TableOptions table_options = {
                .columns = "ATTACHMENT,PID,USER,ACCESS,SINCE,INHERITED,COMMAND"
        };
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        if (holdings->n_items == 0)
                return CTL_SUCCESS;
        r = table_new(ctl, holding_columns, &table_options, &table);
        for (size_t i = 0; r == 0 && i < holdings->n_items; ++i)
                r = table_add(table, &holdings->items[i]);
        if (r)
                return ctl_no_memory();
        (void) putchar('\n');
        return table_print(ctl, table, NULL, NULL);
}

static int print_json(const struct shmbroker_info *info, const Holdings *holdings) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_add_text(&json, "segment", shmbroker_info_json(info));
        json_add_list(&json, "attachments");
        for (size_t i = 0; i < holdings->n_items; ++i)
                json_append_text(&json, "attachments",
                                 shmbroker_attachment_json(holdings->items[i].attachment));
        return json_print(&json);
}

static int show_segment(const Ctl *ctl, const Selector *selector, CellStyle style) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        _cleanup_(holdings_deinit) Holdings holdings = {};
        int r;

        if (shmbroker_stat(ctl->connection, selector->name, selector->id, &info))
                return ctl_failed(ctl);
        r = holdings_add(ctl, &holdings, info, &(HoldingFilter){});
        if (r)
                return r;
        if (ctl->json)
                return print_json(info, &holdings);
        r = print_info(ctl, info, style);
        return r ? r : print_holdings(ctl, &holdings);
}

static int show_run(Ctl *ctl) {
        CellStyle style = CELL_PEOPLE;
        const char *value, *id = NULL;
        Selector selector;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                if (key == 'b')
                        style = CELL_BYTES;
                else
                        id = value;
        }
        r = ctl_begin_segment(ctl, id, &selector);
        return r ? r : show_segment(ctl, &selector, style);
}

const Command command_show = {
        .name = "show",
        .arguments = "NAME | --id ID",
        .operands = { "NAME" },
        .summary = "Shows all about a segment, and who has it",
        COMMAND_OPTIONS(options),
        .run = show_run,
};
