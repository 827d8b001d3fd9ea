/* SPDX-License-Identifier: MIT */
/* shmbrokerctl doctor: examines the host and the broker, and says what is wrong and what to do. */

#include <stdio.h>
#include <string.h>

#include "client/ctl/cell.h"
#include "client/ctl/commands.h"
#include "client/ctl/doctor/checks.h"
#include "client/ctl/json.h"
#include "client/ctl/text.h"

static const char *const state_names[_CHECK_STATE_N] = {
        [CHECK_OK] = "ok",           [CHECK_NOTE] = "note",   [CHECK_UNKNOWN] = "unknown",
        [CHECK_WARNING] = "warning", [CHECK_ERROR] = "error",
};

static const Option options[] = {
        { "all", 'a', NULL, "also what is well" },
        { "list", OPTION_LIST, NULL, "only say which checks there are" },
};

static int print_list(const Ctl *ctl) {
        if (ctl->json)
                return ctl_usage(ctl, "--list has no JSON");
        for (size_t i = 0; i < check_n_tables; ++i)
                for (const Check *check = check_tables[i]; check->name; ++check)
                        (void) printf("%-17s  %s\n", check->name, check->about);
        return CTL_SUCCESS;
}

static const Check *find_check(const char *name) {
        for (size_t i = 0; i < check_n_tables; ++i)
                for (const Check *check = check_tables[i]; check->name; ++check)
                        if (strcmp(check->name, name) == 0)
                                return check;
        return NULL;
}

static bool doctor_has(const Facts *facts, CheckNeed need) {
        switch (need) {
        case NEEDS_ANSWER:
                return facts->error == 0;
        case NEEDS_PROCESS:
                return facts->pid > 0;
        default:
                return true;
        }
}

static void run_check(Doctor *doctor, const Check *check) {
        doctor->check = check;
        if (doctor_has(&doctor->facts, check->need))
                check->run(doctor);
        else if (doctor->facts.error)
                doctor_find(doctor, CHECK_UNKNOWN, "This takes a broker that answers.");
        else
                doctor_find(doctor, CHECK_UNKNOWN,
                            "Neither its socket, nor systemd, nor /proc tells you the broker's "
                            "process.");
}

/* Those that are named, or all. */
static void run_checks(const Ctl *ctl, Doctor *doctor) {
        for (int i = 0; i < ctl->argc; ++i)
                run_check(doctor, find_check(ctl->argv[i]));
        for (size_t i = 0; ctl->argc == 0 && i < check_n_tables; ++i)
                for (const Check *check = check_tables[i]; check->name; ++check)
                        run_check(doctor, check);
}

static size_t doctor_count(const Doctor *doctor, CheckState state) {
        size_t n = 0;

        for (size_t i = 0; i < doctor->n_findings; ++i)
                n += doctor->findings[i].state == state;
        return n;
}

static bool is_shown(const Finding *finding, bool all) {
        return all || finding->state != CHECK_OK;
}

/* Do both say the same, as of what is unknown for the same reason? */
static bool is_same(const Finding *a, const Finding *b) {
        return a->state == b->state && !a->advice && !b->advice &&
               strcmp(a->message, b->message) == 0;
}

/* Of those that say the same, what was examined stands in one line. */
static int print_line(const Finding *findings, size_t n_findings) {
        _cleanup_(freep) char *message = NULL, *advice = NULL;

        /* Paths and what a broker says may have anything in them. */
        message = text_escape(findings->message);
        advice = text_escape(findings->advice ? findings->advice : "");
        if (!message || !advice)
                return ctl_no_memory();
        (void) printf("%-7s  %s", state_names[findings->state], findings->check->name);
        for (size_t i = 1; i < n_findings; ++i)
                (void) printf(", %s", findings[i].check->name);
        (void) printf(": %s%s%s\n", message, *advice ? " " : "", advice);
        return CTL_SUCCESS;
}

static int print_lines(const Doctor *doctor, bool all) {
        const Finding *findings = doctor->findings;
        int r = CTL_SUCCESS;
        size_t n;

        for (size_t i = 0; r == CTL_SUCCESS && i < doctor->n_findings; i += n) {
                n = 1;
                while (i + n < doctor->n_findings && is_same(&findings[i], &findings[i + n]))
                        ++n;
                if (is_shown(&findings[i], all))
                        r = print_line(&findings[i], n);
        }
        return r;
}

static char *finding_json(const Finding *finding) {
        _cleanup_(freep) char *plain = NULL, *plain_advice = NULL, *message = NULL, *advice = NULL;

        plain = text_escape(finding->message);
        plain_advice = finding->advice ? text_escape(finding->advice) : NULL;
        message = plain ? json_quote(plain) : NULL;
        advice = plain_advice || !finding->advice ? json_quote(plain_advice) : NULL;
        if (!message || !advice)
                return NULL;
        return cell_printf("{\"check\":\"%s\",\"state\":\"%s\",\"message\":%s,\"advice\":%s}",
                           finding->check->name, state_names[finding->state], message, advice);
}

static int print_json(const Doctor *doctor, bool all) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_add_list(&json, "findings");
        for (size_t i = 0; i < doctor->n_findings; ++i) {
                _cleanup_(freep) char *text = NULL;

                if (!is_shown(&doctor->findings[i], all))
                        continue;
                text = finding_json(&doctor->findings[i]);
                json_append_text(&json, "findings", text);
        }
        return json_print(&json);
}

/* Errors make the command fail; what is only to be looked at does not. */
static int doctor_conclude(const Ctl *ctl, const Doctor *doctor) {
        size_t n_errors = doctor_count(doctor, CHECK_ERROR),
               n_warnings = doctor_count(doctor, CHECK_WARNING);

        if (n_errors > 0)
                return ctl_error("%zu error%s, %zu warning%s", n_errors, n_errors == 1 ? "" : "s",
                                 n_warnings, n_warnings == 1 ? "" : "s");
        if (!ctl->json && n_warnings > 0)
                (void) printf("No error, %zu warning%s.\n", n_warnings, n_warnings == 1 ? "" : "s");
        else if (!ctl->json)
                (void) printf("Nothing is wrong.\n");
        return CTL_SUCCESS;
}

static int doctor_examine(Ctl *ctl, bool all) {
        _cleanup_(doctor_deinit) Doctor doctor = {};
        int r;

        r = facts_find(ctl, &doctor.facts);
        if (r)
                return r;
        run_checks(ctl, &doctor);
        if (doctor.failed)
                return ctl_no_memory();
        r = ctl->json ? print_json(&doctor, all) : print_lines(&doctor, all);
        return r ? r : doctor_conclude(ctl, &doctor);
}

static int doctor_run(Ctl *ctl) {
        bool all = false, list = false;
        const char *value;
        int key;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                all |= key == 'a';
                list |= key == OPTION_LIST;
        }
        for (int i = 0; i < ctl->argc; ++i)
                if (!find_check(ctl->argv[i]))
                        return ctl_usage(
                                ctl, "there is no check '%s'; --list shows those that there are",
                                ctl->argv[i]);
        return list ? print_list(ctl) : doctor_examine(ctl, all);
}

const Command command_doctor = {
        .name = "doctor",
        .arguments = "[CHECK...] [OPTION...]",
        .operands = { "CHECK..." },
        .summary = "Examines the host and the broker, and says what is wrong and what to do",
        COMMAND_OPTIONS(options),
        .run = doctor_run,
};
