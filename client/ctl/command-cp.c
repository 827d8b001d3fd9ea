/* SPDX-License-Identifier: MIT */
/* shmbrokerctl cp: copies between segments and files. */

#include <errno.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/put.h"
#include "client/ctl/value.h"

#define NAME_PREFIX "shm:"
#define ID_PREFIX "id:"

typedef struct Place Place;

/* A file, or a segment. */
struct Place {
        const char *path;
        Selector selector;
};

static const Option options[] = {
        ACQUIRE_OPTIONS,
        { "new", OPTION_NEW, NULL, "the target segment must not exist" },
        { "open", OPTION_OPEN, NULL, "the target segment has to exist" },
        PUT_OPTIONS,
};

/* A file whose name begins like that is meant by "./shm:". */
static int read_place(const Ctl *ctl, const char *text, Place *ret) {
        *ret = (Place){};
        if (strncmp(text, ID_PREFIX, strlen(ID_PREFIX)) == 0)
                return value_id(ctl, "id:", text + strlen(ID_PREFIX), &ret->selector.id);
        if (strncmp(text, NAME_PREFIX, strlen(NAME_PREFIX)) == 0)
                ret->selector.name = text + strlen(NAME_PREFIX);
        else
                ret->path = text;
        return 0;
}

static int copy_to(const Ctl *ctl, Stream *from, const Place *target, Put *put) {
        _cleanup_(stream_close) Stream to = STREAM_NULL;
        Copy copy = { .length = UINT64_MAX, .quiet = put->quiet };
        int r;

        put->target = target->selector;
        if (!target->path)
                return put_any(ctl, from, put);
        r = stream_open_output(target->path, &to);
        return r ? r : stream_copy(from, &to, &copy);
}

static int copy_segment(const Ctl *ctl, const Place *source, const Place *target, Put *put) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        Stream from;
        int r;

        r = acquisition_init(&acquisition);
        r = r ? r : acquire_to_read(ctl, &source->selector, &acquisition, &segment, &from);
        return r ? r : copy_to(ctl, &from, target, put);
}

static int cp_copy(Ctl *ctl, const Place *source, const Place *target, Put *put) {
        _cleanup_(stream_close) Stream from = STREAM_NULL;
        int r;

        if (!source->path) {
                r = ctl_connect(ctl);
                return r ? r : copy_segment(ctl, source, target, put);
        }
        r = stream_open_input(source->path, &from);
        r = r ? r : ctl_connect(ctl);
        return r ? r : copy_to(ctl, &from, target, put);
}

static int cp_check(const Ctl *ctl, const Place *source, const Place *target, const Put *put) {
        bool is_new = put->replace || put->seals || put->acquisition.create;

        if (source->path && target->path)
                return ctl_usage(ctl,
                                 "'%s' and '%s' are files; a segment is written shm:NAME or "
                                 "id:ID",
                                 source->path, target->path);
        if (is_new && !target->selector.name)
                return ctl_usage(ctl, "--new, --replace and --seal make a segment, and need a "
                                      "target shm:NAME");
        return 0;
}

static int run_parsed(Ctl *ctl, Put *put) {
        Place source, target;
        int r;

        if (ctl->argc < 2)
                return ctl_usage(ctl, "%s is missing; a segment is written shm:NAME or id:ID",
                                 ctl->argc == 0 ? "what to copy" : "where to copy it to");
        r = read_place(ctl, ctl->argv[0], &source);
        r = r ? r : read_place(ctl, ctl->argv[1], &target);
        ctl->argv += 2;
        ctl->argc -= 2;
        r = r ? r : ctl_no_operands(ctl);
        r = r ? r : cp_check(ctl, &source, &target, put);
        return r ? r : cp_copy(ctl, &source, &target, put);
}

static int cp_run(Ctl *ctl) {
        _cleanup_(put_deinit) Put put = {};
        const char *value;
        int key, r;

        r = put_init(&put);
        if (r)
                return r;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = put_option(ctl, &put, key, value);
                if (r)
                        return r;
        }
        return run_parsed(ctl, &put);
}

const Command command_cp = {
        .name = "cp",
        .arguments = "SOURCE TARGET [OPTION...], each FILE, -, shm:NAME or id:ID",
        .operands = { "PLACE", "PLACE" },
        .summary = "Copies between segments and files",
        COMMAND_OPTIONS(options),
        .run = cp_run,
};
