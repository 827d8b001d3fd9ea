/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': the configuration that the broker has, or does not start with. */

#include <inttypes.h>
#include <string.h>

#include "client/ctl/cell.h"
#include "client/ctl/doctor/checks.h"
#include "client/ctl/run.h"

/* shmbrokerd(8), EXIT STATUS */
#define STATUS_REFUSED 78

/* What the shell takes for nothing but a path. */
#define PATH_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+-"

static char *config_command(const Facts *facts) {
        _cleanup_(freep) char *file = NULL, *program = NULL;

        if (facts->pid > 0) {
                file = facts_option(facts, "--config");
                program = cell_printf("/proc/%jd/exe", (intmax_t) facts->pid);
        } else {
                program = strdup("shmbrokerd");
        }
        if (!program || (file && file[strspn(file, PATH_CHARACTERS)]))
                return NULL;
        return cell_printf("%s%s --check-config%s%s 2>&1 </dev/null", program,
                           facts->user ? " --user" : "", file ? " --config " : "",
                           file ? file : "");
}

/* The first line without the program's name before it, and how many there are. */
static size_t split_lines(char *text, const char **ret_first) {
        size_t n = 0, n_first = strcspn(text, "\n");
        char *colon;

        for (const char *at = text; *at; ++at)
                n += *at == '\n';
        text[n_first] = '\0';
        colon = strstr(text, ": ");
        *ret_first = colon ? colon + 2 : text;
        return n;
}

static void find_complaints(Doctor *doctor, char *text, bool refused) {
        const char *first;
        size_t n = split_lines(text, &first);

        doctor_find(doctor, refused ? CHECK_ERROR : CHECK_WARNING, "%s%s",
                    refused ? "The broker refuses its configuration: " : "", first);
        doctor_advise(doctor, "%s'shmbrokerd --check-config' says %s.",
                      refused ? "A broker that runs keeps the one it has, and a new one waits. "
                              : "",
                      n > 1 ? "all that is wrong" : "whether it is right then");
}

static void check_configuration(Doctor *doctor) {
        _cleanup_(freep) char *command = config_command(&doctor->facts), *text = NULL;
        int status = -1;

        if (command)
                text = run_command(command, &status);
        if (text && status == 0 && !*text)
                doctor_find(doctor, CHECK_OK, "The configuration is valid.");
        else if (text && *text && (status == 0 || status == STATUS_REFUSED))
                find_complaints(doctor, text, status == STATUS_REFUSED);
        else
                doctor_find(doctor, CHECK_UNKNOWN,
                            "The configuration could not be looked at by 'shmbrokerd "
                            "--check-config'.");
}

const Check config_checks[] = {
        { "configuration", "whether the broker takes its configuration", NEEDS_NOTHING,
          check_configuration },
        {},
};
