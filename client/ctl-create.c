/* shmbrokerctl create: a segment that stays when the command ends. */

#include <inttypes.h>
#include <stdio.h>

#include "client/ctl-json.h"
#include "client/ctl-size.h"
#include "client/ctl.h"

static const Option options[] = {
        ACQUIRE_OPTIONS,
        { "any", OPTION_ANY, NULL, "it is well if it exists already, and is as large" },
};

static int print_json(const struct shmbroker_info *info) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_add_text(&json, "segment", shmbroker_info_json(info));
        return json_print(&json);
}

static int create(const Ctl *ctl, const Selector *selector, struct shmbroker_options *acquire) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        const struct shmbroker_info *info;
        int r;

        r = ctl_acquire(ctl, selector, acquire, &segment);
        if (r)
                return r;
        info = shmbroker_segment_info(segment);
        if (ctl->json)
                return print_json(info);
        (void) printf("%s segment '%s', id %" PRId64 ", %" PRIu64 " bytes\n",
                      shmbroker_segment_created(segment) ? "Created" : "There is", selector->name,
                      shmbroker_info_id(info), shmbroker_info_size(info));
        return CTL_SUCCESS;
}

static int run(Ctl *ctl) {
        _cleanup_(shmbroker_options_freep) struct shmbroker_options *acquire = NULL;
        bool has_size = false;
        const char *value;
        Selector selector;
        int key, r;

        if (shmbroker_options_new(&acquire))
                return ctl_no_memory();
        shmbroker_options_set_create(acquire, SHMBROKER_CREATE_NEW);
        shmbroker_options_set_no_map(acquire, true);
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG || ctl_acquire_option(ctl, acquire, key, value))
                        return CTL_USAGE;
                has_size = has_size || key == 's';
        }
        r = ctl_select(ctl, NULL, &selector);
        if (r)
                return r;
        r = ctl_no_operands(ctl);
        if (r)
                return r;
        if (!has_size)
                return ctl_usage(ctl, "how large it is to be is missing: --size SIZE");
        r = ctl_connect(ctl);
        return r ? r : create(ctl, &selector, acquire);
}

const Command command_create = {
        .name = "create",
        .arguments = "NAME --size SIZE [OPTION...]",
        .summary = "Creates a segment",
        COMMAND_OPTIONS(options),
        .run = run,
};
