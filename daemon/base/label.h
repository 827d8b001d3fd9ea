/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_LABEL_H
#define SHMBROKER_DAEMON_BASE_LABEL_H

/* A string that a segment and the events about it have together. */

#include <stddef.h>

#include "proto/util.h"

typedef struct Label Label;

struct Label {
        size_t n_references;
        char text[];
};

Label *label_new(const char *directory, const char *name);
Label *label_ref(Label *label);
Label *label_unref(Label *label);

const char *label_name(const Label *label);

DEFINE_CLEANUP(Label, label_unref)

#endif
