/* SPDX-License-Identifier: MIT */
/* shmbrokerctl write: fills a segment from a file or from standard input. */

#include <errno.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/put.h"

static const Option options[] = {
        ID_OPTION,
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL, "create the segment if it does not exist; so without" },
        { "new", OPTION_NEW, NULL, "create the segment, which must not exist" },
        { "open", OPTION_OPEN, NULL, "do not create the segment" },
        { "offset", OPTION_OFFSET, "SIZE", "where to begin in a segment that exists" },
        PUT_OPTIONS,
        OWNER_OPTION,
};

static int write_segment(Ctl *ctl, const Put *put) {
        _cleanup_(stream_close) Stream from = STREAM_NULL;
        const char *path = ctl->argc > 0 ? *ctl->argv++ : NULL;
        int r;

        if (path)
                --ctl->argc;
        r = ctl_no_operands(ctl);
        r = r ? r : stream_open_input(path, &from);
        r = r ? r : ctl_connect(ctl);
        return r ? r : put_any(ctl, &from, put);
}

/* What makes a new segment does not go with what means one that exists. */
static int write_check(const Ctl *ctl, const Put *put, const char *id) {
        const Acquisition *acquisition = &put->acquisition;
        bool is_new = put->replace || put->seals ||
                      (acquisition->has_create && acquisition->create == SHMBROKER_CREATE_NEW);
        bool may_be_new =
                is_new || (acquisition->has_create && acquisition->create == SHMBROKER_CREATE_ANY);

        if (is_new && id)
                return ctl_usage(ctl, "--id means a segment that exists; --new, --replace and "
                                      "--seal make one, which needs a name");
        if (is_new && put->offset)
                return ctl_usage(ctl, "--offset is for a segment that exists; --new, --replace and "
                                      "--seal make one");
        return may_be_new ? acquisition_check_creation(ctl, acquisition) : 0;
}

static int write_parse(Ctl *ctl, Put *put) {
        const char *value, *id = NULL;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == OPTION_ID) {
                        id = value;
                        continue;
                }
                r = put_option(ctl, put, key, value);
                if (r)
                        return r;
        }
        r = write_check(ctl, put, id);
        return r ? r : ctl_select(ctl, id, &put->target);
}

static int write_run(Ctl *ctl) {
        _cleanup_(put_deinit) Put put = {};
        int r;

        r = put_init(&put);
        r = r ? r : write_parse(ctl, &put);
        return r ? r : write_segment(ctl, &put);
}

const Command command_write = {
        .name = "write",
        .arguments = "NAME | --id ID [FILE] [OPTION...]",
        .operands = { "NAME", "FILE" },
        .summary = "Fills a segment from a file or standard input, creating it if need be",
        COMMAND_OPTIONS(options),
        .run = write_run,
};
