/* SPDX-License-Identifier: MIT */
/* shmbrokerctl list: a line for each segment. */

#include <string.h>

#include "client/ctl/attachment.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/filter.h"
#include "client/ctl/info.h"
#include "client/ctl/value.h"

typedef struct ListOptions ListOptions;

struct ListOptions {
        struct shmbroker_filter *filter;
        TableOptions table;
        /* 0 is any process */
        pid_t pid;
};

static const Option options[] = {
        FILTER_OPTIONS,
        { "pid", 'p', "PID", "only segments that this process has acquired and still has" },
        { "all", 'a', NULL, "also those marked for destruction" },
        TABLE_OPTIONS,
};

static int take_option(const Ctl *ctl, ListOptions *list, int key, const char *value) {
        switch (key) {
        case CTL_OPTIONS_WRONG:
                return CTL_USAGE;
        case 'p':
                return value_pid(ctl, "--pid", value, &list->pid);
        case 'a':
                shmbroker_filter_set_include_removed(list->filter, true);
                return 0;
        default:
                return table_option(ctl, &list->table, key, value);
        }
}

static int list_parse(Ctl *ctl, ListOptions *list) {
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = filter_option(ctl, list->filter, key, value);
                if (r == FILTER_OTHER)
                        r = take_option(ctl, list, key, value);
                if (r)
                        return r;
        }
        r = filter_operand(ctl, list->filter);
        return r ? r : ctl_no_operands(ctl);
}

/* Has the process that is asked for this segment? */
static int is_held(const Ctl *ctl, const ListOptions *list, const struct shmbroker_info *info,
                   bool *ret) {
        _cleanup_(holdings_deinit) Holdings holdings = {};
        int r;

        *ret = !list->pid;
        if (!list->pid || !info_is_held(info))
                return 0;
        r = holdings_add(ctl, &holdings, info, &(HoldingFilter){ .pid = list->pid });
        *ret = holdings.n_items > 0;
        return r;
}

static char *info_json(const void *item) {
        return strdup(shmbroker_info_json(item));
}

static int list_print(const Ctl *ctl, const ListOptions *list,
                      const struct shmbroker_list *segments) {
        _cleanup_(table_freep) Table *table = NULL;
        bool held;
        int r;

        if (table_new(ctl, info_columns, &list->table, &table))
                return ctl_no_memory();
        for (size_t i = 0; i < shmbroker_list_count(segments); ++i) {
                const struct shmbroker_info *info = shmbroker_list_get(segments, i);

                r = is_held(ctl, list, info, &held);
                if (r)
                        return r;
                if (held && table_add(table, info))
                        return ctl_no_memory();
        }
        return table_print(ctl, table, "segments", info_json);
}

static int list_all(Ctl *ctl, const ListOptions *list) {
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *segments = NULL;
        int r;

        r = ctl_connect(ctl);
        if (r)
                return r;
        if (shmbroker_list_segments(ctl->connection, list->filter, &segments))
                return ctl_failed(ctl);
        return list_print(ctl, list, segments);
}

static int list_run(Ctl *ctl) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        ListOptions list = {};
        int r;

        if (shmbroker_filter_new(&filter))
                return ctl_no_memory();
        list.filter = filter;
        r = list_parse(ctl, &list);
        return r ? r : list_all(ctl, &list);
}

const Command command_list = {
        .name = "list",
        .arguments = "[PATTERN] [OPTION...]",
        .operands = { "PATTERN" },
        .summary = "Lists the segments that you may read",
        .columns = info_columns,
        COMMAND_OPTIONS(options),
        .run = list_run,
};
