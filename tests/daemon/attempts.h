/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_DAEMON_ATTEMPTS_H
#define SHMBROKER_TESTS_DAEMON_ATTEMPTS_H

/*
 * Ways to change memory that one may only read, tried by who holds a read-only descriptor of
 * it. Each says with which errno it fails; one that works is a hole, unless it is said to be
 * harmless.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/util.h"

/* What an attempt returns if this kernel does not have what it takes. */
#define ATTEMPT_IMPOSSIBLE (-1)

typedef struct Attempt Attempt;
typedef struct Target Target;

/* What is attacked, and whom it could be had from. */
struct Target {
        int fd;
        char *at;
        size_t size;
        /* A directory where files can be made */
        const char *directory;
        /* Who has it open for writing, and where */
        pid_t broker;
        pid_t writer;
        int writer_fd;
        uintptr_t writer_at;
};

struct Attempt {
        const char *name;
        /* Returns 0 if it works, or an errno */
        int (*attempt)(const Target *target);
        /* The errno expected; 0 where it works and must not matter */
        int expected;
        /* Another one that will do, on other kernels or for root in a user namespace; or 0 */
        int also;
};

extern const Attempt file_attempts[];
extern const size_t n_file_attempts;
extern const Attempt memory_attempts[];
extern const size_t n_memory_attempts;

/* All of them, one after the other; NULL behind the last. */
const Attempt *attempt_get(size_t i);
/* The number of the one with that name, which has to be there. */
size_t attempt_find(const char *name);

/* What would be seen if anything came through. */
#define FORGERY "forged"
#define N_FORGERY sizeof(FORGERY)

/* Of a call that returns a negative number when it fails: 0, an errno, or ATTEMPT_IMPOSSIBLE. */
int attempt_outcome(long r);
/* The same, of one that returns a descriptor, which is written to. */
int attempt_outcome_fd(int fd);
/* The same, of open(2). */
_printf_(2, 3) int attempt_open(int flags, const char *format, ...);

#endif
