#ifndef SHMBROKER_CLIENT_CTL_TABLE_H
#define SHMBROKER_CLIENT_CTL_TABLE_H

/* Tables for people: columns are rows of one table, which says what they are called and hold. */

#include <stdbool.h>
#include <stddef.h>

#include "client/ctl-util.h"

typedef struct Column Column;
typedef struct Table Table;

struct Column {
        const char *name;
        const char *help;
        /* Numbers stand to the right */
        bool right;
        /* Whether it is there without being asked for */
        bool shown;
        /* Text of a cell, to be freed; NULL if memory is short */
        char *(*cell)(const void *item, bool bytes);
};

int table_new(const Column *columns, size_t n_columns, const char *selection, bool headings,
              bool bytes, Table **ret);
Table *table_free(Table *table);
int table_add(Table *table, const void *item);
int table_print(Table *table);

DEFINE_CLEANUP(Table, table_free)

#endif
