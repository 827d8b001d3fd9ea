/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FRAME_H
#define SHMBROKER_PROTO_FRAME_H

/*
 * Messages out of a stream of bytes: each ends in a NUL. Bytes go in, messages come out; where the
 * bytes are from is not known here. Memory is held only while unread bytes are, and what the last
 * holder gave back is what the next one gets, so that a busy connection allocates nothing and an
 * idle one costs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest message, without its NUL. */
#define FRAME_MAX (1024U * 1024)

/* What is read at a time. */
#define FRAME_CHUNK (16U * 1024)

typedef struct FrameSpare FrameSpare;
typedef struct Frames Frames;

enum {
        FRAMES_WAIT,
        FRAMES_MESSAGE,
        /* What is there is longer than a message may be */
        FRAMES_TOO_LONG,
};

/* Memory of FRAME_CHUNK bytes that is nobody's at the moment, or NULL. */
struct FrameSpare {
        char *data;
};

struct Frames {
        char *data;
        size_t n_allocated;
        size_t begin;
        size_t end;
        /* Up to here no NUL was found */
        size_t searched;
        /* So many bytes were handed out, or are gone, before begin: places in the whole stream */
        uint64_t n_taken;
};

#define FRAMES_NULL                                                                                \
        {}

void frame_spare_deinit(FrameSpare *spare);

void frames_deinit(Frames *frames);
int frames_reserve(Frames *frames, FrameSpare *spare, char **ret_space, size_t *ret_n_space);
void frames_added(Frames *frames, size_t n_bytes);
int frames_next(Frames *frames, char **ret_text, size_t *ret_n_text);
bool frames_empty(const Frames *frames);
size_t frames_kept(const Frames *frames);
uint64_t frames_last(const Frames *frames);
bool frames_complete(const Frames *frames, uint64_t place);
void frames_settle(Frames *frames, FrameSpare *spare);

#endif
