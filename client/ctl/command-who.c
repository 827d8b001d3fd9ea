/* SPDX-License-Identifier: MIT */
/* shmbrokerctl who: who has segments, a line for each attachment. */

#include <stdlib.h>

#include "client/ctl/attachment.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/info.h"
#include "client/ctl/value.h"

typedef struct WhoOptions WhoOptions;

struct WhoOptions {
        const char *id;
        HoldingFilter filter;
        TableOptions table;
};

/* Attachments, and the segments that they are of, where they were asked for one by one. */
typedef struct Found Found;

struct Found {
        Holdings holdings;
        struct shmbroker_info **infos;
        size_t n_infos;
};

static const Option options[] = {
        ID_OPTION,
        { "holder", 'u', "USER", "only attachments of this user, by name or number" },
        { "pid", 'p', "PID", "only those that this process has acquired and still has" },
        TABLE_OPTIONS,
};

static void found_deinit(Found *found) {
        holdings_deinit(&found->holdings);
        for (size_t i = 0; i < found->n_infos; ++i)
                (void) shmbroker_info_free(found->infos[i]);
        free(found->infos);
        *found = (Found){};
}

static int take_option(const Ctl *ctl, WhoOptions *who, int key, const char *value) {
        switch (key) {
        case CTL_OPTIONS_WRONG:
                return CTL_USAGE;
        case OPTION_ID:
                who->id = value;
                return 0;
        case 'u':
                who->filter.has_uid = true;
                return value_user(ctl, "--holder", value, &who->filter.uid);
        case 'p':
                return value_pid(ctl, "--pid", value, &who->filter.pid);
        default:
                return table_option(ctl, &who->table, key, value);
        }
}

static int who_print(const Ctl *ctl, const WhoOptions *who, const Holdings *holdings) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        r = table_new(ctl, holding_columns, &who->table, &table);
        for (size_t i = 0; r == 0 && i < holdings->n_items; ++i)
                r = table_add(table, &holdings->items[i]);
        if (r)
                return ctl_no_memory();
        return table_print(ctl, table, "attachments", holding_json);
}

/* Of everything, removed segments too: they are what people look for. */
static int who_all(const Ctl *ctl, const WhoOptions *who) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *segments = NULL;
        _cleanup_(holdings_deinit) Holdings holdings = {};
        int r = 0;

        if (shmbroker_filter_new(&filter))
                return ctl_no_memory();
        shmbroker_filter_set_include_removed(filter, true);
        if (shmbroker_list_segments(ctl->connection, filter, &segments))
                return ctl_failed(ctl);
        for (size_t i = 0; r == 0 && i < shmbroker_list_count(segments); ++i) {
                const struct shmbroker_info *info = shmbroker_list_get(segments, i);

                if (info_is_held(info))
                        r = holdings_add(ctl, &holdings, info, &who->filter);
        }
        return r ? r : who_print(ctl, who, &holdings);
}

static int who_one(const Ctl *ctl, const WhoOptions *who, const Selector *selector, Found *found) {
        struct shmbroker_info *info;

        if (shmbroker_stat(ctl->connection, selector->name, selector->id, &info))
                return ctl_failed(ctl);
        found->infos[found->n_infos++] = info;
        return holdings_add(ctl, &found->holdings, info, &who->filter);
}

/* What one cannot be told of does not keep the others from being told of. */
static int who_named(Ctl *ctl, const WhoOptions *who) {
        _cleanup_(found_deinit) Found found = {};
        int code = CTL_SUCCESS, r;
        Selector selector;

        found.infos = calloc((size_t) ctl->argc + 1, sizeof(struct shmbroker_info *));
        if (!found.infos)
                return ctl_no_memory();
        do {
                r = ctl_select(ctl, who->id, &selector);
                if (r)
                        return r;
                r = who_one(ctl, who, &selector, &found);
                if (r)
                        code = r;
        } while (ctl->argc > 0 && code != CTL_NO_BROKER);
        r = code == CTL_NO_BROKER ? code : who_print(ctl, who, &found.holdings);
        return code ? code : r;
}

static int who_run(Ctl *ctl) {
        WhoOptions who = {};
        const char *value;
        Selector selector;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = take_option(ctl, &who, key, value);
                if (r)
                        return r;
        }
        if (who.id) {
                r = ctl_no_operands(ctl);
                r = r ? r : ctl_select(ctl, who.id, &selector);
                if (r)
                        return r;
        }
        r = ctl_connect(ctl);
        if (r)
                return r;
        return who.id || ctl->argc > 0 ? who_named(ctl, &who) : who_all(ctl, &who);
}

const Command command_who = {
        .name = "who",
        .arguments = "[NAME... | --id ID] [OPTION...]",
        .operands = { "NAME..." },
        .summary = "Shows who has segments, which process and since when",
        .columns = holding_columns,
        COMMAND_OPTIONS(options),
        .run = who_run,
};
