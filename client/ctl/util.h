/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_UTIL_H
#define SHMBROKER_CLIENT_CTL_UTIL_H

/* The few macros of the command, which uses nothing of the library's insides. */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Calls @function with the address of the variable when it leaves its scope. */
#define _cleanup_(function) __attribute__((__cleanup__(function)))
#define _printf_(format, first) __attribute__((__format__(__printf__, format, first)))

/* Passes ownership of a pointer on: what it was, with NULL left behind. */
#define steal_ptr(pointer)                                                                         \
        ({                                                                                         \
                __typeof__(pointer) stolen_ = (pointer);                                           \
                (pointer) = NULL;                                                                  \
                stolen_;                                                                           \
        })

/* Defines x_freep() for _cleanup_ from x_free(). */
#define DEFINE_CLEANUP(Type, function)                                                             \
        static inline void function##p(Type **pointer) {                                           \
                (void) function(*pointer);                                                         \
        }

/* Of a descriptor, if there is one */
static inline void fd_closep(const int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* Of text: freep() */
DEFINE_CLEANUP(char, free)

#endif
