/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_STREAM_H
#define SHMBROKER_CLIENT_CTL_STREAM_H

/*
 * What is copied from and to: files, pipes and segments. Segments are read and written by their
 * descriptors rather than by a mapping: lack of memory is an error then and not SIGBUS, and reading
 * what nobody has written takes no memory.
 */

#include "client/ctl/common.h"

typedef struct Copy Copy;
typedef struct Stream Stream;

/* Makes room for @size bytes. Return: 0, or an exit code, of which the user was told. */
typedef int StreamGrow(void *userdata, uint64_t size);

struct Stream {
        /* As in a sentence: "standard input", a path, "segment 'x'" */
        char name[320];
        int fd;
        bool close_fd;
        /* A segment, which is not owned; NULL for anything else */
        const struct shmbroker_segment *segment;
        /* Read and written at this offset, and not in sequence */
        bool seekable;
        uint64_t at;
        /* What can be read, or written without growing; UINT64_MAX if that is not known */
        uint64_t end;
        /* What is behind @at reads as zero if it is left out */
        bool empty;
        StreamGrow *grow;
        void *userdata;
};

struct Copy {
        /* At most; UINT64_MAX for all there is */
        uint64_t length;
        bool quiet;
        /* How many it were */
        uint64_t done;
};

#define STREAM_NULL                                                                                \
        { .fd = -EBADF }

int stream_open_input(const char *path, Stream *ret);
int stream_open_output(const char *path, Stream *ret);
void stream_of_segment(const struct shmbroker_segment *segment, const Selector *selector,
                       Stream *ret);
void stream_close(Stream *stream);
uint64_t stream_left(const Stream *stream);

int stream_copy(Stream *from, Stream *to, Copy *copy);

#endif
