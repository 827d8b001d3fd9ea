/* SPDX-License-Identifier: MIT */
/* shmbrokerctl resize: lets a segment grow. */

#include <inttypes.h>

#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/value.h"

typedef struct Growth Growth;

struct Growth {
        uint64_t size;
        /* What it has now comes on top */
        bool more;
};

static const Option options[] = { ID_OPTION };

/* Says which sizes would do, if that is what is wrong. */
static int resize_failed(const Ctl *ctl, uint64_t size) {
        const struct shmbroker_error *error = shmbroker_get_error(ctl->connection);
        int64_t minimum, maximum;

        if (shmbroker_error_number(error, "minimumBytes", &minimum) ||
            shmbroker_error_number(error, "maximumBytes", &maximum))
                return ctl_failed(ctl);
        if (minimum == maximum)
                return ctl_error("the segment has %" PRId64
                                 " bytes and cannot grow; only one that is created with --maximum "
                                 "can",
                                 minimum);
        return ctl_error("the segment cannot have %" PRIu64 " bytes: it has %" PRId64
                         ", never shrinks, and can grow to %" PRId64,
                         size, minimum, maximum);
}

static int resize_to(const Ctl *ctl, const Selector *selector, uint64_t size,
                     struct shmbroker_info **ret) {
        if (shmbroker_resize(ctl->connection, selector->name, selector->id, size, ret))
                return resize_failed(ctl, size);
        return 0;
}

static int resize_segment(const Ctl *ctl, const Selector *selector, const void *userdata,
                          struct shmbroker_info **ret) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        const Growth *growth = userdata;
        Selector same = {};
        uint64_t size;

        if (!growth->more)
                return resize_to(ctl, selector, growth->size, ret);
        if (shmbroker_stat(ctl->connection, selector->name, selector->id, &info))
                return ctl_failed(ctl);
        if (__builtin_add_overflow(shmbroker_info_size(info), growth->size, &size))
                return ctl_error("no segment can be as large as that: it has %" PRIu64 " bytes",
                                 shmbroker_info_size(info));
        /* The name may have passed to another segment meanwhile. */
        same.id = shmbroker_info_id(info);
        return resize_to(ctl, &same, size, ret);
}

static int read_growth(Ctl *ctl, const char *id, Growth *ret) {
        const char *text = change_operand(
                ctl, id, "the size is missing, such as 2G, or +64M for as much more");

        if (!text)
                return CTL_USAGE;
        ret->more = *text == '+';
        return value_size(ctl, "SIZE", ret->more ? text + 1 : text, &ret->size);
}

static int resize_run(Ctl *ctl) {
        Growth growth = {};
        const char *id;
        int r;

        r = change_options(ctl, &id);
        if (r)
                return r;
        r = read_growth(ctl, id, &growth);
        return r ? r : change_segments(ctl, id, resize_segment, &growth);
}

const Command command_resize = {
        .name = "resize",
        .arguments = "NAME SIZE | --id ID SIZE",
        .operands = { "NAME", "SIZE" },
        .summary = "Lets a segment grow to a size, or with +SIZE by as much",
        COMMAND_OPTIONS(options),
        .run = resize_run,
};
