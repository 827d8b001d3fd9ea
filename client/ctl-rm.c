/* shmbrokerctl rm: marks segments for destruction. */

#include <inttypes.h>
#include <stdio.h>

#include "client/ctl-json.h"
#include "client/ctl.h"

static const Option options[] = { ID_OPTION };

static void say(const Selector *selector, uint64_t n_attached) {
        if (n_attached == 0)
                return;
        if (selector->name)
                (void) printf("Segment '%s'", selector->name);
        else
                (void) printf("Segment %" PRId64, selector->id);
        (void) printf(" is removed when its attachments end, of which there are %" PRIu64 "\n",
                      n_attached);
}

static int rm(const Ctl *ctl, const Selector *selector, Json *json) {
        uint64_t n_attached;
        int destroyed;

        if (shmbroker_remove(ctl->connection, selector->name, selector->id, &destroyed,
                             &n_attached))
                return ctl_failed(ctl);
        if (ctl->json)
                json_append_removed(json, "removed", selector->name, selector->id, destroyed,
                                    n_attached);
        else
                say(selector, n_attached);
        return CTL_SUCCESS;
}

/* What one cannot be done does not keep the others from being done. */
static int rm_all(Ctl *ctl, const char *id) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;
        int code = CTL_SUCCESS, r;
        Selector selector;

        json_add_list(&json, "removed");
        do {
                r = ctl_select(ctl, id, &selector);
                if (r)
                        return r;
                r = rm(ctl, &selector, &json);
                if (r)
                        code = r;
        } while (ctl->argc > 0 && code != CTL_NO_BROKER);
        if (!ctl->json)
                return code;
        r = json_print(&json);
        return code ? code : r;
}

static int run(Ctl *ctl) {
        const char *value, *id = NULL;
        Selector selector;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                id = value;
        }
        /* An id stands alone. Wrong ones are told before anything is asked. */
        if (id || ctl->argc == 0) {
                r = ctl_no_operands(ctl);
                r = r ? r : ctl_select(ctl, id, &selector);
                if (r)
                        return r;
        }
        r = ctl_connect(ctl);
        return r ? r : rm_all(ctl, id);
}

const Command command_rm = {
        .name = "rm",
        .arguments = "NAME... | --id ID",
        .summary = "Removes segments: the name at once, the memory with its last attachment",
        COMMAND_OPTIONS(options),
        .run = run,
};
