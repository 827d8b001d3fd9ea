/* SPDX-License-Identifier: MIT */
/* shmbrokerctl create: a segment that stays when the command ends. */

#include "client/ctl/acquire.h"
#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/info.h"

static const Option options[] = {
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL, "it is well if it exists already, and is as large" },
        { "new", OPTION_NEW, NULL, "it must not exist (the default)" },
};

/* The attachment by which it is created must not be its last: it is for those who come. */
static int create_segment(const Ctl *ctl, const Selector *selector,
                          const Acquisition *acquisition) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        Selector same = {};
        bool created;

        if (shmbroker_acquire(ctl->connection, selector->name, acquisition->options, &segment))
                return ctl_failed(ctl);
        same.id = shmbroker_info_id(shmbroker_segment_info(segment));
        created = shmbroker_segment_created(segment);
        if (!created || !acquisition->remove_on_last_detach)
                return info_print(ctl, shmbroker_segment_info(segment));
        segment = shmbroker_release(segment);
        if (change_remove_on_last_detach(ctl, same.id, true, &info))
                return CTL_FAILED;
        return info_print(ctl, info);
}

static int create_parse(Ctl *ctl, Acquisition *acquisition, Selector *selector) {
        const char *value;
        int key, r;

        acquisition->create = SHMBROKER_CREATE_NEW;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = acquisition_option(ctl, acquisition, key, value);
                if (r)
                        return r;
        }
        /* Without a name it is private. */
        if (ctl->argc > 0) {
                r = ctl_select(ctl, NULL, selector);
                r = r ? r : ctl_no_operands(ctl);
                if (r)
                        return r;
        } else if (acquisition->has_create) {
                return ctl_usage(
                        ctl,
                        "--create and --new need a name: a private segment is always a new one");
        }
        if (!acquisition->has_size && !acquisition->has_maximum)
                return ctl_usage(ctl, "how large it is to be is missing: --size SIZE");
        return 0;
}

static int create_run(Ctl *ctl) {
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        Selector selector = {};
        int r;

        r = acquisition_init(&acquisition);
        if (r)
                return r;
        r = create_parse(ctl, &acquisition, &selector);
        if (r)
                return r;
        if (!acquisition.has_size)
                shmbroker_options_set_size(acquisition.options, 0);
        shmbroker_options_set_create(acquisition.options, acquisition.create);
        shmbroker_options_set_map(acquisition.options, 0);
        shmbroker_options_set_remove_on_last_detach(acquisition.options, false);
        r = ctl_connect(ctl);
        return r ? r : create_segment(ctl, &selector, &acquisition);
}

const Command command_create = {
        .name = "create",
        .arguments = "[NAME] --size SIZE [OPTION...]",
        .operands = { "NEW" },
        .summary = "Creates a segment and prints its name, or the number of a private one",
        COMMAND_OPTIONS(options),
        .run = create_run,
};
