/* SPDX-License-Identifier: MIT */
/* shmbrokerctl seal: forbids for ever what can be done to a segment. */

#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/value.h"

static const Option options[] = { ID_OPTION };

static int seal_segment(const Ctl *ctl, const Selector *selector, const void *userdata,
                        struct shmbroker_info **ret) {
        const unsigned int *seals = userdata;

        if (shmbroker_seal(ctl->connection, selector->name, selector->id, *seals, ret))
                return ctl_failed(ctl);
        return 0;
}

static int seal_run(Ctl *ctl) {
        unsigned int seals = 0;
        const char *id, *text;
        int r;

        r = change_options(ctl, &id);
        if (r)
                return r;
        text = change_operand(ctl, id,
                              "the seals are missing: write, futureWrite, exec or seal, with "
                              "commas between them");
        if (!text)
                return CTL_USAGE;
        r = value_seals(ctl, "SEALS", text, &seals);
        return r ? r : change_segments(ctl, id, seal_segment, &seals);
}

const Command command_seal = {
        .name = "seal",
        .arguments = "NAME SEALS | --id ID SEALS",
        .operands = { "NAME", "SEALS" },
        .summary = "Forbids for ever, with commas between: write, futureWrite, exec, seal",
        COMMAND_OPTIONS(options),
        .run = seal_run,
};
