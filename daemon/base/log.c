/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
static int log_fd = STDERR_FILENO;
static atomic_uint_least64_t n_dropped;

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

/* Sockets cannot be opened anew, nor can what the daemon may not open; they do as they are. A
 * regular file would be written from its beginning, and never keeps anybody waiting like that. */
static void open_own(void) {
        struct stat st;
        int fd;

        if (log_fd != STDERR_FILENO || fstat(STDERR_FILENO, &st) < 0 ||
            !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
                return;
        fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
                log_fd = fd;
}

/**
 * log_open() - begin to log
 * @level:      least important level that is written, of syslog(3)
 */
void log_open(int level) {
        log_level = level;
        log_journal = stderr_is_journal();
        open_own();
        error_set_sink(log_error_step);
}

void log_set_level(int level) {
        log_level = level;
}

int log_get_level(void) {
        return log_level;
}

/* log_dropped() - how many entries were dropped because nobody read what was written before */
uint64_t log_dropped(void) {
        return n_dropped;
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

/*
 * A pipe, a terminal or a socket that nobody reads would keep the writer waiting. O_NONBLOCK would
 * be set for everybody who has the same description, such as a shell. A pipe is writable (poll(2))
 * as long as it has room for PIPE_BUF bytes, but somebody else may be quicker: so there is a
 * description of the daemon's own where the kernel gives one.
 */
static bool stderr_takes(void) {
        struct pollfd poll_fd = { .fd = log_fd, .events = POLLOUT };

        return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLOUT;
}

static ssize_t write_line(const char *line, size_t n_line) {
        ssize_t n = send(log_fd, line, n_line, MSG_DONTWAIT | MSG_NOSIGNAL);

        return n < 0 && errno == ENOTSOCK ? write(log_fd, line, n_line) : n;
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
        /* One write for a line, and all of it or nothing: up to PIPE_BUF bytes are. */
        if (!stderr_takes() || write_line(line, n) < 0)
                ++n_dropped;
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
