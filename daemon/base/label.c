/* SPDX-License-Identifier: MIT */
#include "daemon/base/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* label_new() - "@directory/@name", or NULL if there is no memory */
Label *label_new(const char *directory, const char *name) {
        size_t n = strlen(directory) + 1 + strlen(name) + 1;
        Label *label = malloc(sizeof(*label) + n);

        if (!label)
                return NULL;
        label->n_references = 1;
        (void) snprintf(label->text, n, "%s/%s", directory, name);
        return label;
}

Label *label_ref(Label *label) {
        if (label)
                ++label->n_references;
        return label;
}

Label *label_unref(Label *label) {
        if (label && --label->n_references == 0)
                free(label);
        return NULL;
}

/* label_name() - what is behind the last slash */
const char *label_name(const Label *label) {
        return strrchr(label->text, '/') + 1;
}
