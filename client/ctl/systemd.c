/* SPDX-License-Identifier: MIT */
#include "client/ctl/systemd.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/ctl/run.h"

#define UNIT "shmbroker.service"
#define PROPERTIES                                                                                 \
        "LoadState,ActiveState,MainPID,RemoveIPC,FileDescriptorStoreMax,NFileDescriptorStore"

/* systemd_runs() - is it what started this host? sd_booted(3) */
bool systemd_runs(void) {
        return access("/run/systemd/system/", F_OK) == 0;
}

/* What a command prints that succeeds; NULL if it does not. */
static char *read_command(const char *command) {
        int status;
        _cleanup_(freep) char *text = run_command(command, &status);

        return text && status == 0 ? steal_ptr(text) : NULL;
}

/* systemd_unit() - properties of the broker's service, to be freed; NULL if they are not told */
char *systemd_unit(bool user) {
        return read_command(user ? "systemctl --user show --property=" PROPERTIES " " UNIT
                                   " 2>/dev/null </dev/null"
                                 : "systemctl show --property=" PROPERTIES " " UNIT
                                   " 2>/dev/null </dev/null");
}

/* systemd_logind() - the properties that logind has or, if it does not answer, its configuration as
 * it would read it; to be freed, NULL if neither is told */
char *systemd_logind(void) {
        char *text;

        text = read_command("loginctl show-session --property=RemoveIPC 2>/dev/null </dev/null");
        return text ? text
                    : read_command("systemd-analyze --no-pager cat-config systemd/logind.conf "
                                   "2>/dev/null </dev/null");
}

/* systemd_value() - what has this name, the last that is said; NULL if nothing is, or to be freed
 */
char *systemd_value(const char *lines, const char *name) {
        size_t n_name = strlen(name);
        const char *value = NULL;

        while (lines && *lines) {
                const char *end = strchrnul(lines, '\n');

                lines += strspn(lines, " \t");
                if (strncmp(lines, name, n_name) == 0 &&
                    lines[n_name + strspn(lines + n_name, " \t")] == '=')
                        value = strchr(lines, '=') + 1;
                lines = *end ? end + 1 : end;
        }
        if (!value)
                return NULL;
        value += strspn(value, " \t");
        return strndup(value, strcspn(value, " \t\r\n"));
}

/* systemd_is_true() - is it one of the words that mean so? NULL is not. */
bool systemd_is_true(const char *value) {
        static const char *const words[] = { "1", "yes", "y", "true", "t", "on" };

        for (size_t i = 0; value && i < ARRAY_SIZE(words); ++i)
                if (strcasecmp(value, words[i]) == 0)
                        return true;
        return false;
}
