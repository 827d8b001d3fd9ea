/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_LIFE_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_LIFE_H

/*
 * A Life with nothing around it, and each of the kernel's answers missing on demand: the calls
 * behind them fail, in programs that are linked with --wrap for them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/life/life.h"

typedef enum Missing Missing;
typedef struct UnitFail UnitFail;

/* Longer than a segment is asked again after an event. */
#define PAST_SUSPICION_USEC 130000

enum Missing {
        MISSING_NOTHING,
        /* fs.leases-enable is 0, or a kernel that has none */
        MISSING_LEASES,
        /* The same from some time on */
        MISSING_LEASES_LATER,
        /* No mark can be set: somebody's write lock lies over them */
        MISSING_MARKS,
        /* There are marks, and all of a sudden none can be set or asked for */
        MISSING_MARKS_LATER,
        /* fs.inotify.max_user_instances */
        MISSING_CLOSINGS,
        /* fs.inotify.max_user_watches */
        MISSING_WATCHES,
        _MISSING_N,
};

/* The errno of each, or 0 for the real call. */
struct UnitFail {
        int leases;
        int mark_sets;
        int mark_probes;
        int queues;
        int watches;
};

extern UnitFail unit_fail;
extern Registry unit_registry;
extern Life unit_life;

/* Checked fixture; unit_life_begin() is for the test itself. */
void unit_life_setup(void);
void unit_life_teardown(void);

/* Begins with what @missing says missing from the start; the rest, if any, by
 * unit_life_fail_later(). */
void unit_life_begin(Missing missing);
/* Ends what was begun, in the middle of a test. */
void unit_life_end(void);
void unit_life_fail_later(Missing missing);
bool unit_life_has_leases(void);

Segment *unit_life_add(const char *name, uint64_t size_bytes);
/* Attaches as Acquire() does. */
int unit_life_attach(Segment *segment);

/* Does what the loop would, for so long. */
void unit_life_run(uint64_t usec);
/* The same until a segment is gone; false if that takes seconds. */
bool unit_life_run_until_gone(int64_t id);

/* Fills memory with a pattern, and sees that nothing was taken from who has it. */
void unit_life_fill(int fd, size_t size);
void unit_life_expect_filled(int fd, size_t size);
#define UNIT_PATTERN 0x5a

#endif
