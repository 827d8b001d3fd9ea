/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_TABLE_H
#define SHMBROKER_CLIENT_CTL_TABLE_H

/*
 * Tables: columns are rows of one array, from which headings, --output, --sort, --help, completion
 * and what of --json is printed are made.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/ctl/cell.h"
#include "client/ctl/ctl.h"

typedef struct Table Table;
typedef struct TableOptions TableOptions;

/* The text of a cell, to be freed; NULL if memory is short */
typedef char *Cell(const void *item, CellStyle style);

struct Column {
        const char *name;
        /* What lsipc(1) calls it, if otherwise */
        const char *alias;
        const char *help;
        /* The members of the JSON that are in it, with blanks between them; NULL if there is none,
         * and the text of the cell stands for it */
        const char *members;
        /* Stands to the right */
        bool right;
        /* Whether it is there without being asked for */
        bool shown;
        /* The same as long as any line has something in it */
        bool rare;
        /* Sorted as a number */
        bool number;
        /* May be cut off at the edge of a terminal */
        bool wide;
        /* Another column says it as well, for those who look for lsipc's */
        bool twin;
        /* Looks at a process that the broker has told the number of */
        bool process;
        Cell *cell;
};

struct TableOptions {
        /* Values of options; NULL where not given */
        const char *columns;
        const char *sort;
        bool all_columns;
        bool no_headings;
        bool no_truncate;
        bool bytes;
        bool raw;
};

/* The options that table_option() takes. */
#define TABLE_OPTIONS                                                                              \
        { "output", 'o', "COLUMNS", "columns to show, with commas; +COLUMNS are added" },          \
                { "output-all", OPTION_OUTPUT_ALL, NULL, "all columns" },                          \
                { "sort", OPTION_SORT, "COLUMN", "sort by this column; -COLUMN: downwards" },      \
                { "noheadings", 'n', NULL, "no line of headings" },                                \
                { "bytes", 'b', NULL, "sizes in bytes" },                                          \
                { "raw", 'r', NULL, "one blank between columns, for other programs" }, {           \
                "notruncate", OPTION_NO_TRUNCATE, NULL, "cut nothing off at the edge"              \
        }

int table_option(const Ctl *ctl, TableOptions *options, int key, const char *value);
int table_only(Ctl *ctl, TableOptions *ret);

char *column_cell(const Column *column, const void *item, CellStyle style, bool processes);
int table_new(const Ctl *ctl, const Column *columns, const TableOptions *options, Table **ret);
Table *table_free(Table *table);
int table_add(Table *table, const void *item);
int table_show(Table *table, FILE *stream);
int table_print(const Ctl *ctl, Table *table, const char *key, char *(*json)(const void *item));

DEFINE_CLEANUP(Table, table_free)

#endif
