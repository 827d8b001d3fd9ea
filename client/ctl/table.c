/* SPDX-License-Identifier: MIT */
#include "client/ctl/table.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/ctl/common.h"
#include "client/ctl/json.h"

#define COLUMNS_MAX 80
#define ITEMS_FIRST 64

typedef struct Chosen Chosen;
typedef struct Row Row;

/* A column that is printed, under the name that it was asked for by. */
struct Chosen {
        const Column *column;
        const char *heading;
        bool asked_for;
};

struct Row {
        const void *item;
        /* What it is sorted by, if it is */
        char *key;
        /* Where it was before */
        size_t index;
};

struct Table {
        TableOptions options;
        Chosen chosen[COLUMNS_MAX];
        size_t n_chosen;
        const Column *sort;
        bool descending;
        /* The broker's processes can be looked at */
        bool processes;
        Row *rows;
        size_t n_rows;
        size_t n_allocated;
};

static bool is_name(const char *name, const char *text, size_t n_text) {
        return name && strncasecmp(name, text, n_text) == 0 && !name[n_text];
}

static bool find_column(const Column *columns, const char *name, size_t n_name, Chosen *ret) {
        for (; columns->name; ++columns) {
                *ret = (Chosen){ columns, columns->name, true };
                if (is_name(columns->name, name, n_name))
                        return true;
                ret->heading = columns->alias;
                if (is_name(columns->alias, name, n_name))
                        return true;
        }
        return false;
}

static int wrong_column(const Ctl *ctl, const char *what, const char *text, size_t n_text) {
        char names[512] = "";
        size_t n = 0;

        for (const Column *column = ctl->command->columns; column->name && n < sizeof(names);
             ++column)
                n += (size_t) snprintf(names + n, sizeof(names) - n, " %s", column->name);
        return ctl_usage(ctl, "%s: there is no column '%.*s'; there are%s", what, (int) n_text,
                         text, names);
}

/* What is wrong is told before anything is asked, and where no table is printed as well. */
static int check_columns(const Ctl *ctl, const char *text) {
        size_t n_columns = 0;
        Chosen chosen;

        if (*text == '+')
                ++text;
        for (;; ++text) {
                size_t n = strcspn(text, ",");

                if (!find_column(ctl->command->columns, text, n, &chosen))
                        return wrong_column(ctl, "--output", text, n);
                if (++n_columns > COLUMNS_MAX / 2)
                        return ctl_usage(ctl, "--output: these are too many columns");
                text += n;
                if (!*text)
                        return 0;
        }
}

static int check_sort(const Ctl *ctl, const char *text) {
        Chosen chosen;

        if (*text == '-')
                ++text;
        if (find_column(ctl->command->columns, text, strlen(text), &chosen))
                return 0;
        return wrong_column(ctl, "--sort", text, strlen(text));
}

/* table_option() - take one of TABLE_OPTIONS. Return: 0 or CTL_USAGE. */
int table_option(const Ctl *ctl, TableOptions *options, int key, const char *value) {
        switch (key) {
        case 'o':
                options->columns = value;
                return check_columns(ctl, value);
        case OPTION_OUTPUT_ALL:
                options->all_columns = true;
                return 0;
        case OPTION_SORT:
                options->sort = value;
                return check_sort(ctl, value);
        case 'n':
                options->no_headings = true;
                return 0;
        case 'b':
                options->bytes = true;
                return 0;
        case 'r':
                options->raw = true;
                return 0;
        case OPTION_NO_TRUNCATE:
                options->no_truncate = true;
                return 0;
        default:
                return CTL_USAGE;
        }
}

/* table_only() - begin a command that has TABLE_OPTIONS alone. Return: 0 or an exit code. */
int table_only(Ctl *ctl, TableOptions *ret) {
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = table_option(ctl, ret, key, value);
                if (r)
                        return r;
        }
        r = ctl_no_operands(ctl);
        return r ? r : ctl_connect(ctl);
}

Table *table_free(Table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_rows; ++i)
                free(table->rows[i].key);
        free(table->rows);
        free(table);
        return NULL;
}

static void choose_named(Table *table, const Column *columns, const char *text) {
        while (table->n_chosen < COLUMNS_MAX) {
                size_t n = strcspn(text, ",");

                if (find_column(columns, text, n, &table->chosen[table->n_chosen]))
                        ++table->n_chosen;
                text += n;
                if (!*text++)
                        return;
        }
}

static void table_choose(Table *table, const Column *columns) {
        const char *text = table->options.columns;
        bool all = table->options.all_columns;

        if (all || !text || *text == '+')
                for (const Column *column = columns; column->name; ++column)
                        if (all || column->shown || column->rare)
                                table->chosen[table->n_chosen++] =
                                        (Chosen){ column, column->name, all };
        if (text && !all)
                choose_named(table, columns, *text == '+' ? text + 1 : text);
}

/* column_cell() - the text of a cell; @processes as ctl_sees_processes() says. To be freed; NULL if
 * memory is short. */
char *column_cell(const Column *column, const void *item, CellStyle style, bool processes) {
        return column->process && !processes ? cell_text(NULL) : column->cell(item, style);
}

/* The broker is asked where a column needs it alone. */
static bool needs_processes(const Table *table) {
        bool needs = table->sort && table->sort->process;

        for (size_t i = 0; i < table->n_chosen; ++i)
                needs = needs || table->chosen[i].column->process;
        return needs;
}

/**
 * table_new() - make a table without lines
 * @ctl:        its connection is used where a column looks at processes of the broker
 * @columns:    all columns that there are
 * @options:    what table_option() found to be right
 * @ret:        the table
 *
 * Return: 0 or -ENOMEM.
 */
int table_new(const Ctl *ctl, const Column *columns, const TableOptions *options, Table **ret) {
        Table *table = calloc(1, sizeof(*table));
        const char *sort = options->sort;
        Chosen chosen;

        if (!table)
                return -ENOMEM;
        table->options = *options;
        table_choose(table, columns);
        if (sort && *sort == '-') {
                table->descending = true;
                ++sort;
        }
        if (sort && find_column(columns, sort, strlen(sort), &chosen))
                table->sort = chosen.column;
        table->processes = needs_processes(table) && ctl_sees_processes(ctl);
        *ret = table;
        return 0;
}

/* table_add() - append a line for @item, which has to stay. Return: 0 or -ENOMEM. */
int table_add(Table *table, const void *item) {
        char *key = NULL;

        if (table->n_rows == table->n_allocated) {
                size_t n = table->n_allocated ? table->n_allocated * 2 : ITEMS_FIRST;
                Row *rows = reallocarray(table->rows, n, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                table->rows = rows;
                table->n_allocated = n;
        }
        if (table->sort) {
                key = column_cell(table->sort, item, CELL_SORT, table->processes);
                if (!key)
                        return -ENOMEM;
        }
        table->rows[table->n_rows] = (Row){ item, key, table->n_rows };
        ++table->n_rows;
        return 0;
}

static int compare_indexes(const Row *a, const Row *b) {
        return (a->index > b->index) - (a->index < b->index);
}

/* What has no value comes before what has. */
static int compare_numbers(const char *a, const char *b) {
        bool a_is = isdigit((unsigned char) *a), b_is = isdigit((unsigned char) *b);
        uintmax_t a_value, b_value;

        if (!a_is || !b_is)
                return a_is - b_is;
        a_value = strtoumax(a, NULL, 10);
        b_value = strtoumax(b, NULL, 10);
        return (a_value > b_value) - (a_value < b_value);
}

/* Equal ones stay in their order, also downwards. */
static int compare_rows(const void *a, const void *b, void *userdata) {
        const Table *table = userdata;
        const Row *row_a = a, *row_b = b;
        int r;

        if (!table->sort)
                r = compare_indexes(row_a, row_b);
        else if (table->sort->number)
                r = compare_numbers(row_a->key, row_b->key);
        else
                r = strcmp(row_a->key, row_b->key);
        if (r == 0)
                return compare_indexes(row_a, row_b);
        return table->descending ? -r : r;
}

static int add_line(const Table *table, struct libscols_table *lines, const void *item) {
        struct libscols_line *line = scols_table_new_line(lines, NULL);
        CellStyle style = table->options.bytes ? CELL_BYTES : CELL_PEOPLE;

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_chosen; ++i) {
                char *text = column_cell(table->chosen[i].column, item, style, table->processes);

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

static int print_lines(const Table *table, struct libscols_table *lines, FILE *stream) {
        int r;

        (void) scols_table_set_stream(lines, stream);
        (void) scols_table_enable_noheadings(lines, !!table->options.no_headings);
        (void) scols_table_enable_raw(lines, !!table->options.raw);
        for (size_t i = 0; i < table->n_chosen; ++i) {
                const Column *column = table->chosen[i].column;
                int flags = column->right ? SCOLS_FL_RIGHT : 0;

                if (column->wide && !table->options.no_truncate)
                        flags |= SCOLS_FL_TRUNC;
                if (!scols_table_new_column(lines, table->chosen[i].heading, 0, flags))
                        return -ENOMEM;
        }
        for (size_t i = 0; i < table->n_rows; ++i) {
                r = add_line(table, lines, table->rows[i].item);
                if (r)
                        return r;
        }
        return scols_print_table(lines);
}

/* Has any line something in a column? */
static bool has_cells(const Table *table, const Column *column) {
        bool has = false;

        for (size_t i = 0; !has && i < table->n_rows; ++i) {
                _cleanup_(freep) char *text =
                        column_cell(column, table->rows[i].item, CELL_PEOPLE, table->processes);

                has = !text || !cell_is_nothing(text);
        }
        return has;
}

static void drop_empty(Table *table) {
        size_t n = 0;

        for (size_t i = 0; i < table->n_chosen; ++i) {
                const Chosen *chosen = &table->chosen[i];

                if (chosen->asked_for || chosen->column->shown || has_cells(table, chosen->column))
                        table->chosen[n++] = *chosen;
        }
        table->n_chosen = n;
}

static int print_text(Table *table, FILE *stream) {
        struct libscols_table *lines = scols_new_table();
        int r;

        if (!lines)
                return ctl_no_memory();
        drop_empty(table);
        r = print_lines(table, lines, stream);
        scols_unref_table(lines);
        return r ? ctl_error("the table cannot be printed: %s", strerror(-r)) : CTL_SUCCESS;
}

/* Of a whole item, what is in the chosen columns. */
static void table_pick(const Table *table, const void *item, Json *json) {
        for (size_t i = 0; i < table->n_chosen; ++i) {
                const Column *column = table->chosen[i].column;
                char *text;

                if (column->members) {
                        json_pick(json, column->members);
                        continue;
                }
                text = column_cell(column, item, CELL_BYTES, table->processes);
                json->failed |= !text;
                json_pick_text(json, column->name, text && !cell_is_nothing(text) ? text : NULL);
                free(text);
        }
}

static int print_json(const Table *table, const char *key, char *(*item_json)(const void *item)) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;
        bool whole = !table->options.columns || table->options.all_columns;

        json_add_list(&json, key);
        for (size_t i = 0; i < table->n_rows; ++i) {
                char *text = item_json(table->rows[i].item);

                if (whole) {
                        json_append_text(&json, key, text);
                } else {
                        json_append_part(&json, key, text);
                        table_pick(table, table->rows[i].item, &json);
                }
                free(text);
        }
        return json_print(&json);
}

static void table_sort(Table *table) {
        if (table->n_rows > 0)
                qsort_r(table->rows, table->n_rows, sizeof(*table->rows), compare_rows, table);
}

/* table_show() - print it as text, sorted, whatever is asked for. Return: an exit code. */
int table_show(Table *table, FILE *stream) {
        table_sort(table);
        return print_text(table, stream);
}

/**
 * table_print() - print it to stdout, sorted
 * @ctl:        says whether it is JSON
 * @table:      the table
 * @key:        the name that the list has in the JSON
 * @json:       makes the JSON of an item, to be freed, or NULL if memory is short
 *
 * Return: an exit code.
 */
int table_print(const Ctl *ctl, Table *table, const char *key, char *(*json)(const void *item)) {
        table_sort(table);
        return ctl->json ? print_json(table, key, json) : print_text(table, stdout);
}
