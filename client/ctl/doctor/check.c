/* SPDX-License-Identifier: MIT */
#include "client/ctl/doctor/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* From so many hundredths on it is nearly all. */
#define NEARLY_PERCENT 80

static Finding *new_finding(Doctor *doctor) {
        size_t n_allocated = doctor->n_allocated ? 2 * doctor->n_allocated : 32;
        Finding *findings;

        if (doctor->n_findings == doctor->n_allocated) {
                findings = reallocarray(doctor->findings, n_allocated, sizeof(*findings));
                if (!findings)
                        return NULL;
                doctor->findings = findings;
                doctor->n_allocated = n_allocated;
        }
        return &doctor->findings[doctor->n_findings];
}

_printf_(1, 0) static char *print_text(const char *format, va_list arguments) {
        char *text;

        return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

/* doctor_find() - say what the check that runs has found */
void doctor_find(Doctor *doctor, CheckState state, const char *format, ...) {
        Finding *finding = new_finding(doctor);
        va_list arguments;

        if (!finding) {
                doctor->failed = true;
                return;
        }
        va_start(arguments, format);
        *finding = (Finding){ .check = doctor->check,
                              .state = state,
                              .message = print_text(format, arguments) };
        va_end(arguments);
        ++doctor->n_findings;
        doctor->failed |= !finding->message;
}

/* doctor_advise() - say what to do about what was found last */
void doctor_advise(Doctor *doctor, const char *format, ...) {
        Finding *finding;
        va_list arguments;

        /* If there was no memory for it, it is another one. */
        if (doctor->failed)
                return;
        finding = &doctor->findings[doctor->n_findings - 1];
        va_start(arguments, format);
        finding->advice = print_text(format, arguments);
        va_end(arguments);
        doctor->failed |= !finding->advice;
}

/* doctor_advise_sysctl() - the same, if it is a setting of the kernel */
void doctor_advise_sysctl(Doctor *doctor, const char *name, uint64_t value) {
        doctor_advise(doctor,
                      "'sysctl -w %s=%" PRIu64
                      "' does it until the next boot, the line '%s = %" PRIu64
                      "' in /etc/sysctl.d/shmbroker.conf for good.",
                      name, value, name, value);
}

/* Whether the broker says that it has a SHMBROKER_FEATURE_*, or is too old to say. */
bool doctor_has_feature(const Doctor *doctor, unsigned int feature) {
        unsigned int features;

        /* One that does not say is older than the command, which another check says. */
        return shmbroker_status_features(doctor->facts.status, &features) || features & feature;
}

void doctor_deinit(Doctor *doctor) {
        for (size_t i = 0; i < doctor->n_findings; ++i) {
                free(doctor->findings[i].message);
                free(doctor->findings[i].advice);
        }
        free(doctor->findings);
        facts_deinit(&doctor->facts);
        *doctor = (Doctor){};
}

/* is_nearly() - is so much of it used that there is reason to tell? */
bool is_nearly(uint64_t used, uint64_t maximum) {
        return used > 0 && (long double) used * 100 >= (long double) maximum * NEARLY_PERCENT;
}

/* read_number() - the number in a file of /proc or /sys. Return: 0 or a negative errno. */
int read_number(const char *path, uint64_t *ret) {
        FILE *file = fopen(path, "re");
        bool found;

        if (!file)
                return -errno;
        found = fscanf(file, "%" SCNu64, ret) == 1;
        (void) fclose(file);
        return found ? 0 : -EINVAL;
}
