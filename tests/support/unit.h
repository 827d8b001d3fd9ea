/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_H

/* What the suites of single modules share. Integration with a running daemon is not here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <check.h>

#include "proto/util.h"

/*
 * A test program is one file:
 *
 *         SUITE("wait");
 *         CASE("wait", .setup = setup, .teardown = teardown, .timeout = 30);
 *
 *         TEST(published) {
 *                 ...
 *         }
 *
 * SUITE() defines main(). A test belongs to the last CASE() above it, and tests run in the order of
 * the file. Check reports this one as test_published. After the name come initializers for one of
 * the structs below. They may be any expressions; main() evaluates them.
 *
 * If @skip is true, the suite, case or test does not run, and @reason is printed. A condition that
 * prints the reason itself has no @reason.
 */
typedef struct UnitCase UnitCase;
typedef struct UnitEntry UnitEntry;
typedef struct UnitSuite UnitSuite;
typedef struct UnitTest UnitTest;

struct UnitSuite {
        /* The exit status is then that of a skipped test. */
        bool skip;
        const char *reason;
        /* Creates unit_directory() in /dev/shm if possible: for suites that write many files. */
        bool in_memory;
};

struct UnitCase {
        bool skip;
        const char *reason;
        /* Before and after each test, in its process. */
        void (*setup)(void);
        void (*teardown)(void);
        /* Before and after all tests, in the process of main(), even if a test fails. */
        void (*setup_once)(void);
        void (*teardown_once)(void);
        /* Seconds for each test; 0 is the default. */
        int timeout;
};

struct UnitTest {
        bool skip;
        const char *reason;
        /* Runs for each _i from @first to @end - 1; without @end, it runs once. */
        int first, end;
};

#define SUITE(name, ...)                                                                           \
        int main(void) {                                                                           \
                return unit_main(name, &(UnitSuite){ __VA_ARGS__ });                               \
        }                                                                                          \
        struct UnitEntry

#define CASE(name, ...)                                                                            \
        UNIT_ENTRY(UNIT_CONCAT(unit_case_, __LINE__)) {                                            \
                unit_add_case(name, &(UnitCase){ __VA_ARGS__ });                                   \
        }                                                                                          \
        struct UnitEntry

#define TEST(name, ...)                                                                            \
        static void test_##name##_body(int _i);                                                    \
        START_TEST(test_##name) {                                                                  \
                test_##name##_body(_i);                                                            \
        }                                                                                          \
        END_TEST                                                                                   \
        UNIT_ENTRY(test_##name##_add) {                                                            \
                unit_add_test(test_##name, &(UnitTest){ __VA_ARGS__ });                            \
        }                                                                                          \
        static void test_##name##_body(_unused_ int _i)

/* Prints "skip: " and the reason, once for each reason. */
void unit_skip(const char *reason);

/*
 * What the macros above are made of. Each of them registers a function that main() calls later; the
 * priorities of the constructors keep the order of the file.
 */
#define UNIT_CONSTRUCTOR __attribute__((__constructor__(1000 + __LINE__)))
#define UNIT_ENTRY(function)                                                                       \
        static void function(void);                                                                \
        UNIT_CONSTRUCTOR static void UNIT_CONCAT(unit_register_, __LINE__)(void) {                 \
                static UnitEntry entry = { .add = function };                                      \
                                                                                                   \
                unit_register(&entry);                                                             \
        }                                                                                          \
        static void function(void)
#define UNIT_CONCAT(a, b) UNIT_CONCAT_EXPANDED(a, b)
#define UNIT_CONCAT_EXPANDED(a, b) a##b

struct UnitEntry {
        void (*add)(void);
        UnitEntry *next;
};

void unit_register(UnitEntry *entry);
void unit_add_case(const char *name, const UnitCase *options);
void unit_add_test(const TTest *test, const UnitTest *options);
int unit_main(const char *name, const UnitSuite *options);

/* False, with the reason printed, if other programs of this user have all its inotify instances. */
bool unit_has_inotify(void);

/* Checked fixture: no descriptor may be open afterwards that was not before. */
void unit_fds_begin(void);
void unit_fds_end(void);
size_t unit_count_fds(void);

/* A new, empty directory. It goes with the program, however that ends; the string is the caller's.
 */
char *unit_directory(void);
/* DIRECTORY/NAME, the caller's. */
char *unit_path(const char *directory, const char *name);
void unit_write_file(const char *path, const void *data, size_t n_data);
/* What is in a file, with a NUL behind it, the caller's. */
char *unit_read_file(const char *path, size_t *ret_n);
/* A file among the sources, below $top_srcdir, the caller's. */
char *unit_source(const char *path);

/* A copy of exactly so many bytes, so that a sanitizer sees who reads on. */
char *unit_copy(const void *data, size_t n_data);

/* The same numbers in every run. */
uint64_t unit_random(uint64_t *seed);
uint64_t unit_below(uint64_t *seed, uint64_t limit);

/* Runs @child in a process of its own; its status is what @child returns. */
int unit_fork(int (*child)(void *userdata), void *userdata);

/* Ends such a process: as _exit(2), but what `make coverage` counts in it is written. */
void unit_exit(int status) __attribute__((__noreturn__));

/*
 * In a child that may be killed: what it asserts is written where nobody reads it. Check's own file
 * is written by the child and its parent alike, and who is killed between two pages of it leaves
 * half a message there, on which the parent's Check gives up.
 */
void unit_assert_silently(void);

/* What a process has locked in memory (mlock(2)). */
unsigned long unit_locked_kilobytes(pid_t pid);

/* Descriptor of the same inode, opened anew. */
int unit_reopen(int fd, int flags);
/* A memory file, reopened, as masters are. */
int unit_memfd(size_t size);

/* Lowers a resource limit; returns what it was, for unit_limit_restore(). */
uint64_t unit_limit_lower(int resource, uint64_t value);
void unit_limit_restore(int resource, uint64_t value);

#endif
