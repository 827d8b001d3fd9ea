/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_CELL_H
#define SHMBROKER_CLIENT_CTL_CELL_H

/* The texts of cells of tables. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ctl/util.h"

typedef enum CellStyle CellStyle;

enum CellStyle {
        /* Sizes as 1.5G, times as a date */
        CELL_PEOPLE,
        /* Sizes in bytes */
        CELL_BYTES,
        /* To be compared: times in microseconds as well */
        CELL_SORT,
};

bool cell_is_nothing(const char *text);

/* To be freed; NULL if memory is short. */
char *cell_text(const char *text);
char *cell_printf(const char *format, ...) _printf_(1, 2);
char *cell_user(uid_t uid);
char *cell_group(gid_t gid);
char *cell_number(uint64_t value);
char *cell_size(uint64_t size, CellStyle style);
char *cell_time(uint64_t usec, CellStyle style);
/* Command line of a process, if it began before then */
char *cell_command(pid_t pid, uint64_t before_usec);

#endif
