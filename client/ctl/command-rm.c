/* SPDX-License-Identifier: MIT */
/* shmbrokerctl rm: marks segments for destruction. */

#include <inttypes.h>
#include <stdio.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/ctl.h"
#include "client/ctl/json.h"

typedef struct Removal Removal;

struct Removal {
        const char *id;
        /* It is well if there is none */
        bool force;
        Json json;
};

static const Option options[] = {
        ID_OPTION,
        { "force", 'f', NULL, "it is well if there is no such segment" },
};

static void rm_say(const Selector *selector, const struct shmbroker_info *info) {
        uint64_t n_attached;

        if (selector->name)
                (void) printf("Segment '%s'", selector->name);
        else
                (void) printf("Segment %" PRId64, selector->id);
        (void) printf(" is removed on its last detach");
        if (shmbroker_info_attach_count(info, &n_attached) == 0)
                (void) printf("; it has %" PRIu64 " attachment%s", n_attached,
                              n_attached == 1 ? "" : "s");
        (void) printf("\n");
}

static int rm_one(const Ctl *ctl, const Selector *selector, Removal *removal) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        int r;

        r = shmbroker_remove(ctl->connection, selector->name, selector->id, 0, &info);
        if (r)
                return removal->force && ctl_is_missing(ctl) ? CTL_SUCCESS : ctl_failed(ctl);
        if (ctl->json)
                json_append_removed(&removal->json, "removed", selector->name, selector->id, info);
        else if (info)
                rm_say(selector, info);
        return CTL_SUCCESS;
}

/* What one cannot be done does not keep the others from being done. */
static int rm_all(Ctl *ctl, Removal *removal) {
        int code = CTL_SUCCESS, r;
        Selector selector;

        while ((removal->id || ctl->argc > 0) && code != CTL_NO_BROKER) {
                r = ctl_select(ctl, removal->id, &selector);
                if (r)
                        return r;
                r = rm_one(ctl, &selector, removal);
                if (r)
                        code = r;
                if (removal->id)
                        break;
        }
        return code;
}

/* An id stands alone. Wrong ones are told before anything is asked. */
static int rm_check(Ctl *ctl, const Removal *removal) {
        Selector selector;
        int r;

        if (!removal->id && (ctl->argc > 0 || removal->force))
                return 0;
        r = ctl_no_operands(ctl);
        return r ? r : ctl_select(ctl, removal->id, &selector);
}

static int remove_and_print(Ctl *ctl, Removal *removal) {
        int code, r;

        r = rm_check(ctl, removal);
        if (r)
                return r;
        r = ctl_connect(ctl);
        if (r)
                return r;
        json_add_list(&removal->json, "removed");
        code = rm_all(ctl, removal);
        if (!ctl->json)
                return code;
        r = json_print(&removal->json);
        return code ? code : r;
}

static int rm_run(Ctl *ctl) {
        Removal removal = { .json = JSON_NULL_DOCUMENT };
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                if (key == 'f')
                        removal.force = true;
                else
                        removal.id = value;
        }
        r = remove_and_print(ctl, &removal);
        json_deinit(&removal.json);
        return r;
}

const Command command_rm = {
        .name = "rm",
        .arguments = "NAME... | --id ID",
        .operands = { "NAME..." },
        .summary = "Removes segments: the name at once, the memory with its last attachment",
        COMMAND_OPTIONS(options),
        .run = rm_run,
};
