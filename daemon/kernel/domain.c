/* SPDX-License-Identifier: MIT */
#include "daemon/kernel/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/thread.h"
#include "proto/fd.h"

/* From Linux 6.2 on, which is newer than the headers of Debian 12. */
#define ABI_TRUNCATE 3
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

typedef struct Opening Opening;

struct Opening {
        int directory_fd;
        const char *name;
        int flags;
        mode_t mode;
        /* A descriptor, or a negative errno */
        int result;
        bool done;
};

/* The thread outside, and what it is asked for. A domain belongs to a thread, of which the process
 * has one loop. */
static struct {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t asked;
        pthread_cond_t answered;
        Opening *opening;
        bool ending;
        bool given_up;
} outside = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .asked = PTHREAD_COND_INITIALIZER,
        .answered = PTHREAD_COND_INITIALIZER,
};

static int open_here(const Opening *opening) {
        int fd = openat(opening->directory_fd, opening->name, opening->flags, opening->mode);

        return fd < 0 ? -errno : fd;
}

static void *outside_run(void *userdata) {
        (void) userdata;
        pthread_mutex_lock(&outside.mutex);
        while (!outside.ending) {
                if (outside.opening && !outside.opening->done) {
                        outside.opening->result = open_here(outside.opening);
                        outside.opening->done = true;
                        pthread_cond_signal(&outside.answered);
                }
                pthread_cond_wait(&outside.asked, &outside.mutex);
        }
        pthread_mutex_unlock(&outside.mutex);
        return NULL;
}

static bool start_outside(void) {
        outside.ending = false;
        return thread_start(&outside.thread, outside_run, NULL) == 0;
}

static void end_outside(void) {
        pthread_mutex_lock(&outside.mutex);
        outside.ending = true;
        pthread_cond_signal(&outside.asked);
        pthread_mutex_unlock(&outside.mutex);
        (void) pthread_join(outside.thread, NULL);
}

/* The C library has none of these calls. A descriptor, or negative where the kernel does not know
 * this right. */
static int make_ruleset(void) {
        const struct landlock_ruleset_attr ruleset = {
                .handled_access_fs = LANDLOCK_ACCESS_FS_TRUNCATE,
        };
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

        if (abi < ABI_TRUNCATE)
                return -EOPNOTSUPP;
        return (int) syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
}

/* Landlock needs no privilege if execve(2) grants none either, which the broker never calls. */
static bool enter_domain(int ruleset_fd) {
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               syscall(SYS_landlock_restrict_self, ruleset_fd, 0) == 0;
}

/**
 * domain_enter() - open without the right to truncate from now on
 *
 * This concerns the calling thread and those that it starts later. Where the kernel has no such
 * right, nothing changes, and the log says so.
 */
void domain_enter(void) {
        _cleanup_fd_ int ruleset_fd = make_ruleset();

        if (ruleset_fd >= 0 && start_outside()) {
                outside.given_up = enter_domain(ruleset_fd);
                if (!outside.given_up)
                        end_outside();
        }
        if (!outside.given_up)
                log_info("Without Landlock of Linux 6.2 or newer, clients can truncate POSIX "
                         "objects and files that they get for writing.");
}

bool domain_entered(void) {
        return outside.given_up;
}

/* domain_end() - end the thread outside; this one stays in its domain */
void domain_end(void) {
        if (outside.given_up)
                end_outside();
        outside.given_up = false;
}

/**
 * domain_open_outside() - open a file as a thread that is in no domain: openat(2)
 *
 * Return: a descriptor, or a negative errno.
 */
int domain_open_outside(int directory_fd, const char *name, int flags, mode_t mode) {
        Opening opening = {
                .directory_fd = directory_fd, .name = name, .flags = flags, .mode = mode
        };

        if (!outside.given_up)
                return open_here(&opening);
        pthread_mutex_lock(&outside.mutex);
        outside.opening = &opening;
        pthread_cond_signal(&outside.asked);
        while (!opening.done)
                pthread_cond_wait(&outside.answered, &outside.mutex);
        outside.opening = NULL;
        pthread_mutex_unlock(&outside.mutex);
        return opening.result;
}
