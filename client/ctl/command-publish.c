/* SPDX-License-Identifier: MIT */
/* shmbrokerctl publish: gives a name to a segment that is whole. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/put.h"
#include "client/ctl/value.h"

static const Option options[] = {
        { "id", OPTION_ID, "ID", "the private segment with this number, in place of a new one" },
        ACQUIRE_OPTIONS,
        PUT_OPTIONS,
        OWNER_OPTION,
};

/* Before it is sealed, which cannot be taken back. Return: 0 or an exit code. */
static int check_owner(const Ctl *ctl, const Put *put, int64_t id) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;

        if (shmbroker_stat(ctl->connection, NULL, id, &info))
                return ctl_failed(ctl);
        if (acquisition_is_for(&put->acquisition, shmbroker_info_owner_uid(info)) &&
            acquisition_is_for(&put->acquisition, shmbroker_info_creator_uid(info)))
                return 0;
        return ctl_error("the segment with the id %" PRId64 " is not sealed: owner or creator is "
                         "another user than --owner says",
                         id);
}

/* What exists is only sealed and named. */
static int publish_private(Ctl *ctl, const Put *put, int64_t id) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        int64_t replaced_id;
        int r;

        r = ctl_connect(ctl);
        r = r || !put->seals ? r : check_owner(ctl, put, id);
        if (r)
                return r;
        if (put->seals && shmbroker_seal(ctl->connection, NULL, id, put->seals, NULL))
                return ctl_failed(ctl);
        r = put_name(ctl, put, id, &info, &replaced_id);
        return r ? r : put_print(ctl, info, replaced_id);
}

static int publish_new(Ctl *ctl, const char *path, const Put *put) {
        _cleanup_(stream_close) Stream from = STREAM_NULL;
        int r;

        r = stream_open_input(path, &from);
        r = r ? r : ctl_connect(ctl);
        return r ? r : put_new(ctl, &from, put);
}

static int publish_segment(Ctl *ctl, Put *put, const char *id) {
        const char *path = NULL;
        int64_t number = 0;
        int r;

        r = id ? value_id(ctl, "--id", id, &number)
               : acquisition_check_creation(ctl, &put->acquisition);
        r = r ? r : ctl_select(ctl, NULL, &put->target);
        if (r)
                return r;
        if (!id && ctl->argc > 0) {
                path = *ctl->argv++;
                --ctl->argc;
        }
        r = ctl_no_operands(ctl);
        if (r)
                return r;
        return id ? publish_private(ctl, put, number) : publish_new(ctl, path, put);
}

static int publish_run(Ctl *ctl) {
        _cleanup_(put_deinit) Put put = {};
        const char *value, *id = NULL;
        int key, r;

        r = put_init(&put);
        if (r)
                return r;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == OPTION_ID) {
                        id = value;
                        continue;
                }
                r = put_option(ctl, &put, key, value);
                if (r)
                        return r;
        }
        return publish_segment(ctl, &put, id);
}

const Command command_publish = {
        .name = "publish",
        .arguments = "NAME [FILE] | --id ID NAME [OPTION...]",
        .operands = { "NEW", "FILE" },
        .summary = "Fills a new segment and then names it; or names a private one",
        COMMAND_OPTIONS(options),
        .run = publish_run,
};
