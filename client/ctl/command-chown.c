/* SPDX-License-Identifier: MIT */
/* shmbrokerctl chown: whose segments are. */

#include <stdlib.h>
#include <string.h>

#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/value.h"

static const Option options[] = { ID_OPTION };

/* "USER", "USER:GROUP" or ":GROUP" */
static int read_owner(const Ctl *ctl, const char *text, struct shmbroker_attributes *changes) {
        char *user = strdup(text), *group;
        uid_t uid = 0;
        gid_t gid = 0;
        int r = 0;

        if (!user)
                return ctl_no_memory();
        group = strchr(user, ':');
        if (group)
                *group++ = '\0';
        if (*user || !group) {
                r = value_user(ctl, "OWNER", user, &uid);
                shmbroker_attributes_set_owner(changes, uid);
        }
        if (r == 0 && group) {
                r = value_group(ctl, "OWNER", group, &gid);
                shmbroker_attributes_set_group(changes, gid);
        }
        free(user);
        return r;
}

static int chown_run(Ctl *ctl) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *changes = NULL;
        const char *id;
        int r;

        if (shmbroker_attributes_new(&changes))
                return ctl_no_memory();
        r = change_options(ctl, &id);
        if (r)
                return r;
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the owner is missing: USER, USER:GROUP or :GROUP");
        r = read_owner(ctl, *ctl->argv, changes);
        if (r)
                return r;
        ++ctl->argv;
        --ctl->argc;
        return change_segments(ctl, id, change_attributes, changes);
}

const Command command_chown = {
        .name = "chown",
        .arguments = "[USER][:GROUP] NAME... | [USER][:GROUP] --id ID",
        .operands = { "OWNER", "NAME..." },
        .summary = "Changes owner and group of segments",
        COMMAND_OPTIONS(options),
        .run = chown_run,
};
