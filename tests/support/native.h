/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_NATIVE_H
#define SHMBROKER_TESTS_SUPPORT_NATIVE_H

/*
 * Shared memory as programs have it that never heard of a broker. What a test makes here, or has a
 * broker make, has a name or key of this process, and goes with it however it ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Checked fixture: nothing may be left that was not there before. */
void native_begin(void);
void native_end(void);

/* A name and a key that nobody else has; the string is static. All segments that a test has made
 * should have one. */
const char *native_name(const char *what);
uint32_t native_key(void);

/* A POSIX object of that size with something in it. */
void native_make_posix(const char *name, size_t size, mode_t mode);
/* A descriptor of it, or -1. */
int native_open_posix(const char *name, int flags);
/* Truncates what a descriptor leads to as who may open it without a broker: 0, or an errno. */
int native_truncate(int fd, size_t size);
/* A process writes that text into it, and is killed. */
void native_write_posix(const char *name, const char *text);
bool native_has_posix(const char *name, struct stat *ret);
/* A System V segment with something in it; its number. The key may be IPC_PRIVATE. */
int native_make_sysv(uint32_t key, size_t size, mode_t mode);
/* As native_write_posix() */
void native_write_sysv(int shmid, const char *text);
struct shmid_ds native_stat_sysv(int shmid);
bool native_has_sysv(int shmid);
size_t native_nattch(int shmid);

#endif
