/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_UTIL_H
#define SHMBROKER_PROTO_UTIL_H

/* The few macros that every file may use. Nothing here knows what a segment is. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINER_OF(pointer, type, member)                                                        \
        ((type *) (void *) ((char *) (pointer) -offsetof(type, member)))

/* Calls @function with the address of the variable when it leaves its scope. */
#define _cleanup_(function) __attribute__((__cleanup__(function)))
#define _printf_(format, first) __attribute__((__format__(__printf__, format, first)))
#define _unused_ __attribute__((__unused__))

/* Passes ownership of a pointer on: what it was, with NULL left behind. */
#define steal_ptr(pointer)                                                                         \
        ({                                                                                         \
                __typeof__(pointer) stolen_ = (pointer);                                           \
                (pointer) = NULL;                                                                  \
                stolen_;                                                                           \
        })

/* What holds here, for an analyser that cannot see it. */
#ifdef __clang_analyzer__
#define _assume_(condition) __builtin_assume(condition)
#else
#define _assume_(condition) ((void) 0)
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Defines x_freep() for _cleanup_ from x_free(), for a type whose pointers it frees. */
#define DEFINE_CLEANUP(Type, function)                                                             \
        static inline void function##p(Type **pointer) {                                           \
                (void) function(*pointer);                                                         \
        }

static inline void freep(void *pointer) {
        free(*(void **) pointer);
}

#endif
