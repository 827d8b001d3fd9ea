/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "proto/error.h"

#define LINE_MAX_BYTES 2048
#define FIELDS_MAX 16

static int log_level = LOG_INFO;
static bool log_journal;

/* Is standard error the stream that systemd connected to the journal? systemd.exec(5) */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        char expected[64];
        struct stat st;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return false;
        (void) snprintf(expected, sizeof(expected), "%llu:%llu", (unsigned long long) st.st_dev,
                        (unsigned long long) st.st_ino);
        return strcmp(stream, expected) == 0;
}

static void log_error_step(int r, const char *step, const char *file, int line,
                           const char *function) {
        if (log_level >= LOG_DEBUG)
                log_write(LOG_DEBUG, file, line, function, NULL, 0, "error %s in %s(), %s:%d: %s",
                          step, function, file, line, strerror(-r));
}

/**
 * log_open() - begin to log
 * @level:      least important level that is written, of syslog(3)
 */
void log_open(int level) {
        log_level = level;
        log_journal = stderr_is_journal();
        error_set_sink(log_error_step);
}

void log_set_level(int level) {
        log_level = level;
}

int log_get_level(void) {
        return log_level;
}

static bool write_journal(int level, const char *file, int line, const char *function,
                          const LogField *fields, size_t n_fields, const char *text) {
        struct iovec parts[FIELDS_MAX + 5];
        char *strings[FIELDS_MAX + 5];
        size_t n = 0;
        int r;

        if (n_fields > FIELDS_MAX)
                n_fields = FIELDS_MAX;
        if (asprintf(&strings[n], "MESSAGE=%s", text) >= 0)
                ++n;
        if (asprintf(&strings[n], "PRIORITY=%d", level) >= 0)
                ++n;
        if (asprintf(&strings[n], "CODE_FILE=%s", file) >= 0)
                ++n;
        if (asprintf(&strings[n], "CODE_LINE=%d", line) >= 0)
                ++n;
        if (asprintf(&strings[n], "CODE_FUNC=%s", function) >= 0)
                ++n;
        for (size_t i = 0; i < n_fields; ++i)
                if (fields[i].value &&
                    asprintf(&strings[n], "%s=%s", fields[i].key, fields[i].value) >= 0)
                        ++n;
        for (size_t i = 0; i < n; ++i)
                parts[i] = (struct iovec){ .iov_base = strings[i], .iov_len = strlen(strings[i]) };
        r = sd_journal_sendv(parts, (int) n);
        while (n > 0)
                free(strings[--n]);
        return r >= 0;
}

static void write_stderr(const LogField *fields, size_t n_fields, const char *text) {
        char line[LINE_MAX_BYTES];
        size_t n;

        n = (size_t) snprintf(line, sizeof(line), "shmbrokerd: %s", text);
        for (size_t i = 0; i < n_fields && n < sizeof(line); ++i)
                if (fields[i].value)
                        n += (size_t) snprintf(line + n, sizeof(line) - n, " %s=%s", fields[i].key,
                                               fields[i].value);
        if (n > sizeof(line) - 2)
                n = sizeof(line) - 2;
        line[n++] = '\n';
        /* One write for a line; whether anybody reads it does not matter here. */
        if (write(STDERR_FILENO, line, n) < 0)
                return;
}

/**
 * log_write() - log one message; the macros in the header call it
 * @level:      importance, of syslog(3)
 * @file:       where in the code
 * @line:       where in the code
 * @function:   where in the code
 * @fields:     fields beside the message
 * @n_fields:   their number
 * @format:     printf(3) format of the sentence
 */
void log_write(int level, const char *file, int line, const char *function, const LogField *fields,
               size_t n_fields, const char *format, ...) {
        char text[LINE_MAX_BYTES];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (!log_journal || !write_journal(level, file, line, function, fields, n_fields, text))
                write_stderr(fields, n_fields, text);
}
