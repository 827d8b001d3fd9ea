/* SPDX-License-Identifier: MIT */
/* shmbrokerctl set: when segments remove themselves, and whether they are locked in memory. */

#include <string.h>

#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/value.h"

static const Option options[] = {
        ID_OPTION,
        { "remove-on-last-detach", OPTION_REMOVE_ON_LAST_DETACH, "BOOLEAN",
          "yes: removes itself when its last user ends; no: does not" },
        { "linger", OPTION_LINGER, "LINGER",
          "removes itself after so long without one, such as 10s; or never" },
        { "locked", OPTION_LOCKED, "BOOLEAN", "yes: is locked in memory; no: may be swapped out" },
};

static int set_boolean(const Ctl *ctl, const char *what, const char *text,
                       struct shmbroker_attributes *changes,
                       void (*set)(struct shmbroker_attributes *changes, int value)) {
        bool value = false;
        int r;

        r = value_boolean(ctl, what, text, &value);
        set(changes, value);
        return r;
}

static int set_linger(const Ctl *ctl, const char *text, struct shmbroker_attributes *changes) {
        uint64_t usec = SHMBROKER_FOREVER;
        int r = 0;

        if (strcmp(text, "never") != 0)
                r = value_time(ctl, "--linger", text, &usec);
        shmbroker_attributes_set_linger(changes, usec);
        return r;
}

static int take_option(const Ctl *ctl, struct shmbroker_attributes *changes, int key,
                       const char *value) {
        switch (key) {
        case OPTION_REMOVE_ON_LAST_DETACH:
                return set_boolean(ctl, "--remove-on-last-detach", value, changes,
                                   shmbroker_attributes_set_remove_on_last_detach);
        case OPTION_LINGER:
                return set_linger(ctl, value, changes);
        case OPTION_LOCKED:
                return set_boolean(ctl, "--locked", value, changes,
                                   shmbroker_attributes_set_locked);
        default:
                return CTL_USAGE;
        }
}

static int set_run(Ctl *ctl) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *changes = NULL;
        const char *value, *id = NULL;
        size_t n_changes = 0;
        int key, r;

        if (shmbroker_attributes_new(&changes))
                return ctl_no_memory();
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == OPTION_ID) {
                        id = value;
                        continue;
                }
                r = take_option(ctl, changes, key, value);
                if (r)
                        return r;
                ++n_changes;
        }
        if (n_changes == 0)
                return ctl_usage(ctl, "what to set is missing: --remove-on-last-detach, --linger "
                                      "or --locked");
        return change_segments(ctl, id, change_attributes, changes);
}

const Command command_set = {
        .name = "set",
        .arguments = "NAME... | --id ID OPTION...",
        .operands = { "NAME..." },
        .summary = "Changes when segments remove themselves, and locks them in memory",
        COMMAND_OPTIONS(options),
        .run = set_run,
};
