/* SPDX-License-Identifier: MIT */
/* shmbrokerctl wait: until a segment exists, or until it is gone. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/event.h"
#include "client/ctl/json.h"
#include "client/ctl/size.h"
#include "client/ctl/value.h"

typedef struct Waiting Waiting;

struct Waiting {
        const Ctl *ctl;
        Selector selector;
        const char *timeout;
        uint64_t timeout_usec;
        bool gone;
};

static const Option options[] = {
        ID_OPTION,
        { "gone", OPTION_GONE, NULL, "until the segment and its memory are gone" },
        { "timeout", OPTION_TIMEOUT, "TIME", "no longer than that, such as 500ms, 10s, 2min" },
};

static int wait_found(const Waiting *waiting, const struct shmbroker_info *info) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        if (!waiting->ctl->json)
                return CTL_SUCCESS;
        json_add_text(&json, "segment", shmbroker_info_json(info));
        return json_print(&json);
}

/* A removed one has no name any more, and is not what is waited for. */
static int is_there(const struct shmbroker_event *event, void *userdata) {
        const struct shmbroker_info *info = shmbroker_event_info(event);
        const Waiting *waiting = userdata;
        const char *name = info ? shmbroker_info_name(info) : NULL;

        if (!name || strcmp(name, waiting->selector.name) != 0 ||
            shmbroker_event_kind(event) == SHMBROKER_EVENT_DESTROYED)
                return EVENT_GO_ON;
        return wait_found(waiting, info);
}

static int is_gone(const struct shmbroker_event *event, void *userdata) {
        (void) userdata;
        return shmbroker_event_kind(event) == SHMBROKER_EVENT_DESTROYED ? CTL_SUCCESS : EVENT_GO_ON;
}

static int too_late(const Waiting *waiting) {
        const char *name = waiting->selector.name;
        char text[SIZE_TEXT];

        if (!name)
                (void) snprintf(text, sizeof(text), "%" PRId64, waiting->selector.id);
        (void) ctl_error(waiting->gone ? "segment '%s' is still there after %s; 'shmbrokerctl who' "
                                         "tells who has it"
                                       : "there is no segment '%s' after %s; 'shmbrokerctl watch' "
                                         "shows what is created",
                         name ? name : text, waiting->timeout);
        return CTL_NO_SEGMENT;
}

/* A name has nothing in it that is special in a pattern. */
static int watch_name(const Waiting *waiting, struct shmbroker_watch *watch) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        int r;

        r = shmbroker_filter_new(&filter);
        if (r == 0)
                r = shmbroker_filter_set_match(filter, waiting->selector.name);
        if (r == -ENAMETOOLONG)
                return ctl_usage(waiting->ctl, "no segment can have the name '%s'",
                                 waiting->selector.name);
        return r || shmbroker_watch_set_filter(watch, filter) ? ctl_no_memory() : 0;
}

static int run_watch(Waiting *waiting, struct shmbroker_watch *watch) {
        EventLoop loop = {
                .handler = waiting->gone ? is_gone : is_there,
                .userdata = waiting,
                .timeout_usec = waiting->timeout_usec,
                .missing_is_well = waiting->gone,
        };
        int r;

        r = waiting->gone ? shmbroker_watch_set_id(watch, waiting->selector.id)
                          : watch_name(waiting, watch);
        if (r)
                return r;
        r = events_run(watch, &loop);
        return r == EVENT_TIMEOUT ? too_late(waiting) : r;
}

/*
 * What is there already is found at once, and so is what may not be read: the watch would never
 * tell of it. If it comes in between, it is what the watch begins with.
 */
static int wait_for(Ctl *ctl, Waiting *waiting) {
        _cleanup_(shmbroker_watch_freep) struct shmbroker_watch *watch = NULL;
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        int r;

        r = ctl_connect(ctl);
        if (r)
                return r;
        r = shmbroker_stat(ctl->connection, waiting->selector.name, waiting->selector.id, &info);
        if (r && !ctl_is_missing(ctl))
                return ctl_failed(ctl);
        if (r && waiting->gone)
                return CTL_SUCCESS;
        if (!r && !waiting->gone)
                return wait_found(waiting, info);
        /* The name may be another segment's before this one is gone. */
        if (waiting->gone)
                waiting->selector.id = shmbroker_info_id(info);
        if (shmbroker_watch_new(ctl->connection, &watch))
                return ctl_no_memory();
        return run_watch(waiting, watch);
}

static int wait_run(Ctl *ctl) {
        Waiting waiting = { .ctl = ctl, .timeout_usec = SHMBROKER_FOREVER };
        const char *value, *id = NULL;
        int key, r = 0;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                if (key == OPTION_ID)
                        id = value;
                else if (key == OPTION_GONE)
                        waiting.gone = true;
                else
                        waiting.timeout = value;
        }
        if (id && !waiting.gone)
                return ctl_usage(ctl, "--id goes with --gone: a number never comes again");
        if (waiting.timeout)
                r = value_time(ctl, "--timeout", waiting.timeout, &waiting.timeout_usec);
        r = r ? r : ctl_select(ctl, id, &waiting.selector);
        r = r ? r : ctl_no_operands(ctl);
        return r ? r : wait_for(ctl, &waiting);
}

const Command command_wait = {
        .name = "wait",
        .arguments = "NAME | --gone --id ID [OPTION...]",
        .operands = { "NAME" },
        .summary = "Waits until a segment exists, or with --gone until it does not",
        COMMAND_OPTIONS(options),
        .run = wait_run,
};
