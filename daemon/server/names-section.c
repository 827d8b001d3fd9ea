/* SPDX-License-Identifier: MIT */
#include "daemon/server/names-section.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/model/name-pattern.h"
#include "daemon/server/value.h"
#include "proto/util.h"

#define SPACE " \t\r\n"

typedef struct Line Line;

/* Where it is, for messages, and its two sides, which are parts of a copy. */
struct Line {
        const char *path;
        int n_line;
        char *pattern;
        char *holder;
};

static char *strip(char *text) {
        char *end;

        text += strspn(text, SPACE);
        end = text + strlen(text);
        while (end > text && strchr(SPACE, end[-1]))
                --end;
        *end = '\0';
        return text;
}

/* As inih has it: a semicolon behind a space. */
static void cut_comment(char *text) {
        for (char *at = text; *at; ++at)
                if (*at == ';' && at > text && strchr(SPACE, at[-1])) {
                        *at = '\0';
                        return;
                }
}

/* No name has an equals sign in it, so the first one ends the pattern. */
static bool split(Line *line, char *text) {
        char *equals = strchr(text, '=');

        if (!equals)
                return false;
        *equals = '\0';
        cut_comment(equals + 1);
        line->pattern = strip(text);
        line->holder = strip(equals + 1);
        return line->pattern[0] && line->holder[0];
}

static bool find_holder(const Line *line, bool *ret_for_group, id_t *ret) {
        bool for_group = line->holder[0] == '@';
        const char *name = line->holder + for_group;

        *ret_for_group = for_group;
        if (for_group ? value_group(name, ret) : value_user(name, ret))
                return true;
        log_error(
                "%s:%d: cannot reserve '%s': the broker knows no %s '%s'; use the number if there "
                "is one.",
                line->path, line->n_line, line->pattern, for_group ? "group" : "user", name);
        return false;
}

/**
 * names_section_read() - read a line of the section
 * @names:      takes what it reserves
 * @path:       of the file, for messages
 * @n_line:     which line it is, for the same
 * @line:       the whole line, for inih would end the pattern at a colon
 *
 * Return: whether the line is right; if it is not, that has been logged.
 */
bool names_section_read(ReservedNames *names, const char *path, int n_line, const char *line) {
        _cleanup_(freep) char *text = strdup(line);
        Line parts = { .path = path, .n_line = n_line };
        bool for_group;
        id_t id = 0;

        if (text && !split(&parts, text)) {
                log_error("%s:%d: in section [names] a line is PATTERN = USER or PATTERN = @GROUP; "
                          "see shmbroker.conf(5).",
                          path, n_line);
                return false;
        }
        if (text && !find_holder(&parts, &for_group, &id))
                return false;
        if (!text || reserved_names_add(names, parts.pattern, for_group, id)) {
                log_error("%s:%d: not enough memory to read this line.", path, n_line);
                return false;
        }
        if (!name_pattern_possible(parts.pattern))
                log_warning("%s:%d: this line reserves nothing: no segment can have a name that "
                            "'%s' matches.",
                            path, n_line, parts.pattern);
        return true;
}
