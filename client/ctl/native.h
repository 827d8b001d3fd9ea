/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_NATIVE_H
#define SHMBROKER_CLIENT_CTL_NATIVE_H

/*
 * Shared memory that is there without a broker: System V segments and POSIX objects, one column for
 * each thing that there is to say about them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ctl/table.h"

typedef enum NativeKind NativeKind;
typedef enum Truth Truth;
typedef enum Verdict Verdict;
typedef struct Native Native;
typedef struct NativePosix NativePosix;
typedef struct NativeSysv NativeSysv;
typedef struct Natives Natives;

enum NativeKind {
        NATIVE_SYSV,
        NATIVE_POSIX,
        _NATIVE_KIND_N,
};

/* What the kernel, or /proc, says to a question. */
enum Truth {
        TRUTH_UNKNOWN,
        TRUTH_NO,
        TRUTH_YES,
        _TRUTH_N,
};

enum Verdict {
        /* Whether somebody has it, or may come back to it, cannot be known */
        VERDICT_UNKNOWN,
        /* Somebody has it */
        VERDICT_HELD,
        /* Nobody has it, but who made it or had it last lives, and may have it again */
        VERDICT_IDLE,
        /* Nobody has it, and nobody is left whom the kernel knows of */
        VERDICT_ORPHAN,
        _VERDICT_N,
};

/* Why something was not removed */
enum {
        _NATIVE_E_SUCCESS,

        /* It is gone already */
        NATIVE_E_GONE,
        /* It is another by now, or was used since it was looked at */
        NATIVE_E_CHANGED,
        /* Somebody has it */
        NATIVE_E_HELD,
};

struct NativeSysv {
        /* Its place in the kernel's table */
        int index;
        int shmid;
        uint32_t key;
        uid_t creator_uid;
        gid_t creator_gid;
        /* 0 if it is of another pid namespace, or if there was none yet */
        pid_t creator_pid;
        pid_t last_pid;
        Truth creator_alive;
        Truth last_alive;
        uint64_t n_attached;
        uint64_t attach_usec;
        uint64_t detach_usec;
};

struct NativePosix {
        dev_t device;
        ino_t inode;
        uint64_t read_usec;
        uint64_t write_usec;
};

struct Native {
        NativeKind kind;
        /* "sysv/SHMID" or "posix/NAME" */
        char *name;
        uint64_t size;
        /* Memory in use, if it is known */
        bool has_allocated;
        uint64_t allocated;
        uid_t uid;
        gid_t gid;
        mode_t mode;
        uint64_t change_usec;
        /* Since the last thing that the kernel noted of it */
        uint64_t age_usec;
        Truth held;
        Verdict verdict;
        /* Of its kind */
        NativeSysv sysv;
        NativePosix posix;
};

struct Natives {
        Native *items;
        size_t n_items;
        size_t n_allocated;
};

/* Cells of these are of a const Native. */
extern const Column native_columns[];

int natives_add(Natives *natives, Native *native);
void natives_deinit(Natives *natives);
void native_deinit(Native *native);
void native_set_age(Native *native);
char *native_json(const void *item);

#endif
