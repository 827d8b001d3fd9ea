/* SPDX-License-Identifier: MIT */
/* Messages out of a stream of bytes, however it is cut. */

#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static Frames frames;
static FrameSpare spare;

static void setup(void) {
        unit_fds_begin();
        frames = (Frames) FRAMES_NULL;
        spare = (FrameSpare){};
}

static void teardown(void) {
        frames_deinit(&frames);
        frames_deinit(&frames);
        frame_spare_deinit(&spare);
        frame_spare_deinit(&spare);
        unit_fds_end();
}

/* Adds as much as there is room for; returns how much that was. */
static size_t add(const char *data, size_t n_data) {
        size_t n_space = 0;
        char *space;

        ck_assert_int_eq(frames_reserve(&frames, &spare, &space, &n_space), 0);
        ck_assert_uint_ge(n_space, 1);
        n_data = MIN(n_data, n_space);
        memcpy(space, data, n_data);
        frames_added(&frames, n_data);
        return n_data;
}

static void expect_message(const char *expected) {
        size_t n_text = 4711;
        char *text;

        ck_assert_int_eq(frames_next(&frames, &text, &n_text), FRAMES_MESSAGE);
        ck_assert_uint_eq(n_text, strlen(expected));
        ck_assert_str_eq(text, expected);
}

static void expect(int expected) {
        size_t n_text;
        char *text;

        ck_assert_int_eq(frames_next(&frames, &text, &n_text), expected);
}

#define ADD(literal) ck_assert_uint_eq(add((literal), sizeof(literal) - 1), sizeof(literal) - 1)

SUITE("frame");
CASE("frame", .setup = setup, .teardown = teardown, .timeout = 30);

TEST(simple) {
        expect(FRAMES_WAIT);
        ADD("{}");
        expect(FRAMES_WAIT);
        expect(FRAMES_WAIT);
        ADD("\0");
        expect_message("{}");
        expect(FRAMES_WAIT);
        ADD("a\0bc\0\0d");
        expect_message("a");
        expect_message("bc");
        /* An empty message is one too; that it is no call is not known here. */
        expect_message("");
        expect(FRAMES_WAIT);
        ADD("e\0");
        expect_message("de");
        expect(FRAMES_WAIT);
}

/* A message may be changed until the next one is taken. */
TEST(changed) {
        size_t n_text;
        char *text;

        ADD("abc\0def\0");
        ck_assert_int_eq(frames_next(&frames, &text, &n_text), FRAMES_MESSAGE);
        memset(text, '\0', n_text);
        expect_message("def");
        expect(FRAMES_WAIT);
}

#define STREAM_BYTES (300U * 1024)

/* The same stream, cut in ways of all kinds, is always the same messages. */
TEST(cuts, .end = 4) {
        uint64_t seed = (uint64_t) _i + 1, content = 99;
        char *stream = malloc(STREAM_BYTES), *text;
        size_t at = 0, n_text, next = 0;

        for (size_t i = 0; i < STREAM_BYTES; ++i)
                stream[i] = (char) ('a' + unit_below(&content, 26));
        for (size_t i = 0; i < STREAM_BYTES;
             i += unit_below(&content, unit_below(&content, 50) ? 200 : 60000))
                stream[i] = '\0';
        stream[STREAM_BYTES - 1] = '\0';
        while (at < STREAM_BYTES) {
                size_t n = unit_below(&seed, _i == 0 ? 1 : _i == 1 ? 100 : 40000) + 1;

                at += add(stream + at, MIN(n, STREAM_BYTES - at));
                while (frames_next(&frames, &text, &n_text) == FRAMES_MESSAGE) {
                        ck_assert_uint_eq(n_text, strlen(stream + next));
                        ck_assert_str_eq(text, stream + next);
                        next += n_text + 1;
                }
                frames_settle(&frames, &spare);
        }
        ck_assert_uint_eq(next, STREAM_BYTES);
        ck_assert_ptr_null(frames.data);
        free(stream);
}

/* Feeds @n bytes that are no NUL; returns what frames_next() says last. */
static int feed(size_t n) {
        static char chunk[FRAME_CHUNK];
        size_t n_text;
        char *text;
        int r = FRAMES_WAIT;

        memset(chunk, 'x', sizeof(chunk));
        while (n > 0 && r == FRAMES_WAIT) {
                n -= add(chunk, MIN(n, sizeof(chunk)));
                r = frames_next(&frames, &text, &n_text);
                ck_assert_uint_le(frames.n_allocated, 2 * FRAME_MAX);
        }
        return r;
}

TEST(longest) {
        size_t n_text;
        char *text;

        ck_assert_int_eq(feed(FRAME_MAX), FRAMES_WAIT);
        ADD("\0");
        ck_assert_int_eq(frames_next(&frames, &text, &n_text), FRAMES_MESSAGE);
        ck_assert_uint_eq(n_text, FRAME_MAX);
        ck_assert_uint_eq(strlen(text), FRAME_MAX);
        /* And once more, behind it. */
        ck_assert_int_eq(feed(FRAME_MAX), FRAMES_WAIT);
        ADD("\0{}\0");
        ck_assert_int_eq(frames_next(&frames, &text, &n_text), FRAMES_MESSAGE);
        ck_assert_uint_eq(n_text, FRAME_MAX);
        expect_message("{}");
}

TEST(too_long) {
        ck_assert_int_eq(feed(FRAME_MAX + 1), FRAMES_TOO_LONG);
        expect(FRAMES_TOO_LONG);
}

TEST(too_long_with_end) {
        size_t n_space;
        char *space;

        /* All of it at once, the NUL included, so that a complete message is found. */
        ck_assert_int_eq(feed(FRAME_MAX), FRAMES_WAIT);
        ck_assert_int_eq(frames_reserve(&frames, &spare, &space, &n_space), 0);
        ck_assert_uint_ge(n_space, 2);
        memcpy(space, "x", 2);
        frames_added(&frames, 2);
        expect(FRAMES_TOO_LONG);
}

TEST(too_long_behind_others) {
        ADD("{}\0");
        expect_message("{}");
        ck_assert_int_eq(feed(2 * FRAME_MAX), FRAMES_TOO_LONG);
}

/* Memory is held only while unread bytes are, and one chunk is kept for the next. */
TEST(memory) {
        char *kept;

        ADD("a\0b");
        expect_message("a");
        frames_settle(&frames, &spare);
        ck_assert_ptr_nonnull(frames.data);
        ck_assert_ptr_null(spare.data);
        ADD("\0");
        expect_message("b");
        frames_settle(&frames, &spare);
        ck_assert_ptr_null(frames.data);
        ck_assert_uint_eq(frames.n_allocated, 0);
        kept = spare.data;
        ck_assert_ptr_nonnull(kept);
        ADD("c\0");
        ck_assert_ptr_null(spare.data);
        ck_assert_ptr_eq(frames.data, kept);
        expect_message("c");
        frames_settle(&frames, &spare);
        /* What has grown is not kept. */
        spare.data = kept;
        ck_assert_int_eq(feed(FRAME_CHUNK * 3), FRAMES_WAIT);
        ck_assert_uint_gt(frames.n_allocated, FRAME_CHUNK);
        ADD("\0");
        expect(FRAMES_MESSAGE);
        frames_settle(&frames, &spare);
        ck_assert_ptr_null(frames.data);
        ck_assert_ptr_null(spare.data);
}

/* Two streams take turns with one chunk. */
TEST(spare_of_two) {
        Frames other = FRAMES_NULL;
        size_t n_space;
        char *space;

        ADD("a");
        ck_assert_int_eq(frames_reserve(&other, &spare, &space, &n_space), 0);
        ADD("\0");
        expect_message("a");
        frames_settle(&frames, &spare);
        frames_settle(&other, &spare);
        ck_assert_ptr_null(frames.data);
        ck_assert_ptr_null(other.data);
        ck_assert_ptr_nonnull(spare.data);
        frames_deinit(&other);
}
