/* SPDX-License-Identifier: MIT */
#include "client/ctl/cell.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/process.h"
#include "client/ctl/size.h"

#define NOTHING "-"

/* cell_is_nothing() - does it stand for what is not there, or not known? */
bool cell_is_nothing(const char *text) {
        return strcmp(text, NOTHING) == 0;
}

char *cell_text(const char *text) {
        return strdup(text ? text : NOTHING);
}

char *cell_printf(const char *format, ...) {
        va_list arguments;
        char *text;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        return n < 0 ? NULL : text;
}

char *cell_user(uid_t uid) {
        const struct passwd *user = getpwuid(uid);

        return user ? strdup(user->pw_name) : cell_printf("%ju", (uintmax_t) uid);
}

char *cell_group(gid_t gid) {
        const struct group *group = getgrgid(gid);

        return group ? strdup(group->gr_name) : cell_printf("%ju", (uintmax_t) gid);
}

char *cell_number(uint64_t value) {
        return cell_printf("%" PRIu64, value);
}

char *cell_time(uint64_t usec, CellStyle style) {
        char text[SIZE_TEXT];

        if (style == CELL_SORT)
                return cell_number(usec);
        return strdup(time_format(text, sizeof(text), usec));
}

char *cell_size(uint64_t size, CellStyle style) {
        char text[SIZE_TEXT];

        return strdup(size_format(text, sizeof(text), size, style != CELL_PEOPLE));
}

char *cell_command(pid_t pid, uint64_t before_usec) {
        char *command = NULL;

        if (process_command(pid, before_usec, &command) == -ENOMEM)
                return NULL;
        return command ? command : cell_text(NULL);
}
