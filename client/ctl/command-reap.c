/* SPDX-License-Identifier: MIT */
/* shmbrokerctl reap: removes the objects of shared memory that nobody has left. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/ctl/commands.h"
#include "client/ctl/json.h"
#include "client/ctl/posix.h"
#include "client/ctl/search.h"
#include "client/ctl/sysv.h"
#include "client/ctl/text.h"

/* Programs may hand a name over that they just made, and have the object no more. */
#define OLDER_USEC (UINT64_C(60) * 1000000)

typedef struct Reaping Reaping;

struct Reaping {
        Search search;
        bool yes;
        bool dry_run;
        /* What is younger stays, and is told of; 0 if --older-than says what is meant */
        uint64_t young_usec;
        Json json;
};

static const Option options[] = {
        { "yes", 'y', NULL, "do not ask" },
        { "dry-run", OPTION_DRY_RUN, NULL, "only list what would be removed" },
        SEARCH_OPTIONS,
        TABLE_OPTIONS,
};

static int reap_parse(Ctl *ctl, Reaping *reaping) {
        const char *value;
        int key, r = 0;

        while (r == 0 && (key = ctl_option(ctl, &value)) != CTL_OPTIONS_END)
                if (key == CTL_OPTIONS_WRONG)
                        r = CTL_USAGE;
                else if (key == 'y')
                        reaping->yes = true;
                else if (key == OPTION_DRY_RUN)
                        reaping->dry_run = true;
                else {
                        if (key == OPTION_OLDER_THAN)
                                reaping->young_usec = 0;
                        r = search_option(ctl, &reaping->search, key, value);
                }
        return r ? r : search_operand(ctl, &reaping->search);
}

static void tell_young(const Native *native) {
        _cleanup_(freep) char *name = text_escape(native->name);

        (void) fprintf(stderr,
                       "'%s' stays: something happened to it less than a minute ago; "
                       "--older-than 0 removes it too.\n",
                       name ? name : "");
}

static bool is_due(const Reaping *reaping, const Native *native) {
        if (native->verdict != VERDICT_ORPHAN)
                return false;
        if (native->age_usec >= reaping->young_usec)
                return true;
        tell_young(native);
        return false;
}

static void keep_due(const Reaping *reaping, Natives *natives) {
        size_t n = 0;

        for (size_t i = 0; i < natives->n_items; ++i)
                if (is_due(reaping, &natives->items[i]))
                        natives->items[n++] = natives->items[i];
                else
                        native_deinit(&natives->items[i]);
        natives->n_items = n;
}

/* The dialogue keeps out of what may be read by a program. Return: 0 or an exit code. */
static int reap_ask(const Ctl *ctl, const Reaping *reaping, const Natives *natives) {
        _cleanup_(table_freep) Table *table = NULL;
        char answer[16] = "";
        int r;

        if (search_table(ctl, &reaping->search, natives, &table))
                return ctl_no_memory();
        r = table_show(table, stderr);
        if (r)
                return r;
        (void) fprintf(stderr, "Remove %s? [y/N] ", natives->n_items == 1 ? "it" : "them");
        if (!fgets(answer, sizeof(answer), stdin))
                (void) fputc('\n', stderr);
        answer[strcspn(answer, "\n")] = '\0';
        if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
                return 0;
        return ctl_error("nothing was removed");
}

static const char *why_kept(int r) {
        switch (r) {
        case NATIVE_E_CHANGED:
                return "it was used or replaced meanwhile";
        case NATIVE_E_HELD:
                return "somebody has it by now";
        default:
                return "";
        }
}

static int reap_failed(const Native *native, int r) {
        _cleanup_(freep) char *name = text_escape(native->name);

        if (!name)
                return ctl_no_memory();
        if (r > 0)
                return ctl_error("'%s' stays: %s", name, why_kept(r));
        return ctl_error("'%s' cannot be removed: %s%s", name, strerror(-r),
                         r == -EPERM || r == -EACCES ? "; its owner may, and root" : "");
}

static int reap_tell(const Ctl *ctl, Reaping *reaping, const Native *native) {
        _cleanup_(freep) char *text = NULL;

        text = ctl->json ? native_json(native) : text_escape(native->name);
        if (!text)
                return ctl_no_memory();
        if (ctl->json)
                json_append_text(&reaping->json, "removed", text);
        else
                (void) printf("Removed %s\n", text);
        return CTL_SUCCESS;
}

/* What is gone by itself is well. */
static int reap_one(const Ctl *ctl, Reaping *reaping, const Native *native) {
        int r = native->kind == NATIVE_SYSV ? sysv_remove(native) : posix_remove(native);

        if (r == NATIVE_E_GONE)
                return CTL_SUCCESS;
        return r ? reap_failed(native, r) : reap_tell(ctl, reaping, native);
}

/* What one cannot be done does not keep the others from being done. */
static int reap_all(const Ctl *ctl, Reaping *reaping, const Natives *natives) {
        int code = CTL_SUCCESS, r;

        for (size_t i = 0; i < natives->n_items; ++i) {
                r = reap_one(ctl, reaping, &natives->items[i]);
                if (r)
                        code = r;
        }
        if (!ctl->json)
                return code;
        r = json_print(&reaping->json);
        return code ? code : r;
}

static int reap_print(const Ctl *ctl, const Reaping *reaping, const Natives *natives) {
        _cleanup_(table_freep) Table *table = NULL;

        if (search_table(ctl, &reaping->search, natives, &table))
                return ctl_no_memory();
        return table_print(ctl, table, "objects", native_json);
}

static int find_and_reap(Ctl *ctl, Reaping *reaping) {
        _cleanup_(natives_deinit) Natives natives = {};
        int r;

        r = search_run(ctl, &reaping->search, &natives);
        if (r)
                return r;
        keep_due(reaping, &natives);
        if (reaping->dry_run)
                return reap_print(ctl, reaping, &natives);
        if (!reaping->yes && natives.n_items == 0)
                (void) fputs("There is nothing to remove.\n", stderr);
        else if (!reaping->yes)
                r = reap_ask(ctl, reaping, &natives);
        if (r)
                return r;
        json_add_list(&reaping->json, "removed");
        return reap_all(ctl, reaping, &natives);
}

static int reap_run(Ctl *ctl) {
        Reaping reaping = { .young_usec = OLDER_USEC, .json = JSON_NULL_DOCUMENT };
        int r;

        r = reap_parse(ctl, &reaping);
        if (r)
                return r;
        /* In any case, not only when there is something: who forgot it shall learn it at once. */
        if (!reaping.yes && !reaping.dry_run && !isatty(STDIN_FILENO))
                return ctl_error("what is to be removed cannot be asked, as standard input is not "
                                 "a terminal; --yes removes without asking, --dry-run shows it");
        r = find_and_reap(ctl, &reaping);
        json_deinit(&reaping.json);
        return r;
}

const Command command_reap = {
        .name = "reap",
        .arguments = "[PATTERN] [OPTION...]",
        .operands = { "OBJECT" },
        .summary = "Removes System V and POSIX shared memory that nobody is left for",
        .columns = native_columns,
        COMMAND_OPTIONS(options),
        .run = reap_run,
};
