/* SPDX-License-Identifier: MIT */
/*
 * Counts what the daemon takes from the heap: to be preloaded. SHMBROKER_TEST_COUNT is a descriptor
 * of memory that is shared with the test, and begins with the counter.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define EXPORT __attribute__((__visibility__("default")))

/* What the C library's own allocator is called beside its public names. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t n, size_t size);
EXPORT void *realloc(void *old, size_t size);

static _Atomic uint64_t *counter;

static __attribute__((__constructor__)) void begin(void) {
        const char *fd = getenv("SHMBROKER_TEST_COUNT");
        void *at;

        if (!fd)
                return;
        at = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
        if (at != MAP_FAILED)
                counter = at;
}

static void count(void) {
        if (counter)
                atomic_fetch_add(counter, 1);
}

void *malloc(size_t size) {
        count();
        return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        count();
        return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
        count();
        return __libc_realloc(old, size);
}
