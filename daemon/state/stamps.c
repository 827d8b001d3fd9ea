/* SPDX-License-Identifier: MIT */
#include "daemon/state/stamps.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* A multiple of any page size. */
#define CHUNK_BYTES (64U * 1024)
#define CHUNK_SLOTS (CHUNK_BYTES / sizeof(Stamp))

/* More segments than that have none; a file that is larger is not ours. */
#define CHUNKS_MAX 4096

#define STAMPS_MAGIC "shmstamp"
#define STAMPS_VERSION 1

#define FLAGS_KNOWN STAMP_ARMED

typedef struct StampsHeader StampsHeader;

/* In the place of the first slot. */
struct StampsHeader {
        char magic[8];
        uint32_t version;
        uint32_t n_slot;
        uint64_t unused[2];
};

_Static_assert(sizeof(StampsHeader) == sizeof(Stamp), "the header takes one slot");
_Static_assert(sizeof(Stamp) == 32, "a slot is the same everywhere");

static const StampsHeader stamps_header = { .magic = STAMPS_MAGIC,
                                            .version = STAMPS_VERSION,
                                            .n_slot = sizeof(Stamp) };

/* The id comes last and goes first: a slot that has one is whole, whenever the daemon ends. */
static void set_id(Stamp *stamp, int64_t id) {
        __atomic_store_n(&stamp->id, id, __ATOMIC_RELEASE);
}

static void clear(Stamp *stamp) {
        set_id(stamp, 0);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        *stamp = (Stamp){};
}

static void push_unused(Stamps *stamps, Stamp *stamp) {
        stamps->unused[stamps->n_unused++] = stamp;
}

/* Room for @n_chunks in all lists, so that nothing but the file can be missing later. */
static int reserve(Stamps *stamps, size_t n_chunks) {
        Stamp **chunks, **unused;

        chunks = reallocarray(stamps->chunks, n_chunks, sizeof(Stamp *));
        if (!chunks)
                return error_origin(-ENOMEM);
        stamps->chunks = chunks;
        unused = reallocarray(stamps->unused, n_chunks * CHUNK_SLOTS, sizeof(Stamp *));
        if (!unused)
                return error_origin(-ENOMEM);
        stamps->unused = unused;
        return 0;
}

/*
 * Maps the next piece, whether it is in the file yet or not. All of it is allocated first: a page
 * that the file system has no room for would end the daemon when it is written to.
 */
static int map_chunk(Stamps *stamps) {
        const off_t offset = (off_t) (stamps->n_chunks * CHUNK_BYTES);
        void *chunk;
        int r;

        r = reserve(stamps, stamps->n_chunks + 1);
        if (r)
                return error_trace(r);
        r = posix_fallocate(stamps->fd, offset, CHUNK_BYTES);
        if (r > 0)
                return error_origin(-r);
        chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, stamps->fd, offset);
        if (chunk == MAP_FAILED)
                return error_origin(-errno);
        stamps->chunks[stamps->n_chunks++] = chunk;
        return 0;
}

/* The first slot of all is the header. */
static size_t first_slot(size_t chunk) {
        return chunk == 0 ? 1 : 0;
}

static int grow(Stamps *stamps) {
        size_t chunk = stamps->n_chunks;
        int r;

        if (chunk == CHUNKS_MAX)
                return error_origin(-ENOSPC);
        r = map_chunk(stamps);
        if (r)
                return error_trace(r);
        /* The last one first: slots are taken from the end of the list. */
        for (size_t i = CHUNK_SLOTS; i > first_slot(chunk); --i)
                push_unused(stamps, &stamps->chunks[chunk][i - 1]);
        return 0;
}

static int compare_ids(const void *left, const void *right) {
        const Stamp *a = *(Stamp *const *) left, *b = *(Stamp *const *) right;

        return a->id < b->id ? -1 : a->id > b->id;
}

/* Each slot of the file is found, or free. */
static int index_slots(Stamps *stamps) {
        stamps->found = calloc(stamps->n_chunks * CHUNK_SLOTS, sizeof(Stamp *));
        if (!stamps->found)
                return error_origin(-ENOMEM);
        for (size_t chunk = stamps->n_chunks; chunk > 0; --chunk)
                for (size_t i = CHUNK_SLOTS; i > first_slot(chunk - 1); --i) {
                        Stamp *stamp = &stamps->chunks[chunk - 1][i - 1];

                        if (stamp->id > 0) {
                                stamps->found[stamps->n_found++] = stamp;
                                continue;
                        }
                        clear(stamp);
                        push_unused(stamps, stamp);
                }
        qsort(stamps->found, stamps->n_found, sizeof(Stamp *), compare_ids);
        return 0;
}

static bool is_ours(int fd, size_t *ret_n_chunks) {
        StampsHeader header;
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            st.st_nlink != 1 || (st.st_mode & 07777) != 0600)
                return false;
        if (st.st_size == 0 || st.st_size % CHUNK_BYTES != 0 ||
            st.st_size > (off_t) CHUNKS_MAX * CHUNK_BYTES)
                return false;
        if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
            memcmp(&header, &stamps_header, sizeof(header)) != 0)
                return false;
        *ret_n_chunks = (size_t) st.st_size / CHUNK_BYTES;
        return true;
}

static int open_found(Stamps *stamps) {
        size_t n_chunks;
        int r;

        stamps->fd = open(stamps->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (stamps->fd < 0)
                return -errno;
        if (!is_ours(stamps->fd, &n_chunks))
                return -EINVAL;
        while (stamps->n_chunks < n_chunks) {
                r = map_chunk(stamps);
                if (r)
                        return error_trace(r);
        }
        return error_trace(index_slots(stamps));
}

/* A new file, for whatever was there may be another's, or mapped by another. */
static int open_new(Stamps *stamps) {
        int r;

        if (unlink(stamps->path) < 0 && errno != ENOENT)
                return error_origin(-errno);
        stamps->fd = open(stamps->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (stamps->fd < 0)
                return error_origin(-errno);
        r = grow(stamps);
        if (r) {
                (void) unlink(stamps->path);
                return error_trace(r);
        }
        memcpy(stamps->chunks[0], &stamps_header, sizeof(stamps_header));
        return 0;
}

static void drop(Stamps *stamps) {
        while (stamps->n_chunks > 0)
                (void) munmap(stamps->chunks[--stamps->n_chunks], CHUNK_BYTES);
        free(steal_ptr(stamps->chunks));
        free(steal_ptr(stamps->unused));
        free(steal_ptr(stamps->found));
        stamps->n_unused = stamps->n_found = 0;
        stamps->fd = fd_close(stamps->fd);
}

/**
 * stamps_open() - take the file that an earlier daemon left, or begin a new one
 * @stamps:     the object, STAMPS_NULL before
 * @path:       the file; no other daemon may have it
 *
 * A file that is not one of this version and this user is replaced.
 *
 * Return: 0, or a negative errno, after which there are just no stamps. stamps_close() is due in
 * any case.
 */
int stamps_open(Stamps *stamps, const char *path) {
        int r;

        stamps->path = strdup(path);
        if (!stamps->path)
                return error_origin(-ENOMEM);
        if (open_found(stamps) == 0)
                return 0;
        drop(stamps);
        r = open_new(stamps);
        if (r)
                drop(stamps);
        return error_trace(r);
}

/* stamps_close() - let go of the file; unless another daemon is to find it, remove it */
void stamps_close(Stamps *stamps, bool keep) {
        if (stamps->fd >= 0 && !keep)
                (void) unlink(stamps->path);
        drop(stamps);
        free(steal_ptr(stamps->path));
}

/* Times that are still to come are not known. */
static void check_times(Stamp *stamp, uint64_t now_usec) {
        if (stamp->attach_usec > now_usec)
                stamp->attach_usec = 0;
        if (stamp->detach_usec > now_usec)
                stamp->detach_usec = 0;
        if (stamp->last_pid < 0)
                stamp->last_pid = 0;
        stamp->flags &= FLAGS_KNOWN;
}

/**
 * stamps_find() - the slot that a segment had in an earlier daemon, and has from now on
 * @stamps:     the object
 * @id:         the segment
 * @now_usec:   the time, since the epoch
 *
 * Return: the slot, with what cannot be set to 0; or NULL if there is none.
 */
Stamp *stamps_find(Stamps *stamps, int64_t id, uint64_t now_usec) {
        size_t low = 0, high = stamps->n_found, i;
        Stamp *stamp;

        while (low < high) {
                i = low + (high - low) / 2;
                if (stamps->found[i]->id < id)
                        low = i + 1;
                else
                        high = i;
        }
        if (low == stamps->n_found || stamps->found[low]->id != id)
                return NULL;
        stamp = stamps->found[low];
        memmove(&stamps->found[low], &stamps->found[low + 1],
                (--stamps->n_found - low) * sizeof(Stamp *));
        check_times(stamp, now_usec);
        return stamp;
}

/* stamps_settle() - free the slots that stamps_find() was not asked for, as nobody will ask again
 */
void stamps_settle(Stamps *stamps) {
        while (stamps->n_found > 0)
                stamps_free(stamps, stamps->found[--stamps->n_found]);
        free(steal_ptr(stamps->found));
}

/**
 * stamps_take() - a slot for a segment that is new
 * @stamps:     the object
 * @id:         the segment
 *
 * Return: the slot, which stays where it is, with nothing but the id in it; or NULL if there is no
 * room, or no file.
 */
Stamp *stamps_take(Stamps *stamps, int64_t id) {
        Stamp *stamp;

        assert(id > 0);
        if (stamps->fd < 0 || (stamps->n_unused == 0 && grow(stamps)))
                return NULL;
        stamp = stamps->unused[--stamps->n_unused];
        set_id(stamp, id);
        return stamp;
}

/* stamps_free() - a slot is free again; NULL is none */
void stamps_free(Stamps *stamps, Stamp *stamp) {
        if (!stamp)
                return;
        clear(stamp);
        push_unused(stamps, stamp);
}
