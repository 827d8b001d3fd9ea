/* SPDX-License-Identifier: MIT */
#include "proto/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"
#include "proto/util.h"

void frame_spare_deinit(FrameSpare *spare) {
        free(spare->data);
        *spare = (FrameSpare){};
}

void frames_deinit(Frames *frames) {
        uint64_t n_taken = frames->n_taken + frames_kept(frames);

        free(frames->data);
        *frames = (Frames){ .n_taken = n_taken };
}

/* Twice as much, and of much a quarter more: it is charged. */
static size_t next_size(size_t n_allocated) {
        if (n_allocated == 0)
                return FRAME_CHUNK;
        return n_allocated < FRAME_MAX ? n_allocated * 2 : n_allocated + n_allocated / 4;
}

static int frames_grow(Frames *frames, FrameSpare *spare) {
        size_t n_allocated = next_size(frames->n_allocated);
        char *data;

        if (!frames->data && spare->data) {
                data = steal_ptr(spare->data);
        } else {
                data = realloc(frames->data, n_allocated);
                if (!data)
                        return error_origin(-ENOMEM);
        }
        frames->data = data;
        frames->n_allocated = n_allocated;
        return 0;
}

/**
 * frames_reserve() - make room for bytes to come
 * @frames:     the stream
 * @spare:      where memory is taken from first
 * @ret_space:  the room; its owner is @frames
 * @ret_n_space: its size, at least 1
 *
 * Call it when frames_next() has said FRAMES_WAIT, or as long as frames_kept() is little: that
 * bounds what is kept.
 *
 * Return: 0, or -ENOMEM.
 */
int frames_reserve(Frames *frames, FrameSpare *spare, char **ret_space, size_t *ret_n_space) {
        int r;

        /* What is much is moved seldom. */
        if (frames->end == frames->n_allocated &&
            frames->begin > (frames_kept(frames) < FRAME_CHUNK ? 0 : frames->n_allocated / 2)) {
                memmove(frames->data, frames->data + frames->begin, frames->end - frames->begin);
                frames->end -= frames->begin;
                frames->searched -= frames->begin;
                frames->begin = 0;
        }
        if (frames->end == frames->n_allocated) {
                r = frames_grow(frames, spare);
                if (r)
                        return error_trace(r);
        }
        *ret_space = frames->data + frames->end;
        *ret_n_space = frames->n_allocated - frames->end;
        return 0;
}

/* frames_added() - so many bytes were put where frames_reserve() said */
void frames_added(Frames *frames, size_t n_bytes) {
        frames->end += n_bytes;
}

/**
 * frames_next() - take the next complete message
 * @frames:     the stream
 * @ret_text:   the message, terminated by NUL; it is the caller's to change until the next call
 * @ret_n_text: its length, without the NUL
 *
 * Return: FRAMES_MESSAGE, FRAMES_WAIT if none is complete, or FRAMES_TOO_LONG.
 */
int frames_next(Frames *frames, char **ret_text, size_t *ret_n_text) {
        size_t n_text = frames->end - frames->begin;
        char *nul = NULL;

        if (frames->searched < frames->end)
                nul = memchr(frames->data + frames->searched, '\0', frames->end - frames->searched);
        if (nul)
                n_text = (size_t) (nul - (frames->data + frames->begin));
        if (n_text > FRAME_MAX)
                return FRAMES_TOO_LONG;
        if (!nul) {
                frames->searched = frames->end;
                return FRAMES_WAIT;
        }
        *ret_text = frames->data + frames->begin;
        *ret_n_text = n_text;
        frames->begin += n_text + 1;
        frames->n_taken += n_text + 1;
        frames->searched = frames->begin;
        return FRAMES_MESSAGE;
}

/* frames_settle() - give the memory back if nothing unread is in it */
void frames_settle(Frames *frames, FrameSpare *spare) {
        if (frames->begin < frames->end)
                return;
        if (!spare->data && frames->n_allocated == FRAME_CHUNK)
                spare->data = steal_ptr(frames->data);
        frames_deinit(frames);
}

/* frames_empty() - has everything that came been handed out? */
bool frames_empty(const Frames *frames) {
        return frames->begin == frames->end;
}

/* frames_kept() - how many bytes have come that were not handed out */
size_t frames_kept(const Frames *frames) {
        return frames->end - frames->begin;
}

/* frames_last() - where the last message begins that any of has come, in the whole stream */
uint64_t frames_last(const Frames *frames) {
        size_t n = frames_kept(frames);
        const char *begin = frames->data ? frames->data + frames->begin : NULL, *nul = NULL;

        /* A NUL at the end is that message's own. */
        if (n > 1)
                nul = memrchr(begin, '\0', n - 1);
        return frames->n_taken + (nul ? (uint64_t) (nul + 1 - begin) : 0);
}

/* frames_complete() - has all of the message come that begins at a place of the stream? */
bool frames_complete(const Frames *frames, uint64_t place) {
        size_t skip;

        if (place < frames->n_taken)
                return true;
        skip = (size_t) (place - frames->n_taken);
        if (skip >= frames_kept(frames))
                return false;
        return memchr(frames->data + frames->begin + skip, '\0', frames_kept(frames) - skip);
}
