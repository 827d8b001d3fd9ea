/* SPDX-License-Identifier: MIT */
#include "daemon/server/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/server/names-section.h"
#include "proto/error.h"
#include "proto/util.h"

#define NUMBER_MAXIMUM (UINT64_C(1) << 53)

typedef struct Reading Reading;
typedef enum SettingResult SettingResult;

/* What came of one line. */
enum SettingResult {
        SETTING_GOOD,
        /* No such section or key, in this version at least */
        SETTING_UNKNOWN,
        SETTING_WRONG,
};

struct Reading {
        const char *path;
        FILE *file;
        int n_lines;
        /* The one that is read now, as it stands in the file */
        char line[INI_MAX_LINE];
        Settings settings;
        /* Of this file alone */
        ReservedNames reserved_names;
        bool invalid;
};

static const char *const level_names[] = {
        [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static const char *const hand_out_names[_HAND_OUT_N] = {
        [HAND_OUT_OWNER] = "owner",
        [HAND_OUT_EVERYONE] = "everyone",
        [HAND_OUT_NOBODY] = "nobody",
};

/* A number, with K, M, G or T behind it for powers of 1024. */
static bool parse_number(const char *text, uint64_t *ret) {
        static const char units[] = "KMGT";
        unsigned long long value;
        const char *unit;
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        value = strtoull(text, &end, 10);
        if (errno)
                return false;
        if (*end) {
                unit = strchr(units, *end);
                if (!unit || end[1])
                        return false;
                for (ptrdiff_t i = 0; i <= unit - units; ++i)
                        if (__builtin_mul_overflow(value, 1024ULL, &value))
                                return false;
        }
        if (value > NUMBER_MAXIMUM)
                return false;
        *ret = value;
        return true;
}

static bool parse_level(const char *text, int *ret) {
        for (size_t i = 0; i < ARRAY_SIZE(level_names); ++i)
                if (level_names[i] && strcmp(level_names[i], text) == 0) {
                        *ret = (int) i;
                        return true;
                }
        return false;
}

static bool parse_hand_out(const char *text, HandOut *ret) {
        for (size_t i = 0; i < _HAND_OUT_N; ++i)
                if (strcmp(hand_out_names[i], text) == 0) {
                        *ret = (HandOut) i;
                        return true;
                }
        return false;
}

static bool parse_maximum(const char *text, uint64_t *ret) {
        if (strcmp(text, "infinity") != 0)
                return parse_number(text, ret);
        *ret = LIMIT_NONE;
        return true;
}

static SettingResult parse_limit(Settings *settings, const char *name, const char *value) {
        uint64_t *maximum = NULL;

        for (size_t i = 0; i < _LIMIT_N; ++i) {
                if (strcmp(name, limit_total_name((Limit) i)) == 0)
                        maximum = &settings->total_maximum[i];
                if (strcmp(name, limit_user_name((Limit) i)) == 0)
                        maximum = &settings->user_maximum[i];
        }
        if (!maximum)
                return SETTING_UNKNOWN;
        return parse_maximum(value, maximum) ? SETTING_GOOD : SETTING_WRONG;
}

static SettingResult parse_setting(Settings *settings, const char *section, const char *name,
                                   const char *value) {
        bool good;

        if (strcmp(section, "limits") == 0)
                return parse_limit(settings, name, value);
        if (strcmp(section, "log") == 0 && strcmp(name, "level") == 0)
                good = parse_level(value, &settings->log_level);
        else if (strcmp(section, "sysv") == 0 && strcmp(name, "descriptors") == 0)
                good = parse_hand_out(value, &settings->sysv_descriptors);
        else
                return SETTING_UNKNOWN;
        return good ? SETTING_GOOD : SETTING_WRONG;
}

/*
 * Behind the name of a section inih overlooks everything. A pattern that begins with a bracket must
 * not be lost so.
 */
static bool has_more_than_section(const char *line) {
        const char *end;

        line += strspn(line, " \t");
        end = line[0] == '[' ? strchr(line, ']') : NULL;
        return end && !strchr("#;", end[1 + strspn(end + 1, " \t\r\n")]);
}

/* Sections and keys that begin so are for other programs. */
static bool is_extension(const char *text) {
        return strncmp(text, "X-", 2) == 0;
}

/*
 * inih takes what does not fit into its buffer (INI_MAX_LINE) for another line: a comment must not
 * become a setting so. Any other line of that length is none that is understood.
 */
static char *next_line(char *line, int n_line, void *userdata) {
        Reading *reading = userdata;
        FILE *file = reading->file;
        int c;

        if (!fgets(line, n_line, file))
                return NULL;
        ++reading->n_lines;
        (void) snprintf(reading->line, sizeof(reading->line), "%s", line);
        if (has_more_than_section(line))
                (void) strcpy(line, "?");
        if (strchr(line, '\n') || feof(file))
                return line;
        do
                c = fgetc(file);
        while (c != EOF && c != '\n');
        if (!strchr("#;", line[strspn(line, " \t")]))
                (void) strcpy(line, "?");
        return line;
}

/* Called by inih for each line; 0 says that it is wrong. */
static int read_line(void *userdata, const char *section, const char *name, const char *value) {
        Reading *reading = userdata;

        if (is_extension(section))
                return 1;
        if (strcmp(section, "names") == 0) {
                if (names_section_read(&reading->reserved_names, reading->path, reading->n_lines,
                                       reading->line))
                        return 1;
                reading->invalid = true;
                return 0;
        }
        if (is_extension(name))
                return 1;
        switch (parse_setting(&reading->settings, section, name, value)) {
        case SETTING_GOOD:
                return 1;
        case SETTING_UNKNOWN:
                log_warning("%s:%d: unknown key '%s' in section [%s]; ignored.", reading->path,
                            reading->n_lines, name, section);
                return 1;
        case SETTING_WRONG:
                break;
        }
        log_error("%s:%d: '%s' is no valid value of '%s' in section [%s]; see shmbroker.conf(5).",
                  reading->path, reading->n_lines, value, name, section);
        reading->invalid = true;
        return 0;
}

/**
 * settings_read() - read the configuration file
 * @path:       the file
 * @settings:   what holds if the file does not say; changed only if no line is wrong
 *
 * What is unknown is logged as a warning and ignored, so that a file may be shared with another
 * version. Each message says the line.
 *
 * Return: 0, SETTINGS_E_NONE, SETTINGS_E_INVALID, or a negative errno.
 */
int settings_read(const char *path, Settings *settings) {
        Reading reading = { .path = path, .settings = *settings };
        FILE *file;
        int r, error;

        file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? SETTINGS_E_NONE : error_origin(-errno);
        reading.file = file;
        r = ini_parse_stream(next_line, &reading, read_line, &reading);
        /* An error of reading looks like the end of the file to inih. */
        error = ferror(file) ? errno : r < 0 ? EIO : 0;
        fclose(file);
        if (error) {
                reserved_names_deinit(&reading.reserved_names);
                return error_origin(-error);
        }
        if (r > 0 && !reading.invalid)
                log_error("%s:%d: this line is not understood; see shmbroker.conf(5).", path, r);
        if (r > 0) {
                reserved_names_deinit(&reading.reserved_names);
                return SETTINGS_E_INVALID;
        }
        *settings = reading.settings;
        reserved_names_join(&settings->reserved_names, &reading.reserved_names);
        return 0;
}

void settings_deinit(Settings *settings) {
        reserved_names_deinit(&settings->reserved_names);
}
