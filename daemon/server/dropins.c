/* SPDX-License-Identifier: MIT */
#include "daemon/server/dropins.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"
#include "proto/util.h"

#define SUFFIX ".conf"

typedef struct Dropin Dropin;
typedef struct Dropins Dropins;

struct Dropin {
        char *name;
        /* Index of its directory: the first one has precedence */
        size_t directory;
};

struct Dropins {
        Dropin *items;
        size_t n_items;
        size_t n_allocated;
};

static void dropins_deinit(Dropins *dropins) {
        for (size_t i = 0; i < dropins->n_items; ++i)
                free(dropins->items[i].name);
        free(dropins->items);
}

static int dropins_add(Dropins *dropins, const char *name, size_t directory) {
        Dropin *items;

        if (dropins->n_items == dropins->n_allocated) {
                dropins->n_allocated = MAX(dropins->n_allocated * 2, 16U);
                items = reallocarray(dropins->items, dropins->n_allocated, sizeof(*items));
                if (!items)
                        return error_origin(-ENOMEM);
                dropins->items = items;
        }
        dropins->items[dropins->n_items].name = strdup(name);
        if (!dropins->items[dropins->n_items].name)
                return error_origin(-ENOMEM);
        dropins->items[dropins->n_items++].directory = directory;
        return 0;
}

static bool is_dropin(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > strlen(SUFFIX) &&
               strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static int dropins_list(Dropins *dropins, const char *path, size_t index) {
        DIR *directory = opendir(path);
        struct dirent *entry;
        int r = 0;

        if (!directory)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_origin(-errno);
        while (r == 0 && (entry = readdir(directory)))
                if (is_dropin(entry->d_name))
                        r = dropins_add(dropins, entry->d_name, index);
        (void) closedir(directory);
        return error_trace(r);
}

static int compare_dropins(const void *one, const void *other) {
        const Dropin *a = one, *b = other;
        int order = strcmp(a->name, b->name);

        return order ? order : (a->directory > b->directory) - (a->directory < b->directory);
}

static int dropins_read(const Dropins *dropins, const char *const *directories,
                        DropinsVisitFn visit, void *userdata) {
        for (size_t i = 0; i < dropins->n_items; ++i) {
                _cleanup_(freep) char *path = NULL;
                const Dropin *item = &dropins->items[i];
                int r;

                if (i > 0 && strcmp(item->name, dropins->items[i - 1].name) == 0)
                        continue;
                if (asprintf(&path, "%s/%s", directories[item->directory], item->name) < 0)
                        return error_origin(-ENOMEM);
                r = visit(path, userdata);
                if (r)
                        return r;
        }
        return 0;
}

/**
 * dropins_visit() - read all drop-ins, in the order of their names
 * @directories: where to look, NULL behind the last. A file hides those of the same name in later
 *              directories; a directory that does not exist has none.
 * @visit:      reads a file
 * @userdata:   passed to @visit
 *
 * Return: 0, what @visit returned, or a negative errno.
 */
int dropins_visit(const char *const *directories, DropinsVisitFn visit, void *userdata) {
        _cleanup_(dropins_deinit) Dropins dropins = {};
        int r;

        for (size_t i = 0; directories[i]; ++i) {
                r = dropins_list(&dropins, directories[i], i);
                if (r)
                        return error_trace(r);
        }
        if (dropins.n_items > 0)
                qsort(dropins.items, dropins.n_items, sizeof(*dropins.items), compare_dropins);
        return dropins_read(&dropins, directories, visit, userdata);
}
