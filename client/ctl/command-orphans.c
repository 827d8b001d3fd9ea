/* SPDX-License-Identifier: MIT */
/* shmbrokerctl orphans: a line for each object of shared memory that no broker manages. */

#include "client/ctl/commands.h"
#include "client/ctl/search.h"

static const Option options[] = {
        SEARCH_OPTIONS,
        TABLE_OPTIONS,
};

static int orphans_print(const Ctl *ctl, const Search *search, const Natives *natives) {
        _cleanup_(table_freep) Table *table = NULL;

        if (search_table(ctl, search, natives, &table))
                return ctl_no_memory();
        return table_print(ctl, table, "objects", native_json);
}

static int orphans_run(Ctl *ctl) {
        _cleanup_(natives_deinit) Natives natives = {};
        Search search = {};
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = key == CTL_OPTIONS_WRONG ? CTL_USAGE : search_option(ctl, &search, key, value);
                if (r)
                        return r;
        }
        r = search_operand(ctl, &search);
        r = r ? r : search_run(ctl, &search, &natives);
        return r ? r : orphans_print(ctl, &search, &natives);
}

const Command command_orphans = {
        .name = "orphans",
        .arguments = "[PATTERN] [OPTION...]",
        .operands = { "OBJECT" },
        .summary = "Lists System V and POSIX shared memory without a broker, and who has it",
        .columns = native_columns,
        COMMAND_OPTIONS(options),
        .run = orphans_run,
};
