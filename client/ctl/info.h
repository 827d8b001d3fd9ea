/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_INFO_H
#define SHMBROKER_CLIENT_CTL_INFO_H

/* What there is to say about a segment, one column for each thing, for list and show alike. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ctl/table.h"

/* Cells of these are of a const struct shmbroker_info. */
extern const Column info_columns[];

/* Cells for other tables: to be freed, NULL if memory is short. */
char *cell_text(const char *text);
char *cell_printf(const char *format, ...) _printf_(1, 2);
char *cell_user(uid_t uid);
char *cell_group(gid_t gid);
char *cell_number(uint64_t value);
char *cell_size(uint64_t size, CellStyle style);
char *cell_time(uint64_t usec, CellStyle style);
/* Command line of a process, if it began before then */
char *cell_command(pid_t pid, uint64_t before_usec);

/* Has it attachments? Where that cannot be known, it may. */
bool info_is_held(const struct shmbroker_info *info);

/* Prints a segment that a command made: its name, or its number. Returns an exit code. */
int info_print(const Ctl *ctl, const struct shmbroker_info *info);

#endif
