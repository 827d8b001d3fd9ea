#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/directory.h"
#include "proto/error.h"
#include "proto/fd.h"

#define LOCK_FILE "lock"
#define STATE_FILE "state"
#define STATE_FILE_NEW "state.new"
#define STATE_FORMAT "shmbroker 1\nepoch %" PRId64 "\nsegments %" PRId64 "\n"

/* So many ids are lost by a crash, and so many segments made before the file is written again. */
#define IDS_AT_ONCE 4096

/* The lower half of attachment ids. */
#define ATTACHMENTS_OF_EPOCH (INT64_C(1) << 32)

/* Nobody gets that far; beyond, the marks of attachments would have no place (daemon/mark.h). */
#define EPOCH_MAX (INT64_C(1) << 29)
#define SEGMENT_ID_MAX (INT64_C(1) << 62)

static int open_directory(State *state, const char *path) {
        int r;

        r = directory_make(path, 0700);
        if (r)
                return error_trace(r);
        state->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state->directory_fd < 0)
                return error_origin(-errno);
        state->lock_fd = openat(state->directory_fd, LOCK_FILE,
                                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (state->lock_fd < 0)
                return error_origin(-errno);
        if (flock(state->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? STATE_E_BUSY : error_origin(-errno);
        return 0;
}

static int read_file(State *state) {
        char text[256], again[sizeof(text)];
        _cleanup_fd_ int fd = -EBADF;
        int64_t epoch, segments;
        ssize_t n;

        fd = openat(state->directory_fd, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno == ENOENT) {
                state->epoch = 0;
                state->end_segment_id = 1;
                return 0;
        }
        if (fd < 0)
                return error_origin(-errno);
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return error_origin(-errno);
        text[n] = '\0';
        if (sscanf(text, STATE_FORMAT, &epoch, &segments) != 2 || epoch < 1 || segments < 1)
                return STATE_E_DAMAGED;
        /* What is written back the same was read right. */
        (void) snprintf(again, sizeof(again), STATE_FORMAT, epoch, segments);
        if ((size_t) n != strlen(again) || strcmp(text, again) != 0)
                return STATE_E_DAMAGED;
        if (epoch >= EPOCH_MAX || segments >= SEGMENT_ID_MAX)
                return STATE_E_DAMAGED;
        state->epoch = epoch;
        state->end_segment_id = segments;
        return 0;
}

static int write_file(State *state, int64_t epoch, int64_t end_segment_id) {
        _cleanup_fd_ int fd = -EBADF;
        char text[256];
        int n;

        n = snprintf(text, sizeof(text), STATE_FORMAT, epoch, end_segment_id);
        fd = openat(state->directory_fd, STATE_FILE_NEW,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return error_origin(-errno);
        if (write(fd, text, (size_t) n) != n)
                return error_origin(-EIO);
        if (fsync(fd) < 0)
                return error_origin(-errno);
        if (renameat(state->directory_fd, STATE_FILE_NEW, state->directory_fd, STATE_FILE) < 0)
                return error_origin(-errno);
        if (fsync(state->directory_fd) < 0)
                return error_origin(-errno);
        return 0;
}

/* Gives more numbers away: of a new epoch, or of the same one. */
static int reserve(State *state, int64_t epoch) {
        int64_t end = state->end_segment_id + IDS_AT_ONCE;
        int r;

        r = write_file(state, epoch, end);
        if (r)
                return error_trace(r);
        state->next_segment_id = state->end_segment_id;
        state->end_segment_id = end;
        return 0;
}

static int begin_epoch(State *state) {
        int r;

        r = reserve(state, state->epoch + 1);
        if (r)
                return error_trace(r);
        ++state->epoch;
        state->next_attachment = 1;
        return 0;
}

/**
 * state_open() - take a state directory, and make it if it is not there
 * @state:      the object, STATE_NULL before
 * @path:       absolute path
 *
 * Return: 0, STATE_E_BUSY, STATE_E_DAMAGED, or a negative errno. state_close() is due in any case.
 */
int state_open(State *state, const char *path) {
        int r;

        r = open_directory(state, path);
        if (r)
                return r;
        r = read_file(state);
        if (r)
                return r;
        return error_trace(begin_epoch(state));
}

/* state_close() - let go of the directory; ids that were not used are not lost when this is called
 */
void state_close(State *state) {
        if (state->lock_fd >= 0 && state->next_segment_id < state->end_segment_id &&
            state->next_attachment > 0)
                (void) write_file(state, state->epoch, state->next_segment_id);
        state->lock_fd = fd_close(state->lock_fd);
        state->directory_fd = fd_close(state->directory_fd);
}

/**
 * state_segment_id() - a number that no segment had before, also before a crash
 * @state:      the object
 * @ret:        the number
 *
 * Return: 0, or STATE_E_NO_IDS.
 */
int state_segment_id(State *state, int64_t *ret) {
        if (state->next_segment_id == state->end_segment_id && reserve(state, state->epoch) < 0)
                return STATE_E_NO_IDS;
        *ret = state->next_segment_id++;
        return 0;
}

/**
 * state_attachment_id() - a number that no attachment had before, also before a crash
 * @state:      the object
 * @ret:        the number
 *
 * Return: 0, or STATE_E_NO_IDS.
 */
int state_attachment_id(State *state, int64_t *ret) {
        if (state->next_attachment == ATTACHMENTS_OF_EPOCH && begin_epoch(state) < 0)
                return STATE_E_NO_IDS;
        *ret = state->epoch * ATTACHMENTS_OF_EPOCH + state->next_attachment++;
        return 0;
}
