/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_H

/* What the suites of single modules share. Integration with a running daemon is not here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <check.h>

/* A suite as the main() of its program: runs it, and returns the exit status. */
int unit_main(Suite *suite);

/* What main() returns without unit_main() if the suite cannot run here, with a reason printed. */
#define UNIT_SKIPPED 77

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
