/* SPDX-License-Identifier: MIT */
#include "client/ctl/search.h"

#include <fnmatch.h>
#include <string.h>

#include "client/ctl/managed.h"
#include "client/ctl/posix.h"
#include "client/ctl/sysv.h"
#include "client/ctl/value.h"
#include "client/ctl/verdict.h"

/* search_option() - take one of SEARCH_OPTIONS or TABLE_OPTIONS. Return: 0 or CTL_USAGE. */
int search_option(const Ctl *ctl, Search *search, int key, const char *value) {
        switch (key) {
        case 'u':
                search->has_uid = true;
                return value_user(ctl, "--owner", value, &search->uid);
        case OPTION_OLDER_THAN:
                return value_time(ctl, "--older-than", value, &search->older_usec);
        default:
                return table_option(ctl, &search->table, key, value);
        }
}

/* search_operand() - take the pattern that may be the only operand. Return: 0 or CTL_USAGE. */
int search_operand(Ctl *ctl, Search *search) {
        if (ctl->argc > 0) {
                search->match = *ctl->argv++;
                --ctl->argc;
        }
        return ctl_no_operands(ctl);
}

static bool is_meant(const Search *search, const Managed *managed, const Native *native) {
        return (!search->match || fnmatch(search->match, native->name, 0) == 0) &&
               (!search->has_uid || search->uid == native->uid) &&
               native->age_usec >= search->older_usec && !managed_has(managed, native);
}

/* What is not meant is not touched any further. */
static void keep_meant(const Search *search, const Managed *managed, Natives *natives) {
        size_t n = 0;

        for (size_t i = 0; i < natives->n_items; ++i)
                if (is_meant(search, managed, &natives->items[i]))
                        natives->items[n++] = natives->items[i];
                else
                        native_deinit(&natives->items[i]);
        natives->n_items = n;
}

/* The broker is asked last: what it made meanwhile is in its list. */
static int find_unmanaged(Ctl *ctl, const Search *search, Natives *natives) {
        _cleanup_(managed_deinit) Managed managed = {};
        int r;

        r = sysv_list(natives);
        if (r)
                return ctl_error("System V segments cannot be listed: %s", strerror(-r));
        r = posix_list(natives);
        if (r)
                return ctl_error("POSIX objects cannot be listed: %s", strerror(-r));
        r = managed_get(ctl, &managed);
        if (r)
                return r;
        keep_meant(search, &managed, natives);
        return 0;
}

/**
 * search_run() - find the objects that are meant and that no broker manages, and judge them
 * @ctl:        says which broker is asked
 * @search:     which are meant
 * @ret:        the objects
 *
 * Return: 0; or an exit code, and the user was told.
 */
int search_run(Ctl *ctl, const Search *search, Natives *ret) {
        _cleanup_(natives_deinit) Natives natives = {};
        int r;

        r = find_unmanaged(ctl, search, &natives);
        if (r)
                return r;
        if (natives_judge(&natives))
                return ctl_no_memory();
        *ret = natives;
        natives = (Natives){};
        return 0;
}

/* search_table() - make a table of objects, which have to stay. Return: 0 or -ENOMEM. */
int search_table(const Ctl *ctl, const Search *search, const Natives *natives, Table **ret) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        r = table_new(ctl, native_columns, &search->table, &table);
        for (size_t i = 0; r == 0 && i < natives->n_items; ++i)
                r = table_add(table, &natives->items[i]);
        if (r)
                return r;
        *ret = steal_ptr(table);
        return 0;
}
