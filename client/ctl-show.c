/* shmbrokerctl show: all about one segment, and who has it. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl-info.h"
#include "client/ctl-json.h"
#include "client/ctl-table.h"
#include "client/ctl.h"

static const Option options[] = { ID_OPTION };

static char *attachment_id(const void *item, bool bytes) {
        (void) bytes;
        return cell_printf("%" PRId64, shmbroker_attachment_id(item));
}

static char *attachment_pid(const void *item, bool bytes) {
        pid_t pid;

        (void) bytes;
        if (shmbroker_attachment_pid(item, &pid))
                return cell_text(NULL);
        return cell_printf("%jd", (intmax_t) pid);
}

static char *attachment_user(const void *item, bool bytes) {
        uid_t uid;

        (void) bytes;
        return shmbroker_attachment_uid(item, &uid) ? cell_text(NULL) : cell_user(uid);
}

static char *attachment_access(const void *item, bool bytes) {
        int access;

        (void) bytes;
        if (shmbroker_attachment_access(item, &access))
                return cell_text(NULL);
        return cell_text(access == SHMBROKER_ACCESS_READ_ONLY ? "read" : "read,write");
}

static char *attachment_since(const void *item, bool bytes) {
        uint64_t usec;

        (void) bytes;
        return shmbroker_attachment_since(item, &usec) ? cell_text(NULL) : cell_time(usec);
}

static char *attachment_inherited(const void *item, bool bytes) {
        (void) bytes;
        return cell_text(shmbroker_attachment_inherited(item) ? "yes" : "no");
}

static const Column attachment_columns[] = {
        { .name = "ATTACHMENT",
          .help = "number",
          .cell = attachment_id,
          .right = true,
          .shown = true },
        { .name = "PID", .help = "process", .cell = attachment_pid, .right = true, .shown = true },
        { .name = "USER", .help = "user", .cell = attachment_user, .shown = true },
        { .name = "ACCESS", .help = "access", .cell = attachment_access, .shown = true },
        { .name = "SINCE", .help = "beginning", .cell = attachment_since, .shown = true },
        { .name = "INHERITED",
          .help = "another has it now",
          .cell = attachment_inherited,
          .shown = true },
};

/* "Size as asked for:  4K" */
static int print_info(const struct shmbroker_info *info) {
        for (size_t i = 0; i < n_info_columns; ++i) {
                const Column *column = &info_columns[i];
                char *text = column->cell(info, false);

                if (!text)
                        return ctl_no_memory();
                (void) printf("%c%s:%*s%s\n", toupper((unsigned char) column->help[0]),
                              column->help + 1, (int) (32 - strlen(column->help)), "", text);
                free(text);
        }
        return CTL_SUCCESS;
}

static int print_attachments(const struct shmbroker_attachments *attachments) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        if (shmbroker_attachments_count(attachments) == 0)
                return CTL_SUCCESS;
        r = table_new(attachment_columns, ARRAY_SIZE(attachment_columns), NULL, true, false,
                      &table);
        for (size_t i = 0; r == 0 && i < shmbroker_attachments_count(attachments); ++i)
                r = table_add(table, shmbroker_attachments_get(attachments, i));
        if (r == 0) {
                (void) putchar('\n');
                r = table_print(table);
        }
        return r ? ctl_error("the table cannot be printed: %s", strerror(-r)) : CTL_SUCCESS;
}

static int print_json(const struct shmbroker_info *info,
                      const struct shmbroker_attachments *attachments) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_add_text(&json, "segment", shmbroker_info_json(info));
        json_add_list(&json, "attachments");
        for (size_t i = 0; i < shmbroker_attachments_count(attachments); ++i)
                json_append_text(
                        &json, "attachments",
                        shmbroker_attachment_json(shmbroker_attachments_get(attachments, i)));
        return json_print(&json);
}

static int show(const Ctl *ctl, const Selector *selector) {
        _cleanup_(shmbroker_attachments_freep) struct shmbroker_attachments *attachments = NULL;
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        int r;

        if (shmbroker_stat(ctl->connection, selector->name, selector->id, &info))
                return ctl_failed(ctl);
        /* The name may have passed to another segment meanwhile. */
        if (shmbroker_list_attachments(ctl->connection, NULL, shmbroker_info_id(info),
                                       &attachments))
                return ctl_failed(ctl);
        if (ctl->json)
                return print_json(info, attachments);
        r = print_info(info);
        return r ? r : print_attachments(attachments);
}

static int run(Ctl *ctl) {
        Selector selector;
        int r;

        r = ctl_begin_segment(ctl, &selector);
        return r ? r : show(ctl, &selector);
}

const Command command_show = {
        .name = "show",
        .arguments = "NAME | --id ID",
        .summary = "Shows all about a segment, and who has it",
        COMMAND_OPTIONS(options),
        .run = run,
};
