#ifndef SHMBROKER_CLIENT_CTL_INFO_H
#define SHMBROKER_CLIENT_CTL_INFO_H

/* What there is to say about a segment, one column for each thing, for list and show alike. */

#include <stdint.h>
#include <sys/types.h>

#include "client/ctl-table.h"

/* Cells of these are of a const struct shmbroker_info. */
extern const Column info_columns[];
extern const size_t n_info_columns;

/* Cells for other tables: to be freed, NULL if memory is short. */
char *cell_text(const char *text);
char *cell_printf(const char *format, ...) _printf_(1, 2);
char *cell_user(uid_t uid);
char *cell_time(uint64_t usec);

#endif
