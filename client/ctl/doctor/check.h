/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_DOCTOR_CHECK_H
#define SHMBROKER_CLIENT_CTL_DOCTOR_CHECK_H

/*
 * What the checks of 'doctor' share: a check is one row of a table, looks at one thing of the host
 * or of the broker, and says in sentences what it found, at least one of them.
 */

#include "client/ctl/doctor/facts.h"

typedef enum CheckNeed CheckNeed;
typedef enum CheckState CheckState;
typedef struct Check Check;
typedef struct Doctor Doctor;
typedef struct Finding Finding;

/* In the order of how bad it is */
enum CheckState {
        CHECK_OK,
        /* Good to know */
        CHECK_NOTE,
        /* It cannot be found out */
        CHECK_UNKNOWN,
        /* Something is lost, slow, or will fail sooner or later */
        CHECK_WARNING,
        /* The broker does not work */
        CHECK_ERROR,
        _CHECK_STATE_N,
};

/* Without which a check says only that it is unknown */
enum CheckNeed {
        NEEDS_NOTHING,
        /* The broker answers */
        NEEDS_ANSWER,
        /* The broker's process is known */
        NEEDS_PROCESS,
        _CHECK_NEED_N,
};

struct Finding {
        const Check *check;
        CheckState state;
        /* Sentences; the second says what to do, and is NULL if there is nothing to be done */
        char *message;
        char *advice;
};

struct Check {
        const char *name;
        /* What it looks at */
        const char *about;
        CheckNeed need;
        void (*run)(Doctor *doctor);
};

struct Doctor {
        Facts facts;
        /* The one that runs */
        const Check *check;
        Finding *findings;
        size_t n_findings;
        size_t n_allocated;
        /* There was no memory for one of them */
        bool failed;
};

void doctor_find(Doctor *doctor, CheckState state, const char *format, ...) _printf_(3, 4);
void doctor_advise(Doctor *doctor, const char *format, ...) _printf_(2, 3);
void doctor_advise_sysctl(Doctor *doctor, const char *name, uint64_t value);
bool doctor_has_feature(const Doctor *doctor, unsigned int feature);
void doctor_deinit(Doctor *doctor);

bool is_nearly(uint64_t used, uint64_t maximum);
int read_number(const char *path, uint64_t *ret);

#endif
