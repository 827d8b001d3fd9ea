/* SPDX-License-Identifier: MIT */
#include "daemon/state/attach-times.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/boot.h"
#include "daemon/base/clock.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* A multiple of any page size. */
#define CHUNK_BYTES (64U * 1024)
#define CHUNK_SLOTS (CHUNK_BYTES / sizeof(AttachTime))

/* More segments than that have none; a file that is larger is not ours. */
#define CHUNKS_MAX 4096

#define ATTACH_TIMES_MAGIC "shmstamp"
#define ATTACH_TIMES_VERSION 2

#define FLAGS_KNOWN ATTACH_TIME_ARMED

typedef struct AttachTimesHeader AttachTimesHeader;

/* In the place of the first slot. */
struct AttachTimesHeader {
        char magic[8];
        uint32_t version;
        uint32_t n_slot;
        uint64_t boot_id[2];
        uint64_t unused;
};

_Static_assert(sizeof(AttachTimesHeader) == sizeof(AttachTime), "the header takes one slot");
_Static_assert(sizeof(AttachTime) == 40, "a slot is the same everywhere");

/* That of another boot is none: idle_usec means nothing there. */
static AttachTimesHeader header_of_this_boot(void) {
        AttachTimesHeader header = { .magic = ATTACH_TIMES_MAGIC,
                                     .version = ATTACH_TIMES_VERSION,
                                     .n_slot = sizeof(AttachTime) };
        const char *id = boot_id();

        if (id)
                (void) sscanf(id, "%16" SCNx64 "%16" SCNx64, &header.boot_id[0],
                              &header.boot_id[1]);
        return header;
}

/* The id comes last and goes first: a slot that has one is whole, whenever the daemon ends. */
static void set_id(AttachTime *attach_time, int64_t id) {
        __atomic_store_n(&attach_time->id, id, __ATOMIC_RELEASE);
}

static void attach_times_clear(AttachTime *attach_time) {
        set_id(attach_time, 0);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        *attach_time = (AttachTime){};
}

static void push_unused(AttachTimes *attach_times, AttachTime *attach_time) {
        attach_times->unused[attach_times->n_unused++] = attach_time;
}

/* Room for @n_chunks in all lists, so that nothing but the file can be missing later. */
static int attach_times_reserve(AttachTimes *attach_times, size_t n_chunks) {
        AttachTime **chunks, **unused;

        chunks = reallocarray(attach_times->chunks, n_chunks, sizeof(AttachTime *));
        if (!chunks)
                return error_origin(-ENOMEM);
        attach_times->chunks = chunks;
        unused = reallocarray(attach_times->unused, n_chunks * CHUNK_SLOTS, sizeof(AttachTime *));
        if (!unused)
                return error_origin(-ENOMEM);
        attach_times->unused = unused;
        return 0;
}

/*
 * Maps the next piece, whether it is in the file yet or not. All of it is allocated first: a page
 * that the file system has no room for would end the daemon when it is written to.
 */
static int map_chunk(AttachTimes *attach_times) {
        const off_t offset = (off_t) (attach_times->n_chunks * CHUNK_BYTES);
        void *chunk;
        int r;

        r = attach_times_reserve(attach_times, attach_times->n_chunks + 1);
        if (r)
                return error_trace(r);
        r = posix_fallocate(attach_times->fd, offset, CHUNK_BYTES);
        if (r > 0)
                return error_origin(-r);
        chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, attach_times->fd,
                     offset);
        if (chunk == MAP_FAILED)
                return error_origin(-errno);
        attach_times->chunks[attach_times->n_chunks++] = chunk;
        return 0;
}

/* The first slot of all is the header. */
static size_t first_slot(size_t chunk) {
        return chunk == 0 ? 1 : 0;
}

static int attach_times_grow(AttachTimes *attach_times) {
        size_t chunk = attach_times->n_chunks;
        int r;

        if (chunk == CHUNKS_MAX)
                return error_origin(-ENOSPC);
        r = map_chunk(attach_times);
        if (r)
                return error_trace(r);
        /* The last one first: slots are taken from the end of the list. */
        for (size_t i = CHUNK_SLOTS; i > first_slot(chunk); --i)
                push_unused(attach_times, &attach_times->chunks[chunk][i - 1]);
        return 0;
}

static int compare_ids(const void *left, const void *right) {
        const AttachTime *a = *(AttachTime *const *) left, *b = *(AttachTime *const *) right;

        return a->id < b->id ? -1 : a->id > b->id;
}

/* Each slot of the file is found, or free. */
static int index_slots(AttachTimes *attach_times) {
        attach_times->found = calloc(attach_times->n_chunks * CHUNK_SLOTS, sizeof(AttachTime *));
        if (!attach_times->found)
                return error_origin(-ENOMEM);
        for (size_t chunk = attach_times->n_chunks; chunk > 0; --chunk)
                for (size_t i = CHUNK_SLOTS; i > first_slot(chunk - 1); --i) {
                        AttachTime *attach_time = &attach_times->chunks[chunk - 1][i - 1];

                        if (attach_time->id > 0) {
                                attach_times->found[attach_times->n_found++] = attach_time;
                                continue;
                        }
                        attach_times_clear(attach_time);
                        push_unused(attach_times, attach_time);
                }
        qsort(attach_times->found, attach_times->n_found, sizeof(AttachTime *), compare_ids);
        return 0;
}

static bool is_ours(int fd, size_t *ret_n_chunks) {
        const AttachTimesHeader ours = header_of_this_boot();
        AttachTimesHeader header;
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            st.st_nlink != 1 || (st.st_mode & 07777) != 0600)
                return false;
        if (st.st_size == 0 || st.st_size % CHUNK_BYTES != 0 ||
            st.st_size > (off_t) CHUNKS_MAX * CHUNK_BYTES)
                return false;
        if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
            memcmp(&header, &ours, sizeof(header)) != 0)
                return false;
        *ret_n_chunks = (size_t) st.st_size / CHUNK_BYTES;
        return true;
}

static int open_found(AttachTimes *attach_times) {
        size_t n_chunks;
        int r;

        attach_times->fd = open(attach_times->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (attach_times->fd < 0)
                return -errno;
        if (!is_ours(attach_times->fd, &n_chunks))
                return -EINVAL;
        while (attach_times->n_chunks < n_chunks) {
                r = map_chunk(attach_times);
                if (r)
                        return error_trace(r);
        }
        return error_trace(index_slots(attach_times));
}

/* A new file, for whatever was there may be another's, or mapped by another. */
static int open_new(AttachTimes *attach_times) {
        AttachTimesHeader header;
        int r;

        if (unlink(attach_times->path) < 0 && errno != ENOENT)
                return error_origin(-errno);
        attach_times->fd =
                open(attach_times->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (attach_times->fd < 0)
                return error_origin(-errno);
        r = attach_times_grow(attach_times);
        if (r) {
                (void) unlink(attach_times->path);
                return error_trace(r);
        }
        header = header_of_this_boot();
        memcpy(attach_times->chunks[0], &header, sizeof(header));
        return 0;
}

static void attach_times_drop(AttachTimes *attach_times) {
        while (attach_times->n_chunks > 0)
                (void) munmap(attach_times->chunks[--attach_times->n_chunks], CHUNK_BYTES);
        free(steal_ptr(attach_times->chunks));
        free(steal_ptr(attach_times->unused));
        free(steal_ptr(attach_times->found));
        attach_times->n_unused = attach_times->n_found = 0;
        attach_times->fd = fd_close(attach_times->fd);
}

/**
 * attach_times_open() - take the file that an earlier daemon left, or begin a new one
 * @attach_times: the object, ATTACH_TIMES_NULL before
 * @path:       the file; no other daemon may have it
 *
 * A file that is not one of this version, this boot and this user is replaced.
 *
 * Return: 0, or a negative errno, after which no attach times are kept. attach_times_close() is due
 * in any case.
 */
int attach_times_open(AttachTimes *attach_times, const char *path) {
        int r;

        attach_times->path = strdup(path);
        if (!attach_times->path)
                return error_origin(-ENOMEM);
        if (open_found(attach_times) == 0)
                return 0;
        attach_times_drop(attach_times);
        r = open_new(attach_times);
        if (r)
                attach_times_drop(attach_times);
        return error_trace(r);
}

/* attach_times_close() - let go of the file; unless another daemon is to find it, remove it */
void attach_times_close(AttachTimes *attach_times, bool keep) {
        if (attach_times->fd >= 0 && !keep)
                (void) unlink(attach_times->path);
        attach_times_drop(attach_times);
        free(steal_ptr(attach_times->path));
}

/* Times that are still to come are not known. */
static void check_times(AttachTime *attach_time, uint64_t now_usec) {
        if (attach_time->attach_usec > now_usec)
                attach_time->attach_usec = 0;
        if (attach_time->detach_usec > now_usec)
                attach_time->detach_usec = 0;
        if (attach_time->idle_usec > clock_boottime_usec())
                attach_time->idle_usec = 0;
        if (attach_time->last_pid < 0)
                attach_time->last_pid = 0;
        attach_time->flags &= FLAGS_KNOWN;
}

/**
 * attach_times_find() - the slot that a segment had in an earlier daemon, and has from now on
 * @attach_times: the object
 * @id:         the segment
 * @now_usec:   the time, since the epoch
 *
 * Return: the slot, with what cannot be set to 0; or NULL if there is none.
 */
AttachTime *attach_times_find(AttachTimes *attach_times, int64_t id, uint64_t now_usec) {
        size_t low = 0, high = attach_times->n_found, i;
        AttachTime *attach_time;

        while (low < high) {
                i = low + (high - low) / 2;
                if (attach_times->found[i]->id < id)
                        low = i + 1;
                else
                        high = i;
        }
        if (low == attach_times->n_found || attach_times->found[low]->id != id)
                return NULL;
        attach_time = attach_times->found[low];
        memmove(&attach_times->found[low], &attach_times->found[low + 1],
                (--attach_times->n_found - low) * sizeof(AttachTime *));
        check_times(attach_time, now_usec);
        return attach_time;
}

/* attach_times_settle() - free the slots that attach_times_find() was not asked for, as nobody will
 * ask again
 */
void attach_times_settle(AttachTimes *attach_times) {
        while (attach_times->n_found > 0)
                attach_times_free(attach_times, attach_times->found[--attach_times->n_found]);
        free(steal_ptr(attach_times->found));
}

/**
 * attach_times_take() - a slot for a segment that is new
 * @attach_times: the object
 * @id:         the segment
 *
 * Return: the slot, which stays where it is, with nothing but the id in it; or NULL if there is no
 * room, or no file.
 */
AttachTime *attach_times_take(AttachTimes *attach_times, int64_t id) {
        AttachTime *attach_time;

        assert(id > 0);
        if (attach_times->fd < 0 ||
            (attach_times->n_unused == 0 && attach_times_grow(attach_times)))
                return NULL;
        attach_time = attach_times->unused[--attach_times->n_unused];
        set_id(attach_time, id);
        return attach_time;
}

/* attach_times_free() - a slot is free again; NULL is none */
void attach_times_free(AttachTimes *attach_times, AttachTime *attach_time) {
        if (!attach_time)
                return;
        attach_times_clear(attach_time);
        push_unused(attach_times, attach_time);
}
