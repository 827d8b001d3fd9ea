/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_KINDS_H
#define SHMBROKER_TESTS_SUPPORT_KINDS_H

/* A real broker, and one segment of any kind that it makes under one name. */

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/fixture.h"

#define SIZE 10000
#define NAME "kinds"

extern Wire wire;

/* Checked fixture. */
void kinds_up(const Setup *setup);
void kinds_down(void);

/* Is this root, with that capability? */
bool capable(unsigned int capability);
/* A segment of that kind, with a name or key of this test's, attached. */
int make_as(Kind kind, uint32_t key, bool transient, AcquireReply *reply);
SegmentInfo info(void);
void wait_until_gone(void);

#endif
