/* SPDX-License-Identifier: MIT */
#include "daemon/state/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/base/directory.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

typedef struct SyncFile SyncFile;

/* A file whose owner, mode and size have to be on the disk as well. */
struct SyncFile {
        int fd;
        bool is_new;
        SyncFile *prev;
        SyncFile *next;
};

struct SyncGone {
        int64_t id;
        uint64_t number;
        SyncGone *prev;
        SyncGone *next;
};

struct SyncJob {
        WorkerJob job;
        Sync *sync;
        uint64_t number;
        SyncFile *files;
        int directory_fd;
        int state_fd;
        /* Those two are not the job's: there was no descriptor for it, and the loop waits */
        bool borrowed;
        bool with_parents;
        /* 0, or an errno */
        int result;
};

/* --- in the worker's thread */

/* Some file systems do not sync directories (EINVAL), and need not. */
static int sync_directory(const SyncJob *job) {
        if (job->directory_fd < 0)
                return 0;
        if (fsync(job->directory_fd) < 0 && errno != EINVAL)
                return errno;
        return job->with_parents ? directory_sync_parents(job->directory_fd) : 0;
}

/*
 * The state file comes last. A name that is on the disk by now has its record there then, for that
 * was written before.
 */
static int sync_all(const SyncJob *job) {
        SyncFile *file;
        int r;

        DL_FOREACH(job->files, file)
                if (fsync(file->fd) < 0)
                        return errno;
        r = sync_directory(job);
        if (r)
                return r;
        return fdatasync(job->state_fd) < 0 ? errno : 0;
}

static void work_sync(WorkerJob *worker_job) {
        SyncJob *job = CONTAINER_OF(worker_job, SyncJob, job);
        SyncFile *file, *next;

        job->result = sync_all(job);
        DL_FOREACH_SAFE(job->files, file, next) {
                if (file->is_new && job->result == 0)
                        (void) fremovexattr(file->fd, FILE_NEW_ATTRIBUTE);
                fd_close(file->fd);
                free(file);
        }
        job->files = NULL;
        if (job->borrowed)
                return;
        fd_close(job->directory_fd);
        fd_close(job->state_fd);
}

/* --- in the loop's */

/* Their names are gone for good. After a failure nobody knows, and the next sync may tell. */
static void write_gone(Sync *sync, bool failed) {
        SyncGone *gone, *next;

        DL_FOREACH_SAFE(sync->gone, gone, next) {
                if (gone->number > sync->n_over)
                        break;
                if (failed) {
                        gone->number = sync->n_begun + 1;
                        continue;
                }
                if (state_file_write_gone(sync->state_file, gone->id))
                        log_error("That segment %lld is gone cannot be written to the state "
                                  "directory.",
                                  (long long) gone->id);
                DL_DELETE(sync->gone, gone);
                free(gone);
        }
}

static void tell_waits(Sync *sync, bool failed) {
        SyncWait *wait, *next;

        DL_FOREACH_SAFE(sync->waits, wait, next) {
                if (wait->number > sync->n_over)
                        continue;
                DL_DELETE(sync->waits, wait);
                wait->prev = NULL;
                wait->over(wait, failed);
        }
}

static void note_failure(Sync *sync, int error) {
        if (error && !sync->failed)
                log_error("What concerns segments of kind file may not be on the disk: %s.",
                          strerror(error));
        sync->failed = error;
        /* What the kernel has of the file is not what is on the disk. */
        if (error)
                sync->state_file->broken = true;
}

static void done_sync(WorkerJob *worker_job) {
        SyncJob *job = CONTAINER_OF(worker_job, SyncJob, job);
        Sync *sync = job->sync;

        sync->n_over = job->number;
        sync->parents_synced |= job->with_parents && job->result == 0;
        note_failure(sync, job->result);
        write_gone(sync, job->result);
        tell_waits(sync, job->result);
        free(job);
}

static SyncJob *next_job(Sync *sync) {
        if (!sync->next)
                sync->next = calloc(1, sizeof(*sync->next));
        return sync->next;
}

/**
 * sync_init() - begin, with a thread that has nothing to do
 * @sync:       the object, SYNC_NULL before
 * @state_file: where segments are written down
 * @directory_fd: where their files are; what it points to may change
 *
 * Return: 0, or a negative errno. sync_deinit() is due in any case.
 */
int sync_init(Sync *sync, StateFile *state_file, const int *directory_fd) {
        sync->state_file = state_file;
        sync->directory_fd = directory_fd;
        return error_trace(worker_init(&sync->worker, 1));
}

/* sync_deinit() - finish what has begun, and what is wanted */
void sync_deinit(Sync *sync) {
        SyncGone *gone, *next;

        worker_deinit(&sync->worker);
        sync_begin(sync);
        DL_FOREACH_SAFE(sync->gone, gone, next)
                free(gone);
        sync->gone = NULL;
        free(steal_ptr(sync->next));
}

/**
 * sync_add() - have a file itself synced with what is changed next
 * @sync:       the object
 * @fd:         a descriptor of it; stays the caller's
 * @is_new:     it has the attribute, which goes when everything is on the disk
 *
 * Return: 0, SYNC_E_NO_DESCRIPTORS or SYNC_E_NO_MEMORY.
 */
int sync_add(Sync *sync, int fd, bool is_new) {
        SyncJob *job = next_job(sync);
        SyncFile *file = calloc(1, sizeof(*file));

        if (!job || !file) {
                free(file);
                return SYNC_E_NO_MEMORY;
        }
        file->is_new = is_new;
        file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (file->fd < 0) {
                free(file);
                return SYNC_E_NO_DESCRIPTORS;
        }
        DL_APPEND(job->files, file);
        return 0;
}

/* sync_want() - have what was changed just now synced; returns the number of that sync */
uint64_t sync_want(Sync *sync) {
        ++sync->n_changes;
        sync->wanted = true;
        return sync->n_begun + 1;
}

/* The state file may be another one before the thread comes to it. */
static void take_descriptors(const Sync *sync, SyncJob *job) {
        bool has_directory = *sync->directory_fd >= 0;

        job->state_fd = fcntl(sync->state_file->fd, F_DUPFD_CLOEXEC, 0);
        job->directory_fd = has_directory ? fcntl(*sync->directory_fd, F_DUPFD_CLOEXEC, 0) : -EBADF;
        if (job->state_fd >= 0 && (job->directory_fd >= 0 || !has_directory))
                return;
        fd_close(job->state_fd);
        fd_close(job->directory_fd);
        job->state_fd = sync->state_file->fd;
        job->directory_fd = *sync->directory_fd;
        job->borrowed = true;
}

/* sync_begin() - begin the sync that is wanted, unless one is under way, or there is none */
void sync_begin(Sync *sync) {
        SyncJob *job;

        if (!sync->wanted || sync->n_over < sync->n_begun)
                return;
        job = next_job(sync);
        if (!job)
                return;
        sync->next = NULL;
        sync->wanted = false;
        job->job = (WorkerJob){ .work = work_sync, .done = done_sync };
        job->sync = sync;
        job->number = ++sync->n_begun;
        job->with_parents = !sync->parents_synced;
        take_descriptors(sync, job);
        if (sync->worker.running && !job->borrowed) {
                worker_take(&sync->worker, NULL, &job->job);
                return;
        }
        work_sync(&job->job);
        done_sync(&job->job);
}

/* sync_collect() - do what follows from the sync that is over */
void sync_collect(Sync *sync) {
        worker_collect(&sync->worker);
}

/* sync_gone() - write down that a segment is gone when what is changed just now is synced; 0 or
 * SYNC_E_NO_MEMORY */
int sync_gone(Sync *sync, int64_t id) {
        SyncGone *gone = calloc(1, sizeof(*gone));

        if (!gone)
                return SYNC_E_NO_MEMORY;
        gone->id = id;
        gone->number = sync_want(sync);
        DL_APPEND(sync->gone, gone);
        return 0;
}

/* sync_is_over() - is what was changed with that number on the disk? 0 is nothing */
bool sync_is_over(const Sync *sync, uint64_t number) {
        return number <= sync->n_over;
}

/* sync_wait() - be told when a sync is over */
void sync_wait(Sync *sync, SyncWait *wait, uint64_t number) {
        wait->number = number;
        DL_APPEND(sync->waits, wait);
}

/* sync_wait_no_more() - not be told any more; harmless if it was */
void sync_wait_no_more(Sync *sync, SyncWait *wait) {
        if (!wait->prev)
                return;
        DL_DELETE(sync->waits, wait);
        wait->prev = NULL;
}
