/* SPDX-License-Identifier: MIT */
#include "daemon/server/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/model/name-pattern.h"
#include "daemon/server/names-section.h"
#include "daemon/server/tenant-settings.h"
#include "daemon/server/value.h"
#include "proto/error.h"
#include "proto/util.h"

typedef struct Reading Reading;

struct Reading {
        const char *path;
        FILE *file;
        int n_lines;
        /* The one that is read now, as it stands in the file */
        char line[INI_MAX_LINE];
        Settings settings;
        /* Of this file alone */
        ReservedNames reserved_names;
        /* Whose section this is, and whether a key was in any section that this is; a line that
         * begins with blanks goes on with the value of that */
        TenantSettings *tenant;
        bool has_key;
        bool invalid;
        bool no_memory;
};

static SettingResult parse_setting(Settings *settings, const char *section, const char *name,
                                   const char *value) {
        bool good;

        if (strcmp(section, "limits") == 0)
                return value_limit(name, value, settings->total_maximum, settings->user_maximum);
        if (strcmp(section, "log") == 0 && strcmp(name, "level") == 0)
                good = value_level(value, &settings->log_level);
        else if (strcmp(section, "sysv") == 0 && strcmp(name, "descriptors") == 0)
                good = value_hand_out(value, &settings->sysv_descriptors);
        else if (strcmp(section, "log") == 0 || strcmp(section, "sysv") == 0)
                return SETTING_UNKNOWN;
        else
                return SETTING_NO_SECTION;
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

/* Does this line go on with the value of a tenant's key? It may begin with a bracket then. */
static bool goes_on(const Reading *reading, const char *line) {
        return reading->tenant && reading->has_key && strchr(" \t", line[0]);
}

/* Sections and keys that begin so are for other programs. */
static bool is_extension(const char *text) {
        return strncmp(text, "X-", 2) == 0;
}

/* What is wrong with a tenant is wrong with it alone. */
static void refuse_tenant(const Reading *reading, TenantSettings *tenant, const char *what) {
        _cleanup_(freep) char *problem = NULL;

        log_error("%s:%d: tenant %s: %s; see shmbroker.conf(5).", reading->path, reading->n_lines,
                  tenant->name, what);
        if (asprintf(&problem, "%s:%d: %s", reading->path, reading->n_lines, what) >= 0)
                tenant_settings_refuse(tenant, problem);
}

/* A section begins, which may have no keys: nothing else tells of it then. inih cuts a long name.
 */
static void begin_section(Reading *reading, const char *line) {
        _cleanup_(freep) char *section = strndup(line + 1, strcspn(line + 1, "]"));
        int r;

        reading->tenant = NULL;
        reading->has_key = false;
        if (section && !tenant_settings_is_section(section))
                return;
        r = section ? tenant_settings_get(&reading->settings.tenants, section, &reading->tenant)
                    : -ENOMEM;
        if (r < 0)
                reading->no_memory = true;
        else if (r == TENANT_SETTINGS_E_NAME)
                refuse_tenant(reading, reading->tenant,
                              "a name is 1 to 40 letters, digits, '.', '_' and '-', and does not "
                              "begin with a dot");
}

/* Is a line of a tenant's section one that inih understands? */
static bool is_understood(const Reading *reading, const char *line) {
        const char *begin = line + strspn(line, " \t\r\n");

        return !*begin || strchr("#;", *begin) || strpbrk(begin, "=:") || goes_on(reading, line);
}

static char *look_at_line(Reading *reading, char *line) {
        const char *begin = line + strspn(line, " \t");

        if (begin[0] == '[' && (begin == line || !reading->has_key)) {
                begin_section(reading, begin);
        } else if (reading->tenant && !is_understood(reading, line)) {
                refuse_tenant(reading, reading->tenant, "this line is not understood");
                line[0] = '\0';
        } else if (!strchr("\r\n#;", begin[0])) {
                reading->has_key = true;
        }
        return line;
}

/* inih passes over a byte order mark, behind which a section may begin. */
static void skip_mark(const Reading *reading, char *line) {
        static const char mark[] = "\xef\xbb\xbf";
        size_t n = strlen(mark);

        if (reading->n_lines == 1 && strncmp(line, mark, n) == 0)
                memmove(line, line + n, strlen(line + n) + 1);
}

/*
 * inih takes what does not fit into its buffer (INI_MAX_LINE) for another line: a comment must not
 * become a setting so. Any other line of that length is none that is understood.
 */
static char *next_line(char *line, int n_line, void *userdata) {
        Reading *reading = userdata;
        FILE *file = reading->file;
        bool more, cut;
        int c;

        if (!fgets(line, n_line, file))
                return NULL;
        ++reading->n_lines;
        skip_mark(reading, line);
        (void) snprintf(reading->line, sizeof(reading->line), "%s", line);
        more = !goes_on(reading, line) && has_more_than_section(line);
        cut = !strchr(line, '\n') && !feof(file);
        for (c = 0; cut && c != EOF && c != '\n';)
                c = fgetc(file);
        if (more || (cut && !strchr("#;", line[strspn(line, " \t")])))
                (void) strcpy(line, "?");
        /* Then it is not known what section the rest is in: the file is wrong. */
        return more ? line : look_at_line(reading, line);
}

/* Log it if a pattern can match no name at all. */
static void look_at_exports(const Reading *reading, const TenantSettings *tenant,
                            const char *patterns) {
        for (const char *at = patterns; *(at += strspn(at, " \t")); at += strcspn(at, " \t")) {
                _cleanup_(freep) char *pattern = strndup(at, strcspn(at, " \t"));

                if (pattern && !name_pattern_possible(pattern))
                        log_warning("%s:%d: tenant %s: '%s' exports nothing: no segment can have a "
                                    "name that it matches.",
                                    reading->path, reading->n_lines, tenant->name, pattern);
        }
}

static SettingResult take_line(Reading *reading, const char *section, const char *name,
                               const char *value, TenantSettings **ret_tenant) {
        *ret_tenant = NULL;
        if (!tenant_settings_is_section(section))
                return parse_setting(&reading->settings, section, name, value);
        /* There is none if memory ran out. */
        *ret_tenant = reading->tenant;
        return reading->tenant ? tenant_settings_take(reading->tenant, name, value) : SETTING_GOOD;
}

/* Called by inih for each line; 0 says that it is wrong. */
static int read_line(void *userdata, const char *section, const char *name, const char *value) {
        _cleanup_(freep) char *what = NULL;
        Reading *reading = userdata;
        TenantSettings *tenant;

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
        switch (take_line(reading, section, name, value, &tenant)) {
        case SETTING_GOOD:
                if (tenant && strcmp(name, "export") == 0)
                        look_at_exports(reading, tenant, value);
                return 1;
        case SETTING_NO_SECTION:
                log_warning("%s:%d: unknown section [%s]; its key '%s' is ignored.", reading->path,
                            reading->n_lines, section, name);
                return 1;
        case SETTING_UNKNOWN:
                log_warning("%s:%d: unknown key '%s' in section [%s]; ignored.", reading->path,
                            reading->n_lines, name, section);
                return 1;
        case SETTING_WRONG:
                break;
        }
        if (tenant) {
                if (asprintf(&what, "'%s' is no valid value of '%s'", value, name) < 0)
                        reading->no_memory = true;
                else
                        refuse_tenant(reading, tenant, what);
                return 1;
        }
        log_error("%s:%d: '%s' is no valid value of '%s' in section [%s]; see shmbroker.conf(5).",
                  reading->path, reading->n_lines, value, name, section);
        reading->invalid = true;
        return 0;
}

void settings_deinit(Settings *settings) {
        reserved_names_deinit(&settings->reserved_names);
        settings->tenants = tenant_settings_free_all(settings->tenants);
}

static int read_file(Reading *reading, const char *path) {
        int r, error;

        reading->file = fopen(path, "re");
        if (!reading->file)
                return errno == ENOENT ? SETTINGS_E_NONE : error_origin(-errno);
        r = ini_parse_stream(next_line, reading, read_line, reading);
        /* An error of reading looks like the end of the file to inih. */
        error = ferror(reading->file) ? errno : r < 0 ? EIO : reading->no_memory ? ENOMEM : 0;
        fclose(reading->file);
        if (error)
                return error_origin(-error);
        if (r > 0 && !reading->invalid)
                log_error("%s:%d: this line is not understood; see shmbroker.conf(5).", path, r);
        return r > 0 ? SETTINGS_E_INVALID : 0;
}

/**
 * settings_read() - read the configuration file
 * @path:       the file
 * @settings:   what holds if the file does not say; changed only if no line is wrong, except that
 *              settings of tenants are added in any case
 *
 * What is unknown is logged as a warning and ignored, so that a file may be shared with another
 * version. Each message says the line. What is wrong about a tenant is that tenant's problem.
 *
 * Return: 0, SETTINGS_E_NONE, SETTINGS_E_INVALID, or a negative errno.
 */
int settings_read(const char *path, Settings *settings) {
        Reading reading = { .path = path, .settings = *settings };
        int r;

        r = read_file(&reading, path);
        settings->tenants = reading.settings.tenants;
        if (r) {
                reserved_names_deinit(&reading.reserved_names);
                return r;
        }
        *settings = reading.settings;
        reserved_names_join(&settings->reserved_names, &reading.reserved_names);
        return 0;
}
