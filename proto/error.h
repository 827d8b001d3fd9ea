/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_ERROR_H
#define SHMBROKER_PROTO_ERROR_H

/*
 * How functions fail. 0 is success. A negative errno is fatal for what is being done and is passed
 * on untouched; a positive code belongs to the E enum of one function, whose direct caller handles
 * it or folds it into a fatal one. Each step of a fatal error upwards is told to the sink, so that
 * it prints its own path through the code. Without a sink (the library) nothing is printed.
 */

#include <errno.h>

typedef void (*ErrorSink)(int r, const char *step, const char *file, int line,
                          const char *function);

void error_set_sink(ErrorSink sink);

void error_report(int r, const char *step, const char *file, int line, const char *function);

/*
 * What they return is visible to each caller: a compiler or an analyser then knows that a nonzero
 * code stays one, and what is uninitialised or leaked behind `return error_trace(r)`.
 */
static inline int error_report_raised(int r, const char *file, int line, const char *function) {
#ifdef __clang_analyzer__
        /* After a call that failed, errno is not 0. */
        __builtin_assume(r < 0);
#endif
        error_report(r, "raised", file, line, function);
        return r;
}

static inline int error_report_passed(int r, const char *file, int line, const char *function) {
        /* Success costs no call: it passes here on each level, also of what has to be fast. */
        if (r < 0)
                error_report(r, "passed", file, line, function);
        return r;
}

static inline int error_report_fold(int r, const char *file, int line, const char *function) {
        if (r <= 0)
                return error_report_passed(r, file, line, function);
        error_report(-ENOTRECOVERABLE, "folded", file, line, function);
        return -ENOTRECOVERABLE;
}

/* Raises the negative errno @r. */
#define error_origin(r) error_report_raised((r), __FILE__, __LINE__, __func__)

/* Passes on what a callee returned; only negative values leave a trace. */
#define error_trace(r) error_report_passed((r), __FILE__, __LINE__, __func__)

/* Like error_trace(), and turns a positive code that nobody expected here into -ENOTRECOVERABLE. */
#define error_fold(r) error_report_fold((r), __FILE__, __LINE__, __func__)

#endif
