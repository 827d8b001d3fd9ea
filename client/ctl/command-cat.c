/* SPDX-License-Identifier: MIT */
/* shmbrokerctl cat: what is in a segment, to stdout. */

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "client/ctl/acquire.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/value.h"

typedef struct CatOptions CatOptions;

struct CatOptions {
        const char *id;
        uint64_t offset;
        uint64_t length;
        bool quiet;
};

static const Option options[] = {
        ID_OPTION,
        { "offset", OPTION_OFFSET, "SIZE", "where to begin, such as 4096 or 64K" },
        { "length", OPTION_LENGTH, "SIZE", "how much at most" },
        OWNER_OPTION,
        WAIT_OPTION,
        { "quiet", 'q', NULL, "show no progress" },
};

static int cat_segment(const Ctl *ctl, const Selector *selector, const Acquisition *acquisition,
                       const CatOptions *given) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        _cleanup_(stream_close) Stream to = STREAM_NULL;
        Copy copy = { .length = given->length };
        Stream from;
        int r;

        r = acquire_to_read(ctl, selector, acquisition, &segment, &from);
        if (r)
                return r;
        if (given->offset > from.end)
                return ctl_error("%s has %" PRIu64 " bytes, which is less than --offset", from.name,
                                 from.end);
        from.at = given->offset;
        r = stream_open_output(NULL, &to);
        if (r)
                return r;
        /* A terminal shows how far it is by itself. */
        copy.quiet = given->quiet || isatty(STDOUT_FILENO);
        return stream_copy(&from, &to, &copy);
}

static int take_option(const Ctl *ctl, CatOptions *given, Acquisition *acquisition, int key,
                       const char *value) {
        switch (key) {
        case OPTION_ID:
                given->id = value;
                return 0;
        case OPTION_OFFSET:
                return value_size(ctl, "--offset", value, &given->offset);
        case OPTION_LENGTH:
                return value_size(ctl, "--length", value, &given->length);
        case 'q':
                given->quiet = true;
                return 0;
        default:
                return acquisition_option(ctl, acquisition, key, value);
        }
}

static int cat_run(Ctl *ctl) {
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        CatOptions given = { .length = UINT64_MAX };
        const char *value;
        Selector selector;
        int key, r;

        r = acquisition_init(&acquisition);
        if (r)
                return r;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = take_option(ctl, &given, &acquisition, key, value);
                if (r)
                        return r;
        }
        r = ctl_begin_segment(ctl, given.id, &selector);
        return r ? r : cat_segment(ctl, &selector, &acquisition, &given);
}

const Command command_cat = {
        .name = "cat",
        .arguments = "NAME | --id ID [OPTION...]",
        .operands = { "NAME" },
        .summary = "Writes what is in a segment to standard output",
        COMMAND_OPTIONS(options),
        .run = cat_run,
};
