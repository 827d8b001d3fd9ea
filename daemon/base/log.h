/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_LOG_H
#define SHMBROKER_DAEMON_BASE_LOG_H

/*
 * What the daemon says: a sentence for people and fields for programs. To the journal with its
 * fields if standard error is connected to it, else to standard error as a line. What standard
 * error does not take at once, because nobody reads it, is dropped and counted: nobody waits for
 * it.
 */

#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "proto/util.h"

typedef struct LogField LogField;

/* A field of the journal, systemd.journal-fields(7); the key is upper case. One whose value is NULL
 * is left out. */
struct LogField {
        const char *key;
        const char *value;
};

void log_open(int level);
void log_set_level(int level);
int log_get_level(void);
uint64_t log_dropped(void);

void log_write(int level, const char *file, int line, const char *function, const LogField *fields,
               size_t n_fields, const char *format, ...) _printf_(7, 8);

/* log_fields(LOG_INFO, ((LogField[]){ { "KEY", value } }), "format", ...) */
#define log_fields(level, fields, ...)                                                             \
        do {                                                                                       \
                if ((level) <= log_get_level())                                                    \
                        log_write((level), __FILE__, __LINE__, __func__, (fields),                 \
                                  sizeof(fields) / sizeof(LogField), __VA_ARGS__);                 \
        } while (0)

#define log_plain(level, ...)                                                                      \
        do {                                                                                       \
                if ((level) <= log_get_level())                                                    \
                        log_write((level), __FILE__, __LINE__, __func__, NULL, 0, __VA_ARGS__);    \
        } while (0)

#define log_debug(...) log_plain(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_plain(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_plain(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_plain(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_plain(LOG_ERR, __VA_ARGS__)

#endif
