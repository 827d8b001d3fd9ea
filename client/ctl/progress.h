/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_PROGRESS_H
#define SHMBROKER_CLIENT_CTL_PROGRESS_H

/* How far a copy is: a line on standard error, if that is a terminal, of copies that take long. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Progress Progress;

struct Progress {
        bool enabled;
        bool visible;
        /* UINT64_MAX if it is not known */
        uint64_t total;
        uint64_t done;
        /* When it began and when it was drawn, in microseconds of CLOCK_MONOTONIC */
        uint64_t start_usec;
        uint64_t drawn_usec;
};

void progress_begin(Progress *progress, bool quiet, uint64_t total);
void progress_add(Progress *progress, uint64_t n);
void progress_end(Progress *progress);

#endif
