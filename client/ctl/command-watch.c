/* SPDX-License-Identifier: MIT */
/* shmbrokerctl watch: what happens to segments, a line for each event. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/event.h"
#include "client/ctl/filter.h"
#include "client/ctl/json.h"
#include "client/ctl/size.h"
#include "client/ctl/value.h"

typedef struct Printer Printer;
typedef struct WatchOptions WatchOptions;

struct WatchOptions {
        /* Negative is any segment */
        int64_t id;
        struct shmbroker_filter *filter;
        /* Bits of enum shmbroker_event_kind; 0 are all */
        unsigned int events;
        bool changes_only;
};

struct Printer {
        const Ctl *ctl;
        /* The broker went away, and nothing came since */
        bool lost;
};

static const Option options[] = {
        { "id", OPTION_ID, "ID", "only the segment with this number" },
        FILTER_OPTIONS,
        { "events", OPTION_EVENTS, "EVENTS", "only these events, with commas between them" },
        { "changes-only", OPTION_CHANGES_ONLY, NULL, "do not begin with the segments there are" },
};

/* Who began or ended an attachment, or what a segment ended by; "" if neither is known. */
static void format_detail(char *text, size_t n_text, const struct shmbroker_event *event) {
        const struct shmbroker_attachment *attachment = shmbroker_event_attachment(event);
        const char *cause = shmbroker_event_cause(event);
        pid_t pid;

        text[0] = '\0';
        if (cause)
                (void) snprintf(text, n_text, "  %s", cause);
        else if (attachment && shmbroker_attachment_pid(attachment, &pid) == 0)
                (void) snprintf(text, n_text, "  pid %d", (int) pid);
}

static void print_text(const struct shmbroker_event *event) {
        const struct shmbroker_info *info = shmbroker_event_info(event);
        const char *name = info ? shmbroker_info_name(info) : NULL;
        char time[SIZE_TEXT], id[SIZE_TEXT] = "-", count[SIZE_TEXT] = "-", detail[SIZE_TEXT];
        uint64_t n_attached;

        if (info)
                (void) snprintf(id, sizeof(id), "%" PRId64, shmbroker_info_id(info));
        if (info && shmbroker_info_attach_count(info, &n_attached) == 0)
                (void) snprintf(count, sizeof(count), "%" PRIu64, n_attached);
        format_detail(detail, sizeof(detail), event);
        (void) printf("%s  %-12s  %6s  %-31s  %s%s\n",
                      time_format_exact(time, sizeof(time), shmbroker_event_time(event)),
                      shmbroker_event_kind_name(event), id, name ? name : "-", count, detail);
}

/* What is no event of a segment is told to people as well. */
static void watch_tell(Printer *printer, int kind) {
        const char *address = shmbroker_get_address(printer->ctl->connection);

        if (printer->lost && kind != SHMBROKER_EVENT_LOST)
                (void) ctl_error("the broker at %s is back; what happened meanwhile was not seen",
                                 address);
        else if (!printer->lost && kind == SHMBROKER_EVENT_LOST)
                (void) ctl_error("the broker at %s went away; waiting for it to come back",
                                 address);
        if (kind == SHMBROKER_EVENT_OVERFLOW)
                (void) ctl_error("events were lost, for they came faster than they were read here");
        printer->lost = kind == SHMBROKER_EVENT_LOST;
}

static int print_event(const struct shmbroker_event *event, void *userdata) {
        Printer *printer = userdata;
        int r = 0;

        watch_tell(printer, shmbroker_event_kind(event));
        if (printer->ctl->json)
                r = json_print_line(shmbroker_event_json(event));
        else
                print_text(event);
        if (fflush(stdout))
                return ctl_error("what was to be printed could not be written: %s",
                                 strerror(errno));
        return r ? r : EVENT_GO_ON;
}

static int narrow_watch(struct shmbroker_watch *watch, const WatchOptions *given) {
        int r = 0;

        if (given->id >= 0)
                r = shmbroker_watch_set_id(watch, given->id);
        if (r == 0)
                r = shmbroker_watch_set_filter(watch, given->filter);
        if (r == 0)
                r = shmbroker_watch_set_changes_only(watch, given->changes_only);
        for (int kind = 0; r == 0 && given->events >> kind; ++kind)
                if (given->events >> kind & 1U)
                        r = shmbroker_watch_add_event(watch, kind);
        return r;
}

static int watch_all(Ctl *ctl, const WatchOptions *given) {
        _cleanup_(shmbroker_watch_freep) struct shmbroker_watch *watch = NULL;
        Printer printer = { .ctl = ctl };
        EventLoop loop = {
                .handler = print_event,
                .userdata = &printer,
                .timeout_usec = SHMBROKER_FOREVER,
                .prints = true,
        };
        int r;

        r = ctl_connect(ctl);
        if (r)
                return r;
        if (shmbroker_watch_new(ctl->connection, &watch) || narrow_watch(watch, given))
                return ctl_no_memory();
        events_stop_on_signals();
        return events_run(watch, &loop);
}

static int take_option(const Ctl *ctl, WatchOptions *given, int key, const char *value) {
        switch (key) {
        case CTL_OPTIONS_WRONG:
                return CTL_USAGE;
        case OPTION_ID:
                return value_id(ctl, "--id", value, &given->id);
        case OPTION_EVENTS:
                return value_events(ctl, "--events", value, &given->events);
        case OPTION_CHANGES_ONLY:
                given->changes_only = true;
                return 0;
        default:
                return filter_option(ctl, given->filter, key, value);
        }
}

static int watch_run(Ctl *ctl) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        WatchOptions given = { .id = -1 };
        const char *value;
        int key, r;

        if (shmbroker_filter_new(&filter))
                return ctl_no_memory();
        given.filter = filter;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = take_option(ctl, &given, key, value);
                if (r)
                        return r;
        }
        r = given.id >= 0 ? 0 : filter_operand(ctl, filter);
        if (r == 0)
                r = ctl_no_operands(ctl);
        return r ? r : watch_all(ctl, &given);
}

const Command command_watch = {
        .name = "watch",
        .arguments = "[PATTERN | --id ID] [OPTION...]",
        .operands = { "PATTERN" },
        .summary = "Shows what happens to segments, until it is interrupted",
        COMMAND_OPTIONS(options),
        .run = watch_run,
};
