#include "client/ctl-table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 64

struct Table {
        struct libscols_table *table;
        const Column *columns[COLUMNS_MAX];
        size_t n_columns;
        bool bytes;
};

Table *table_free(Table *table) {
        if (!table)
                return NULL;
        scols_unref_table(table->table);
        free(table);
        return NULL;
}

static int table_add_column(Table *table, const Column *column) {
        if (table->n_columns == COLUMNS_MAX)
                return -EINVAL;
        if (!scols_table_new_column(table->table, column->name, 0,
                                    column->right ? SCOLS_FL_RIGHT : 0))
                return -ENOMEM;
        table->columns[table->n_columns++] = column;
        return 0;
}

static const Column *find_column(const Column *columns, size_t n_columns, const char *name,
                                 size_t n_name) {
        for (size_t i = 0; i < n_columns; ++i)
                if (strncasecmp(columns[i].name, name, n_name) == 0 && !columns[i].name[n_name])
                        return &columns[i];
        return NULL;
}

static int select_columns(Table *table, const Column *columns, size_t n_columns,
                          const char *selection) {
        int r = 0;

        for (;;) {
                size_t n_name = strcspn(selection, ",");
                const Column *column = find_column(columns, n_columns, selection, n_name);

                r = column ? table_add_column(table, column) : -EINVAL;
                selection += n_name;
                if (r || !*selection)
                        return r;
                ++selection;
        }
}

static int shown_columns(Table *table, const Column *columns, size_t n_columns) {
        for (size_t i = 0; i < n_columns; ++i)
                if (columns[i].shown && table_add_column(table, &columns[i]))
                        return -ENOMEM;
        return 0;
}

/**
 * table_new() - make a table without lines
 * @columns:    all columns that there are
 * @n_columns:  their number
 * @selection:  names of those that are wanted, with commas between them; NULL for those shown
 * @headings:   whether their names stand above
 * @bytes:      what is passed on to Column.cell
 * @ret:        the table
 *
 * Return: 0, -EINVAL if a name is not one of a column, or -ENOMEM.
 */
int table_new(const Column *columns, size_t n_columns, const char *selection, bool headings,
              bool bytes, Table **ret) {
        _cleanup_(table_freep) Table *table = calloc(1, sizeof(*table));
        int r;

        if (!table)
                return -ENOMEM;
        table->bytes = bytes;
        table->table = scols_new_table();
        if (!table->table)
                return -ENOMEM;
        (void) scols_table_enable_noheadings(table->table, !headings);
        if (selection)
                r = select_columns(table, columns, n_columns, selection);
        else
                r = shown_columns(table, columns, n_columns);
        if (r)
                return r;
        *ret = steal_ptr(table);
        return 0;
}

/* table_add() - append a line for @item. Return: 0 or -ENOMEM. */
int table_add(Table *table, const void *item) {
        struct libscols_line *line = scols_table_new_line(table->table, NULL);

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_columns; ++i) {
                char *text = table->columns[i]->cell(item, table->bytes);

                if (!text)
                        return -ENOMEM;
                /* The line takes the text over only when that succeeds. */
                if (scols_line_refer_data(line, i, text)) {
                        free(text);
                        return -ENOMEM;
                }
        }
        return 0;
}

/* table_print() - print it to stdout. Return: 0 or a negative errno. */
int table_print(Table *table) {
        return scols_print_table(table->table);
}
