/* SPDX-License-Identifier: MIT */
#include "client/ctl/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/common.h"
#include "client/ctl/progress.h"

/* As much as stays in the cache of a processor */
#define CHUNK ((size_t) 1 << 20)

static int stream_cannot(const Stream *stream, const char *what) {
        return ctl_error("%s cannot be %s: %s", stream->name, what, strerror(errno));
}

static void set_name(Stream *stream, const char *name) {
        (void) snprintf(stream->name, sizeof(stream->name), "%s", name);
}

/* stream_left() - how much can be read or written; UINT64_MAX if that is not known */
uint64_t stream_left(const Stream *stream) {
        if (stream->end == UINT64_MAX)
                return UINT64_MAX;
        return stream->end > stream->at ? stream->end - stream->at : 0;
}

/* What begins where the shell left it, and is no file, is read or written as it comes. */
static int stream_look(Stream *stream) {
        struct stat st;
        off_t at;

        if (fstat(stream->fd, &st) < 0)
                return -errno;
        /* Says so as read(2) would, but before anything is created. */
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        at = S_ISREG(st.st_mode) ? lseek(stream->fd, 0, SEEK_CUR) : -1;
        stream->seekable = at >= 0;
        stream->end = UINT64_MAX;
        if (!stream->seekable)
                return 0;
        stream->at = (uint64_t) at;
        /* Files of the kernel have no size, and content all the same. */
        if (st.st_size > 0)
                stream->end = (uint64_t) st.st_size;
        return 0;
}

/* stream_open_input() - read a file; "-" or NULL is standard input. Return: 0 or an exit code. */
int stream_open_input(const char *path, Stream *ret) {
        Stream stream = { .fd = STDIN_FILENO };
        int r;

        set_name(&stream, "standard input");
        if (path && strcmp(path, "-") != 0) {
                set_name(&stream, path);
                stream.fd = open(path, O_RDONLY | O_CLOEXEC);
                if (stream.fd < 0)
                        return stream_cannot(&stream, "read");
                stream.close_fd = true;
        }
        r = stream_look(&stream);
        if (r) {
                stream_close(&stream);
                errno = -r;
                return stream_cannot(&stream, "read");
        }
        /* Not each pipe may be made larger, and none has to be. */
        if (!stream.seekable)
                (void) fcntl(stream.fd, F_SETPIPE_SZ, (int) CHUNK);
        *ret = stream;
        return 0;
}

/* stream_open_output() - write a file, which is emptied; "-" or NULL is standard output. Return: 0
 * or an exit code. */
int stream_open_output(const char *path, Stream *ret) {
        Stream stream = { .fd = STDOUT_FILENO };
        int flags, r;

        set_name(&stream, "standard output");
        if (path && strcmp(path, "-") != 0) {
                set_name(&stream, path);
                stream.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
                if (stream.fd < 0)
                        return stream_cannot(&stream, "written");
                stream.close_fd = true;
        }
        r = stream_look(&stream);
        if (r) {
                stream_close(&stream);
                errno = -r;
                return stream_cannot(&stream, "written");
        }
        flags = fcntl(stream.fd, F_GETFL);
        /* Holes can be left at the end of a file alone. */
        stream.empty = stream.seekable && flags >= 0 && !(flags & O_APPEND) &&
                       (stream.end == UINT64_MAX || stream.at >= stream.end);
        if (!stream.empty)
                stream.seekable = false;
        stream.end = UINT64_MAX;
        *ret = stream;
        return 0;
}

/**
 * stream_of_segment() - read or write a segment, from its beginning to its end
 * @segment:    the segment, which has to stay
 * @selector:   what it is called, for sentences
 * @ret:        the stream
 */
void stream_of_segment(const struct shmbroker_segment *segment, const Selector *selector,
                       Stream *ret) {
        *ret = (Stream){
                .fd = shmbroker_segment_fd(segment),
                .segment = segment,
                .seekable = true,
                .end = shmbroker_segment_size(segment),
        };
        if (selector->name)
                (void) snprintf(ret->name, sizeof(ret->name), "segment '%s'", selector->name);
        else
                (void) snprintf(ret->name, sizeof(ret->name), "segment %" PRId64, selector->id);
}

void stream_close(Stream *stream) {
        int saved = errno;

        if (stream->close_fd)
                (void) close(stream->fd);
        stream->fd = -EBADF;
        stream->close_fd = false;
        errno = saved;
}

/* Huge pages, and segments that are attached natively, cannot be had by a descriptor. Memory that
 * is short is not got by a mapping either. */
static char *stream_mapped(const Stream *stream, size_t n) {
        if ((errno != EINVAL && errno != EBADF) || !stream->segment ||
            !shmbroker_segment_data(stream->segment) ||
            stream->at + n > shmbroker_segment_mapped(stream->segment))
                return NULL;
        return (char *) shmbroker_segment_data(stream->segment) + stream->at;
}

/* Return: bytes read, 0 at the end, or -1. */
static ssize_t stream_read(Stream *stream, char *space, size_t n_space) {
        ssize_t n;

        do
                n = stream->seekable && stream->fd >= 0
                            ? pread(stream->fd, space, n_space, (off_t) stream->at)
                            : read(stream->fd, space, n_space);
        while (n < 0 && errno == EINTR);
        if (n < 0 && stream_mapped(stream, n_space)) {
                (void) memcpy(space, stream_mapped(stream, n_space), n_space);
                n = (ssize_t) n_space;
        }
        if (n > 0)
                stream->at += (uint64_t) n;
        return n;
}

static int stream_write(Stream *stream, const char *data, size_t n_data) {
        while (n_data > 0) {
                ssize_t n = stream->seekable && stream->fd >= 0
                                    ? pwrite(stream->fd, data, n_data, (off_t) stream->at)
                                    : write(stream->fd, data, n_data);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && stream_mapped(stream, n_data)) {
                        (void) memcpy(stream_mapped(stream, n_data), data, n_data);
                        n = (ssize_t) n_data;
                }
                if (n < 0)
                        return stream_cannot(stream, "written");
                data += n;
                n_data -= (size_t) n;
                stream->at += (uint64_t) n;
        }
        return 0;
}

/* How far it is to the next data. */
static uint64_t hole_at(const Stream *stream, uint64_t n_most) {
        off_t at;

        if (!stream->seekable || stream->fd < 0)
                return 0;
        at = lseek(stream->fd, (off_t) stream->at, SEEK_DATA);
        /* ENXIO: there are no more. What has no holes does not know the question. */
        if (at < 0)
                return errno == ENXIO ? n_most : 0;
        if ((uint64_t) at <= stream->at)
                return 0;
        return (uint64_t) at - stream->at < n_most ? (uint64_t) at - stream->at : n_most;
}

/* Zeroes for a hole: left out, punched out of a segment, or written. */
static int stream_clear(Stream *stream, uint64_t n) {
        static const char zeroes[1 << 16];
        int r = 0;

        if (stream->empty || (stream->segment && stream->fd >= 0 &&
                              fallocate(stream->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                        (off_t) stream->at, (off_t) n) == 0)) {
                stream->at += n;
                return 0;
        }
        while (r == 0 && n > 0) {
                size_t n_part = n < sizeof(zeroes) ? (size_t) n : sizeof(zeroes);

                r = stream_write(stream, zeroes, n_part);
                n -= n_part;
        }
        return r;
}

/* A hole at the end of a file is a matter of its size. The offset that others share with us goes
 * on, as it does with read(2) and write(2). */
static int stream_finish(Stream *stream) {
        if (stream->segment || !stream->seekable)
                return 0;
        if (stream->empty && ftruncate(stream->fd, (off_t) stream->at) < 0)
                return stream_cannot(stream, "written");
        (void) lseek(stream->fd, (off_t) stream->at, SEEK_SET);
        return 0;
}

static int make_room(Stream *to, const Stream *from, uint64_t n) {
        uint64_t size;
        int r;

        if (n <= stream_left(to))
                return 0;
        size = to->at + n;
        if (!to->grow)
                return ctl_error("%s is longer than %s, which has %" PRIu64
                                 " bytes and was filled with the beginning",
                                 from->name, to->name, to->end);
        r = to->grow(to->userdata, size);
        if (r == 0)
                to->end = size;
        return r;
}

/* As much as fits is written, also where more came. */
static int write_part(Stream *from, Stream *to, const char *data, size_t n) {
        uint64_t n_room = stream_left(to);
        int r = 0;

        if (!to->grow && n_room < n) {
                r = stream_write(to, data, (size_t) n_room);
                data += n_room;
                n -= (size_t) n_room;
        }
        r = r ? r : make_room(to, from, n);
        return r ? r : stream_write(to, data, n);
}

/* Return: 1 if something was copied, 0 at the end, or a negative exit code. */
static int copy_step(Stream *from, Stream *to, uint64_t n_most, char *buffer, Progress *progress) {
        uint64_t n_hole = hole_at(from, n_most);
        ssize_t n;
        int r;

        if (n_hole > 0) {
                r = make_room(to, from, n_hole);
                r = r ? r : stream_clear(to, n_hole);
                from->at += n_hole;
                progress_add(progress, n_hole);
                return r ? -r : 1;
        }
        n = stream_read(from, buffer, n_most < CHUNK ? (size_t) n_most : CHUNK);
        if (n < 0)
                return -stream_cannot(from, "read");
        if (n == 0)
                return 0;
        r = write_part(from, to, buffer, (size_t) n);
        progress_add(progress, (uint64_t) n);
        return r ? -r : 1;
}

/**
 * stream_copy() - copy
 * @from:       from here
 * @to:         to there
 * @copy:       how much
 *
 * Return: an exit code.
 */
int stream_copy(Stream *from, Stream *to, Copy *copy) {
        uint64_t left = stream_left(from);
        char *buffer = malloc(CHUNK);
        Progress progress;
        int r = 1;

        if (!buffer)
                return ctl_no_memory();
        if (copy->length < left)
                left = copy->length;
        progress_begin(&progress, copy->quiet, left);
        while (r > 0) {
                uint64_t n_most = left == UINT64_MAX ? CHUNK : left - progress.done;

                r = n_most > 0 ? copy_step(from, to, n_most, buffer, &progress) : 0;
        }
        copy->done = progress.done;
        progress_end(&progress);
        free(buffer);
        (void) stream_finish(from);
        return r < 0 ? -r : stream_finish(to);
}
