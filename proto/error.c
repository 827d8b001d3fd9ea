/* SPDX-License-Identifier: MIT */
#include "proto/error.h"

#include <stddef.h>

static ErrorSink error_sink;

/**
 * error_set_sink() - say who is told of fatal errors on their way up
 * @sink:       called for each step, or NULL for nobody
 */
void error_set_sink(ErrorSink sink) {
        error_sink = sink;
}

void error_report(int r, const char *step, const char *file, int line, const char *function) {
        if (r < 0 && error_sink)
                error_sink(r, step, file, line, function);
}
