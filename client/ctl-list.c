/* shmbrokerctl list: a line for each segment. */

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl-info.h"
#include "client/ctl-json.h"
#include "client/ctl-table.h"
#include "client/ctl.h"

typedef struct ListOptions ListOptions;

struct ListOptions {
        const char *columns;
        bool no_headings;
        bool bytes;
};

static const Option options[] = {
        { "match", OPTION_MATCH, "PATTERN", "only names that match this shell pattern" },
        { "owner", OPTION_OWNER, "USER", "only segments of this user, by name or number" },
        { "kind", OPTION_KIND, "KIND", "only this kind: memfd, posix, sysv or file" },
        { "removed", OPTION_REMOVED, NULL, "also those marked for destruction" },
        { "all", 'a', NULL, "the same" },
        { "output", 'o', "COLUMNS", "columns to show, with commas between them" },
        { "noheadings", 'n', NULL, "no line of headings" },
        { "bytes", 'b', NULL, "sizes in bytes" },
};

static int set_owner(const Ctl *ctl, struct shmbroker_filter *filter, const char *text) {
        const struct passwd *user = getpwnam(text);
        char *end;
        unsigned long uid;

        if (user) {
                shmbroker_filter_set_owner(filter, user->pw_uid);
                return 0;
        }
        errno = 0;
        uid = strtoul(text, &end, 10);
        if (errno || end == text || *end || text[0] == '-' || uid >= UINT32_MAX)
                return ctl_usage(ctl, "there is no user '%s'", text);
        shmbroker_filter_set_owner(filter, (uid_t) uid);
        return 0;
}

static int set_match(const Ctl *ctl, struct shmbroker_filter *filter, const char *pattern) {
        int r = shmbroker_filter_set_match(filter, pattern);

        if (r == -ENAMETOOLONG)
                return ctl_usage(ctl, "the pattern is too long");
        return r ? ctl_no_memory() : 0;
}

static int set_kind(const Ctl *ctl, struct shmbroker_filter *filter, const char *text) {
        int kind, r;

        r = ctl_parse_kind(ctl, text, &kind);
        if (r)
                return r;
        shmbroker_filter_set_kind(filter, kind);
        return 0;
}

static int take_option(const Ctl *ctl, struct shmbroker_filter *filter, ListOptions *list, int key,
                       const char *value) {
        switch (key) {
        case OPTION_MATCH:
                return set_match(ctl, filter, value);
        case OPTION_OWNER:
                return set_owner(ctl, filter, value);
        case OPTION_KIND:
                return set_kind(ctl, filter, value);
        case OPTION_REMOVED:
        case 'a':
                shmbroker_filter_set_removed(filter, true);
                return 0;
        case 'o':
                list->columns = value;
                return 0;
        case 'n':
                list->no_headings = true;
                return 0;
        case 'b':
                list->bytes = true;
                return 0;
        default:
                return CTL_USAGE;
        }
}

static int wrong_column(const Ctl *ctl) {
        char names[512] = "";
        size_t n = 0;

        for (size_t i = 0; i < n_info_columns && n < sizeof(names); ++i)
                n += (size_t) snprintf(names + n, sizeof(names) - n, " %s", info_columns[i].name);
        return ctl_usage(ctl, "there is no such column; there are%s", names);
}

static int print_table(const ListOptions *list, const struct shmbroker_list *segments) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        r = table_new(info_columns, n_info_columns, list->columns, !list->no_headings, list->bytes,
                      &table);
        for (size_t i = 0; r == 0 && i < shmbroker_list_count(segments); ++i)
                r = table_add(table, shmbroker_list_get(segments, i));
        if (r == 0)
                r = table_print(table);
        return r ? ctl_error("the table cannot be printed: %s", strerror(-r)) : CTL_SUCCESS;
}

static int print_json(const struct shmbroker_list *segments) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_add_list(&json, "segments");
        for (size_t i = 0; i < shmbroker_list_count(segments); ++i)
                json_append_text(&json, "segments",
                                 shmbroker_info_json(shmbroker_list_get(segments, i)));
        return json_print(&json);
}

/* A wrong column is told before anything is asked, and where there is no table as well. */
static int check_columns(const Ctl *ctl, const ListOptions *list) {
        _cleanup_(table_freep) Table *table = NULL;

        if (!list->columns)
                return 0;
        switch (table_new(info_columns, n_info_columns, list->columns, false, false, &table)) {
        case 0:
                return 0;
        case -EINVAL:
                return wrong_column(ctl);
        default:
                return ctl_no_memory();
        }
}

static int parse(Ctl *ctl, struct shmbroker_filter *filter, ListOptions *list) {
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = take_option(ctl, filter, list, key, value);
                if (r)
                        return r;
        }
        r = ctl_no_operands(ctl);
        return r ? r : check_columns(ctl, list);
}

static int run(Ctl *ctl) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *segments = NULL;
        ListOptions list = {};
        int r;

        if (shmbroker_filter_new(&filter))
                return ctl_no_memory();
        r = parse(ctl, filter, &list);
        if (r)
                return r;
        r = ctl_connect(ctl);
        if (r)
                return r;
        if (shmbroker_list_segments(ctl->connection, filter, &segments))
                return ctl_failed(ctl);
        return ctl->json ? print_json(segments) : print_table(&list, segments);
}

const Command command_list = {
        .name = "list",
        .arguments = "[OPTION...]",
        .summary = "Lists the segments that you may read",
        COMMAND_OPTIONS(options),
        .run = run,
};
